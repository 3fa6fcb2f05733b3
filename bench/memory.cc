#include "bench/memory.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "runtime/aligned.h"
#include "runtime/peak.h"

namespace kiln {

namespace {

// Larger than any cache of today's; where the caches are known, four times the
// last.
constexpr int64_t kDramBytes = int64_t{256} << 20;

// a = b + s c, n a multiple of 64. Each for one instruction set; the compiler
// vectorises.
#define KILN_TRIAD \
  for (int64_t i = 0; i < n; ++i) a[i] = b[i] + s * c[i]

#if defined(__x86_64__)
__attribute__((target("avx512f,prefer-vector-width=512"), optimize("O3"))) void
TriadAvx512(float* __restrict a, const float* __restrict b,
            const float* __restrict c, float s, int64_t n) {
  KILN_TRIAD;
}
__attribute__((target("avx2,fma"), optimize("O3"))) void TriadAvx2(
    float* __restrict a, const float* __restrict b, const float* __restrict c,
    float s, int64_t n) {
  KILN_TRIAD;
}
#endif
void TriadPortable(float* __restrict a, const float* __restrict b,
                   const float* __restrict c, float s, int64_t n) {
  KILN_TRIAD;
}
#undef KILN_TRIAD

using Triad = void (*)(float*, const float*, const float*, float, int64_t);

Triad BestTriad() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f")) return TriadAvx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return TriadAvx2;
#endif
  return TriadPortable;
}

volatile float scale = 0.5f;  // lest the loop is computed at compile time

double BandwidthOfOneThread(int64_t bytes) {
  using Clock = std::chrono::steady_clock;
  // 16 KiB a pass at least, and of whole vectors.
  const int64_t n = std::max<int64_t>(bytes / 12 / 64 * 64, 1024);
  // A third of a page apart, so that no load waits for a store that shares its
  // lowest 12 address bits.
  const int64_t pages = (n + 1023) / 1024;
  AlignedVector<float> memory(3 * 1024 * pages + 1024, 1.0f);
  float* const base = memory.data();
  float *a = base, *b = base + 1024 * pages + 336,
        *c = base + 2 * 1024 * pages + 672;
  const Triad triad = BestTriad();
  // 2 MB or one whole pass between two looks at the clock.
  const int64_t rounds = std::max<int64_t>(1, (int64_t{2} << 20) / (12 * n));
  double best = 0;
  for (int pass = 0; pass < 8; ++pass) {
    const Clock::time_point start = Clock::now();
    for (int64_t r = 0; r < rounds; ++r) {
      triad(a, b, c, scale, n);
      std::swap(a, b);  // so that no pass repeats the one before
    }
    const std::chrono::duration<double> seconds = Clock::now() - start;
    best = std::max(
        best, static_cast<double>(12 * n * rounds) / seconds.count() * 1e-9);
  }
  return best;
}

// The sum of what `threads` threads get at the same time.
template <typename Function>
double Sum(int threads, const Function& function) {
  if (threads == 1) return function();
  std::vector<double> results(threads);
  std::vector<std::thread> workers;
  for (double& result : results)
    workers.emplace_back([&] { result = function(); });
  double sum = 0;
  for (int i = 0; i < threads; ++i) {
    workers[i].join();
    sum += results[i];
  }
  return sum;
}

// A line of a file in sysfs, "" when there is none.
std::string ReadLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

}  // namespace

std::vector<MemoryLevel> MemoryLevels() {
  std::vector<MemoryLevel> levels;
  for (int index = 0;; ++index) {
    const std::string directory =
        absl::StrCat("/sys/devices/system/cpu/cpu0/cache/index", index, "/");
    const std::string level = ReadLine(directory + "level");
    if (level.empty()) break;
    if (ReadLine(directory + "type") == "Instruction") continue;
    const std::string size = ReadLine(directory + "size");  // "48K"
    int64_t bytes = std::atoll(size.c_str());
    if (absl::EndsWith(size, "K")) bytes <<= 10;
    if (absl::EndsWith(size, "M")) bytes <<= 20;
    if (bytes > 0) levels.push_back({"L" + level, bytes});
  }
  const int64_t last = levels.empty() ? 0 : levels.back().bytes;
  levels.push_back({"DRAM", std::max(kDramBytes, 4 * last)});
  return levels;
}

int LevelOf(const std::vector<MemoryLevel>& levels, int64_t bytes) {
  const int last = static_cast<int>(levels.size()) - 1;
  for (int i = 0; i < last; ++i) {
    if (bytes <= levels[i].bytes) return i;
  }
  return last;
}

double MeasureBandwidth(const std::vector<MemoryLevel>& levels, int level,
                        int threads) {
  // Caches of the third level and beyond are shared.
  const bool shared =
      level >= 2 || level + 1 == static_cast<int>(levels.size());
  const int64_t bytes = levels[level].bytes / 2 / (shared ? threads : 1);
  return Sum(threads, [bytes] { return BandwidthOfOneThread(bytes); });
}

double MeasurePeak(int threads) {
  return Sum(threads, [] { return MeasurePeakGflops(); });
}

}  // namespace kiln
