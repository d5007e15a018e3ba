#include "models/protocols/rest/coding.h"

#include <zlib.h>

#include <algorithm>

#include "foundation/base/strings.h"

namespace proa::protocols {
namespace {

constexpr int kGzipWindow = 15 + 16, kZlibWindow = 15, kRawWindow = -15;

struct Inflater {
  z_stream z{};
  bool ready = false;
  explicit Inflater(int window) { ready = ::inflateInit2(&z, window) == Z_OK; }
  ~Inflater() {
    if (ready) ::inflateEnd(&z);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
};

Bytef* bytes(std::string_view s) {  // zlib takes no const
  return reinterpret_cast<Bytef*>(const_cast<char*>(s.data()));
}

// "deflate" is the zlib format; some senders leave its header out.
int window_of(Coding coding, std::string_view data) {
  if (coding == Coding::kGzip) return kGzipWindow;
  bool header =
      data.size() >= 2 && (data[0] & 15) == 8 &&
      (static_cast<unsigned char>(data[0]) * 256 + static_cast<unsigned char>(data[1])) % 31 == 0;
  return header ? kZlibWindow : kRawWindow;
}

}  // namespace

const char* to_string(Coding coding) {
  return coding == Coding::kGzip ? "gzip" : coding == Coding::kDeflate ? "deflate" : "identity";
}

Result<Coding> coding_of(std::string_view name) {
  name = trim(name);
  if (name.empty() || iequals(name, "identity")) return Coding::kIdentity;
  if (iequals(name, "gzip") || iequals(name, "x-gzip")) return Coding::kGzip;
  if (iequals(name, "deflate")) return Coding::kDeflate;
  return error(Code::kUnsupportedMedia, str("content-encoding '", shorten(name, 40),
                                            "' is not taken; gzip and deflate are"));
}

Coding accepted_coding(std::string_view accept) {
  bool gzip = false, deflate = false;
  while (!accept.empty()) {
    size_t comma = accept.find(',');
    std::string_view item = accept.substr(0, comma);
    accept = comma == std::string_view::npos ? std::string_view() : accept.substr(comma + 1);
    size_t semicolon = item.find(';');
    std::string_view name = trim(item.substr(0, semicolon));
    if (semicolon != std::string_view::npos) {
      std::string_view q = trim(item.substr(semicolon + 1));
      if (q.starts_with("q=") && parse_double(q.substr(2)).value_or(1) == 0) continue;
    }
    gzip |= iequals(name, "gzip") || name == "*";
    deflate |= iequals(name, "deflate");
  }
  return gzip ? Coding::kGzip : deflate ? Coding::kDeflate : Coding::kIdentity;
}

Status decode(Coding coding, std::string_view data, size_t most, std::string& out) {
  Inflater in(window_of(coding, data));
  if (!in.ready) return error(Code::kInternal, "no memory to decompress");
  in.z.next_in = bytes(data);
  in.z.avail_in = static_cast<uInt>(std::min<size_t>(data.size(), UINT32_MAX));
  out.clear();
  for (int state = Z_OK; state != Z_STREAM_END;) {
    size_t had = out.size();
    out.resize(std::min(most + 1, std::max<size_t>(had * 2, 16384)));
    in.z.next_out = reinterpret_cast<Bytef*>(out.data() + had);
    in.z.avail_out = static_cast<uInt>(out.size() - had);
    state = ::inflate(&in.z, Z_NO_FLUSH);
    out.resize(out.size() - in.z.avail_out);
    if (out.size() > most)
      return error(Code::kTooLarge, str("the decompressed body is larger than ", most, " bytes"));
    if (state != Z_OK && state != Z_STREAM_END)
      return error(Code::kInvalid, str("the body is no ", to_string(coding), " data"));
    if (state == Z_OK && out.size() == had && in.z.avail_in == 0)
      return error(Code::kInvalid, str("the ", to_string(coding), " body ends early"));
  }
  if (in.z.avail_in != 0)
    return error(Code::kInvalid, str("data follow the end of the ", to_string(coding), " body"));
  return {};
}

Status encode(Coding coding, std::string_view data, std::string& out) {
  z_stream z{};
  int window = coding == Coding::kGzip ? kGzipWindow : kZlibWindow;
  if (::deflateInit2(&z, 1, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    return error(Code::kInternal, "no memory to compress");
  out.resize(::deflateBound(&z, data.size()));
  z.next_in = bytes(data);
  z.avail_in = static_cast<uInt>(data.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  int state = ::deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  ::deflateEnd(&z);
  return state == Z_STREAM_END ? Status{} : Status{error(Code::kInternal, "cannot compress")};
}

}  // namespace proa::protocols
