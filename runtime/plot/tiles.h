// A grid of small pictures in one range of colours: weights, feature maps.

#ifndef KILN_RUNTIME_PLOT_TILES_H_
#define KILN_RUNTIME_PLOT_TILES_H_

#include <string>
#include <vector>

#include "runtime/plot/picture.h"

namespace kiln {
inline namespace runtime {

struct Tiles {
  std::string title;
  std::string colour_label;  // of the colour bar
  int height = 0, width = 0;
  int columns = 1;  // tiles abreast

  struct Tile {
    std::string name;           // above it; may be empty
    std::vector<float> pixels;  // row-major, the first row on top
  };
  std::vector<Tile> tiles;                 // row by row
  std::vector<std::string> row_labels;     // left of each row; may be empty
  std::vector<std::string> column_labels;  // above the grid; may be empty
};

// All tiles share one range: [-m, m] in blue, white and vermilion where a value
// is negative, [0, m] from dark to bright where none is.
Picture TilesPicture(const Tiles& tiles);

// How many abreast make a grid of `count` tiles about as wide as a page,
// without a last row that is nearly empty where another number avoids it: 2
// for 4.
int ColumnsFor(int count);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_PLOT_TILES_H_
