"""Emits pipelines with given schedules, links them, and times them: what the search needs of the machine."""

import concurrent.futures
import json
import os
import shutil
import signal
import subprocess
import time

import files
import search


class Failure(Exception):
    """Told in one line."""


class TimeUp(Exception):
    """The time given has passed."""


class DoesNotFit(Exception):
    """With these schedules the pipeline's budget asks for a smaller block."""


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
        self.nodes = {}  # node: families, as search.nodes_of has them; the same
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

    def emit(self, name, choices, profile=True):
        """The pipeline with `choices` (node: Choice, else as computed); the path of its .so without the suffix.

        The first is emitted without any, and profiled: it says what there is to choose.
        """
        self.check_time()
        function = self.pipeline["function"]
        base = os.path.join(self.directory, name)
        os.makedirs(base, exist_ok=True)
        path = os.path.join(base, function)
        command = [self.plan["generator"], "-g", "kiln", "-f", function, "-n", function, "-e", "object", "-o", base]
        features = "-".join([self.plan["target"], "no_runtime", *self.plan["features"]])
        command += [f"target={features}", f"record={path}.json"]
        command += [f"{key}={value}" for key, value in self.pipeline["params"].items()]
        if profile:
            command.append("profile=true")
        if choices:
            nodes = {
                node: {"family": family, "space": self.nodes[node][family]["space"], "tile": list(tile)}
                for node, (family, tile) in choices.items()
            }
            with open(path + ".tuned.json", "w") as file:
                json.dump({"kiln_schedules": files.RECORD_VERSION, "pipelines": {self.record_key: nodes}}, file)
            command.append(f"tuned={path}.tuned.json")
        run(command)
        run([self.plan["compiler"], "-shared", "-o", path + ".so", path + ".o"])
        os.unlink(path + ".o")
        record = self.record(path)
        if not self.nodes:
            self.record_key = search.record_key(record)
            self.nodes = search.nodes_of(record)
        if search.record_key(record) != self.record_key:
            raise DoesNotFit
        entries = record.get("schedules", [])
        taken = {entry["node"]: [entry["family"], entry["tile"]] for entry in entries if entry["tuned"]}
        for node, (family, tile) in choices.items():
            if taken.get(node) != [family, list(tile)]:
                raise Failure(f"{function}: the compiler did not take {family} {tile[0]}x{tile[1]} of {node}")
        return path

    def emit_all(self, trials, what, tell, start, end):
        """emit() of each of `trials`, side by side, as [(trial, path)] of those that fit; what of them was ready when the
        time was up is lost. `tell` hears how far it is, from `start` to `end`."""
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            futures = [pool.submit(self.emit, f"trial{i}", choices) for i, choices in enumerate(trials)]
            try:
                for done, future in enumerate(concurrent.futures.as_completed(futures)):
                    if not isinstance(future.exception(), DoesNotFit):
                        future.result()
                    tell(start + (end - start) * (done + 1) / (len(trials) + 1), what)
            except BaseException:
                for future in futures:
                    future.cancel()
                raise
            return [(trial, future.result()) for trial, future in zip(trials, futures) if not future.exception()]

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
