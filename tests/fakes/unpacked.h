// What gzip has packed.
#pragma once

#include <zlib.h>

#include <array>
#include <string>

namespace hotplugger::testing {

// "" where that is no gzip, or not whole.
inline std::string Unpacked(const std::string& packed) {
  constexpr int kGzipAlone = 15 + 16;
  z_stream stream = {};
  if (inflateInit2(&stream, kGzipAlone) != Z_OK) return "";
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string text;
  std::array<char, 64 * 1024> part;
  int result = Z_OK;
  while (result == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(part.data());
    stream.avail_out = static_cast<uInt>(part.size());
    result = inflate(&stream, Z_NO_FLUSH);
    text.append(part.data(), part.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  return result == Z_STREAM_END && stream.avail_in == 0 ? text : "";
}

}  // namespace hotplugger::testing
