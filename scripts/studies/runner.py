"""Builds the binaries, trains, draws, and shows how far it is. Python's standard library only."""

import csv
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Callable

import page


class Failure(Exception):
    """One line for a person."""


@dataclass
class Run:
    """`binary train args`, whose log and weights are kept under `name`."""

    name: str
    binary: str
    args: list = field(default_factory=list)


@dataclass
class Picture:
    """`binary args --out=name.png --data_out=name.csv`. In args, {log:RUN}, {weights:RUN} and {csv:PICTURE} are files."""

    name: str
    binary: str
    args: list
    caption: str


@dataclass
class Study:
    name: str
    title: str
    about: str
    runs: list
    pictures: list
    read: Callable  # Results -> (list of sentences, header and rows of a table, or None)

    def binaries(self):
        return sorted({run.binary for run in self.runs} | {picture.binary for picture in self.pictures})


class Results:
    """What the runs and pictures left behind."""

    def __init__(self, out):
        self.out = out
        self.logs = {}

    def path(self, kind, name):
        extension = {"log": "jsonl", "weights": "safetensors", "png": "png", "csv": "csv"}[kind]
        return os.path.join(self.out, "runs" if kind in ("log", "weights") else "", f"{name}.{extension}")

    def expand(self, text):
        for kind in ("log", "weights", "csv"):
            while "{" + kind + ":" in text:
                start = text.index("{" + kind + ":")
                end = text.index("}", start)
                name = text[start + len(kind) + 2 : end]
                text = text[:start] + self.path(kind, name) + text[end + 1 :]
        return text

    def log(self, run):
        if run not in self.logs:
            with open(self.path("log", run)) as lines:
                self.logs[run] = [json.loads(line) for line in lines]
        return self.logs[run]

    def epochs(self, run):
        return [event for event in self.log(run) if event["event"] == "epoch"]

    def steps(self, run):
        return max(event["step"] for event in self.log(run))

    def last(self, run, part="test", measure="accuracy"):
        """The measure at the run's end; None where there is none."""
        return self.epochs(run)[-1].get(part, {}).get(measure)

    def reached(self, run, value=1.0, measure="accuracy"):
        """The first iteration after which the measure was at least `value` on the test part, or None."""
        for epoch in self.epochs(run):
            if (epoch.get("test", {}).get(measure) or 0) >= value:
                return epoch["step"]
        return None

    def rows(self, picture):
        with open(self.path("csv", picture), newline="") as file:
            return list(csv.DictReader(file))


class Progress:
    """One line in place on a terminal, a line a task elsewhere."""

    def __init__(self, total):
        self.total, self.done, self.running = total, 0, []
        self.start, self.lock = time.monotonic(), threading.Lock()
        self.terminal = sys.stdout.isatty()

    def begin(self, what):
        with self.lock:
            self.running.append(what)
            self.show()

    def end(self, what):
        with self.lock:
            self.running.remove(what)
            self.done += 1
            self.show(what)

    def show(self, finished=None):
        head = f"[{self.done}/{self.total}] {time.monotonic() - self.start:4.0f} s"
        if self.terminal:
            line = f"{head}  {', '.join(self.running)}"
            print("\r\x1b[K" + line[: shutil.get_terminal_size().columns - 1], end="", flush=True)
        elif finished:
            print(f"{head}  {finished}", flush=True)

    def close(self):
        if self.terminal:
            print("\r\x1b[K", end="")


def call(command):
    """Runs it; Failure with the last line that it had to say."""
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
        raise Failure(f"{os.path.basename(command[0])} failed: {said[-1]}")


def build(binaries, bin_dir):
    """Builds those that are missing; returns those that still are, with the reason."""
    missing = [name for name in binaries if not os.access(os.path.join(bin_dir, name), os.X_OK)]
    reasons = {}
    if not missing:
        return reasons
    cmake = ".venv/bin/cmake" if os.access(".venv/bin/cmake", os.X_OK) else "cmake"
    build_dir = os.path.dirname(os.path.normpath(bin_dir))
    try:
        if not os.path.exists(os.path.join(build_dir, "CMakeCache.txt")):
            if build_dir != "build":
                raise Failure(f"{build_dir} is no build directory to build it in")
            call([cmake, "--preset", "release", "--log-level=WARNING"])
    except (Failure, OSError) as failure:
        return {name: f"it is not built, and {failure}" for name in missing}
    for name in missing:
        print(f"building {name}", flush=True)
        target = name if name.startswith("kiln_") else name + ".binary"
        try:
            call([cmake, "--build", build_dir, "--target", target])
        except (Failure, OSError) as failure:
            reasons[name] = f"it is not built, and {failure}"
    return reasons


def in_parallel(tasks, jobs, progress):
    """tasks: (what, function). All are ended before the first failure is raised."""

    def one(task):
        what, function = task
        progress.begin(what)
        try:
            function()
        finally:
            progress.end(what)

    with ThreadPoolExecutor(jobs) as pool:
        for future in [pool.submit(one, task) for task in tasks]:
            future.result()


def run(studies, out, bin_dir, jobs, strict):
    if shutil.which("gnuplot") is None:
        raise Failure("gnuplot is not installed; run scripts/setup, or apt-get install gnuplot-nox")
    missing = build(sorted({name for study in studies for name in study.binaries()}), bin_dir)
    ready = []
    for study in studies:
        lacking = [name for name in study.binaries() if name in missing]
        if not lacking:
            ready.append(study)
        elif strict:
            raise Failure(f"study {study.name} needs {lacking[0]}: {missing[lacking[0]]}")
        else:
            print(f"study {study.name} is left out: it needs {lacking[0]}: {missing[lacking[0]]}")
    if not ready:
        raise Failure("no study is left to run")

    os.makedirs(os.path.join(out, "runs"), exist_ok=True)
    results = Results(out)
    runs = {run.name: run for study in ready for run in study.runs}
    pictures = [picture for study in ready for picture in study.pictures]
    progress = Progress(len(runs) + len(pictures))

    def train(run):
        files = [f"--log={results.path('log', run.name)}", f"--save={results.path('weights', run.name)}"]
        call([os.path.join(bin_dir, run.binary), "train", *run.args, *files])

    def draw(picture):
        files = [f"--out={results.path('png', picture.name)}", f"--data_out={results.path('csv', picture.name)}"]
        call([os.path.join(bin_dir, picture.binary), *map(results.expand, picture.args), *files])

    def needs_csv(picture):
        return any("{csv:" in arg for arg in picture.args)

    try:
        in_parallel([(run.name, lambda run=run: train(run)) for run in runs.values()], jobs, progress)
        for later in (False, True):
            batch = [picture for picture in pictures if needs_csv(picture) == later]
            in_parallel([(p.name, lambda p=p: draw(p)) for p in batch], jobs, progress)
    finally:
        progress.close()
    page.write(ready, results, time.monotonic() - progress.start)
    print(f"wrote {os.path.join(out, 'index.html')}: {len(ready)} studies, {len(runs)} runs, {len(pictures)} pictures, "
          f"{time.monotonic() - progress.start:.0f} s")
