#include "runtime/verbs/verb.h"

#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "runtime/csv_data.h"
#include "runtime/data_sources.h"
#include "runtime/generated_sets.h"

namespace kiln {
inline namespace runtime {

absl::StatusOr<bool> ParseFlags(const VerbContext& context, FlagSet& flags) {
  if (absl::Status status = flags.Parse(context.arguments); !status.ok()) {
    return status;
  }
  if (!flags.help_requested()) return true;
  std::printf("%s %s [--flag=value ...]\n\n%s.\n", context.bundle.name,
              context.verb.name, context.verb.purpose);
  if (const std::string help = flags.Help(); !help.empty()) {
    std::printf("\nFlags [default]:\n%s", help.c_str());
  }
  return false;
}

DataOptions DefaultDataOptions(const Manifest& manifest) {
  DataOptions options;
  options.source = manifest.defaults.data;
  return options;
}

void AddDataFlags(FlagSet& flags, DataOptions& options) {
  flags.Add("data", &options.source, "DATA",
            absl::StrCat("a CSV file, a directory of MNIST's IDX files or of "
                         "a folder of PNGs per class, or ",
                         GeneratedSetNames()));
  flags.Add("data_seed", &options.seed, "N",
            "of a generated set and of what --validation takes");
  flags.Add("validation", &options.validation, "X",
            "share of the training samples, 0 to 1, to hold back and test "
            "with, in place of the test part");
  flags.Add("x_columns", &options.x_columns, "A,B,..",
            "a CSV file's columns for the inputs; all but the targets'");
  flags.Add("y_columns", &options.y_columns, "C,..",
            "a CSV file's columns for the targets; the last ones");
  flags.Add("invert", &options.invert, "", "pictures are dark on light");
  flags.Add("dump_data", &options.dump, "FILE.csv",
            "write the data as CSV, as the model reads them");
}

absl::StatusOr<std::unique_ptr<Model>> LoadedModel(const VerbContext& context,
                                                   const std::string& load) {
  if (load.empty()) {
    return absl::InvalidArgumentError("--load=FILE is missing; see --help");
  }
  return ModelWithWeights(context, load, /*seed=*/0);
}

absl::StatusOr<std::unique_ptr<Model>> ModelWithWeights(
    const VerbContext& context, const std::string& file, uint64_t seed) {
  absl::StatusOr<std::unique_ptr<Model>> model = Model::Create(context.bundle);
  if (!model.ok()) return model;
  if (file.empty()) {
    (*model)->Initialize(seed);
    return model;
  }
  absl::Status status = (*model)->LoadParameters(file);
  if (!status.ok()) return status;
  return model;
}

absl::StatusOr<std::unique_ptr<BoundData>> BoundData::Load(
    const Manifest& manifest, const DataOptions& options) {
  absl::Status status = CheckWritable(options.dump);
  if (!status.ok()) return status;
  DataSpec spec;
  for (const InputSpec& input : manifest.inputs) {
    spec.inputs.push_back({.name = input.name,
                           .shape = input.shape,
                           .storage = input.storage,
                           .classes = 0});
  }
  spec.targets = manifest.targets;
  absl::StatusOr<DataPair> pair = LoadData(options, spec);
  if (!pair.ok()) return pair.status();
  if (!options.dump.empty()) {
    status = WriteCsvData(options.dump, *pair);
    if (!status.ok()) return status;
    std::printf("wrote %s\n", options.dump.c_str());
  }

  std::unique_ptr<BoundData> bound(new BoundData);
  bound->pair_ = *std::move(pair);
  for (const auto& [part, binding] :
       {std::pair(&bound->pair_.train, &bound->train_),
        {&bound->pair_.test, &bound->test_}}) {
    if (part == &bound->pair_.test && part->samples == 0) continue;
    absl::StatusOr<DataBinding> made = DataBinding::Create(manifest, *part);
    if (!made.ok()) return made.status();
    *binding = std::make_unique<DataBinding>(*made);
  }
  return bound;
}

std::string MeansText(const Manifest& manifest, const Totals& totals) {
  std::string text = absl::StrFormat("loss %.4f", totals.MeanLoss());
  for (size_t i = 0; i < manifest.metrics.size(); ++i) {
    const double mean = totals.MeanMetric(i);
    if (manifest.metrics[i] == "accuracy") {
      absl::StrAppendFormat(&text, ", accuracy %.2f %%", 100 * mean);
    } else {
      absl::StrAppendFormat(&text, ", %s %.4f", manifest.metrics[i], mean);
    }
  }
  return text;
}

std::string ResultLine(const Manifest& manifest, const char* part,
                       const Totals& totals) {
  const int accuracy = manifest.FindMetric("accuracy");
  if (accuracy < 0) {
    return absl::StrFormat("%s loss %.6g (%d samples)", part, totals.MeanLoss(),
                           totals.samples);
  }
  return absl::StrFormat(
      "%s accuracy %.2f %% (%d/%d)", part, 100 * totals.MeanMetric(accuracy),
      std::llround(totals.metrics[accuracy]), totals.samples);
}

absl::Status CheckWritable(const std::string& path) {
  if (path.empty()) return absl::OkStatus();
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored) &&
      !std::filesystem::is_regular_file(path, ignored)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": is no regular file; choose another name"));
  }
  std::string directory = std::filesystem::path(path).parent_path().string();
  if (directory.empty()) directory = ".";
  if (!std::filesystem::is_directory(directory, ignored)) {
    return absl::NotFoundError(
        absl::StrCat(path, ": the directory ", directory, " does not exist"));
  }
  // Permissions do not tell of a read-only file system: make a file to know.
  std::string probe = absl::StrCat(directory, "/.kiln-XXXXXX");
  const int file = mkstemp(probe.data());
  if (file < 0) {
    return absl::PermissionDeniedError(
        absl::StrCat(path, ": no file can be made in ", directory, ": ",
                     std::strerror(errno)));
  }
  close(file);
  unlink(probe.c_str());
  return absl::OkStatus();
}

void AddThreadsFlag(FlagSet& flags, int64_t& threads) {
  flags.Add("threads", &threads, "N",
            "threads that large batches are shared out to, with the same "
            "results to the bit; 0: one for each core that may be used");
}

absl::Status CheckAtLeast(const char* flag, int64_t value, int64_t minimum) {
  if (value >= minimum) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--", flag, "=", value, " must be at least ", minimum));
}

}  // namespace runtime
}  // namespace kiln
