// plot: pictures of runs, weights and of what a model says. One verb a kind.

#include "runtime/verbs/plot.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "runtime/plot/gnuplot.h"

namespace kiln {
inline namespace runtime {

namespace {

constexpr Verb kKinds[] = {
    {"curves", "Loss and metrics of training runs against iterations",
     PlotCurves},
    {"boundary",
     "What the model says over the plane of its two inputs, and the data",
     PlotBoundary},
    {"weights", "A layer's weights as a grid of pictures", PlotWeights},
    {"features", "What the first convolution makes of one image of each class",
     PlotFeatures},
    {"function", "The learned function of one variable, and the data",
     PlotFunction},
    {"surface",
     "Output, loss and gradient of a model of one weight and one bias, in 3-D",
     PlotSurface},
};

std::string KindNames() {
  std::string names;
  for (const Verb& kind : kKinds) {
    absl::StrAppend(&names, names.empty() ? "" : ", ", kind.name);
  }
  return names;
}

void PrintPlotHelp(const VerbContext& context) {
  std::printf(
      "%s plot <picture> --out=FILE.png [--flag=value ...]\n\n"
      "Draws a PNG with gnuplot.\n\npictures:\n",
      context.bundle.name);
  for (const Verb& kind : kKinds) {
    std::printf("  %-10s %s\n", kind.name, kind.purpose);
  }
  std::printf("\n%s plot <picture> --help lists its flags.\n",
              context.bundle.name);
}

}  // namespace

absl::Status RunPlot(const VerbContext& context) {
  if (context.arguments.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("which picture? ", KindNames(), "; see --help"));
  }
  const absl::string_view name = context.arguments[0];
  if (name == "--help" || name == "-h" || name == "-help" || name == "help") {
    PrintPlotHelp(context);
    return absl::OkStatus();
  }
  for (const Verb& kind : kKinds) {
    if (name != kind.name) continue;
    const std::string full = absl::StrCat("plot ", kind.name);
    const Verb verb = {full.c_str(), kind.purpose, kind.run};
    return kind.run(
        {context.bundle, context.manifest, verb, context.arguments.subspan(1)});
  }
  if (absl::StartsWith(name, "-")) {
    return absl::InvalidArgumentError(absl::StrCat(
        "unknown flag ", name, ": the picture comes first; see --help"));
  }
  return absl::InvalidArgumentError(absl::StrCat("unexpected argument \"", name,
                                                 "\": the pictures are ",
                                                 KindNames(), "; see --help"));
}

// --- Output -----------------------------------------------------------------

void PlotOutput::AddFlags(FlagSet& flags) {
  flags.Add("out", &out, "FILE.png", "the picture; required");
  flags.Add("data_out", &data_out, "FILE.csv", "the numbers behind it");
  flags.Add("title", &title, "TEXT", "above the picture");
}

absl::Status PlotOutput::Check() const {
  if (out.empty()) {
    return absl::InvalidArgumentError("--out=FILE.png is missing; see --help");
  }
  absl::Status status = CheckWritable(out);
  if (status.ok()) status = CheckWritable(data_out);
  if (status.ok()) status = CheckGnuplot();
  return status;
}

std::string PlotOutput::TitleOr(const std::string& otherwise) const {
  return title.empty() ? otherwise : title;
}

absl::Status PlotOutput::Write(const Picture& picture) const {
  absl::Status status = WritePicture(picture, out, data_out);
  if (!status.ok()) return status;
  std::printf("wrote %s\n", out.c_str());
  if (!data_out.empty()) std::printf("wrote %s\n", data_out.c_str());
  return absl::OkStatus();
}

// --- Flags' values ----------------------------------------------------------

std::vector<std::string> ListOf(const std::string& text) {
  if (text.empty()) return {};
  return absl::StrSplit(text, ',');
}

absl::StatusOr<std::vector<std::string>> NamesOf(
    const std::vector<std::string>& files, const std::string& names) {
  std::vector<std::string> result = ListOf(names);
  if (result.empty()) {
    for (const std::string& file : files) {
      result.push_back(std::filesystem::path(file).stem().string());
    }
  }
  if (result.size() != files.size()) {
    return absl::InvalidArgumentError(absl::StrCat("--names=", names, " has ",
                                                   result.size(), " names for ",
                                                   files.size(), " files"));
  }
  if (files.size() > kSeriesColours) {
    return absl::InvalidArgumentError(
        absl::StrCat(files.size(), " files: a picture has colours for ",
                     kSeriesColours, " at most"));
  }
  return result;
}

absl::StatusOr<Range> RangeOf(const char* flag, const std::string& text) {
  if (text.empty()) return Range{};
  const std::vector<std::string> ends = absl::StrSplit(text, ':');
  Range range;
  if (ends.size() != 2 || !absl::SimpleAtod(ends[0], &range.low) ||
      !absl::SimpleAtod(ends[1], &range.high) ||
      !(range.high - range.low > 0) || range.high - range.low > 1e30) {
    return absl::InvalidArgumentError(
        absl::StrCat("--", flag, "=", text, " is no range low:high"));
  }
  return range;
}

absl::StatusOr<int> WeightOf(const Manifest& manifest,
                             const std::string& layer) {
  std::string layers;
  for (size_t i = 0; i < manifest.parameters.size(); ++i) {
    absl::string_view name = manifest.parameters[i].name;
    if (!absl::ConsumeSuffix(&name, ".weight")) continue;
    if (layer.empty() || name == layer) return static_cast<int>(i);
    absl::StrAppend(&layers, layers.empty() ? "" : ", ", name);
  }
  return absl::NotFoundError(absl::StrCat(
      "--layer=", layer, ": ", manifest.model, " has the layers ", layers));
}

absl::StatusOr<const DataBinding*> PartOf(const BoundData& data,
                                          const std::string& part) {
  if (part == "train") return &data.train();
  if (part != "test") {
    return absl::InvalidArgumentError(
        absl::StrCat("--part=", part, " is neither train nor test"));
  }
  if (data.test() == nullptr) {
    return absl::InvalidArgumentError(
        "the data have no test part; give --part=train");
  }
  return data.test();
}

// --- Data -------------------------------------------------------------------

float InputValue(const Manifest& manifest, const DataBinding& data, int i,
                 int64_t row, int64_t j) {
  const InputSpec& input = manifest.inputs[i];
  const int64_t at = row * ElementCount(input.shape) + j;
  float stored = 0;
  if (input.storage == Storage::kUint8) {
    stored = data.input(i)[at];
  } else {
    std::memcpy(&stored, data.input(i) + at * sizeof(float), sizeof(float));
  }
  return stored * static_cast<float>(input.scale);
}

int ClassOf(const Manifest& manifest, const DataBinding& data, int64_t row) {
  const TargetSpec& target = manifest.targets[0];
  if (target.classes > 0) {
    int32_t label = 0;
    std::memcpy(&label, data.target(0) + row * sizeof(label), sizeof(label));
    return label;
  }
  const int64_t elements = target.elements();
  std::vector<float> values(elements);
  std::memcpy(values.data(), data.target(0) + row * elements * sizeof(float),
              elements * sizeof(float));
  if (elements == 1) return values[0] > 0.5f ? 1 : 0;
  return static_cast<int>(std::max_element(values.begin(), values.end()) -
                          values.begin());
}

}  // namespace runtime
}  // namespace kiln
