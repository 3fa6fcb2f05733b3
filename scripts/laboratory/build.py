"""Builds the benchmark binaries: of the working tree in build/, of another revision in a git worktree of its own."""

import os
import shutil
import subprocess

from results import Failure


def call(command, where=".", log=None):
    """Runs it, its output to the file `log`; Failure with the last line that looks like an error."""
    output = open(log, "a") if log else None
    try:
        code = subprocess.run(command, cwd=where, stdout=output, stderr=subprocess.STDOUT if log else None,
                              stdin=subprocess.DEVNULL).returncode
    except OSError as error:
        raise Failure(f"{command[0]} cannot be run: {error.strerror}") from error
    finally:
        if log:
            output.close()
    if code != 0:
        raise Failure(f"{' '.join(command[:4])} failed with {code}" + (f"; see {log}" if log else ""))


def build(root, targets, laboratory=""):
    """Configures root/build by the preset `release` and builds the targets, if any. `laboratory` names the models that are
    built with every schedule. Returns the build directory."""
    tool = os.path.abspath(os.path.join(".venv", "bin"))
    cmake = os.path.join(tool, "cmake") if os.access(os.path.join(tool, "cmake"), os.X_OK) else "cmake"
    where = os.path.join(root, "build")
    os.makedirs(where, exist_ok=True)
    log = os.path.abspath(os.path.join(where, "bench.log"))
    open(log, "w").close()
    options = ["-DKILN_BUILD_BENCHMARKS=ON"]
    if laboratory:
        options.append(f"-DKILN_LABORATORY={laboratory}")
    if not targets:
        call([cmake, "--preset", "release", "--log-level=WARNING", *options], root, log)
        return where
    print(f"building {', '.join(targets)} in {where} (log: {os.path.relpath(log)})", flush=True)
    call([cmake, "--preset", "release", "--log-level=WARNING", *options], root, log)
    call([cmake, "--build", "build", "--target", *targets], root, log)
    return where


def resolve(revision):
    """The commit's full name."""
    done = subprocess.run(["git", "rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}"],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"--compare={revision}: neither a file nor a revision that git knows here")
    return done.stdout.strip()


def check_out(commit):
    """A worktree of the commit in build/base/, made once and kept. Returns its path."""
    path = os.path.join("build", "base", commit[:12])
    subprocess.run(["git", "worktree", "prune"], check=False)
    if not os.path.exists(os.path.join(path, "CMakeLists.txt")):
        shutil.rmtree(path, ignore_errors=True)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        call(["git", "worktree", "add", "--quiet", "--force", "--detach", path, commit])
    venv = os.path.join(path, ".venv")
    if not os.path.lexists(venv) and os.path.exists(".venv"):
        os.symlink(os.path.realpath(".venv"), venv)
    if not os.path.exists(os.path.join(path, "bench", "measure.h")):
        raise Failure(f"{commit[:12]} is older than these benchmarks: choose a revision that has bench/measure.h")
    return path
