#include "runtime/digits.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "runtime/digit_strokes.h"

namespace kiln {
inline namespace runtime {
namespace {

struct Point {
  float x, y;
};

float Mix(float a, float b, float t) { return a + (b - a) * t; }

// A smooth random field of displacements: random vectors at the corners of a
// 3 x 3 grid over the digit's box, bilinear between. Being a function of the
// place alone, it moves strokes that meet alike, so that they still meet.
class Warp {
 public:
  Warp(float deviation, Random& random) {
    for (Point& corner : corners_) {
      corner.x = deviation * random.Normal();
      corner.y = deviation * random.Normal();
    }
  }

  Point operator()(Point p) const {
    const float x = std::clamp(2 * p.x, 0.0f, 1.999f);
    const float y = std::clamp(2 * p.y, 0.0f, 1.999f);
    const int column = static_cast<int>(x);
    const int row = static_cast<int>(y);
    const Point* near = &corners_[3 * row + column];
    const auto between = [&](float Point::*axis) {
      return Mix(Mix(near[0].*axis, near[1].*axis, x - column),
                 Mix(near[3].*axis, near[4].*axis, x - column), y - row);
    };
    return {p.x + between(&Point::x), p.y + between(&Point::y)};
  }

 private:
  std::array<Point, 9> corners_;
};

// From the digit's box, 0..1 both ways, to pixels: warped, sheared, rotated
// about the middle, scaled and shifted, each by a random amount.
class Placement {
 public:
  explicit Placement(Random& random) : warp_(0.03f, random) {
    const float height = random.Uniform(15, 21);
    const float width = height * random.Uniform(0.45f, 0.8f);
    const float shear = random.Uniform(-0.15f, 0.35f);  // slants to the right
    // Rational in the tangent of the half angle, up to 12.5 degrees: libm's
    // sine and cosine differ between machines.
    const float t = random.Uniform(-0.11f, 0.11f);
    const float cosine = (1 - t * t) / (1 + t * t);
    const float sine = 2 * t / (1 + t * t);
    xx_ = cosine * width;
    xy_ = -(cosine * shear + sine) * height;
    yx_ = sine * width;
    yy_ = (cosine - sine * shear) * height;
    const float middle = (kDigitSize - 1) / 2.0f;
    const float room = (kDigitSize - 2 - height) / 2;  // 2.5..5.5 pixels
    shift_.x = middle + 0.7f * random.Uniform(-room, room);
    shift_.y = middle + 0.5f * random.Uniform(-room, room);
  }

  Point operator()(StrokePoint point) const {
    const Point p = warp_({0.01f * point.x, 0.01f * point.y});
    const float x = p.x - 0.5f;
    const float y = p.y - 0.5f;
    return {xx_ * x + xy_ * y + shift_.x, yx_ * x + yy_ * y + shift_.y};
  }

 private:
  Warp warp_;
  float xx_, xy_, yx_, yy_;
  Point shift_;
};

// The image as squared distances of its pixels from the pen's path.
class DistanceField {
 public:
  DistanceField() { squared_.fill(kFar); }

  // Notes the straight line from a to b for the pixels near it.
  void AddLine(Point a, Point b) {
    const float dx = b.x - a.x;
    const float dy = b.y - a.y;
    const float length2 = std::max(dx * dx + dy * dy, 1e-6f);
    const auto [left, right] = Near(a.x, b.x);
    const auto [top, bottom] = Near(a.y, b.y);
    for (int y = top; y <= bottom; ++y) {
      for (int x = left; x <= right; ++x) {
        const float px = x - a.x;
        const float py = y - a.y;
        const float t = std::clamp((px * dx + py * dy) / length2, 0.0f, 1.0f);
        const float ex = px - t * dx;
        const float ey = py - t * dy;
        float& nearest = squared_[y * kDigitSize + x];
        nearest = std::min(nearest, ex * ex + ey * ey);
      }
    }
  }

  // Notes a smooth curve through the points: Catmull and Rom's spline, which
  // at each point runs parallel to the line between its neighbours.
  void AddCurve(absl::Span<const Point> points) {
    constexpr int kPieces = 6;
    const int last = static_cast<int>(points.size()) - 1;
    for (int i = 0; i < last; ++i) {
      const Point p0 = points[std::max(i - 1, 0)];
      const Point p1 = points[i];
      const Point p2 = points[i + 1];
      const Point p3 = points[std::min(i + 2, last)];
      Point from = p1;
      for (int piece = 1; piece <= kPieces; ++piece) {
        const float t = static_cast<float>(piece) / kPieces;
        const auto at = [&](float Point::*axis) {
          const float a = p0.*axis, b = p1.*axis, c = p2.*axis, d = p3.*axis;
          return b + 0.5f * t *
                         (c - a +
                          t * (2 * a - 5 * b + 4 * c - d +
                               t * (3 * (b - c) + d - a)));
        };
        const Point to = {at(&Point::x), at(&Point::y)};
        AddLine(from, to);
        from = to;
      }
    }
  }

  float Distance(int pixel) const { return std::sqrt(squared_[pixel]); }

 private:
  static constexpr float kReach = 3.5f;  // more than any pen's radius and edge
  static constexpr float kFar = kReach * kReach;

  // The pixels that may be nearer than kReach to something between a and b.
  static std::pair<int, int> Near(float a, float b) {
    const float low = std::max(std::min(a, b) - kReach, 0.0f);
    const float high = std::min(std::max(a, b) + kReach, kDigitSize - 1.0f);
    return {static_cast<int>(std::ceil(low)), static_cast<int>(high)};
  }

  std::array<float, kDigitPixels> squared_;
};

DistanceField TracePen(Glyph glyph, const Placement& placement) {
  DistanceField field;
  std::array<Point, 16> stroke;
  size_t size = 0;
  for (const StrokePoint point : glyph) {
    if (point.x < 0) {
      field.AddCurve(absl::MakeSpan(stroke).first(size));
      size = 0;
    } else {
      stroke[size++] = placement(point);
    }
  }
  field.AddCurve(absl::MakeSpan(stroke).first(size));
  return field;
}

// Samples 0, 1, .. are digits 0, 1, .. 9, 0, .., in an order that is shuffled.
Dataset DrawSamples(int64_t samples, Random random) {
  Column image = MakeColumn({.name = "image",
                             .shape = {1, kDigitSize, kDigitSize},
                             .storage = Storage::kUint8},
                            samples);
  Column label = MakeColumn(
      {.name = "label", .shape = {}, .storage = Storage::kInt32, .classes = 10},
      samples);
  image.origin = label.origin = "digits";
  const absl::Span<int32_t> labels = label.mutable_labels();
  for (int64_t i = 0; i < samples; ++i)
    labels[i] = static_cast<int32_t>(i % 10);
  random.Shuffle(labels);
  for (int64_t i = 0; i < samples; ++i) {
    DrawDigit(
        labels[i], random,
        absl::MakeSpan(image.bytes).subspan(i * kDigitPixels, kDigitPixels));
  }
  return {.samples = samples,
          .inputs = {std::move(image)},
          .targets = {std::move(label)}};
}

}  // namespace

void DrawDigit(int digit, Random& random, absl::Span<uint8_t> image) {
  const absl::Span<const Glyph> glyphs = DigitGlyphs(digit);
  const Glyph glyph =
      glyphs[random.Below(static_cast<uint32_t>(glyphs.size()))];
  const Placement placement(random);
  const DistanceField field = TracePen(glyph, placement);

  const float radius = random.Uniform(0.7f, 1.7f);
  const float edge = random.Uniform(0.8f, 1.6f);  // pixels from ink to paper
  const float ink = random.Uniform(170, 255);
  const float noise = random.Uniform(0, 32);
  uint64_t bits = 0;
  for (int i = 0; i < kDigitPixels; ++i) {
    // The difference of two random bytes, in -1..1, is noise enough.
    if (i % 4 == 0) bits = random.Bits();
    const int grain =
        static_cast<int>(bits & 255) - static_cast<int>(bits >> 8 & 255);
    bits >>= 16;
    const float cover =
        std::clamp((radius - field.Distance(i)) / edge + 0.5f, 0.0f, 1.0f);
    const float value = ink * cover + noise * (grain / 256.0f);
    image[i] = static_cast<uint8_t>(std::clamp(value, 0.0f, 255.0f) + 0.5f);
  }
}

DataPair MakeDigits(uint64_t seed, int64_t train_samples,
                    int64_t test_samples) {
  return {.train = DrawSamples(train_samples, Random(seed, 0)),
          .test = DrawSamples(test_samples, Random(seed, 1))};
}

}  // namespace runtime
}  // namespace kiln
