// Lines about what was checked, for people who read the log of a test run.
// scripts/test gathers them from all tests into one table
// (scripts/check_report).
#ifndef KILN_TESTS_SUPPORT_REPORT_H_
#define KILN_TESTS_SUPPORT_REPORT_H_

#include <cstdint>
#include <string>

namespace kiln {

// That gradients and values of `op` (a basename of OpCases, or "model <name>")
// were compared with what `oracle` says, on `shapes` cases, in `comparisons`
// numbers; `worst` is the largest share of the allowed error that any of them
// used.
void ReportCoverage(const std::string& op, const std::string& oracle,
                    int64_t shapes, int64_t comparisons, double worst);

// That of `total` mutants of the gradient rules that `what` uses this many were
// caught; `weakest` is the least multiple of the rounding bounds that any of
// them stood out by, 0 where that was not measured.
void ReportMutants(const std::string& what, int64_t caught, int64_t total,
                   double weakest);

// Adds to a count that the log's reader sees as one sum over all tests:
// "random graphs: 400 interpreted, 28 compiled".
void ReportSum(const std::string& title, const std::string& what,
               int64_t count);

// A line of its own below the table: "mutants: caught 12 of 12".
void ReportLine(const std::string& line);

}  // namespace kiln

#endif  // KILN_TESTS_SUPPORT_REPORT_H_
