// The scripts of all kinds of pictures for a few numbers, and gnuplot itself.

#include "runtime/plot/picture.h"

#include <stdlib.h>

#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "runtime/plot/boundary.h"
#include "runtime/plot/curves.h"
#include "runtime/plot/first_convolution.h"
#include "runtime/plot/function.h"
#include "runtime/plot/gnuplot.h"
#include "runtime/plot/surface.h"
#include "runtime/plot/tiles.h"
#include "tests/support/golden.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace kiln {
namespace {

// --- One small picture of each kind -----------------------------------------

RunCurves SmallRun(const std::string& name, double factor) {
  RunCurves run;
  run.name = name;
  run.measures.resize(2);
  run.measures[0].name = "loss";
  run.measures[1].name = "accuracy";
  for (int step = 1; step <= 3; ++step) {
    run.measures[0].train.Add(step, factor / step);
    run.measures[1].train.Add(step, step / 4.0);
  }
  run.measures[0].test.Add(3, 0.5 * factor);
  run.measures[1].test.Add(3, 0.75);
  return run;
}

Picture SmallCurves() {
  const RunCurves runs[] = {SmallRun("it's `a`", 1), SmallRun("b", 2)};
  return CurvesPicture(runs, {.title = "Two runs", .log_y = true});
}

Boundary SmallBoundary(int outputs) {
  Boundary b;
  b.title = "Plane";
  b.x_label = "x[0]";
  b.y_label = "x[1]";
  b.x = {.low = 0, .high = 1};
  b.y = {.low = 0, .high = 2};
  b.grid = 2;
  b.outputs = outputs;
  for (int i = 0; i < 4 * outputs; ++i) {
    b.values.push_back(0.125f * static_cast<float>(i * i % 7));
  }
  b.points = {{0.25, 0.5, 0}, {0.75, 1.5, 1}};
  return b;
}

Picture SmallTiles(float sign) {
  Tiles tiles;
  tiles.title = "Weights";
  tiles.colour_label = "weight";
  tiles.height = 1;
  tiles.width = 2;
  tiles.columns = 2;
  tiles.tiles = {{"0", {1, 2 * sign}}, {"1", {0, 0.5f}}, {"2", {1, 1}}};
  return TilesPicture(tiles);
}

Picture SmallFunctions() {
  FunctionPlot plot;
  plot.title = "f";
  plot.x_label = "x";
  plot.y_label = "y";
  plot.curves = {{"relu", {{0, 0}, {1, 1}}}, {"sigmoid", {{0, 0.5}, {1, 0.7}}}};
  plot.data = {{0.5, 0.25}};
  return FunctionPicture(plot);
}

Picture SmallSurface() {
  Surface surface;
  surface.title = "Neuron";
  surface.weight = surface.bias = {.low = -1, .high = 1};
  surface.grid = 3;
  surface.layers = {
      {"output", {}, {0, 1, 2, 3, 4, 5, 6, 7, 8}},
      {"loss", {.low = 0, .high = 5}, {8, 7, 6, 5, 4, 3, 2, 1, 0}}};
  return SurfacePicture(surface);
}

Picture SmallDerivatives() {
  const std::vector<DerivativePanel> panels = {
      {"relu", {{-1, 0}, {1, 1}}, {{-1, 0}, {1, 1}}},
      {"identity", {{-1, -1}, {1, 1}}, {{-1, 1}, {1, 1}}}};
  return DerivativesPicture(panels, "Activations");
}

std::string Both(const Picture& picture) {
  return picture.script + "---\n" + picture.csv;
}

TEST(PictureTest, Scripts) {
  EXPECT_TRUE(MatchesGolden("plot_curves", Both(SmallCurves())));
  EXPECT_TRUE(MatchesGolden("plot_boundary_probability",
                            Both(BoundaryPicture(SmallBoundary(1)))));
  EXPECT_TRUE(MatchesGolden("plot_boundary_scores",
                            Both(BoundaryPicture(SmallBoundary(3)))));
  EXPECT_TRUE(MatchesGolden("plot_tiles", Both(SmallTiles(-1))));
  EXPECT_TRUE(MatchesGolden("plot_function", Both(SmallFunctions())));
  EXPECT_TRUE(MatchesGolden("plot_surface", Both(SmallSurface())));
  EXPECT_TRUE(MatchesGolden("plot_derivatives", Both(SmallDerivatives())));
}

TEST(PictureTest, UnsignedTilesStartAtZero) {
  EXPECT_NE(SmallTiles(1).script.find("set cbrange [0:2]"), std::string::npos);
  EXPECT_NE(SmallTiles(-1).script.find("set cbrange [-2:2]"),
            std::string::npos);
}

// --- gnuplot ----------------------------------------------------------------

#define SKIP_WITHOUT_GNUPLOT()                  \
  if (!CheckGnuplot().ok()) {                   \
    GTEST_SKIP() << "gnuplot is not installed"; \
  }

// Width and height in the header of a PNG.
std::pair<int, int> SizeOf(const std::string& png) {
  const auto big_endian = [&png](int at) {
    int value = 0;
    for (int i = 0; i < 4; ++i) {
      value = value * 256 + static_cast<unsigned char>(png[at + i]);
    }
    return value;
  };
  return {big_endian(16), big_endian(20)};
}

TEST(GnuplotTest, DrawsEveryKind) {
  SKIP_WITHOUT_GNUPLOT();
  for (const Picture& picture :
       {SmallCurves(), BoundaryPicture(SmallBoundary(1)),
        BoundaryPicture(SmallBoundary(3)), SmallTiles(-1), SmallFunctions(),
        SmallSurface(), SmallDerivatives()}) {
    const absl::StatusOr<std::string> png = RenderPng(picture.script);
    ASSERT_TRUE(png.ok()) << png.status() << picture.script;
    EXPECT_EQ(png->substr(0, 8), "\x89PNG\r\n\x1a\n");
    EXPECT_EQ(SizeOf(*png).first, kPictureWidth);
    EXPECT_GT(SizeOf(*png).second, 300);
    EXPECT_GT(png->size(), 4000u) << "an empty canvas is smaller";
  }
}

TEST(GnuplotTest, WrongScriptIsOneLine) {
  SKIP_WITHOUT_GNUPLOT();
  const absl::Status status =
      RenderPng("set terminal pngcairo\nplot nonsense(x)\n").status();
  EXPECT_NE(status.message().find("undefined function: nonsense"),
            std::string::npos)
      << status;
  EXPECT_EQ(status.message().find('\n'), std::string::npos);
  EXPECT_FALSE(RenderPng("").ok()) << "nothing drawn is no picture";
}

TEST(GnuplotTest, NothingInAStringIsACommand) {
  SKIP_WITHOUT_GNUPLOT();
  const TemporaryDirectory directory;
  const std::string file = directory / "made";
  FunctionPlot plot;
  plot.title = "'; system('touch " + file + "') #\nsystem('touch " + file +
               "')\n`touch " + file + "`";
  plot.x_label = plot.y_label = plot.title;
  plot.curves = {{plot.title, {{0, 0}, {1, 1}}}};
  const absl::StatusOr<std::string> png =
      RenderPng(FunctionPicture(plot).script);
  EXPECT_TRUE(png.ok()) << png.status();
  EXPECT_TRUE(directory.Names().empty());
}

TEST(GnuplotTest, MissingSaysHowToGetIt) {
  const char* const path = getenv("PATH");
  const std::string before = path == nullptr ? "" : path;
  setenv("PATH", "/nonexistent", 1);
  const absl::Status status = RenderPng("plot x\n").status();
  setenv("PATH", before.c_str(), 1);
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_NE(status.message().find("apt-get install gnuplot-nox"),
            std::string::npos)
      << status;
}

TEST(GnuplotTest, FailureLeavesTheOldFile) {
  SKIP_WITHOUT_GNUPLOT();
  const TemporaryDirectory directory;
  WriteBytes(directory / "p.png", "old");
  EXPECT_FALSE(WritePicture({"plot nonsense(x)\n", "x\n"}, directory / "p.png",
                            directory / "p.csv")
                   .ok());
  EXPECT_EQ(ReadBytes(directory / "p.png"), "old");
  EXPECT_EQ(directory.Names().size(), 1u);
}

TEST(TilesTest, NoLonelyLastRow) {
  EXPECT_EQ(ColumnsFor(1), 1);
  EXPECT_EQ(ColumnsFor(4), 2);
  EXPECT_EQ(ColumnsFor(6), 3);
  EXPECT_EQ(ColumnsFor(16), 4);
  EXPECT_EQ(ColumnsFor(32), 8);
  EXPECT_EQ(ColumnsFor(128), 16);
  EXPECT_EQ(ColumnsFor(7), 4);  // 4 + 3
}

// --- Curves -----------------------------------------------------------------

TEST(CurvesTest, AxesAreAsAsked) {
  const RunCurves runs[] = {SmallRun("a", 1)};
  const auto has = [&runs](const CurvesOptions& options, const char* text) {
    return absl::StrContains(CurvesPicture(runs, options).script, text);
  };
  EXPECT_TRUE(has({.title = "", .log_x = true}, "\nset logscale x"));
  EXPECT_FALSE(has({}, "\nset logscale"));
  EXPECT_TRUE(has({}, "set yrange [-2:102]"));
  EXPECT_TRUE(
      has({.title = "", .accuracy_from = 80}, "set yrange [79.6:100.4]"));
}

TEST(CurvesTest, LongTestLinesHaveTheirEndsMarked) {
  RunCurves run = SmallRun("a", 1);
  for (int i = 1; i <= 40; ++i) run.measures[0].test.Add(3 + i, 1.0 / i);
  EXPECT_TRUE(
      absl::StrContains(CurvesPicture({&run, 1}, {}).script,
                        "$p0_r0_test every ::40 using 1:2 with points"));
}

TEST(CurvesTest, LossesOfZeroHaveNoLogarithm) {
  RunCurves run = SmallRun("a", 0);  // all are 0
  const std::string all =
      CurvesPicture({&run, 1}, {.title = "", .log_y = true}).script;
  EXPECT_EQ(all.find("\nset logscale y"), std::string::npos);
  run.measures[0].train.Add(4, 1e-3);
  run.measures[0].train.Add(5, 1);
  const std::string some =
      CurvesPicture({&run, 1}, {.title = "", .log_y = true}).script;
  EXPECT_NE(some.find("\nset logscale y"), std::string::npos);
  EXPECT_NE(some.find("'0.01' 0.01 0"), std::string::npos) << some;
}

TEST(CurvesTest, LegendNamesEachRunOnceAndEachKindOfLine) {
  std::vector<RunCurves> runs;
  for (int i = 0; i < kSeriesColours; ++i) {
    runs.push_back(SmallRun(absl::StrCat("run", i), 1));
  }
  const std::string script = CurvesPicture(runs, {}).script;
  for (int i = 0; i < kSeriesColours; ++i) {
    const std::string title = absl::StrCat("title 'run", i, "'");
    EXPECT_EQ(script.find(title), script.rfind(title));
    EXPECT_NE(script.find(title), std::string::npos);
  }
  EXPECT_NE(script.find("title 'full: training'"), std::string::npos);
  EXPECT_NE(script.find("title 'dashed: test'"), std::string::npos);
}

TEST(BinnedSeriesTest, FewValuesStayAsTheyAre) {
  BinnedSeries series;
  series.Add(1, 5);
  series.Add(2, NAN);
  series.Add(3, 7);
  const auto points = series.Points();
  ASSERT_EQ(points.size(), 2u);
  EXPECT_EQ(points[1].iteration, 3);
  EXPECT_EQ(points[1].value, 7);
}

TEST(BinnedSeriesTest, ManyValuesBecomeMeansAndTheLast) {
  BinnedSeries series;
  for (int i = 1; i <= 1024; ++i) series.Add(i, 2.0 * i);
  const auto points = series.Points();
  ASSERT_EQ(points.size(), BinnedSeries::kPoints + 1u);
  EXPECT_EQ(points[0].iteration, 4.5);  // of 1..8
  EXPECT_EQ(points[0].value, 9);
  EXPECT_EQ(points[127].iteration, 1020.5);
  EXPECT_EQ(points[128].iteration, 1024);
  EXPECT_EQ(points[128].value, 2048);
  EXPECT_EQ(series.Points(/*exact_end=*/false).size(), BinnedSeries::kPoints);
}

TEST(BinnedSeriesTest, MeansOfFewAreNoEnd) {
  BinnedSeries series;
  for (int i = 1; i <= 520; ++i) series.Add(i, i);  // 65 bins of 8
  EXPECT_EQ(series.Points(false).size(), 65u);
  for (int i = 521; i <= 523; ++i) series.Add(i, i);
  EXPECT_EQ(series.Points(false).size(), 65u) << "three of eight";
  EXPECT_EQ(series.Points(false).back().iteration, 516.5);
  series.Add(524, 524);
  EXPECT_EQ(series.Points(false).size(), 66u);
  EXPECT_EQ(series.Points().size(), 67u);
}

TEST(ReadRunCurvesTest, ReadsWhatTrainWrites) {
  const TemporaryDirectory directory;
  WriteBytes(directory / "run.jsonl",
             "{\"event\":\"step\",\"epoch\":1,\"step\":1,\"learning_rate\":0.1,"
             "\"loss\":2.5,\"accuracy\":0.25}\n"
             "{\"event\":\"step\",\"epoch\":1,\"step\":2,\"learning_rate\":0.1,"
             "\"loss\":null,\"accuracy\":0.5}\n"
             "{\"event\":\"epoch\",\"epoch\":1,\"step\":2,\"seconds\":0.1,"
             "\"train\":{\"loss\":2},\"test\":{\"loss\":1.5,\"accuracy\":1}}\n"
             "{\"event\":\"step\",\"epoch\":2,\"st");  // still being written
  const auto run = ReadRunCurves(directory / "run.jsonl", "a");
  ASSERT_TRUE(run.ok()) << run.status();
  ASSERT_EQ(run->measures.size(), 2u);
  EXPECT_EQ(run->measures[1].name, "accuracy");
  EXPECT_EQ(run->measures[0].train.Points().size(), 1u) << "null is no value";
  EXPECT_EQ(run->measures[1].train.Points()[1].value, 0.5);
  EXPECT_EQ(run->measures[0].test.Points()[0].iteration, 2);
}

TEST(ReadRunCurvesTest, MeasuresStayInTheLogsOrder) {
  const TemporaryDirectory directory;
  WriteBytes(directory / "run.jsonl",
             "{\"event\":\"step\",\"step\":1,\"width.loss\":1,\"class.loss\":2,"
             "\"loss\":3}\n"
             "{\"event\":\"epoch\",\"step\":1,\"test\":{\"zeta\":4,\"loss\":5,"
             "\"class.loss\":6}}\n");
  const auto run = ReadRunCurves(directory / "run.jsonl", "a");
  ASSERT_TRUE(run.ok()) << run.status();
  std::string measures;
  for (const auto& measure : run->measures) {
    measures += measure.name;
    for (const auto* series : {&measure.train, &measure.test}) {
      for (const auto& point : series->Points())
        measures += " " + std::to_string(std::lround(point.value));
    }
    measures += ", ";
  }
  EXPECT_EQ(measures, "loss 3 5, width.loss 1, class.loss 2 6, zeta 4, ");
}

TEST(ReadRunCurvesTest, ErrorsNameFileAndLine) {
  const TemporaryDirectory directory;
  const std::string path = directory / "run.jsonl";
  const auto message = [&path](const std::string& text) {
    WriteBytes(path, text);
    return std::string(ReadRunCurves(path, "a").status().message());
  };
  const std::string step = "{\"event\":\"step\",\"step\":1,\"loss\":1}\n";
  EXPECT_NE(message(step + "nonsense\n" + step).find(path + ":2:"),
            std::string::npos);
  EXPECT_NE(message(step + "[1]\n" + step).find(path + ":2:"),
            std::string::npos);
  EXPECT_NE(message("").find("no step"), std::string::npos);
  EXPECT_FALSE(ReadRunCurves(path + "x", "a").ok());
}

TEST(ReadFunctionCurvesTest, ReadsWhatWasWritten) {
  const TemporaryDirectory directory;
  const std::string path = directory / "f.csv";
  WriteBytes(path, SmallFunctions().csv);
  const auto curves = ReadFunctionCurves(path);
  ASSERT_TRUE(curves.ok()) << curves.status();
  ASSERT_EQ(curves->size(), 2u);
  EXPECT_EQ((*curves)[1].name, "sigmoid");
  EXPECT_EQ((*curves)[1].points[1], std::pair(1.0, 0.7));
  WriteBytes(path, "kind,name,x,y\ncurve,a,1,one\n");
  EXPECT_NE(ReadFunctionCurves(path).status().message().find(path + ":2:"),
            std::string::npos);
}

// --- The first convolution --------------------------------------------------

Manifest ConvolutionManifest() {
  Manifest manifest;
  manifest.model = "net";
  manifest.inputs.push_back({.name = "image", .shape = {1, 2, 3}});
  manifest.parameters.push_back({.name = "conv1.weight",
                                 .c_name = "conv1_weight",
                                 .shape = {1, 1, 2, 2},
                                 .size = 4,
                                 .init = {}});
  manifest.layers.push_back(
      {.name = "conv1", .op = "conv2d", .output_shape = {1, 2, 2}});
  manifest.nodes = {{.name = "image", .op = "input"},
                    {.name = "pad1",
                     .op = "pad",
                     .attributes = "padding=1x0",
                     .inputs = {"image"}},
                    {.name = "conv1",
                     .op = "conv2d",
                     .attributes = "kernel=2x2 stride=2x1 padding=0x0",
                     .inputs = {"pad1", "conv1.weight"}},
                    {.name = "relu1",
                     .op = "pointwise",
                     .attributes = "relu(max(a0, 0)) partials=(greater(a1, 0))",
                     .inputs = {"conv1"}},
                    {.name = "conv2",
                     .op = "conv2d",
                     .attributes = "kernel=1x1 stride=1x1 padding=0x0",
                     .inputs = {"relu1", "conv2.weight"}}};
  return manifest;
}

TEST(FirstConvolutionTest, PaddingStrideAndActivation) {
  const auto conv = FirstConvolution::Find(ConvolutionManifest(), "");
  ASSERT_TRUE(conv.ok()) << conv.status();
  EXPECT_EQ(conv->name, "conv1");
  EXPECT_EQ(conv->activation, "relu");
  EXPECT_EQ(conv->bias, -1);
  // Rows 0 0 0 | 1 2 3 | 4 5 6 | 0 0 0 under 1 2 / 10 -20, every second row:
  // 10 - 40, 20 - 60 and 4 + 10, 5 + 12.
  EXPECT_EQ(conv->Apply({1, 2, 3, 4, 5, 6}, {1, 2, 10, -20}, {}),
            (std::vector<float>{0, 0, 14, 17}));
  // A bias of 35 lifts the first: 5, -5.
  EXPECT_EQ(conv->Apply({1, 2, 3, 4, 5, 6}, {1, 2, 10, -20}, {35}),
            (std::vector<float>{5, 0, 49, 52}));
}

TEST(FirstConvolutionTest, OthersAreRefused) {
  EXPECT_NE(FirstConvolution::Find(ConvolutionManifest(), "conv2")
                .status()
                .message()
                .find("conv2 reads relu1"),
            std::string::npos);
  EXPECT_NE(FirstConvolution::Find(ConvolutionManifest(), "conv9")
                .status()
                .message()
                .find("no convolution called conv9"),
            std::string::npos);
}

}  // namespace
}  // namespace kiln
