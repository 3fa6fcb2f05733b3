"""What a benchmark binary wrote: Google Benchmark's JSON with the counters of bench/measure.h."""

import json
import statistics


class Failure(Exception):
    """One line for the user."""


class Row:
    """One benchmark: a figure per repetition, and what is the same in all."""

    def __init__(self, name):
        self.name, self.error = name, None
        self.us, self.real_us, self.peaks, self.bandwidths = [], [], [], []
        self.samples = self.flops = self.bytes = self.working_set = 0.0
        self.threads, self.level = 1, ""

    @property
    def median_us(self):
        return statistics.median(self.us)

    @property
    def gflops(self):
        return self.flops / self.median_us * 1e-3

    @property
    def share(self):
        """Of the FMA peak measured just before each repetition."""
        return statistics.median(self.flops / us * 1e-3 / peak for us, peak in zip(self.us, self.peaks))

    @property
    def bandwidth_share(self):
        return statistics.median(self.bytes / us * 1e-3 / most for us, most in zip(self.us, self.bandwidths))

    @property
    def least_us(self):
        """The time that arithmetic at the peak or traffic at the bandwidth takes, whichever is longer."""
        peak, bandwidth = statistics.median(self.peaks), statistics.median(self.bandwidths)
        return max(self.flops / peak, self.bytes / bandwidth) * 1e-3

    @property
    def limit(self):
        """What bounds it: "FMA", or the memory level that its working set lives in."""
        peak, bandwidth = statistics.median(self.peaks), statistics.median(self.bandwidths)
        return "FMA" if self.flops / peak >= self.bytes / bandwidth else self.level

    @property
    def spread(self):
        """Half the distance of the quartiles, of the median."""
        if len(self.us) < 3:
            return 0.0
        low, _, high = statistics.quantiles(self.us, n=4)
        return (high - low) / 2 / self.median_us


class Results:
    def __init__(self):
        self.rows, self.context = {}, {}

    def add(self, document):
        """Adds a run's repetitions. Times are of the CPU with one thread and of the wall with several."""
        self.context = self.context or document.get("context", {})
        levels = {}
        for key, text in document.get("context", {}).items():
            if key.startswith("level") and key[5:].isdigit():
                levels[int(key[5:])] = text.split()[0]
        # In the order of registration: the runs are interleaved at random.
        for run in sorted(document["benchmarks"], key=lambda run: run["family_index"]):
            if run.get("run_type") == "aggregate":
                continue
            name = short_name(run["run_name"])
            row = self.rows.setdefault(name, Row(name))
            if run.get("error_occurred"):
                row.error = run["error_message"]
                continue
            if "flops" not in run:
                raise Failure(f"{name} has no counter flops: it was written by another version of the benchmarks")
            unit = {"ns": 1e-3, "us": 1.0, "ms": 1e3, "s": 1e6}[run["time_unit"]]
            row.threads = int(run["cores"])
            row.real_us.append(run["real_time"] * unit)
            row.us.append(run["real_time" if row.threads > 1 else "cpu_time"] * unit)
            row.peaks.append(run["peak"])
            row.bandwidths.append(run["bandwidth"])
            row.samples, row.flops, row.bytes = run["samples"], run["flops"], run["bytes"]
            row.working_set = run["working_set"]
            row.level = levels.get(int(run["level"]), "memory")


def short_name(run_name):
    """Without what Google Benchmark appends."""
    for suffix in ("/real_time", "/process_time"):
        run_name = run_name.removesuffix(suffix)
    return run_name


def read(path):
    """Results of a file that scripts/bench wrote."""
    try:
        with open(path) as file:
            document = json.load(file)
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise Failure(f"{path} is no JSON: {error}") from error
    if not isinstance(document, dict) or "benchmarks" not in document:
        raise Failure(f"{path} is no result of scripts/bench: it has no member benchmarks")
    results = Results()
    try:
        results.add(document)
    except KeyError as error:
        raise Failure(f"{path} is no result of scripts/bench: a benchmark has no member {error}") from error
    return results
