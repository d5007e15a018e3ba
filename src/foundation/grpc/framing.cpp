#include "foundation/grpc/framing.h"

#include <zlib.h>

#include <algorithm>
#include <chrono>

#include "foundation/base/strings.h"

namespace proa::grpc {

Result<std::optional<Frame>> next_frame(std::string_view bytes, size_t most) {
  if (bytes.size() < kPrefix) {
    if (!bytes.empty() && static_cast<uint8_t>(bytes[0]) > 1)
      return error(Code::kInternal, "the flag of a message is neither 0 nor 1");
    return std::optional<Frame>();
  }
  auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<uint8_t>(bytes[i])); };
  if (byte(0) > 1) return error(Code::kInternal, "the flag of a message is neither 0 nor 1");
  size_t size = byte(1) << 24 | byte(2) << 16 | byte(3) << 8 | byte(4);
  if (size > most) {
    return error(Code::kTooLarge,
                 str("Received message larger than max (", size, " vs. ", most, ")"));
  }
  if (bytes.size() - kPrefix < size) return std::optional<Frame>();
  return std::optional<Frame>({byte(0) == 1, bytes.substr(kPrefix, size), kPrefix + size});
}

void write_prefix(std::string& out, size_t at, bool compressed) {
  size_t size = out.size() - at - kPrefix;
  out[at] = compressed ? 1 : 0;
  for (size_t i = 0; i < 4; ++i) out[at + 1 + i] = static_cast<char>(size >> (24 - 8 * i));
}

std::optional<Encoding> encoding(std::string_view name) {
  if (name.empty() || name == "identity") return Encoding::kIdentity;
  if (name == "gzip") return Encoding::kGzip;
  if (name == "deflate") return Encoding::kDeflate;
  return std::nullopt;
}

const char* to_string(Encoding encoding) {
  switch (encoding) {
    case Encoding::kIdentity:
      return "identity";
    case Encoding::kGzip:
      return "gzip";
    case Encoding::kDeflate:
      return "deflate";
  }
  return "";
}

bool accepts(std::string_view list, Encoding encoding) {
  while (!list.empty()) {
    size_t comma = std::min(list.find(','), list.size());
    if (trim(list.substr(0, comma)) == to_string(encoding)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

struct Codec::State {
  z_stream in{}, gzip{}, deflate{};
  bool in_open = false, gzip_open = false, deflate_open = false;
  ~State() {
    if (in_open) inflateEnd(&in);
    if (gzip_open) deflateEnd(&gzip);
    if (deflate_open) deflateEnd(&deflate);
  }
};

Codec::Codec() : state_(std::make_unique<State>()) {}
Codec::~Codec() = default;

Status Codec::unpack(Encoding, std::string_view packed, size_t most, std::string& out) {
  constexpr int kEitherHeader = 32;
  z_stream& z = state_->in;
  int ready = state_->in_open ? inflateReset(&z) : inflateInit2(&z, MAX_WBITS + kEitherHeader);
  if (ready != Z_OK) return error(Code::kInternal, "zlib cannot start");
  state_->in_open = true;
  out.clear();
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  z.avail_in = static_cast<uInt>(packed.size());
  size_t step = std::max<size_t>(4096, packed.size() * 2);
  while (true) {
    size_t had = out.size();
    out.resize(std::min(had + step, most + 1));
    z.next_out = reinterpret_cast<Bytef*>(out.data() + had);
    z.avail_out = static_cast<uInt>(out.size() - had);
    int r = inflate(&z, Z_NO_FLUSH);
    out.resize(out.size() - z.avail_out);
    if (out.size() > most) {
      return error(Code::kTooLarge,
                   str("Received message larger than max (it unpacks to more than ", most, ")"));
    }
    if (r == Z_STREAM_END) break;
    bool stuck = r == Z_BUF_ERROR || (z.avail_in == 0 && z.avail_out != 0);
    if ((r != Z_OK && r != Z_BUF_ERROR) || stuck)
      return error(Code::kInvalid, "the compressed message is damaged or cut off");
    step *= 2;
  }
  if (z.avail_in != 0) return error(Code::kInvalid, "bytes follow the compressed message");
  return {};
}

Status Codec::pack(Encoding encoding, std::string_view plain, std::string& out) {
  bool is_gzip = encoding == Encoding::kGzip;
  z_stream& z = is_gzip ? state_->gzip : state_->deflate;
  bool& open = is_gzip ? state_->gzip_open : state_->deflate_open;
  constexpr int kGzipHeader = 16;
  int bits = MAX_WBITS + (is_gzip ? kGzipHeader : 0);
  int ready = open ? deflateReset(&z)
                   : deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY);
  if (ready != Z_OK) return error(Code::kInternal, "zlib cannot start");
  open = true;
  out.resize(deflateBound(&z, plain.size()) + 64);
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  z.avail_in = static_cast<uInt>(plain.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  if (deflate(&z, Z_FINISH) != Z_STREAM_END)
    return error(Code::kInternal, "zlib cannot compress the answer");
  out.resize(out.size() - z.avail_out);
  return {};
}

std::optional<Duration> parse_timeout(std::string_view text) {
  if (text.size() < 2 || text.size() > 9) return std::nullopt;
  int64_t value = 0;
  for (char c : text.substr(0, text.size() - 1)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  switch (text.back()) {
    case 'H':
      return Duration(std::chrono::hours(std::min<int64_t>(value, 100000)));
    case 'M':
      return Duration(std::chrono::minutes(std::min<int64_t>(value, 6000000)));
    case 'S':
      return Duration(std::chrono::seconds(value));
    case 'm':
      return Duration(std::chrono::milliseconds(value));
    case 'u':
      return Duration(std::chrono::microseconds(value));
    case 'n':
      return Duration(std::chrono::nanoseconds(value));
    default:
      return std::nullopt;
  }
}

}  // namespace proa::grpc
