// The arithmetic behind the schedules: vector widths, register tiles, and the
// loops that several ops share.
#ifndef KILN_GENERATORS_SCHEDULE_H_
#define KILN_GENERATORS_SCHEDULE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "Halide.h"
#include "dsl/graph.h"
#include "dsl/type.h"

namespace kiln {

class Lowering;

// Architectural vector registers of the target.
int VectorRegisters(const Halide::Target& target);

// A register tile of `vectors` x `channels` accumulators.
struct Tile {
  int vectors = 1;
  int channels = 1;

  bool operator==(const Tile&) const = default;
};

// What a node's tiles cover, and which tiles may.
struct TileSpace {
  int64_t vectors = 1;
  int64_t channels = 1;
  // Only tiles that divide the extent: for accumulation in place, where an
  // overlap would count twice.
  bool exact_vectors = false;
  bool exact_channels = false;
  // A tile's at most; 0: `vectors`. Less where the last vector is a part.
  int64_t max_vectors = 0;
  int each = 1;  // accumulators of a vector and channel
  // Vectors come in rows of so many, shifted by one element each, that one pass
  // over memory reads: tiles are whole rows or divide them.
  int64_t row = 1;
  bool whole_rows = false;  // and no part of one
  // The inputs do not stay in the first cache.
  bool streams = false;
  // Then, of a convolution: lines of 64 bytes that a step reads for each vector
  // and, where neighbouring taps share columns, for all of them together.
  double lines_of_vector = 0;
  double lines_of_all = 0;
};

// One way to compute a node, and the register tiles it may have.
struct Family {
  std::string name;  // "" where there is no other
  TileSpace space;
  std::optional<Tile> rule = std::nullopt;  // instead of the cheapest tile
};

// The first cache of a core, the smallest that is common.
inline constexpr int64_t kFirstCache = 32 << 10;

// What is decided of a node: the family, by name, and the tile.
struct NodeSchedule {
  std::string family;
  Tile tile;

  bool operator==(const NodeSchedule&) const = default;
};

// What is taken of the family where nothing was measured.
NodeSchedule ComputedSchedule(const Family& family, int registers);

// Whether `tile` is one of the space, with accumulators, loaded inputs and one
// more within `registers`; of a family the rule's is as well.
bool Contains(const TileSpace& space, const Tile& tile, int registers);
bool Contains(const Family& family, const Tile& tile, int registers);

// Cycles to cover the space by `tile`, up to a factor. A reduction step of a
// tile does vectors * channels FMAs (2 a cycle), loads `vectors` inputs and
// broadcasts `channels` weights (2 loads a cycle), and needs 8 FMAs in flight
// to hide their latency of 4 cycles, and a little more: they never start in
// perfect order. Where inputs stream from the second cache, lines of 64 bytes
// come one in two cycles at best, as those of a weight gradient do, one for a
// row of vectors and one for each channel; those of a convolution, which jumps
// from channel to channel, one in four.
double TileCost(const TileSpace& space, const Tile& tile);

// By the tile that is cheapest.
double LeastCost(const TileSpace& space, int registers);

// All tiles of the space by that cost, the cheapest first, and the cheapest:
// what the tuner tries, and what is taken where there is no other rule.
std::vector<Tile> TilesByCost(const TileSpace& space, int registers);
Tile ChooseTile(const TileSpace& space, int registers);

// The largest power of two that is at most `limit` and `extent`.
int LargestVector(int64_t extent, int limit);

// The largest divisor of `extent` that is at most `limit`.
int LargestDivisor(int64_t extent, int limit);

// The largest power of two that is at most `limit` and divides `extent`.
int VectorDivisor(int64_t extent, int limit);

// The lanes of an image (n, x, ...) with `block` samples and `width` columns.
// When the block fills whole vectors, lanes are samples. When it is smaller, n
// and x are fused, n + block * x, and a vector holds several columns: a step in
// x is still a shift by a constant, so convolutions at stride 1 read dense
// vectors. They are fused as well where a column is a line of the cache and
// several vectors: a tile then reads whole lines.
struct ImageLanes {
  bool fused;
  int vector;     // lanes
  int64_t count;  // vectors in a row of the image, over all samples when fused,
                  // else per vector of samples
  int columns;    // that a vector touches
};
ImageLanes LanesOf(int block, int64_t width, int stride, int vector_size);

// Lanes for a reduction over whole rows of an image: as above, but dividing the
// row, so that no lane counts twice.
int RowLanes(int block, int64_t width, int stride, int vector_size);

// The pure definition (-1) or the k-th update of `func`.
Halide::Stage StageOf(Halide::Func func, int stage);

// `input`(n, x, y, c) of type {C, H, W} with zeros outside its width and
// height: inlined, or stored with the border that is read.
Halide::Func ZeroExtended(Halide::Func input, const TensorType& type,
                          const std::string& name);
Halide::Func ZeroPadded(const Lowering& lowering, Halide::Func input,
                        const TensorType& type, const std::string& name);

// A node's first input, an image, with zeros around it where there is a
// padding.
Halide::Func PaddedInput(const Lowering& lowering, const Node& node,
                         const Size2& padding);

// All of f(n, ...) of `shape` is computed, however little is read: vectors and
// tiles that are shifted inwards of less would start before the first element.
void BoundToShape(Halide::Func func, const Shape& shape);

// Schedules `accumulator`(n, i), a reduction over `r`, in register tiles of
// `consumer`: lanes over samples. VectorSpace is what the tiles cover.
TileSpace VectorSpace(const Lowering& lowering, int64_t features);
void TileVector(const Lowering& lowering, Halide::Func accumulator,
                Halide::Func consumer, const Halide::RDom& r, int64_t features,
                const Tile& tile);

// Schedules `stored`, a copy of `source` with the same arguments, at the root:
// stored with `inner` innermost where `source` reads densely along `outer`, in
// square blocks that are transposed in registers.
void StoreTransposed(const Lowering& lowering, Halide::Func stored,
                     const Halide::Var& inner, int64_t inner_extent,
                     Halide::Func source, const Halide::Var& outer,
                     int64_t outer_extent);

// Unrolls x and y by the periods of what is inlined in `func`, so that its
// divisions fold away.
void UnrollPeriods(const Lowering& lowering, Halide::Func func,
                   const TensorType& type, int period_x, int period_y);

// f(n, x, y, c) of so many columns a row after the other, its channels in turn,
// in vectors of samples and, where a block is short, columns.
void LoopOverRows(const Lowering& lowering, Halide::Func func, int64_t width);
// The same at the root.
void StoreImageRows(const Lowering& lowering, Halide::Func func,
                    const TensorType& type);

// compute_root, vectorised over the samples: for pools, pads and whatever moves
// data. With the `shape` of a sample, a block of one has lanes as well.
void StoreRoot(const Lowering& lowering, Halide::Func func,
               const Shape& shape = {});

}  // namespace kiln

#endif  // KILN_GENERATORS_SCHEDULE_H_
