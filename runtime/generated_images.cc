#include "runtime/generated_images.h"

#include <utility>

#include "absl/types/span.h"
#include "runtime/random.h"

namespace kiln {
inline namespace runtime {
namespace {

constexpr int kSize = 8;  // pixels, height and width of lines and objects

// What all the sets have: images, and labels of two classes.
Dataset BlankImages(const char* name, int64_t size) {
  Dataset data{.samples = kGeneratedImages, .inputs = {}, .targets = {}};
  data.inputs = {
      MakeColumn({.name = "image", .shape = {1, size, size}}, data.samples)};
  data.targets = {MakeColumn(
      {.name = "label", .shape = {}, .storage = Storage::kInt32, .classes = 2},
      data.samples)};
  data.inputs[0].origin = data.targets[0].origin = name;
  return data;
}

DataPair TrainedByHeart(Dataset data) {
  Dataset test = data;
  return {.train = std::move(data), .test = std::move(test)};
}

// One image of kSize x kSize pixels.
class Canvas {
 public:
  Canvas(Dataset& data, int64_t sample)
      : pixels_(data.inputs[0].mutable_floats().subspan(sample * kSize * kSize,
                                                        kSize * kSize)) {}

  void Fill(int left, int top, int width, int height, float value) {
    for (int y = top; y < top + height; ++y) {
      for (int x = left; x < left + width; ++x) pixels_[y * kSize + x] = value;
    }
  }

 private:
  absl::Span<float> pixels_;
};

// Where something of `extent` pixels begins so that it lies inside.
int Place(int extent, Random& random) {
  return static_cast<int>(random.Below(kSize - extent + 1));
}

}  // namespace

DataPair MakeRandom4x4(uint64_t seed) {
  Dataset data = BlankImages("random4x4", 4);
  Random random(seed);
  for (float& pixel : data.inputs[0].mutable_floats()) pixel = random.Uniform();
  for (int32_t& label : data.targets[0].mutable_labels()) {
    label = static_cast<int32_t>(random.Below(2));
  }
  return TrainedByHeart(std::move(data));
}

DataPair MakeLines(uint64_t seed) {
  Dataset data = BlankImages("lines", kSize);
  Random random(seed);
  for (int i = 0; i < kGeneratedImages; ++i) {
    const bool horizontal = i % 2 == 1;
    const int length = 4 + static_cast<int>(random.Below(5));
    const int along = Place(length, random);
    const int across = Place(1, random);
    Canvas canvas(data, i);
    if (horizontal) {
      canvas.Fill(along, across, length, 1, 1);
    } else {
      canvas.Fill(across, along, 1, length, 1);
    }
    data.targets[0].mutable_labels()[i] = horizontal;
  }
  return TrainedByHeart(std::move(data));
}

DataPair MakeDetection(uint64_t seed) {
  Dataset data = BlankImages("detection", kSize);
  data.targets.push_back(
      MakeColumn({.name = "width", .shape = {1}}, data.samples));
  data.targets[1].origin = "detection";
  Random random(seed);
  for (int i = 0; i < kGeneratedImages; ++i) {
    const bool outline = i % 2 == 1;
    const int width = 3 + i / 2 % 5;
    const int left = Place(width, random);
    const int top = Place(width, random);
    Canvas canvas(data, i);
    canvas.Fill(left, top, width, width, 1);
    if (outline) canvas.Fill(left + 1, top + 1, width - 2, width - 2, 0);
    data.targets[0].mutable_labels()[i] = outline;
    data.targets[1].mutable_floats()[i] = static_cast<float>(width);
  }
  return TrainedByHeart(std::move(data));
}

}  // namespace runtime
}  // namespace kiln
