#ifndef KILN_TESTS_SUPPORT_IDX_FILES_H_
#define KILN_TESTS_SUPPORT_IDX_FILES_H_

#include <zlib.h>

#include <cstdint>
#include <initializer_list>
#include <string>

#include "gtest/gtest.h"

namespace kiln {

// The bytes of an IDX file of these dimensions and elements, which need not
// agree.
inline std::string IdxBytes(std::initializer_list<uint32_t> shape,
                            const std::string& elements) {
  std::string bytes = {0, 0, 8, static_cast<char>(shape.size())};
  for (const uint32_t extent : shape) {
    for (int shift = 24; shift >= 0; shift -= 8) {
      bytes += static_cast<char>(extent >> shift & 255);
    }
  }
  return bytes + elements;
}

// `bytes` as gzip writes them.
inline std::string Gzipped(const std::string& bytes) {
  constexpr int kGzipFormat = 15 + 16;
  z_stream stream = {};
  EXPECT_EQ(
      deflateInit2(&stream, 9, Z_DEFLATED, kGzipFormat, 8, Z_DEFAULT_STRATEGY),
      Z_OK);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace kiln

#endif  // KILN_TESTS_SUPPORT_IDX_FILES_H_
