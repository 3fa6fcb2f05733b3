"""scripts/tune from end to end with a real generator, and a timer that says what the test wants, so that nothing here
depends on how fast this machine is; and the real timer by itself."""

import glob
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import machine
import search

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
PLAN = os.environ["KILN_TUNE_PLAN"]  # build/tune/xor_mlp.json

# A stage takes 1 us; that of a node 10, but 8 by the first of the node's schedules in FAKE_BETTER ({"fc1": [["features",
# [3, 1]], ...]}), 6 by the second, 13 by any other from a record. A call takes what FAKE_CALL says where any is from one.
# Each call of the timer is noted in the file beside it. One with FAKE_INTERRUPT in a path interrupts the tuner. With
# FAKE_FADES nothing is left of a gain when it is measured again.
TIMER = """#!{python}
import json, os, signal, sys, time
if os.environ.get("FAKE_INTERRUPT", "nothing") in sys.argv[2]:
    os.kill(os.getppid(), signal.SIGINT)
    time.sleep(60)
with open(sys.argv[0] + ".calls", "a") as file:
    file.write("x")
pipelines = []
for path in sys.argv[2:]:
    with open(path + ".json") as file:
        record = json.load(file)
    better = dict(json.loads(os.environ["FAKE_BETTER"]))
    tuned = any(entry["tuned"] for entry in record["schedules"])
    stages = []
    for parts in record.get("stage_parts", []):
        ratio = 0.1
        for entry in record["schedules"]:
            if entry["node"] in [part.split("$")[0] for part in parts]:
                ratio = 1.0
                if entry["tuned"]:
                    schedule, known = [entry["family"], entry["tile"]], better.get(entry["node"], [])
                    ratio = 0.8 - 0.2 * known.index(schedule) if schedule in known else 1.3
        if "FAKE_FADES" in os.environ and float(sys.argv[1]) > 2:  # of a confirmation
            ratio = 1.0
        stages.append([10 * ratio])
    ratio = float(os.environ["FAKE_CALL"]) if tuned else 1.0
    pipelines.append({{"call": [100 * ratio], "stages": stages}})
print(json.dumps({{"pipelines": pipelines}}))
"""


class Tune(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.build = os.path.join(self.directory.name, "build")
        self.schedules = os.path.join(self.directory.name, "schedules")
        self.timer = os.path.join(self.directory.name, "timer")
        os.makedirs(os.path.join(self.build, "tune"))
        open(os.path.join(self.build, "CMakeCache.txt"), "w").close()
        with open(PLAN) as file:
            self.plan = json.load(file)
        self.real_timer = self.plan["timer"]
        self.plan["timer"] = self.timer
        self.plan["schedules"] = self.schedules
        self.write_plan()
        with open(self.timer, "w") as file:
            file.write(TIMER.format(python=sys.executable))
        os.chmod(self.timer, 0o755)

    def tearDown(self):
        self.directory.cleanup()

    def write_plan(self):
        with open(os.path.join(self.build, "tune", "xor_mlp.json"), "w") as file:
            json.dump(self.plan, file)

    def machine(self, pipeline=None):
        pipeline = pipeline or {"function": "xor_mlp_infer_b8", "key": "infer_b8", "params": {"kind": "infer", "block": "8"}}
        return machine.Machine(self.plan, pipeline, os.path.join(self.directory.name, "m"), 1, time.monotonic() + 100)

    def tune(self, better, call, *arguments, model="xor_mlp", **more):
        environment = dict(os.environ, FAKE_BETTER=json.dumps(better), FAKE_CALL=str(call), **more)
        command = [os.path.join(ROOT, "scripts", "tune"), model, f"--build={self.build}", "--built", *arguments]
        # A test run in the background ignores Ctrl-C, and so would what it starts.
        listen = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731
        return subprocess.run(command, capture_output=True, text=True, env=environment, preexec_fn=listen)

    def timer_calls(self):
        try:
            return os.path.getsize(self.timer + ".calls")
        except OSError:
            return 0

    def records(self):
        return glob.glob(os.path.join(self.schedules, "*"))

    def a_better_tile(self):
        """(entry of a node with several tiles, one of its tiles that is not the computed one)."""
        record_of = self.machine()
        entries = record_of.record(record_of.emit("a", {}))["schedules"]
        entry = max(entries, key=lambda entry: len(entry["families"][0]["candidates"]))
        self.assertGreater(len(entry["families"][0]["candidates"]), 1)
        return entry, entry["families"][0]["candidates"][-1]

    def test_what_is_faster_is_recorded_and_not_measured_twice(self):
        entry, tile = self.a_better_tile()
        result = self.tune(self.better(entry, tile), 0.9, "--pipelines=^infer_b8$")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(f"{entry['node']} {entry['family']} {tile[0]}x{tile[1]}".replace("  ", " "), result.stdout)
        (path,) = self.records()
        self.assertRegex(os.path.basename(path), r"^xor_mlp\.[a-z0-9_-]+\.json$")
        with open(path) as file:
            record = json.load(file)
        self.assertEqual(
            record["pipelines"],
            {
                "infer_b8": {
                    entry["node"]: {
                        **({"family": entry["family"]} if entry["family"] else {}),
                        "space": entry["families"][0]["space"],
                        "tile": tile,
                        "computed": entry["tile"],
                        "us": 8.0,
                        "computed_us": 10.0,
                    }
                }
            },
        )
        self.assertEqual(record["calls"], {"infer_b8": {"us": 90.0, "computed_us": 100.0}})

        checked = self.tune({}, 1.019, "--pipelines=^infer_b8$", "--check")
        self.assertEqual(checked.returncode, 0, checked.stderr)
        self.assertIn("infer_b8: 100.00 us as computed, x 1.019 as recorded", checked.stdout)
        checked = self.tune({}, 1.05, "--pipelines=^infer_b8$", "--check")
        self.assertEqual(checked.returncode, 1)
        self.assertIn("1 pipelines of xor_mlp are slower as recorded", checked.stderr)

        calls = self.timer_calls()
        again = self.tune({}, 1.0, "--pipelines=^infer_b8$")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(self.timer_calls(), calls)
        # Forgotten, and then nothing is better: the record goes.
        self.assertEqual(self.tune({}, 1.0, "--pipelines=^infer_b8$", "--fresh").returncode, 0)
        self.assertGreater(self.timer_calls(), calls)
        self.assertEqual(self.records(), [])

    def better(self, entry, tile):
        return {entry["node"]: [[entry["family"], tile]]}

    def test_families_are_searched_and_then_the_tiles_of_the_best(self):
        # 16 features fill a vector and 4 samples do not.
        params = {"kind": "grad", "block": "4", "schedule": "fast", "options": "hidden:16"}
        line = " ".join(["xor_mlp_grad_b4", *(f"{key}={value}" for key, value in params.items())])
        self.plan["pipelines"] = [line]
        self.write_plan()
        work = self.machine({"function": "xor_mlp_grad_b4", "key": "grad_b4", "params": params})
        work.emit("a", {})
        rule, other = work.nodes["fc2_d_input"].values()
        self.assertEqual([rule["name"], other["name"]], ["features", "samples"])
        first, second = other["computed"], other["candidates"][1]
        result = self.tune({"fc2_d_input": [["samples", first], ["samples", second]]}, 0.9)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(f"fc2_d_input samples {second[0]}x{second[1]}", result.stdout)
        (path,) = self.records()
        with open(path) as file:
            recorded = json.load(file)["pipelines"]["grad_b4"]
        self.assertEqual(
            recorded,
            {
                "fc2_d_input": {
                    "family": "samples",
                    "computed_family": "features",
                    "space": other["space"],
                    "tile": second,
                    "computed": rule["computed"],
                    "us": 6.0,
                    "computed_us": 10.0,
                }
            },
        )

    def test_what_does_not_fit_the_budget_at_its_block_is_not_tried(self):
        # With features as lanes, where there are 32 registers, a block of 16 takes over 4000 bytes instead of 2432.
        params = {"kind": "infer", "block": "16", "schedule": "fast", "options": "hidden:16", "budget": "3000"}
        params["emitted"] = "infer:16:"
        self.plan["pipelines"] = [" ".join(["xor_mlp_infer_b16", *(f"{key}={value}" for key, value in params.items())])]
        self.plan["target"] = "x86-64-linux-avx-avx2-avx512-avx512_skylake-f16c-fma-sse41"
        self.write_plan()
        result = self.tune({"fc2": [["features", [1, 1]]]}, 0.9)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("infer_b16: the computed schedules are the best", result.stdout)
        self.plan["pipelines"][0] = self.plan["pipelines"][0].replace("3000", "8000")
        self.write_plan()
        result = self.tune({"fc2": [["features", [1, 1]]]}, 0.9, "--fresh")
        self.assertIn("fc2 features 1x1", result.stdout)

    def test_a_gain_that_does_not_come_again_is_not_recorded(self):
        entry, tile = self.a_better_tile()
        result = self.tune(self.better(entry, tile), 0.9, "--pipelines=^infer_b8$", FAKE_FADES="1")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("infer_b8: the computed schedules are the best", result.stdout)
        self.assertEqual(self.records(), [])

    def test_a_call_that_is_no_faster_is_not_recorded(self):
        entry, tile = self.a_better_tile()
        result = self.tune(self.better(entry, tile), 0.998, "--pipelines=^infer_b8$")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("make the call no faster", result.stdout)
        self.assertEqual(self.records(), [])

    def test_when_the_time_is_up_it_says_how_to_go_on(self):
        result = self.tune({}, 1.0, "--minutes=0.000001")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("time is up: 0 of", result.stdout)
        self.assertEqual(self.records(), [])

    def test_interrupted_it_writes_what_is_known_and_goes_on_later(self):
        entry, tile = self.a_better_tile()
        better = self.better(entry, tile)
        pipelines = "--pipelines=^(infer|eval)_b8$"
        result = self.tune(better, 0.9, pipelines, FAKE_INTERRUPT="xor_mlp_eval")
        self.assertEqual(result.returncode, 130, result.stderr)
        self.assertEqual(result.stderr, "")
        self.assertIn("stopped: 1 of 2 pipelines are done", result.stdout)
        (path,) = self.records()
        with open(path) as file:
            self.assertEqual(list(json.load(file)["pipelines"]["infer_b8"]), [entry["node"]])
        again = self.tune(better, 0.9, pipelines)
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertNotIn("stopped", again.stdout)
        self.assertIn("eval_b8: ", again.stdout)

    def test_mistakes_are_one_line(self):
        for arguments, model, expected in [
            ([], "xor", "has no model xor that can be tuned; it has xor_mlp"),
            (["--pipelines=grad_b9"], "xor_mlp", "--pipelines=grad_b9: none of xor_mlp's"),
        ]:
            result = self.tune({}, 1.0, *arguments, model=model)
            self.assertEqual(result.returncode, 1)
            self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
            self.assertIn(expected, result.stderr)

    def test_the_real_timer_times_emissions_side_by_side(self):
        self.plan["timer"] = self.real_timer
        work = self.machine()
        computed = work.emit("a", {})
        # As the build emits it, with the checks that it has and no others.
        with open(os.path.join(os.path.dirname(PLAN), "..", "build.ninja")) as file:
            (target,) = re.findall(r"-f xor_mlp_infer_b8 .* target=(\S*)-no_runtime ", file.read())
        self.assertEqual(target, "-".join([self.plan["target"], *self.plan["features"]]))
        for features, has_checks in [(["no_asserts", "no_bounds_query"], False), ([], True)]:
            self.plan["features"] = features
            with open(work.emit("b", {}) + ".so", "rb") as file:
                self.assertEqual(b"halide_error_" in file.read(), has_checks)
        record = work.record(computed)
        timings = work.time([computed, work.copy(computed)], 0.05)
        self.assertEqual(len(timings), 2)
        for timing in timings:
            self.assertEqual(len(timing["stages"]), len(record["stages"]))
            self.assertGreater(timing["call"][0], 0)
            # The stages are within the call; medians of parts may differ from the parts of a median.
            rounds = [len(timing["call"]), *map(len, timing["stages"])]
            self.assertEqual(set(rounds), {len(timings[0]["call"])})
            self.assertGreaterEqual(rounds[0], 16)
            of_stages = sum(search.quartile(stage) for stage in timing["stages"])
            self.assertLess(of_stages, 2 * search.quartile(timing["call"]))
            self.assertGreater(of_stages, 0)
        for node, stages in search.stages_of(record).items():
            self.assertTrue(stages, f"no stage computes {node}")
        with self.assertRaisesRegex(machine.Failure, "stage_timer: .*nosuch"):
            work.time([computed, os.path.join(self.directory.name, "nosuch")], 0.05)


if __name__ == "__main__":
    unittest.main()
