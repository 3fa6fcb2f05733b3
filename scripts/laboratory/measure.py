"""Runs benchmark binaries, alone or two in turns."""

import json
import os
import subprocess
import sys
import tempfile
import time

from results import Failure, Results


class Progress:
    """One line in place on a terminal, nothing elsewhere."""

    def __init__(self, what, total):
        self.what, self.total, self.done, self.start = what, total, 0, time.monotonic()
        self.show()

    def step(self):
        self.done += 1
        self.show()

    def show(self):
        if sys.stdout.isatty():
            seconds = time.monotonic() - self.start
            left = f", {seconds / self.done * (self.total - self.done):.0f} s left" if self.done else ""
            print(f"\r\x1b[K{self.what}: {self.done} of {self.total}{left}", end="", flush=True)

    def close(self):
        if sys.stdout.isatty():
            print("\r\x1b[K", end="", flush=True)


def run(binary, name_filter, repetitions, min_time):
    """One run's JSON document, {} when nothing matches the filter."""
    with tempfile.TemporaryDirectory() as directory:
        out = os.path.join(directory, "out.json")
        command = [binary, f"--benchmark_repetitions={repetitions}", f"--benchmark_min_time={min_time}",
                   f"--benchmark_out={out}", "--benchmark_out_format=json"]
        if name_filter:
            command.append(f"--benchmark_filter={name_filter}")
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        said = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
        if done.returncode != 0:
            raise Failure(f"{os.path.basename(binary)} failed with {done.returncode}: {said[-1]}")
        if "Failed to match any benchmarks" in done.stderr + done.stdout:
            return {}
        try:
            with open(out) as file:
                return json.load(file)
        except ValueError as error:
            raise Failure(f"{os.path.basename(binary)} wrote no JSON ({error}): {said[-1]}") from error


def alone(binary, name_filter, rounds, min_time):
    """`rounds` repetitions of everything, in random order. Returns Results and the merged document."""
    document = run(binary, name_filter, rounds, min_time)
    results = Results()
    if document:
        results.add(document)
    return results, document


def in_turns(base, change, name_filter, rounds, min_time):
    """A round runs both once, every other round in the other order: what changes slowly meets both alike."""
    sides = [Results(), Results()]
    documents = [None, None]
    progress = Progress("comparing", rounds)
    for number in range(rounds):
        for side in (0, 1) if number % 2 == 0 else (1, 0):
            document = run((base, change)[side], name_filter, 1, min_time)
            if not document:
                continue
            sides[side].add(document)
            if documents[side] is None:
                documents[side] = document
            else:
                documents[side]["benchmarks"] += document["benchmarks"]
        progress.step()
    progress.close()
    return sides, documents
