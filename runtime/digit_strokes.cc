#include "runtime/digit_strokes.h"

namespace kiln {
inline namespace runtime {
namespace {

// clang-format off
constexpr StrokePoint kZero[] = {
    {58, 3}, {26, 12}, {10, 48}, {24, 88}, {52, 98}, {80, 84}, {90, 48},
    {76, 12}, {52, 2}};
constexpr StrokePoint kZeroWithTail[] = {
    {70, 8}, {42, 4}, {14, 28}, {12, 70}, {38, 98}, {72, 88}, {88, 50},
    {74, 14}, {44, 10}};

constexpr StrokePoint kOneBar[] = {{50, 0}, {50, 100}};
constexpr StrokePoint kOneFlag[] = {
    {28, 24}, {54, 0}, kPenUp, {54, 0}, {52, 100}};
constexpr StrokePoint kOneFoot[] = {
    {28, 22}, {52, 0}, kPenUp, {52, 0}, {52, 98}, kPenUp, {24, 98}, {80, 98}};

constexpr StrokePoint kTwo[] = {
    {12, 24}, {28, 5}, {56, 0}, {82, 12}, {84, 34}, {62, 60}, {10, 97},
    kPenUp, {10, 97}, {50, 95}, {92, 97}};
constexpr StrokePoint kTwoLoop[] = {
    {14, 20}, {40, 0}, {76, 8}, {80, 36}, {56, 70}, {26, 94}, {8, 88},
    {20, 75}, {48, 84}, {72, 97}, {94, 88}};

constexpr StrokePoint kThree[] = {
    {14, 12}, {44, 0}, {76, 8}, {78, 30}, {58, 44}, {36, 47},
    kPenUp, {36, 47}, {68, 52}, {88, 70}, {76, 92}, {44, 100}, {10, 90}};
constexpr StrokePoint kThreeFlatTop[] = {
    {14, 3}, {84, 3}, kPenUp, {84, 3}, {44, 40},
    kPenUp, {44, 40}, {76, 48}, {90, 70}, {76, 94}, {42, 100}, {10, 90}};

constexpr StrokePoint kFourOpen[] = {
    {24, 2}, {18, 30}, {14, 56}, kPenUp, {14, 56}, {50, 55}, {92, 51},
    kPenUp, {74, 4}, {70, 50}, {68, 100}};
constexpr StrokePoint kFourClosed[] = {
    {66, 0}, {8, 66}, kPenUp, {8, 66}, {94, 64}, kPenUp, {66, 0}, {64, 100}};

constexpr StrokePoint kFive[] = {
    {84, 2}, {28, 3}, kPenUp, {28, 3}, {20, 44},
    kPenUp, {20, 44}, {50, 36}, {80, 48}, {86, 72}, {66, 95}, {36, 100},
    {8, 90}};
constexpr StrokePoint kFiveSwung[] = {
    {88, 6}, {54, 4}, {30, 8}, {22, 40}, {50, 46}, {76, 62}, {74, 88},
    {44, 100}, {10, 94}};

constexpr StrokePoint kSix[] = {
    {72, 2}, {42, 18}, {18, 52}, {14, 80}, {36, 99}, {68, 95}, {82, 74},
    {68, 56}, {42, 56}, {20, 74}};
constexpr StrokePoint kSixStraight[] = {
    {56, 0}, {30, 34}, {12, 70}, {22, 94}, {50, 100}, {78, 86}, {80, 66},
    {56, 54}, {30, 64}, {18, 82}};

constexpr StrokePoint kSeven[] = {
    {10, 5}, {88, 4}, kPenUp, {88, 4}, {60, 44}, {42, 100}};
constexpr StrokePoint kSevenCrossed[] = {
    {10, 5}, {88, 4}, kPenUp, {88, 4}, {62, 44}, {42, 100},
    kPenUp, {34, 52}, {80, 50}};
constexpr StrokePoint kSevenHooked[] = {
    {10, 22}, {14, 6}, kPenUp, {14, 6}, {50, 8}, {88, 3},
    kPenUp, {88, 3}, {70, 48}, {62, 100}};

constexpr StrokePoint kEight[] = {
    {80, 14}, {54, 0}, {26, 8}, {24, 28}, {50, 46}, {78, 64}, {80, 88},
    {52, 100}, {22, 90}, {20, 68}, {48, 48}, {74, 30}, {82, 10}};
constexpr StrokePoint kEightTwoLoops[] = {
    {50, 0}, {24, 10}, {24, 34}, {50, 46}, {76, 34}, {76, 10}, {48, 0},
    kPenUp, {50, 46}, {18, 62}, {20, 90}, {50, 100}, {82, 88}, {82, 62},
    {52, 46}};

constexpr StrokePoint kNine[] = {
    {80, 22}, {60, 2}, {28, 8}, {16, 30}, {32, 48}, {60, 44}, {80, 22},
    kPenUp, {80, 22}, {78, 60}, {70, 100}};
constexpr StrokePoint kNineCurled[] = {
    {84, 10}, {52, 2}, {20, 16}, {20, 40}, {48, 48}, {80, 30}, {86, 14},
    {82, 62}, {62, 96}, {24, 94}};

constexpr Glyph kZeros[] = {kZero, kZeroWithTail};
constexpr Glyph kOnes[] = {kOneBar, kOneFlag, kOneFoot};
constexpr Glyph kTwos[] = {kTwo, kTwoLoop};
constexpr Glyph kThrees[] = {kThree, kThreeFlatTop};
constexpr Glyph kFours[] = {kFourOpen, kFourClosed};
constexpr Glyph kFives[] = {kFive, kFiveSwung};
constexpr Glyph kSixes[] = {kSix, kSixStraight};
constexpr Glyph kSevens[] = {kSeven, kSevenCrossed, kSevenHooked};
constexpr Glyph kEights[] = {kEight, kEightTwoLoops};
constexpr Glyph kNines[] = {kNine, kNineCurled};
// clang-format on

constexpr absl::Span<const Glyph> kDigits[] = {kZeros,  kOnes,  kTwos,  kThrees,
                                               kFours,  kFives, kSixes, kSevens,
                                               kEights, kNines};

}  // namespace

absl::Span<const Glyph> DigitGlyphs(int digit) { return kDigits[digit]; }

}  // namespace runtime
}  // namespace kiln
