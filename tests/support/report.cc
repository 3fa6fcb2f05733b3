#include "tests/support/report.h"

#include <iostream>

#include "absl/strings/str_format.h"

namespace kiln {

void ReportCoverage(const std::string& op, const std::string& oracle,
                    int64_t shapes, int64_t comparisons, double worst) {
  std::cout << absl::StrFormat("REPORT coverage|%s|%s|%d|%d|%.3g\n", op, oracle,
                               shapes, comparisons, worst);
}

void ReportMutants(const std::string& what, int64_t caught, int64_t total,
                   double weakest) {
  std::cout << absl::StrFormat("REPORT mutants|%s|%d|%d|%.3g\n", what, caught,
                               total, weakest);
}

void ReportSum(const std::string& title, const std::string& what,
               int64_t count) {
  std::cout << "REPORT sum|" << title << "|" << what << "|" << count << "\n";
}

void ReportLine(const std::string& line) {
  std::cout << "REPORT line|" << line << "\n";
}

}  // namespace kiln
