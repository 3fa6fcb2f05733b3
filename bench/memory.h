// The levels of this machine's memory, and what they give: what a pipeline that
// waits for memory is measured against.
#ifndef KILN_BENCH_MEMORY_H_
#define KILN_BENCH_MEMORY_H_

#include <cstdint>
#include <string>
#include <vector>

namespace kiln {

struct MemoryLevel {
  std::string name;   // "L1", "L2", "L3" or "DRAM"
  int64_t bytes = 0;  // of one core's cache (a shared one's: of all); of DRAM:
                      // what the triad below goes through
};

// What a call has to do with memory.
struct Traffic {
  int64_t bytes = 0;        // moved
  int64_t working_set = 0;  // bytes that are touched at all
};

// The data caches of the first core as Linux lists them, and DRAM last. DRAM
// alone where it lists none.
std::vector<MemoryLevel> MemoryLevels();

// The position of the level that holds `bytes`: the smallest that is as large.
int LevelOf(const std::vector<MemoryLevel>& levels, int64_t bytes);

// The bandwidth of levels[level], GB/s, that `threads` threads at once reach
// with the triad a = b + s c (McCalpin's STREAM) over arrays that fill half of
// that level, in vectors of the CPU's best width. 12 bytes count an element,
// 8 read and 4 written; what a cache reads in order to write does not. The best
// of several passes; some milliseconds, tens in DRAM.
double MeasureBandwidth(const std::vector<MemoryLevel>& levels, int level,
                        int threads);

// The FMA peak of `threads` cores at once, GFLOP/s.
double MeasurePeak(int threads);

}  // namespace kiln

#endif  // KILN_BENCH_MEMORY_H_
