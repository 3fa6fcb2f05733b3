#include "tests/support/jit_binding.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace kiln {

using Halide::Buffer;

namespace {

int64_t Elements(const Buffer<>& buffer) {
  return static_cast<int64_t>(buffer.number_of_elements());
}

template <typename T>
void CopyIn(const std::vector<double>& from, Buffer<>& to) {
  T* data = static_cast<T*>(to.data());
  for (size_t i = 0; i < from.size(); ++i) data[i] = static_cast<T>(from[i]);
}

}  // namespace

void FillBuffer(const std::vector<double>& from, Buffer<>& to) {
  if (to.type() == Halide::UInt(8)) return CopyIn<uint8_t>(from, to);
  if (to.type() == Halide::Int(32)) return CopyIn<int32_t>(from, to);
  if (to.type() == Halide::Float(64)) return CopyIn<double>(from, to);
  return CopyIn<float>(from, to);
}

std::vector<double> ReadBuffer(const Buffer<>& from) {
  std::vector<double> values(Elements(from));
  if (from.type() == Halide::Float(64)) {
    std::copy_n(static_cast<const double*>(from.data()), values.size(),
                values.begin());
  } else if (from.type() == Halide::Int(32)) {
    std::copy_n(static_cast<const int32_t*>(from.data()), values.size(),
                values.begin());
  } else {
    std::copy_n(static_cast<const float*>(from.data()), values.size(),
                values.begin());
  }
  return values;
}

absl::Status BindData(const std::vector<Argument>& arguments,
                      const GraphValues& values, JitInputs* inputs) {
  for (const Argument& argument : arguments) {
    if (IsOutput(argument) || !argument.is_buffer) continue;
    if (argument.kind == ArgumentKind::kIndex ||
        argument.kind == ArgumentKind::kWeight)
      continue;
    const auto tensor = values.tensors.find(argument.tensor);
    if (tensor == values.tensors.end())
      return absl::InvalidArgumentError(
          absl::StrCat(argument.tensor, " is missing"));
    std::vector<int> extents = argument.extents;
    if (!extents.empty() && extents.back() == kAnyExtent)
      extents.back() = static_cast<int>(values.batch);
    Buffer<> buffer(argument.type, extents);
    if (Elements(buffer) != static_cast<int64_t>(tensor->second.size())) {
      return absl::InvalidArgumentError(
          absl::StrCat(argument.tensor, " has the wrong size"));
    }
    FillBuffer(tensor->second, buffer);
    inputs->Set(argument.name, buffer);
  }
  return absl::OkStatus();
}

void BindBlock(const std::vector<Argument>& arguments,
               const GraphValues& values, int block,
               const std::vector<int64_t>& rows, int64_t first,
               JitInputs* inputs) {
  std::vector<double> index(block, static_cast<double>(rows[first])),
      weight(block);
  for (int lane = 0; lane < block; ++lane) {
    const int64_t n = first + lane;
    if (n >= static_cast<int64_t>(rows.size())) continue;
    index[lane] = static_cast<double>(rows[n]);
    weight[lane] = BareWeight(values, n);
  }
  for (const Argument& argument : arguments) {
    if (argument.kind == ArgumentKind::kScale)
      inputs->Set(argument.name, static_cast<float>(values.scale));
    if (argument.kind == ArgumentKind::kSeed)
      inputs->SetWord(argument.name, values.seed);
    if (argument.kind == ArgumentKind::kStep)
      inputs->SetWord(argument.name, values.step);
    if (argument.kind != ArgumentKind::kIndex &&
        argument.kind != ArgumentKind::kWeight)
      continue;
    Buffer<> buffer(argument.type, argument.extents);
    FillBuffer(argument.kind == ArgumentKind::kIndex ? index : weight, buffer);
    inputs->Set(argument.name, buffer);
  }
}

}  // namespace kiln
