"""Which machine a run was made on, and how quiet it was."""

import os
import statistics

# The peak is the best of several bursts: on a quiet machine repetitions agree within 1 %.
NOISY_PEAK = 0.03
NOISY_TIMES = 0.03


def first_line(path):
    try:
        with open(path) as file:
            return file.readline().strip()
    except OSError:
        return None


def cpu():
    """The model's name, cores in use and clock governor, in words."""
    model = "unknown CPU"
    try:
        with open("/proc/cpuinfo") as file:
            model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), model)
    except OSError:
        pass
    cores = len(os.sched_getaffinity(0))
    governor = first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    virtual = any("hypervisor" in line for line in open("/proc/cpuinfo")) if os.path.exists("/proc/cpuinfo") else False
    clock = f"governor {governor}" if governor else "no clock governor to be seen"
    return f"{model}, {cores} core{'s' if cores != 1 else ''}, {clock}{', a virtual machine' if virtual else ''}"


class Noise:
    """Of the rows of one run."""

    def __init__(self, rows, load):
        one_core = [peak for row in rows if row.threads == 1 for peak in row.peaks]
        self.peak = statistics.median(one_core) if one_core else 0.0
        self.low, self.high = (min(one_core), max(one_core)) if one_core else (0.0, 0.0)
        spreads = [row.spread for row in rows if len(row.us) >= 3]
        self.times = statistics.median(spreads) if spreads else 0.0
        self.load = load

    @property
    def peak_spread(self):
        return (self.high - self.low) / self.peak if self.peak else 0.0

    def text(self):
        return (f"FMA peak of a core {self.peak:.1f} GFLOP/s, between {self.low:.1f} and {self.high:.1f} over the run; "
                f"times +- {100 * self.times:.1f} % (half the distance of the quartiles, median of all rows); "
                f"load before the run {self.load:.1f}")

    def warnings(self):
        said = []
        if self.load > 0.5:
            said.append(f"other processes were running before this did: load {self.load:.1f}")
        if self.peak_spread > NOISY_PEAK:
            said.append(f"the peak varied by {100 * self.peak_spread:.0f} % over the run: the clock, or a neighbour")
        if self.times > NOISY_TIMES:
            said.append(f"half of all rows spread by more than {100 * self.times:.0f} %")
        return said
