"""The statistics, tables and pictures of scripts/bench, on known figures."""

import json
import os
import random
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts", "laboratory"))
sys.dont_write_bytecode = True

import build_cost  # noqa: E402
import compare  # noqa: E402
import machine  # noqa: E402
import results  # noqa: E402
import roofline  # noqa: E402
import tables  # noqa: E402
import targets  # noqa: E402


def run(name, us, index=0, **members):
    """A member of Google Benchmark's list: one repetition, of 1,000 FLOPs and 500 bytes."""
    counters = {"samples": 8, "flops": 1000, "bytes": 500, "working_set": 400, "cores": 1, "peak": 100, "level": 0,
                "bandwidth": 50}
    return {"run_name": name, "run_type": "iteration", "family_index": index, "time_unit": "us", "cpu_time": us,
            "real_time": us * 1.5, **counters, **members}


def read(*runs):
    found = results.Results()
    found.add({"context": {"level0": "L1 49152"}, "benchmarks": list(runs)})
    return found


class MannWhitneyTest(unittest.TestCase):
    def test_published_example(self):
        # Diabetes by sex, the example of SciPy's mannwhitneyu, whose asymptotic p it gives as 0.1113468865.
        self.assertAlmostEqual(compare.mann_whitney([19, 22, 16, 29, 24], [20, 11, 17, 12]), 0.1113468865, places=9)

    def test_apart(self):
        # U = 0 of 15 x 15: z = (112.5 - 0.5) / sqrt(15 * 15 * 31 / 12) = 4.6455.
        p = compare.mann_whitney(list(range(15)), list(range(100, 115)))
        self.assertAlmostEqual(p, 3.392e-6, delta=2e-9)

    def test_ties(self):
        # By hand: ranks 1, 2.5, 2.5, 4, 5, 6, and so U = 1 - 0.5, variance 9 / 12 (7 - 6 / 30) = 5.1.
        p = compare.mann_whitney([1, 2, 3], [2, 4, 5])
        self.assertAlmostEqual(p, 0.2683, delta=2e-4)
        self.assertEqual(compare.mann_whitney([3, 3, 3], [3, 3]), 1)

    def test_sides_are_alike(self):
        a, b = [1, 5, 2, 8, 3], [2, 9, 7, 11]
        self.assertAlmostEqual(compare.mann_whitney(a, b), compare.mann_whitney(b, a), places=12)


class ComparisonTest(unittest.TestCase):
    def noise(self, scale, seed, size=15):
        draw = random.Random(seed)
        return [scale * draw.gauss(1, 0.02) for _ in range(size)]

    def test_sees_a_tenth(self):
        c = compare.Comparison(self.noise(100, 1), self.noise(90, 2))
        self.assertEqual(c.verdict, "faster")
        self.assertTrue(c.interval[0] < 0.9 < c.interval[1])
        self.assertEqual(compare.Comparison(self.noise(90, 1), self.noise(100, 2)).verdict, "slower")

    def test_seldom_sees_what_is_not_there(self):
        seen = sum(compare.Comparison(self.noise(100, 2 * i), self.noise(100, 2 * i + 1)).verdict != "no difference seen"
                   for i in range(40))
        self.assertLessEqual(seen, 2)

    def test_interval_keeps_rounds_together(self):
        # Rounds differ by a factor of 100, base and change in one by exactly 1.25.
        base = [float(10 ** (i % 3)) for i in range(15)]
        low, high = compare.ratio_interval(base, [1.25 * b for b in base])
        self.assertAlmostEqual(low, 1.25)
        self.assertAlmostEqual(high, 1.25)


class ResultsTest(unittest.TestCase):
    def test_medians_shares_and_limits(self):
        row = read(*[run("a/step", us, peak=peak) for us, peak in ((20, 100), (10, 50), (40, 100))]).rows["a/step"]
        self.assertEqual(row.median_us, 20)
        self.assertAlmostEqual(row.gflops, 0.05)
        # Of the peaks of their own repetitions: 0.0005, 0.002, 0.00025.
        self.assertAlmostEqual(row.share, 0.0005)
        self.assertEqual(row.limit, "FMA" if 1000 / 100 >= 500 / 50 else "L1")
        self.assertEqual(read(run("a", 1, bytes=501)).rows["a"].limit, "L1")
        self.assertEqual(read(run("a", 1, bytes=499)).rows["a"].limit, "FMA")

    def test_wall_for_several_threads(self):
        self.assertEqual(read(run("a", 2)).rows["a"].us, [2])
        self.assertEqual(read(run("a/threads:2/real_time", 2, cores=2)).rows["a/threads:2"].us, [3])

    def test_order_of_registration(self):
        self.assertEqual(list(read(run("b", 1, 1), run("a", 1, 0), run("b", 2, 1)).rows), ["a", "b"])

    def test_aggregates_are_left_out(self):
        self.assertEqual(read(run("a", 1), run("a", 7, run_type="aggregate")).rows["a"].us, [1])

    def test_refuses_other_files(self):
        def failure(text):
            with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
                file.write(text)
                file.flush()
                with self.assertRaises(results.Failure) as raised:
                    results.read(file.name)
                return str(raised.exception)

        self.assertIn("is no JSON", failure("{"))
        self.assertIn("is no result of scripts/bench", failure("[1]"))
        self.assertIn("'run_name'", failure(json.dumps({"benchmarks": [{"family_index": 0}]})))
        with self.assertRaisesRegex(results.Failure, "cannot be read"):
            results.read("/nosuch/file.json")


class TablesTest(unittest.TestCase):
    def test_markdown(self):
        self.assertEqual(tables.markdown(["name", ">us"], [["a|b", 1], ["c", "1,234"]]),
                         "| name |    us |\n"
                         "|------|------:|\n"
                         "| a\\|b |     1 |\n"
                         "| c    | 1,234 |\n")

    def test_numbers(self):
        self.assertEqual([tables.time_text(us) for us in (0.4123, 3.967, 25.78, 1234.5)], ["0.412", "3.97", "25.8", "1,234"])
        self.assertEqual([tables.bytes_text(n) for n in (756, 38000, 2.05e6)], ["756 B", "38 KB", "2.05 MB"])

    def test_goals(self):
        name = "lenet5/step/batch:64/threads:1"
        slow, fast = read(run(name, 0.02)), read(run(name, 0.0115))  # shares of 0.5 and 0.87
        self.assertFalse(targets.GOALS[name].met(slow.rows[name], slow.rows))
        self.assertTrue(targets.GOALS[name].met(fast.rows[name], fast.rows))
        row = [line for line in tables.target_table(fast).splitlines() if "lenet5" in line][0]
        self.assertIn(">= 85 % of peak | yes", row)

    def test_speedup_is_by_the_wall(self):
        one, two = "lenet5/step/batch:64/threads:1", "lenet5/step/batch:64/threads:2"
        found = read(run(one, 10), run(two + "/real_time", 5, 1, cores=2))
        self.assertAlmostEqual(targets.speedup(found.rows[two], found.rows), 2.0)
        self.assertTrue(targets.GOALS[two].met(found.rows[two], found.rows))
        self.assertIsNone(targets.speedup(found.rows[one], found.rows))

    def test_an_error_is_a_row(self):
        found = read(run("a/grad/fast", 1), run("a/grad/naive", 4, 1), {**run("a/grad/Adams2019", 0, 2), "error_occurred": True,
                                                                     "error_message": "no schedule within 60 s"})
        text = tables.schedule_table(found, "pipeline")
        self.assertIn("no schedule within 60 s", text)
        self.assertIn("4.00 x", [line for line in text.splitlines() if "fast" in line][1])

    def test_comparison(self):
        text = tables.comparison_table([("a", compare.Comparison([1.0] * 15, [0.5 + i / 1e4 for i in range(15)]))])
        self.assertIn("faster", text)


class RooflineTest(unittest.TestCase):
    def test_script_has_roofs_points_and_names(self):
        found = read(run("a/step", 20), run("b/step", 10, 1))
        text = roofline.script(found, "x.png", "title", lambda row: row.name[0])
        self.assertIn("'L1 50 GB/s'", text)
        self.assertIn("'FMA peak 100 GFLOP/s'", text)
        self.assertIn("title '2  b/step'", text)
        self.assertIn("\n2.0 0.05\ne", text)
        self.assertIsNone(roofline.script(read(run("a", 1, flops=0)), "x.png", "t", lambda row: ""))

    def test_labels_do_not_overlap(self):
        points = [(100 + 3 * i, 100 + 2 * (i % 2)) for i in range(12)]
        places = roofline.place_labels(points)
        centres = [(x + dx, y + dy) for (x, y), (dx, dy) in zip(points, places)]
        for i, a in enumerate(centres):
            for b in centres[:i]:
                self.assertTrue(abs(a[0] - b[0]) >= 8 or abs(a[1] - b[1]) >= 12, (a, b))


class MachineTest(unittest.TestCase):
    def test_warns_of_noise_alone(self):
        quiet = read(*[run("a", 10 + i / 100) for i in range(9)])
        self.assertEqual(machine.Noise(quiet.rows.values(), 0.1).warnings(), [])
        self.assertRegex(machine.Noise(quiet.rows.values(), 2.0).warnings()[0], "other processes.*2.0")
        noisy = read(*[run("a", 10 + i, peak=100 - i) for i in range(9)])
        self.assertEqual(len(machine.Noise(noisy.rows.values(), 0.1).warnings()), 2)


class BuildCostTest(unittest.TestCase):
    def test_verdicts(self):
        cost = build_cost.Cost("lenet5")
        cost.binary_bytes = 999_999
        self.assertEqual(build_cost.verdict(cost), "yes, below 1 MB (met)")
        cost.binary_bytes = 1_000_000
        self.assertEqual(build_cost.verdict(cost), "yes, not below 1 MB (not met)")
        cost.foreign = ["libHalide.so"]
        self.assertIn("libHalide.so", build_cost.verdict(cost))

    def test_system_libraries_are_not_foreign(self):
        self.assertEqual(build_cost.foreign_libraries("/bin/sh"), [])


if __name__ == "__main__":
    unittest.main()
