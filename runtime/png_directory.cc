#include "runtime/png_directory.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "runtime/png_image.h"

namespace kiln {
inline namespace runtime {
namespace {

namespace fs = std::filesystem;

absl::Status Unfit(const std::string& path, absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", problem));
}

struct PictureSize {
  int64_t height = 0, width = 0;
};

// The size of the model's picture; an error where it has none.
absl::StatusOr<PictureSize> SizeFor(const std::string& directory,
                                    const DataSpec& model) {
  if (model.inputs.size() != 1 || model.targets.size() != 1) {
    return Unfit(
        directory,
        absl::StrCat("pictures by class are for a model of one input "
                     "and one target; this one has ",
                     model.inputs.size(), " and ", model.targets.size()));
  }
  const ColumnSpec& input = model.inputs[0];
  const std::vector<int64_t>& shape = input.shape;
  PictureSize size;
  if (shape.size() == 3 && shape[0] == 1) {
    size = {.height = shape[1], .width = shape[2]};
  } else if (shape.size() == 2) {
    size = {.height = shape[0], .width = shape[1]};
  } else if (shape.size() == 1) {
    size.height = size.width =
        std::llround(std::sqrt(static_cast<double>(shape[0])));
  }
  constexpr int64_t kMost = 1 << 15;  // AreaAverage's
  if (size.height * size.width != input.elements() || size.height > kMost ||
      size.width > kMost) {
    return Unfit(
        directory,
        absl::StrCat("the model's ", input.name, " has shape ",
                     ShapeText(shape), ", which is no picture of one channel"));
  }
  return size;
}

bool IsHidden(const fs::path& path) {
  return absl::StartsWith(path.filename().string(), ".");
}

// What a directory holds, in the order of the names' bytes.
absl::StatusOr<std::vector<fs::path>> List(const fs::path& directory) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end;
       it.increment(error)) {
    if (!IsHidden(it->path())) paths.push_back(it->path());
  }
  if (error) {
    return Unfit(directory.string(),
                 absl::StrCat("cannot be listed: ", error.message()));
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

bool IsDirectory(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

// The names of the class folders in `directory`.
absl::StatusOr<std::vector<std::string>> ClassNames(const fs::path& directory) {
  absl::StatusOr<std::vector<fs::path>> paths = List(directory);
  if (!paths.ok()) return paths.status();
  std::vector<std::string> names;
  for (const fs::path& path : *paths) {
    if (!IsDirectory(path)) {
      return Unfit(path.string(),
                   "stands beside the classes' folders; "
                   "pictures belong into one of them");
    }
    names.push_back(path.filename().string());
  }
  if (names.empty()) {
    return Unfit(directory.string(), "holds no folder of pictures per class");
  }
  return names;
}

// The data set as it grows, in the model's storage.
class Pictures {
 public:
  Pictures(std::string origin, const ColumnSpec& input, PictureSize size,
           int64_t classes)
      : size_(size) {
    image_.spec = {.name = "image",
                   .shape = {1, size.height, size.width},
                   .storage = input.storage};
    label_.spec = {.name = "label",
                   .shape = {},
                   .storage = Storage::kInt32,
                   .classes = classes};
    image_.origin = label_.origin = std::move(origin);
  }

  void Add(const GrayImage& picture, int32_t label) {
    for (const double mean : AreaAverage(picture, size_.height, size_.width)) {
      if (image_.spec.storage == Storage::kUint8) {
        Append(static_cast<uint8_t>(255 * mean + 0.5), image_);
      } else {
        Append(static_cast<float>(mean), image_);
      }
    }
    Append(label, label_);
    ++samples_;
  }

  Dataset Take() && {
    return {.samples = samples_,
            .inputs = {std::move(image_)},
            .targets = {std::move(label_)}};
  }

 private:
  template <typename T>
  static void Append(T value, Column& column) {
    const uint8_t* bytes = reinterpret_cast<const uint8_t*>(&value);
    column.bytes.insert(column.bytes.end(), bytes, bytes + sizeof value);
  }

  PictureSize size_;
  int64_t samples_ = 0;
  Column image_, label_;
};

// Adds the pictures of one class.
absl::Status AddClass(const fs::path& folder, int32_t label, bool invert,
                      Pictures& pictures) {
  absl::StatusOr<std::vector<fs::path>> files = List(folder);
  if (!files.ok()) return files.status();
  if (files->empty()) return Unfit(folder.string(), "holds no pictures");
  for (const fs::path& file : *files) {
    if (!absl::EndsWithIgnoreCase(file.string(), ".png") || IsDirectory(file)) {
      return Unfit(file.string(), "is no .png file; remove or convert it");
    }
    absl::StatusOr<GrayImage> picture = ReadPng(file.string(), invert);
    if (!picture.ok()) return picture.status();
    pictures.Add(*picture, label);
  }
  return absl::OkStatus();
}

// Reads one part, whose folders are among `classes`.
absl::StatusOr<Dataset> ReadPart(const fs::path& directory,
                                 const std::vector<std::string>& classes,
                                 bool invert, const ColumnSpec& input,
                                 PictureSize size) {
  absl::StatusOr<std::vector<std::string>> names = ClassNames(directory);
  if (!names.ok()) return names.status();
  Pictures pictures(directory.string(), input, size,
                    static_cast<int64_t>(classes.size()));
  for (const std::string& name : *names) {
    const auto found = std::lower_bound(classes.begin(), classes.end(), name);
    if (found == classes.end() || *found != name) {
      return Unfit((directory / name).string(),
                   "is a class for testing that there is none of for training");
    }
    absl::Status added = AddClass(directory / name,
                                  static_cast<int32_t>(found - classes.begin()),
                                  invert, pictures);
    if (!added.ok()) return added;
  }
  return std::move(pictures).Take();
}

}  // namespace

bool HasClassFolders(const std::string& directory) {
  const absl::StatusOr<std::vector<fs::path>> paths = List(directory);
  return paths.ok() && std::any_of(paths->begin(), paths->end(), IsDirectory);
}

absl::StatusOr<DataPair> ReadPngDirectory(const std::string& directory,
                                          bool invert, const DataSpec& model) {
  const absl::StatusOr<PictureSize> size = SizeFor(directory, model);
  if (!size.ok()) return size.status();
  const fs::path root(directory);
  const bool has_parts = IsDirectory(root / "train");
  const fs::path train = has_parts ? root / "train" : root;
  const absl::StatusOr<std::vector<std::string>> classes = ClassNames(train);
  if (!classes.ok()) return classes.status();
  const int64_t most = model.targets[0].classes;
  if (most > 0 && static_cast<int64_t>(classes->size()) > most) {
    return Unfit(train.string(), absl::StrCat("has ", classes->size(),
                                              " folders, but the model has ",
                                              most, " classes"));
  }
  const auto read = [&](const fs::path& part) {
    return ReadPart(part, *classes, invert, model.inputs[0], *size);
  };
  DataPair data;
  absl::StatusOr<Dataset> part = read(train);
  if (!part.ok()) return part.status();
  data.train = *std::move(part);
  if (has_parts && IsDirectory(root / "test")) {
    part = read(root / "test");
    if (!part.ok()) return part.status();
    data.test = *std::move(part);
  }
  return data;
}

}  // namespace runtime
}  // namespace kiln
