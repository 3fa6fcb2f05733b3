#ifndef KILN_RUNTIME_PEAK_H_
#define KILN_RUNTIME_PEAK_H_

namespace kiln {
inline namespace runtime {

// The most single-precision GFLOP/s that the core this thread runs on reaches
// with fused multiply-adds (2 FLOPs each) between registers, measured now.
//
// The kernel keeps more independent accumulators than the latency times the
// throughput of any core's FMA units asks for (4 cycles x 2 units = 8 vectors),
// in 16 registers of AVX2 and in 24 of AVX-512; both are run where the CPU has
// them and the faster counts, for some cores clock lower with the wide vectors.
// Without either it is plain C++ that the compiler vectorises. The best of
// several bursts is taken, so that a neighbour's interruption does not count;
// it takes about 10 ms.
double MeasurePeakGflops();

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_PEAK_H_
