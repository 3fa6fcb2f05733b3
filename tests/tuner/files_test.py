"""The record and the state on disk."""

import json
import os
import tempfile
import unittest

import files

NODE = {"family": "x c y", "space": [28, 6, "conv2d"], "tile": [7, 3], "computed": [4, 6], "us": 1.5, "computed_us": 2.0}


class Record(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.directory.name, "made", "m.json")

    def tearDown(self):
        self.directory.cleanup()

    def write(self, text):
        files.write_atomically(self.path, text)

    def test_it_is_sorted_json_with_a_node_to_a_line(self):
        pipelines = {"grad_b8": {"fc1": NODE, "conv1": NODE}, "eval_b8": {"fc1": NODE}, "infer_b8": {}}
        calls = {"grad_b8": {"us": 3.0, "computed_us": 4.0}, "infer_b8": {"us": 1.0}}
        text = files.record_text("m", "x86-64-linux-avx2", pipelines, calls)
        record = json.loads(text)
        self.assertEqual(record["kiln_schedules"], 3)
        self.assertEqual(record["model"], "m")
        self.assertEqual(record["target"], "x86-64-linux-avx2")
        self.assertEqual(record["pipelines"], {"grad_b8": pipelines["grad_b8"], "eval_b8": pipelines["eval_b8"]})
        self.assertEqual(record["calls"], {"grad_b8": calls["grad_b8"]})
        self.assertEqual([line.split('"')[1] for line in text.splitlines() if '"tile"' in line], ["fc1", "conv1", "fc1"])
        again = files.record_text("m", "x86-64-linux-avx2", dict(reversed(pipelines.items())), calls)
        self.assertEqual(text, again)

    def test_it_is_read_back(self):
        pipelines, calls = {"grad_b8": {"fc1": NODE}}, {"grad_b8": {"us": 3.0}}
        self.write(files.record_text("m", "t", pipelines, calls))
        self.assertEqual(files.read_record(self.path), (pipelines, calls))

    def test_what_cannot_be_read_counts_as_none(self):
        self.assertEqual(files.read_record(self.path), ({}, {}))
        for text in ["", "{", "[]", '{"kiln_schedules": 2, "pipelines": {"grad_b8": {}}}', '{"kiln_schedules": 3}']:
            self.write(text)
            self.assertEqual(files.read_record(self.path), ({}, {}), text)

    def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(self):
        self.write("old")
        with self.assertRaises(TypeError):
            files.write_atomically(self.path, 7)
        with open(self.path) as file:
            self.assertEqual(file.read(), "old")
        self.assertEqual(os.listdir(os.path.dirname(self.path)), ["m.json"])


class Kept(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.directory.name, "state.json")
        self.state = files.State(self.path, "one")

    def tearDown(self):
        self.directory.cleanup()

    def test_it_goes_on_where_it_was(self):
        self.state.target = "t"
        self.state.add_family("grad_b8", "conv1", "c x y", 0.95678)
        self.state.add_tile("grad_b8", "conv1", "c x y", (4, 6), 0.91234)
        self.assertFalse(self.state.is_done("grad_b8"))
        self.state.finish("grad_b8", "grad_b8", {}, {})
        again = files.State(self.path, "one")
        self.assertTrue(again.is_done("grad_b8"))
        self.assertFalse(again.is_done("grad_b16"))
        self.assertEqual(again.target, "t")
        self.assertEqual(again.families("grad_b8", "conv1"), {"c x y": 0.9568})
        self.assertEqual(again.families("grad_b8", "conv2"), {})
        self.assertEqual(again.tiles("grad_b8", "conv1", "c x y"), {(4, 6): 0.9123})
        self.assertEqual(again.tiles("grad_b8", "conv1", "x c y"), {})
        self.assertEqual(again.tiles("grad_b8", "conv2", "c x y"), {})

    def test_another_generator_starts_anew(self):
        self.state.finish("grad_b8", "grad_b8", {}, {})
        self.assertFalse(files.State(self.path, "two").is_done("grad_b8"))

    def test_a_broken_state_starts_anew(self):
        whole = {"version": files.STATE_VERSION, "generator": "one", "target": "t", "pipelines": {"grad_b8": {}}}
        for text in [json.dumps(whole)[:-1], json.dumps({**whole, "version": 1})]:
            with open(self.path, "w") as file:
                file.write(text)
            self.assertEqual(files.State(self.path, "one").pipelines, {})

    def test_what_is_known_is_from_pipelines_of_the_same_block_alone(self):
        self.state.add_family("grad_b8", "fc1", "features", 0.9)
        known = [
            self.state.known(*of, self.state.families)
            for of in [("step_sgd_b8", "8", "fc1"), ("step_sgd_b64", "64", "fc1"), ("step_sgd_b8", "8", "fc2"), ("grad_b8", "8", "fc1")]
        ]
        self.assertEqual(known, [{"features": 0.9}, None, None, None])


if __name__ == "__main__":
    unittest.main()
