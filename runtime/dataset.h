#ifndef KILN_RUNTIME_DATASET_H_
#define KILN_RUNTIME_DATASET_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/aligned.h"

namespace kiln {

// How one element of a column lies in memory (native byte order).
enum class Storage { kUint8, kInt32, kFloat32 };

// "uint8", "int32" or "float32", as in the manifest.
std::string_view StorageName(Storage storage);
// Bytes of one element.
std::int64_t StorageSize(Storage storage);

// What a column holds, or what a model wants it to hold. Shapes are per sample
// and row-major, as in PyTorch: an image is {channels, height, width}, a scalar
// is {}.
struct ColumnSpec {
  std::string name;
  std::vector<std::int64_t> shape;
  Storage storage = Storage::kFloat32;
  // Above 0: the column holds class labels 0..classes-1, int32, one a sample
  // (shape {}). 0: it holds values.
  std::int64_t classes = 0;

  // Elements of one sample; 1 for a scalar.
  std::int64_t elements() const;
};

// A label or value target, or an input, of every sample of a data set.
struct Column {
  ColumnSpec spec;
  // samples * spec.elements() elements, densely packed, samples outermost:
  // what the pipelines gather from without a copy.
  AlignedVector<std::uint8_t> bytes;

  // The elements as what they are. REQUIRES: spec.storage is that type.
  std::span<const float> floats() const;
  std::span<const std::int32_t> labels() const;
  std::span<float> mutable_floats();
  std::span<std::int32_t> mutable_labels();
};

// Samples in memory. Every column has the same number of them.
struct Dataset {
  std::int64_t samples = 0;
  std::vector<Column> inputs;
  std::vector<Column> targets;
};

// What a model is trained on and what it is judged by.
struct DataPair {
  Dataset train;
  Dataset test;
};

// A column of `samples` zeros.
Column MakeColumn(ColumnSpec spec, std::int64_t samples);

// "1x28x28"; "scalar" for {}.
std::string ShapeText(std::span<const std::int64_t> shape);

}  // namespace kiln

#endif  // KILN_RUNTIME_DATASET_H_
