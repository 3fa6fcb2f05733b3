// Prints the name of the target that its argument is; see KilnTargetName.cmake.
#include <cstdio>

#include "generators/target_name.h"

int main(int argc, char** argv) {
  if (argc != 2 || !Halide::Target::validate_target_string(argv[1])) return 1;
  std::fputs(kiln::TargetName(Halide::Target(argv[1])).c_str(), stdout);
  return 0;
}
