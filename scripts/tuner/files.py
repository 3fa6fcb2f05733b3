"""The files of the tuner: the record that the build reads, and the state from which a search goes on."""

import json
import os
import tempfile

RECORD_VERSION = 3  # as generators/schedule_record.cc reads it
STATE_VERSION = 2


def write_atomically(path, text):
    """`path` holds either all of `text` or what it held."""
    directory = os.path.dirname(path) or "."
    os.makedirs(directory, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=directory, prefix=os.path.basename(path) + ".")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def record_text(model, target, pipelines, calls):
    """The record as text: sorted, a node to a line.

    pipelines: {"grad_b64": {"conv1": {"family": "x c y", "space": [28, 6, "conv2d ..."], "tile": [4, 6], ...}}};
    calls: {"grad_b64": {"us": ...}}.
    """
    lines = [
        "{",
        f' "kiln_schedules": {RECORD_VERSION},',
        f' "model": {json.dumps(model)},',
        f' "target": {json.dumps(target)},',
        ' "calls": {',
    ]
    kept = sorted(key for key in pipelines if pipelines[key])
    of_calls = [f"  {json.dumps(key)}: {json.dumps(calls[key], sort_keys=True)}" for key in kept if key in calls]
    lines += [line + "," for line in of_calls[:-1]] + of_calls[-1:] + [" },", ' "pipelines": {']
    for key in kept:
        nodes = sorted(pipelines[key])
        lines.append(f"  {json.dumps(key)}: {{")
        for node in nodes:
            end = "," if node != nodes[-1] else ""
            lines.append(f"   {json.dumps(node)}: {json.dumps(pipelines[key][node], sort_keys=True)}{end}")
        lines.append("  }," if key != kept[-1] else "  }")
    return "\n".join(lines + [" }", "}", ""])


def read_record(path):
    """(pipelines, calls) of a record; empty where there is none or none that can be read: it is tuned anew."""
    try:
        with open(path) as file:
            record = json.load(file)
        if record["kiln_schedules"] != RECORD_VERSION:
            return {}, {}
        return dict(record["pipelines"]), dict(record.get("calls", {}))
    except (OSError, ValueError, KeyError, TypeError):
        return {}, {}


class State:
    """What has been measured of a model's pipelines by one generator, kept as it is found out.

    pipelines: {"grad_b64": {"families": {"fc1": {"features": 0.97}}, "tiles": {"fc1": {"features": {"4,1": 1.02}}},
    "nodes": {...} and "call": {...} once it is done}}. A family's ratio is to the rule's, a tile's to the family's.
    """

    def __init__(self, path, generator):
        self.path = path
        self.generator = generator
        self.target = None  # its name, once a pipeline was emitted
        self.pipelines = {}
        try:
            with open(path) as file:
                state = json.load(file)
            if state["version"] == STATE_VERSION and state["generator"] == generator:
                self.pipelines = state["pipelines"]
                self.target = state["target"]
        except (OSError, ValueError, KeyError, TypeError):
            pass

    def save(self):
        state = {"version": STATE_VERSION, "generator": self.generator, "target": self.target, "pipelines": self.pipelines}
        write_atomically(self.path, json.dumps(state, indent=1, sort_keys=True) + "\n")

    def is_done(self, key):
        return "nodes" in self.pipelines.get(key, {})

    def finish(self, key, record_key, nodes, call):
        self.pipelines.setdefault(key, {}).update(record_key=record_key, nodes=nodes, call=call)
        self.save()

    def families(self, key, node):
        """{family: ratio}."""
        return dict(self.pipelines.get(key, {}).get("families", {}).get(node, {}))

    def add_family(self, key, node, family, ratio):
        self.pipelines.setdefault(key, {}).setdefault("families", {}).setdefault(node, {})[family] = round(ratio, 4)

    def tiles(self, key, node, family):
        """{tile: ratio}."""
        tiles = self.pipelines.get(key, {}).get("tiles", {}).get(node, {}).get(family, {})
        return {tuple(int(part) for part in tile.split(",")): ratio for tile, ratio in tiles.items()}

    def add_tile(self, key, node, family, tile, ratio):
        tiles = self.pipelines.setdefault(key, {}).setdefault("tiles", {}).setdefault(node, {}).setdefault(family, {})
        tiles[f"{tile[0]},{tile[1]}"] = round(ratio, 4)

    def known(self, key, block, node, measured):
        """What measured(key, node) gives of another pipeline of the same block, else nothing."""
        for other in sorted(self.pipelines):
            if other != key and other.endswith(f"_b{block}") and measured(other, node):
                return measured(other, node)
        return None
