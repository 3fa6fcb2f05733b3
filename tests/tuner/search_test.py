"""The search's choices, on records and timings made up here."""

import unittest

import search


def family(candidates, computed=(4, 4), name=""):
    return {"name": name, "space": [8, 8], "computed": list(computed), "candidates": [list(t) for t in candidates]}


def entry(node, *families):
    return {"node": node, "families": list(families)}


# conv1's accumulator is computed in the stage tanh1; conv2's gradient by rows; fc1 is computed in two stages.
RECORD = {
    "stages": ["gather", "tanh1$1", "weight_out", "fc1_stored", "again", "conv2_d_weight_lanes"],
    "stage_parts": [
        ["gather"],
        ["tanh1", "conv1$2"],
        ["weight_out", "conv1_d_weight", "conv2_d_weight$1"],
        ["fc1_stored", "fc1"],
        ["again", "fc1"],
        ["conv2_d_weight_rows", "tanh1_d_input", "conv2_d_weight_lanes$1"],
    ],
    "schedules": [
        entry("conv1", family([(4, 4), (2, 8), (8, 2)], name="x c y"), family([(4, 4)], name="c x y")),
        entry("conv1_d_weight", family([(4, 4), (5, 4)])),
        entry("conv2_d_weight", family([(4, 4), (5, 2)])),
        entry("fc1", family([(4, 4), (1, 8)], name="samples"), family([(3, 1)], (3, 1), "features")),
    ],
}


def timing(us, ratios, call=(100, 1)):
    """One round; `ratios` are to the first emission's `us`."""
    return {"call": [call[0] * call[1]], "stages": [[u * r] for u, r in zip(us, ratios)]}


class Stages(unittest.TestCase):
    def test_a_node_is_found_in_the_stages_that_compute_it(self):
        stages = search.stages_of(RECORD)
        self.assertEqual(stages["conv1"], {1})
        self.assertEqual(stages["conv1_d_weight"], {2})
        self.assertEqual(stages["conv2_d_weight"], {2, 5})
        self.assertEqual(stages["fc1"], {3, 4})

    def test_small_stages_are_left_alone(self):
        self.assertEqual(
            list(search.worth(RECORD, timing([900, 4, 60, 2, 10, 0], [1] * 6))), ["conv1_d_weight", "conv2_d_weight", "fc1"]
        )

    def test_a_node_that_no_stage_computes_is_left_alone(self):
        record = {"stage_parts": [["a"]], "schedules": [entry("b", family([(4, 4)]))]}
        self.assertEqual(search.worth(record, timing([5.0], [1])), {})

    def test_another_family_is_judged_by_the_stages_that_it_changes(self):
        # The adjoint in a stage of its own, and one copy of two less.
        other = dict(
            RECORD,
            stages=["gather", "tanh1", "tanh1_d_input", "weight_out", "again"],
            stage_parts=[
                ["gather"],
                ["conv1", "tanh1"],
                ["tanh1_d_input"],
                ["weight_out", "conv1_d_weight", "conv2_d_weight", "conv2_d_weight_lanes"],
                ["again", "fc1"],
            ],
        )
        self.assertEqual(search.changed_stages(RECORD, other, "conv2_d_weight"), ({2, 3, 5}, {2, 3}))
        self.assertEqual(search.changed_stages(RECORD, RECORD, "conv2_d_weight"), ({2, 5}, {2, 5}))
        with_rest = dict(RECORD, stage_parts=[*RECORD["stage_parts"][:4], ["again", "fc1", "fc1"], RECORD["stage_parts"][5]])
        self.assertEqual(search.changed_stages(RECORD, with_rest, "conv1"), ({1}, {1}))
        first, timed = timing([9, 9, 10, 10, 9, 20], [1] * 6), timing([1, 1, 16, 8, 1], [1] * 5)
        self.assertAlmostEqual(search.ratio_of("conv2_d_weight", (RECORD, other), (first, timed)), 24 / 40)
        self.assertAlmostEqual(search.us_of("conv2_d_weight", (RECORD, other), first), 40)


class Families(unittest.TestCase):
    def test_all_but_the_rules_are_tried_or_what_another_pipeline_found_faster(self):
        families = search.nodes_of(RECORD)["fc1"]
        self.assertEqual(search.by_rule(families), ("samples", (4, 4)))
        self.assertEqual(search.other_families(families), ["features"])
        self.assertEqual(search.other_families(families, {"features": 0.9}), ["features"])
        self.assertEqual(search.other_families(families, {"features": 0.99}), [])
        self.assertEqual(search.other_families(families, {}), [])


class Tiles(unittest.TestCase):
    def test_first_the_cheapest_but_not_the_computed_one(self):
        many = [(4, 4)] + [(1, k) for k in range(1, 30)]
        tiles = search.first_tiles(family(many))
        self.assertEqual(tiles, [(1, k) for k in range(1, search.FIRST_TILES + 1)])

    def test_what_another_pipeline_found_faster_comes_alone_and_best_first(self):
        known = {(1, 8): 0.97, (2, 8): 0.9, (8, 2): 1.1, (4, 4): 0.5, (9, 9): 0.1, (2, 4): 0.99}
        legal = [(4, 4), (2, 8), (8, 2), (1, 8), (2, 4)]
        self.assertEqual(search.first_tiles(family(legal), known), [(2, 8), (1, 8)])
        self.assertEqual(search.first_tiles(family(legal), {(8, 2): 1.1}), [])

    def test_neighbours_are_the_nearest_that_are_new(self):
        legal = [(4, 4), (3, 4), (5, 4), (4, 5), (4, 7), (1, 1)]
        found = search.neighbours(family(legal), (4, 5), {(4, 5), (5, 4)})
        self.assertEqual(found, [(3, 4), (4, 7), (1, 1)])

    def test_the_best_must_beat_noise(self):
        self.assertIsNone(search.best_of({}))
        self.assertIsNone(search.best_of({(1, 1): 0.99, (2, 2): 1.2}))
        self.assertEqual(search.best_of({(1, 1): 0.9, (2, 2): 0.8, (3, 3): 0.97}), (2, 2))


class Trials(unittest.TestCase):
    def test_each_tile_is_tried_once_and_never_two_of_a_stage_at_a_time(self):
        tiles = {
            "conv1": [(2, 8), (8, 2)],
            "conv1_d_weight": [(5, 4), (1, 1)],
            "conv2_d_weight": [(5, 2)],
            "fc1": [(1, 8)],
        }
        trials = search.trials(RECORD, tiles)
        self.assertEqual(len(trials), 3)
        for node, of_node in tiles.items():
            self.assertEqual([trial[node] for trial in trials if node in trial], of_node)
        for trial in trials:
            self.assertFalse("conv1_d_weight" in trial and "conv2_d_weight" in trial)

    def test_stages_that_a_third_node_connects_are_tried_apart(self):
        record = {
            "stage_parts": [["p", "a"], ["q", "b"], ["r", "c", "a", "b"]],
            "schedules": [entry(node, family([(4, 4)])) for node in "abc"],
        }
        trials = search.trials(record, {node: [(1, 1)] for node in "abc"})
        self.assertEqual(sorted(len(trial) for trial in trials), [1, 1, 1])

    def test_nothing_to_try(self):
        self.assertEqual(search.trials(RECORD, {}), [])
        self.assertEqual(search.trials(RECORD, {"conv1": []}), [])


class Gains(unittest.TestCase):
    def test_the_ratio_of_several_stages_is_that_of_their_sum(self):
        first = timing([1, 10, 1, 30, 10, 1], [1] * 6)
        other = timing([1, 10, 1, 30, 10, 1], [1, 0.9, 1, 0.5, 1, 1])
        records = RECORD, RECORD
        self.assertAlmostEqual(search.ratio_of("conv1", records, (first, other)), 0.9)
        self.assertAlmostEqual(search.ratio_of("fc1", records, (first, other)), 25 / 40)
        self.assertEqual(search.us_of("fc1", records, other), 25)

    def test_rounds_are_compared_one_by_one_and_the_less_favourable_of_two_statistics_counts(self):
        # Half of the rounds are slow for both: the quartiles tell nothing, the rounds' ratios do.
        self.assertAlmostEqual(search.ratio([10, 20, 10, 20, 10], [9, 18, 9, 18, 9]), 0.9)
        self.assertAlmostEqual(search.ratio([10, 10, 10, 10, 10], [9, 9, 9, 11, 11]), 0.9)
        self.assertAlmostEqual(search.ratio([10, 10, 10, 10, 10], [9, 9, 11, 11, 11]), 1.1)
        self.assertAlmostEqual(search.ratio([20, 10, 10, 20, 20], [16, 10, 10, 16, 16]), 1.0)
        self.assertEqual(search.ratio([0, 0], [1, 1]), 1.0)
        self.assertEqual(search.quartile([4, 1, 3, 2, 5]), 2)
        self.assertEqual(search.quartile([7]), 7)

    def test_a_gain_beats_noise_and_what_the_same_code_differs_by(self):
        self.assertTrue(search.is_gain(0.97, 1.0, 0.02))
        self.assertFalse(search.is_gain(0.985, 1.0, 0.02))
        self.assertFalse(search.is_gain(0.97, 0.96, 0.02))
        self.assertFalse(search.is_gain(0.97, 1.04, 0.02))


class Names(unittest.TestCase):
    def test_a_pipeline_is_recorded_under_the_block_that_it_has(self):
        self.assertEqual(search.record_key({"kind": "grad", "optimizer": "", "block": 32}), "grad_b32")
        self.assertEqual(search.record_key({"kind": "step", "optimizer": "sgd", "block": 8}), "step_sgd_b8")


class Order(unittest.TestCase):
    def test_gradients_come_first_and_large_blocks_before_small(self):
        keys = ["eval_b64", "step_sgd_b8", "infer_b8", "grad_b8", "grad_b64", "step_momentum_b64"]
        pipelines = [
            {"key": key, "params": {"kind": key.split("_")[0], "block": key.split("_b")[1]}} for key in keys
        ]
        self.assertEqual(
            [pipeline["key"] for pipeline in search.by_priority(pipelines)],
            ["grad_b64", "grad_b8", "step_momentum_b64", "step_sgd_b8", "infer_b8", "eval_b64"],
        )


if __name__ == "__main__":
    unittest.main()
