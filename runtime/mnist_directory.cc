#include "runtime/mnist_directory.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "runtime/idx_reader.h"

namespace kiln {
inline namespace runtime {
namespace {

absl::Status Unfit(const std::string& path, absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", problem));
}

// The first of the names that a file of MNIST goes by which is there.
absl::StatusOr<std::string> FindFile(const std::string& directory,
                                     const std::string& part,
                                     const std::string& content) {
  const std::string dashed = absl::StrCat(part, "-", content, "-ubyte");
  const std::string dotted = absl::StrReplaceAll(dashed, {{"s-idx", "s.idx"}});
  const std::string names[] = {dashed, dashed + ".gz", dotted, dotted + ".gz"};
  for (const std::string& name : names) {
    const std::filesystem::path path = std::filesystem::path(directory) / name;
    std::error_code ignored;
    if (std::filesystem::exists(path, ignored)) return path.string();
  }
  return absl::NotFoundError(
      absl::StrCat(directory, ": holds no ", dashed,
                   ", plain or .gz; put the four files of MNIST there, or a "
                   "folder of PNGs per class"));
}

// One part, "train" or "t10k".
absl::StatusOr<Dataset> ReadPart(const std::string& directory,
                                 const std::string& part) {
  const auto images_path = FindFile(directory, part, "images-idx3");
  if (!images_path.ok()) return images_path.status();
  const auto labels_path = FindFile(directory, part, "labels-idx1");
  if (!labels_path.ok()) return labels_path.status();
  absl::StatusOr<IdxArray> images = ReadIdxFile(*images_path);
  if (!images.ok()) return images.status();
  const absl::StatusOr<IdxArray> labels = ReadIdxFile(*labels_path);
  if (!labels.ok()) return labels.status();

  if (images->shape.size() != 3) {
    return Unfit(*images_path,
                 absl::StrCat("has shape ", ShapeText(images->shape),
                              ", not count x height x width"));
  }
  if (labels->shape.size() != 1) {
    return Unfit(*labels_path,
                 absl::StrCat("has shape ", ShapeText(labels->shape),
                              ", not that of a list of labels"));
  }
  const int64_t samples = labels->shape[0];
  if (images->shape[0] != samples) {
    return Unfit(*labels_path,
                 absl::StrCat("has ", samples, " labels for the ",
                              images->shape[0], " images of ", *images_path));
  }
  Column image{.spec = {.name = "image",
                        .shape = {1, images->shape[1], images->shape[2]},
                        .storage = Storage::kUint8},
               .bytes = std::move(images->values),
               .origin = *images_path};
  Column label = MakeColumn(
      {.name = "label", .shape = {}, .storage = Storage::kInt32}, samples);
  label.origin = *labels_path;
  label.spec.classes =
      1 + *std::max_element(labels->values.begin(), labels->values.end());
  std::copy(labels->values.begin(), labels->values.end(),
            label.mutable_labels().begin());
  return Dataset{.samples = samples,
                 .inputs = {std::move(image)},
                 .targets = {std::move(label)}};
}

}  // namespace

bool HasMnistFiles(const std::string& directory) {
  for (const char* part : {"train", "t10k"}) {
    for (const char* content : {"images-idx3", "labels-idx1"}) {
      if (FindFile(directory, part, content).ok()) return true;
    }
  }
  return false;
}

absl::StatusOr<DataPair> ReadMnistDirectory(const std::string& directory) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(directory, ignored)) {
    return absl::NotFoundError(
        absl::StrCat(directory, ": no such directory; check the path"));
  }
  absl::StatusOr<Dataset> train = ReadPart(directory, "train");
  if (!train.ok()) return train.status();
  absl::StatusOr<Dataset> test = ReadPart(directory, "t10k");
  if (!test.ok()) return test.status();

  const Column& train_image = train->inputs[0];
  const Column& test_image = test->inputs[0];
  if (train_image.spec.shape != test_image.spec.shape) {
    return Unfit(
        test_image.origin,
        absl::StrCat("images of shape ", ShapeText(test_image.spec.shape),
                     ", but ", ShapeText(train_image.spec.shape), " in ",
                     train_image.origin));
  }
  int64_t& train_classes = train->targets[0].spec.classes;
  int64_t& test_classes = test->targets[0].spec.classes;
  train_classes = test_classes = std::max(train_classes, test_classes);
  return DataPair{.train = *std::move(train), .test = *std::move(test)};
}

}  // namespace runtime
}  // namespace kiln
