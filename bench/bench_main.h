// What the mains of all benchmark binaries do.
#ifndef KILN_BENCH_BENCH_MAIN_H_
#define KILN_BENCH_BENCH_MAIN_H_

namespace kiln {

// Reads Google Benchmark's flags; its defaults are ours: five repetitions,
// interleaved at random, of 0.05 s. On a wrong flag says so and returns false.
bool InitializeBenchmarks(int argc, char** argv);

// Runs what is registered and prints a table of medians, or what
// --benchmark_format asks for. The files of --benchmark_out carry the machine's
// memory levels in their context. Returns main's exit code.
int RunBenchmarks();

}  // namespace kiln

#endif  // KILN_BENCH_BENCH_MAIN_H_
