"""What a model costs to build: the CPU time of emitting its pipelines, and the bytes of what comes out."""

import os
import re
import resource
import shlex
import shutil
import subprocess
import tempfile

from results import Failure

# The goal for lenet5: what ships beside the shared libraries that every system has. tests/cmake holds the build to it.
LENET5_BYTES = 1_000_000
SYSTEM_DIRECTORIES = ("/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/")


class Cost:
    def __init__(self, model):
        self.model = model
        self.pipelines, self.seconds = 0, 0.0
        self.library_bytes = self.binary_bytes = 0
        self.foreign = []  # shared libraries from elsewhere than the system's directories


def models(build_dir, pattern):
    """All that have a binary and pipelines, in the order of their targets' names."""
    done = subprocess.run([ninja(), "-C", build_dir, "-t", "targets", "all"], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"ninja cannot read {build_dir}: {done.stderr.strip()}")
    names = sorted(set(re.findall(r"^models/(\w+)/\1_infer_b\d+\.o:", done.stdout, re.M)))
    names = [name for name in names if re.search(rf"^{name}\.binary:", done.stdout, re.M)]
    chosen = [name for name in names if re.fullmatch(pattern or ".*", name)]
    if not chosen:
        raise Failure(f"--models={pattern}: no model has such a name; there are {', '.join(names)}")
    return chosen


def ninja():
    local = os.path.abspath(".venv/bin/ninja")
    return local if os.access(local, os.X_OK) else "ninja"


def emissions(build_dir, model):
    """The commands that emit the model's pipelines, as the build runs them."""
    done = subprocess.run([ninja(), "-C", build_dir, "-t", "commands", model], capture_output=True, text=True, check=True)
    commands = []
    for line in done.stdout.splitlines():
        words = shlex.split(line.split("&&")[1]) if "&&" in line else []
        if "-g" in words and words[words.index("-g") + 1] == "kiln" and f"/{model}_" in words[-1]:
            commands.append(words)
    if not commands:
        raise Failure(f"the build has no command that emits a pipeline of {model}")
    return commands


def emit(words, directory):
    """Runs one, with what it writes going to `directory`. Returns its CPU seconds."""
    words = list(words)
    words[words.index("-o") + 1] = directory
    words = [f"record={directory}/record.json" if word.startswith("record=") else word for word in words]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise Failure(f"{os.path.basename(words[0])} failed: {(done.stderr.strip() or 'no message').splitlines()[-1]}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def foreign_libraries(binary):
    """What ldd finds outside of the system's directories, or does not find at all."""
    done = subprocess.run(["ldd", binary], capture_output=True, text=True)
    found = []
    for line in done.stdout.splitlines():
        words = line.split()
        if "=>" not in words:
            continue
        path = words[words.index("=>") + 1]
        if not path.startswith(SYSTEM_DIRECTORIES) or re.search(r"Halide|LLVM", path):
            found.append(words[0])
    return found


def measure(build_dir, model):
    cost = Cost(model)
    libraries = [model]  # and no other: a directory may hold those of blocks that the model had before
    with tempfile.TemporaryDirectory() as directory:
        for words in emissions(build_dir, model):
            cost.seconds += emit(words, directory)
            libraries.append(words[words.index("-f") + 1])
            cost.pipelines += 1
        binary = os.path.join(directory, model)
        shutil.copy(os.path.join(build_dir, "bin", model), binary)
        subprocess.run(["strip", binary], check=True)
        cost.binary_bytes = os.path.getsize(binary)
        cost.foreign = foreign_libraries(binary)
    cost.library_bytes = sum(os.path.getsize(os.path.join(build_dir, "models", model, f"lib{library}.a"))
                             for library in libraries)
    return cost


def verdict(cost):
    """What the table says of a binary."""
    if cost.foreign:
        return "needs " + ", ".join(cost.foreign)
    if cost.model == "lenet5":
        goal = f"below {LENET5_BYTES / 1e6:.0f} MB"
        return f"yes, {goal} (met)" if cost.binary_bytes < LENET5_BYTES else f"yes, not {goal} (not met)"
    return "yes"
