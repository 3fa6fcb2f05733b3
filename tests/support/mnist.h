#ifndef KILN_TESTS_SUPPORT_MNIST_H_
#define KILN_TESTS_SUPPORT_MNIST_H_

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "gtest/gtest.h"

namespace kiln {

// The directory that holds the real MNIST: the environment variable
// KILN_MNIST_DIR, or else ../shared/data/mnist seen from the repository's root,
// where tests run. Empty when there is none.
inline std::string MnistDirectory() {
  const char* variable = std::getenv("KILN_MNIST_DIR");
  const std::string directory =
      variable != nullptr ? variable : "../shared/data/mnist";
  std::error_code ignored;
  return std::filesystem::is_directory(directory, ignored) ? directory : "";
}

}  // namespace kiln

// Ends a test as skipped on a machine without MNIST.
#define KILN_SKIP_WITHOUT_MNIST()                             \
  if (::kiln::MnistDirectory().empty())                       \
  GTEST_SKIP() << "MNIST is not on this machine: neither at " \
                  "../shared/data/mnist nor where KILN_MNIST_DIR says"

#endif  // KILN_TESTS_SUPPORT_MNIST_H_
