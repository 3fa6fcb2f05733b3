#include "runtime/peak.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace kiln {
inline namespace runtime {

namespace {

// Bursts of about a millisecond at 100 GFLOP/s: long enough for the clock to
// reach what it does with these vectors, short enough to find a quiet moment.
constexpr double kBurstFlops = 1e8;
constexpr int kBursts = 8;

// Keeps the accumulators alive.
volatile float sink;

// x = x a + b has the fixed point 1 for a + b = 1: values neither overflow nor
// become denormal. Read through volatile, lest the compiler folds the loop.
volatile float factor = 0.5f;
volatile float addend = 0.5f;

#if defined(__x86_64__)

// Each runs `rounds` rounds and returns the FLOPs of one.
__attribute__((target("avx512f"))) int64_t RunAvx512(int64_t rounds) {
  constexpr int kVectors = 24;
  const __m512 a = _mm512_set1_ps(factor);
  const __m512 b = _mm512_set1_ps(addend);
  __m512 x[kVectors];
  for (int i = 0; i < kVectors; ++i) x[i] = _mm512_set1_ps(1.0f + i);
  for (int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 24
    for (int i = 0; i < kVectors; ++i) x[i] = _mm512_fmadd_ps(x[i], a, b);
  }
  __m512 sum = x[0];
  for (int i = 1; i < kVectors; ++i) sum = _mm512_add_ps(sum, x[i]);
  alignas(64) float lanes[16];
  _mm512_store_ps(lanes, sum);
  sink = lanes[0];
  return int64_t{2} * 16 * kVectors;
}

__attribute__((target("avx2,fma"))) int64_t RunAvx2(int64_t rounds) {
  constexpr int kVectors = 12;  // and two operands, of 16 registers
  const __m256 a = _mm256_set1_ps(factor);
  const __m256 b = _mm256_set1_ps(addend);
  __m256 x[kVectors];
  for (int i = 0; i < kVectors; ++i) x[i] = _mm256_set1_ps(1.0f + i);
  for (int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 12
    for (int i = 0; i < kVectors; ++i) x[i] = _mm256_fmadd_ps(x[i], a, b);
  }
  __m256 sum = x[0];
  for (int i = 1; i < kVectors; ++i) sum = _mm256_add_ps(sum, x[i]);
  alignas(32) float lanes[8];
  _mm256_store_ps(lanes, sum);
  sink = lanes[0];
  return int64_t{2} * 8 * kVectors;
}

#endif

int64_t RunPortable(int64_t rounds) {
  constexpr int kLanes = 48;
  const float a = factor, b = addend;
  float x[kLanes];
  for (int i = 0; i < kLanes; ++i) x[i] = 1.0f + i;
  for (int64_t r = 0; r < rounds; ++r) {
    for (int i = 0; i < kLanes; ++i) x[i] = x[i] * a + b;
  }
  float sum = 0;
  for (float value : x) sum += value;
  sink = sum;
  return int64_t{2} * kLanes;
}

double BestGflops(int64_t (*run)(int64_t rounds)) {
  using Clock = std::chrono::steady_clock;
  const int64_t rounds = static_cast<int64_t>(kBurstFlops) / run(1);
  double best = 0;
  for (int burst = 0; burst < kBursts; ++burst) {
    const Clock::time_point start = Clock::now();
    const int64_t flops = run(rounds) * rounds;
    const std::chrono::duration<double> seconds = Clock::now() - start;
    best = std::max(best, static_cast<double>(flops) / seconds.count() * 1e-9);
  }
  return best;
}

}  // namespace

double MeasurePeakGflops() {
  double peak = 0;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f")) {
    peak = std::max(peak, BestGflops(RunAvx512));
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    peak = std::max(peak, BestGflops(RunAvx2));
  }
#endif
  return peak > 0 ? peak : BestGflops(RunPortable);
}

}  // namespace runtime
}  // namespace kiln
