"""Is the change faster? Base and change run in turns; this says what their times tell."""

import math
import random
import statistics

# Two differences that are none in a table of 100 rows are as many as one wants to follow up.
SIGNIFICANT = 0.01
RESAMPLES = 2000


def mann_whitney(a, b):
    """The two-sided p-value of the Mann-Whitney U test: how probable samples that lie so far apart are if both come from
    one distribution. Normal approximation with the correction for ties and for continuity, good from 8 values each on
    (Mann, Whitney, "On a test of whether one of two random variables is stochastically larger than the other", 1947)."""
    n, m = len(a), len(b)
    values = sorted([(x, 0) for x in a] + [(x, 1) for x in b])
    rank_sum, ties, i = 0.0, 0.0, 0
    while i < n + m:
        j = i
        while j < n + m and values[j][0] == values[i][0]:
            j += 1
        mean_rank = (i + 1 + j) / 2
        rank_sum += mean_rank * sum(1 for _, side in values[i:j] if side == 0)
        ties += (j - i) ** 3 - (j - i)
        i = j
    u = rank_sum - n * (n + 1) / 2
    variance = n * m / 12 * ((n + m + 1) - ties / ((n + m) * (n + m - 1)))
    if variance == 0:
        return 1.0
    z = max(0.0, abs(u - n * m / 2) - 0.5) / math.sqrt(variance)
    return math.erfc(z / math.sqrt(2))


def ratio_interval(base, change, confidence=0.99, seed=1):
    """An interval for median(change) / median(base): the percentile bootstrap (Efron, 1979). Rounds are drawn, each with
    its two times, so that what a round had in common (a slow minute) stays in common."""
    draw = random.Random(seed)
    pairs = list(zip(base, change))
    ratios = []
    for _ in range(RESAMPLES):
        sample = draw.choices(pairs, k=len(pairs))
        ratios.append(statistics.median(c for _, c in sample) / statistics.median(b for b, _ in sample))
    ratios.sort()
    cut = (1 - confidence) / 2
    return ratios[round(cut * (RESAMPLES - 1))], ratios[round((1 - cut) * (RESAMPLES - 1))]


class Comparison:
    """Of one benchmark's times; `paired` when both came from the same rounds, in order."""

    def __init__(self, base, change, paired=True):
        self.base, self.change = statistics.median(base), statistics.median(change)
        self.ratio = self.change / self.base
        self.p = mann_whitney(base, change)
        self.interval = None
        if paired and len(base) == len(change):
            self.interval = ratio_interval(base, change)

    @property
    def verdict(self):
        """Both the test and the interval have to see the difference."""
        sees = self.p < SIGNIFICANT
        if self.interval:
            sees = sees and not self.interval[0] <= 1 <= self.interval[1]
        if not sees:
            return "no difference seen"
        return "faster" if self.ratio < 1 else "slower"
