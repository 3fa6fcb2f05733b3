#ifndef KILN_RUNTIME_DATASET_H_
#define KILN_RUNTIME_DATASET_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "runtime/aligned.h"
#include "runtime/storage.h"

namespace kiln {
inline namespace runtime {

// What a column holds, or what a model wants it to hold. Shapes are per sample
// and row-major, as in PyTorch: an image is {channels, height, width}, a scalar
// is {}.
struct ColumnSpec {
  std::string name;
  std::vector<int64_t> shape;
  Storage storage = Storage::kFloat32;
  // Above 0: the column holds class labels 0..classes-1, int32, one a sample
  // (shape {}). 0: it holds values.
  int64_t classes = 0;

  // Elements of one sample; 1 for a scalar.
  int64_t elements() const;
};

// One input or target of every sample of a data set.
struct Column {
  ColumnSpec spec;
  // samples * spec.elements() elements, densely packed, samples outermost:
  // what the pipelines gather from without a copy.
  AlignedVector<uint8_t> bytes;
  // Where the values come from, for messages: a file, or "digits".
  std::string origin;

  // The elements as what they are. REQUIRES: spec.storage is that type.
  absl::Span<const float> floats() const;
  absl::Span<const int32_t> labels() const;
  absl::Span<float> mutable_floats();
  absl::Span<int32_t> mutable_labels();
};

// Samples in memory. Every column has the same number of them.
struct Dataset {
  int64_t samples = 0;
  std::vector<Column> inputs;
  std::vector<Column> targets;
};

// What a model is trained on and what it is judged by.
struct DataPair {
  Dataset train;
  Dataset test;
};

// A column of `samples` zeros.
Column MakeColumn(ColumnSpec spec, int64_t samples);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_DATASET_H_
