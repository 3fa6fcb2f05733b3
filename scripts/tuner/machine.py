"""Emits pipelines with given tiles, links them, and times them: what the search needs of the machine."""

import concurrent.futures
import json
import os
import shutil
import signal
import subprocess
import time


class Failure(Exception):
    """Told in one line."""


class TimeUp(Exception):
    """The time given has passed."""


def run(command):
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode == -signal.SIGINT:  # Ctrl-C reaches it too, perhaps first
        raise KeyboardInterrupt
    if result.returncode != 0:
        last = (result.stderr.strip() or result.stdout.strip() or f"exit code {result.returncode}").splitlines()[-1]
        raise Failure(f"{os.path.basename(command[0])}: {last}")
    return result.stdout


class Machine:
    """One pipeline of a model, emitted into `directory` as often as is asked."""

    def __init__(self, plan, pipeline, directory, jobs, deadline):
        self.plan = plan
        self.pipeline = pipeline
        self.record_key = pipeline["key"]  # until it was emitted
        self.directory = directory
        self.jobs = jobs
        self.deadline = deadline
        shutil.rmtree(directory, ignore_errors=True)
        os.makedirs(directory)

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)

    def check_time(self):
        if time.monotonic() > self.deadline:
            raise TimeUp

    def emit(self, name, tiles, profile=True, space=None):
        """The pipeline with `tiles` (node: tile, else computed) in place; the path of its .so without the suffix."""
        self.check_time()
        function = self.pipeline["function"]
        base = os.path.join(self.directory, name)
        os.makedirs(base, exist_ok=True)
        path = os.path.join(base, function)
        command = [self.plan["generator"], "-g", "kiln", "-f", function, "-n", function, "-e", "object", "-o", base]
        command += [f"target={self.plan['target']}-no_runtime", f"record={path}.json"]
        command += [f"{key}={value}" for key, value in self.pipeline["params"].items()]
        if profile:
            command.append("profile=true")
        if tiles:
            nodes = {node: {"space": space[node], "tile": list(tile)} for node, tile in tiles.items()}
            with open(path + ".tiles.json", "w") as file:
                json.dump({"kiln_schedules": 1, "pipelines": {self.record_key: nodes}}, file)
            command.append(f"tuned={path}.tiles.json")
        run(command)
        run([self.plan["compiler"], "-shared", "-o", path + ".so", path + ".o"])
        os.unlink(path + ".o")
        if tiles:
            with open(path + ".json") as file:
                taken = {entry["node"]: entry["tile"] for entry in json.load(file)["tiles"] if entry["tuned"]}
            for node, tile in tiles.items():
                if taken.get(node) != list(tile):
                    raise Failure(f"{function}: the compiler did not take the tile {tile} of {node}")
        return path

    def emit_all(self, trials, space, on_each):
        """emit() of each of `trials`, side by side; what of them was ready when the time was up is lost."""
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            futures = [pool.submit(self.emit, f"trial{i}", tiles, True, space) for i, tiles in enumerate(trials)]
            try:
                for future in concurrent.futures.as_completed(futures):
                    future.result()
                    on_each()
            except BaseException:
                for future in futures:
                    future.cancel()
                raise
            return [future.result() for future in futures]

    def copy(self, path):
        """The same emission once more, loaded as another."""
        other = os.path.join(os.path.dirname(path) + ".same", os.path.basename(path))
        os.makedirs(os.path.dirname(other), exist_ok=True)
        for suffix in (".so", ".json"):
            shutil.copy(path + suffix, other + suffix)
        return other

    def record(self, path):
        with open(path + ".json") as file:
            return json.load(file)

    def time(self, paths, seconds):
        """Timings of the emissions side by side, see bench/stage_timer/stage_timer.cc."""
        self.check_time()
        return json.loads(run([self.plan["timer"], str(seconds), *paths]))["pipelines"]
