// stage_timer SECONDS PIPELINE...: times emissions of one pipeline side by
// side, stage by stage where they were emitted with profile=true. PIPELINE is
// the path of PIPELINE.so and PIPELINE.json. Prints JSON for scripts/tune:
//
//   {"pipelines": [{"call": [us, ...], "stages": [[us, ...], ...]}]}
//
// with a number a round.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "bench/stage_timer/interleaved_timing.h"
#include "nlohmann/json.hpp"

namespace {

int Fail(const std::string& why) {
  std::fprintf(stderr, "stage_timer: %s\n", why.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  char* end = nullptr;
  const double seconds = argc > 1 ? std::strtod(argv[1], &end) : 0;
  if (argc < 3 || *end != '\0' || !(seconds > 0))
    return Fail("usage: stage_timer SECONDS PIPELINE...");
  std::vector<kiln::EmittedPipeline> pipelines;
  for (int i = 2; i < argc; ++i) {
    auto pipeline = kiln::LoadEmitted(argv[i]);
    if (!pipeline.ok()) return Fail(std::string(pipeline.status().message()));
    pipelines.push_back(*std::move(pipeline));
  }
  auto arguments = kiln::SharedArguments::Make(pipelines);
  if (!arguments.ok()) return Fail(std::string(arguments.status().message()));
  nlohmann::json json = {{"pipelines", nlohmann::json::array()}};
  for (const kiln::Rounds& rounds :
       kiln::TimeInterleaved(pipelines, *arguments, seconds)) {
    json["pipelines"].push_back(
        {{"call", rounds.call}, {"stages", rounds.stages}});
  }
  std::printf("%s\n", json.dump().c_str());
  return 0;
}
