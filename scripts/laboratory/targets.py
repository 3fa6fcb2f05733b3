"""The goals that Kiln's speed is held to, a benchmark of bin/kiln_bench each. One thread's are shares of the FMA peak of
one core or times; two threads' are factors over one thread."""


class Goal:
    def __init__(self, kind, value):
        self.kind, self.value = kind, value

    def text(self):
        return {"share": f">= {100 * self.value:.0f} % of peak", "us": f"<= {self.value:g} us",
                "bandwidth": f">= {100 * self.value:.0f} % of bandwidth", "speedup": f">= {self.value:g} x one thread"}[self.kind]

    def met(self, row, rows):
        """True, False, or None when it cannot be said."""
        if self.kind == "us":
            return row.median_us <= self.value
        if self.kind == "share":
            return row.share >= self.value
        if self.kind == "bandwidth":
            return row.bandwidth_share >= self.value
        factor = speedup(row, rows)
        return None if factor is None else factor >= self.value


def speedup(row, rows):
    """Over the same with one thread, by the wall."""
    import statistics

    one = rows.get(row.name.replace(f"/threads:{row.threads}", "/threads:1"))
    if row.threads == 1 or one is None or not one.real_us:
        return None
    return statistics.median(one.real_us) / statistics.median(row.real_us)


GOALS = {
    "lenet5/step/batch:1/threads:1": Goal("share", 0.55),
    "lenet5/step/batch:8/threads:1": Goal("share", 0.72),
    "lenet5/step/batch:64/threads:1": Goal("share", 0.85),
    "lenet5/step/batch:256/threads:1": Goal("share", 0.85),
    "lenet5/step/batch:64/threads:2": Goal("speedup", 1.9),
    "lenet5/step/batch:256/threads:2": Goal("speedup", 1.9),
    "mnist_cnn/step/batch:8/threads:1": Goal("share", 0.68),
    "mnist_cnn/step/batch:64/threads:1": Goal("share", 0.82),
    "mnist_cnn/step/batch:256/threads:1": Goal("share", 0.82),
    "mnist_cnn/step/batch:256/threads:2": Goal("speedup", 1.9),
    "xor_mlp/step/batch:4/threads:1": Goal("us", 0.4),
    "part2_fc/step/batch:16/threads:1": Goal("us", 4),
    "fc_net_sigmoid_l2/step/batch:64/threads:1": Goal("us", 2),
    "fc_net_sigmoid_ce/step/batch:64/threads:1": Goal("us", 2),
    "fc_net_relu_l2/step/batch:64/threads:1": Goal("us", 2),
    "fc_net_relu_ce/step/batch:64/threads:1": Goal("us", 2),
    "mnist_fc/step/batch:8/threads:1": Goal("bandwidth", 0.9),
    "mnist_fc/step/batch:64/threads:1": Goal("share", 0.87),
    "wide_cnn/step/batch:32/threads:1": Goal("share", 0.9),
    "wide_cnn/step/batch:32/threads:2": Goal("speedup", 1.85),
    "lenet5/infer/batch:1/threads:1": Goal("us", 12),
    "mnist_cnn/infer/batch:1/threads:1": Goal("us", 5),
}
