#include "runtime/parallel.h"

#include <HalideRuntime.h>
#include <sched.h>

#include <algorithm>
#include <atomic>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace kiln {
inline namespace runtime {

namespace {

// A worker's part of each phase: the next of its tasks that nobody has taken.
// On a cache line of its own, since others look there only when they are idle.
struct alignas(64) Part {
  std::atomic<int> next[kMaxPhases];
};

struct Job {
  absl::Span<const Phase> phases;
  int workers[kMaxPhases];
  std::atomic<int> done[kMaxPhases];  // tasks
  Part parts[kMaxThreads];
};

// Where a worker's part of `count` tasks begins; worker + 1 is where it ends.
int PartBegin(int count, int worker, int workers) {
  return static_cast<int>(int64_t{count} * worker / workers);
}

// Takes tasks of phase p, first the worker's own, until none is left; how many.
int RunTasks(Job& job, int p, int worker) {
  const Phase& phase = job.phases[p];
  const int workers = job.workers[p];
  int ran = 0;
  for (int k = 0; k < workers; ++k) {
    const int owner = (worker + k) % workers;
    const int end = PartBegin(phase.count, owner + 1, workers);
    std::atomic<int>& next = job.parts[owner].next[p];
    // Looked at first, so that idle threads do not write to others' lines.
    while (next.load(std::memory_order_relaxed) < end) {
      const int i = next.fetch_add(1, std::memory_order_relaxed);
      if (i >= end) break;
      phase.task(worker, i);
      ++ran;
    }
  }
  return ran;
}

// Waits for tasks that running threads have taken, so it ends whatever the
// number of threads that the pool really has. Some 50 us of spinning, then
// other processes get the core.
void AwaitTasks(const std::atomic<int>& done, int count) {
  for (int spin = 0; done.load(std::memory_order_acquire) < count; ++spin) {
    if (spin < 1000) {
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
    } else {
      sched_yield();
    }
  }
}

// Halide's pool locks a mutex at both ends of a task, but in code that Halide's
// own LLVM compiled and that no race detector sees into. This says the same in
// terms of C++: all its changes are read-modify-writes, so whoever acquires it
// sees what every thread wrote before its own. Constant-initialized, so that no
// write precedes its first use.
constinit std::atomic<uint32_t> hand_over{0};

int RunWorker(void* /*user_context*/, int worker, uint8_t* closure) {
  hand_over.load(std::memory_order_acquire);
  Job& job = *reinterpret_cast<Job*>(closure);
  const int last = static_cast<int>(job.phases.size()) - 1;
  for (int p = 0; p <= last; ++p) {
    if (worker < job.workers[p]) {
      const int ran = RunTasks(job, p, worker);
      job.done[p].fetch_add(ran, std::memory_order_acq_rel);
    }
    if (p < last) AwaitTasks(job.done[p], job.phases[p].count);
  }
  hand_over.fetch_add(1, std::memory_order_release);
  return 0;
}

}  // namespace

int AvailableCores() {
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof(cores), &cores) != 0) return 1;
  return std::clamp(CPU_COUNT(&cores), 1, kMaxThreads);
}

absl::StatusOr<int> ThreadCount(int64_t flag) {
  if (flag < 0 || flag > kMaxThreads) {
    return absl::InvalidArgumentError(
        absl::StrCat("--threads=", flag, " must be 1 to ", kMaxThreads,
                     ", or 0 for all cores (", AvailableCores(), " here)"));
  }
  return flag == 0 ? AvailableCores() : static_cast<int>(flag);
}

void SetPoolThreads(int threads) {
  halide_set_num_threads(threads);
  // The pool makes its threads when it first has work for them.
  ParallelFor(threads, threads, [](int, int) {});
}

void ParallelPhases(absl::Span<const Phase> phases) {
  Job job;
  job.phases = phases;
  int workers = 1;
  for (size_t p = 0; p < phases.size(); ++p) {
    const Phase& phase = phases[p];
    const int most =
        std::clamp(std::min(phase.workers, phase.count), 1, kMaxThreads);
    for (int w = 0; w < most; ++w)
      job.parts[w].next[p] = PartBegin(phase.count, w, most);
    job.workers[p] = most;
    workers = std::max(workers, most);
  }
  if (workers == 1) {
    RunWorker(nullptr, 0, reinterpret_cast<uint8_t*>(&job));
    return;
  }
  hand_over.fetch_add(1, std::memory_order_release);
  halide_do_par_for(nullptr, RunWorker, 0, workers,
                    reinterpret_cast<uint8_t*>(&job));
  hand_over.load(std::memory_order_acquire);
}

}  // namespace runtime
}  // namespace kiln
