#include "generators/target_name.h"

#include <algorithm>
#include <iterator>
#include <sstream>

namespace kiln {

namespace {

// Each takes in all that follow it.
const char* const kX86[] = {"avx10_1",
                            "avx512_zen5",
                            "avx512_sapphirerapids",
                            "avx512_zen4",
                            "avx512_cannonlake",
                            "avx512_skylake",
                            "avx512_knl",
                            "avx512",
                            "avxvnni",
                            "avx2",
                            "fma",
                            "f16c",
                            "avx",
                            "sse41"};

}  // namespace

std::string TargetName(Halide::Target target) {
  for (const auto of_the_build :
       {Halide::Target::NoRuntime, Halide::Target::NoAsserts,
        Halide::Target::NoBoundsQuery})
    target.set_feature(of_the_build, false);
  if (target.arch != Halide::Target::X86) return target.to_string();
  std::istringstream parts(target.to_string());
  std::string name, others, part;
  auto strongest = std::end(kX86);
  for (int i = 0; std::getline(parts, part, '-'); ++i) {
    const auto found = std::find(std::begin(kX86), std::end(kX86), part);
    if (i < 3) {  // architecture, bits, operating system
      name += (i > 0 ? "-" : "") + part;
    } else if (found == std::end(kX86)) {
      if (part.rfind("tune_", 0) == 0) continue;
      others += "-" + part;
    } else {
      strongest = std::min(strongest, found);
    }
  }
  if (strongest != std::end(kX86)) name += std::string("-") + *strongest;
  return name + others;
}

}  // namespace kiln
