#include "runtime/bundle.h"

#include <zlib.h>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace kiln {
inline namespace runtime {

absl::StatusOr<std::string> ManifestText(const Bundle& bundle) {
  if (absl::StartsWith(bundle.manifest, "{"))
    return std::string(bundle.manifest);
  z_stream stream = {};
  // zlib does not write to its input, whatever the type says.
  stream.next_in = reinterpret_cast<Bytef*>(
      const_cast<char*>(bundle.manifest.data()));  // NOLINT
  stream.avail_in = static_cast<uInt>(bundle.manifest.size());
  if (inflateInit(&stream) != Z_OK)
    return absl::ResourceExhaustedError("manifest: not enough memory");
  const absl::Cleanup end = [&stream] { inflateEnd(&stream); };
  std::string text;
  int code = Z_OK;
  while (code == Z_OK) {
    const size_t done = text.size();
    text.resize(done + 16 * bundle.manifest.size() + 1);
    stream.next_out = reinterpret_cast<Bytef*>(&text[done]);
    stream.avail_out = static_cast<uInt>(text.size() - done);
    code = inflate(&stream, Z_NO_FLUSH);
    text.resize(text.size() - stream.avail_out);
  }
  if (code != Z_STREAM_END || stream.avail_in != 0) {
    return absl::DataLossError(
        absl::StrCat(bundle.name, ": the manifest is damaged"));
  }
  return text;
}

}  // namespace runtime
}  // namespace kiln
