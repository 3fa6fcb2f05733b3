// Pipelines that Halide's autoschedulers schedule, for the benchmarks to
// measure Kiln's own schedules against.
#ifndef KILN_GENERATORS_AUTOSCHEDULE_H_
#define KILN_GENERATORS_AUTOSCHEDULE_H_

#include <functional>
#include <string>
#include <vector>

#include "Halide.h"
#include "generators/arguments.h"

namespace kiln {

// Makes every Func that `outputs` read inline again, as an autoscheduler wants
// to find them. REQUIRES: they have the naive schedule, which is compute_root
// and nothing else.
void ClearNaiveSchedule(const std::vector<Halide::Func>& outputs);

// The extents that an autoscheduler is told to expect: those of the argument,
// and for the samples of a data set, which no pipeline knows, 1024.
Halide::Region EstimatedExtents(const Argument& argument);

// Does `work` in a process of its own, since an autoscheduler ends its process
// with a pipeline that it cannot take, and stops it after a minute. "" when it
// returns 0; else, on one line, why it did not: the error that it named, what
// it said last, or how it ended.
std::string WhyItFails(const std::function<int()>& work);

// The main of a generator that is asked for an autoscheduler: Halide's own,
// in a process of its own. Where Adams2019's beam search
// does not get there, its greedy search is tried, and the record's schedule is
// "Adams2019_greedy"; where nothing does, the pipeline is emitted with the
// naive schedule, and its record says why ("failure"). Returns the exit code.
int EmitAutoscheduled(int argc, char** argv);

}  // namespace kiln

#endif  // KILN_GENERATORS_AUTOSCHEDULE_H_
