#include "models/engines/pickle/file.h"

#include <bzlib.h>
#include <lz4frame.h>
#include <lzma.h>
#include <zlib.h>

#include <algorithm>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"

namespace proa::pickle {
namespace {

constexpr size_t kChunk = 256 << 10;
constexpr uint64_t kMostDictionary = 256 << 20;

Error damaged(std::string_view format) {
  return error(Code::kDataLoss, str("the ", format, " data is damaged or truncated"));
}

// The unpacked bytes so far, and how many there may be.
class Output {
 public:
  Output(std::string_view format, size_t packed, const FileLimits& limits) : format_(format) {
    most_ = packed > limits.bytes / limits.ratio ? limits.bytes : packed * limits.ratio;
    most_ = std::min(limits.bytes, std::max<size_t>(most_, 16 << 20));
    most_ = std::min(most_, limits.bytes);
  }
  // Room to write into; used() says how much was.
  char* room() {
    text_.resize(used_ + kChunk);
    return text_.data() + used_;
  }
  Status used(size_t n) {
    used_ += n;
    if (used_ > most_)
      return error(Code::kTooLarge,
                   str("the ", format_, " data unpacks to more than ", most_, " bytes"));
    return {};
  }
  std::string finish() {
    text_.resize(used_);
    text_.shrink_to_fit();
    return std::move(text_);
  }
  std::string_view format() const { return format_; }

 private:
  std::string_view format_;
  std::string text_;
  size_t used_ = 0, most_ = 0;
};

Status trailing(const Output& out, size_t left) {
  if (left == 0) return {};
  return error(Code::kForbidden,
               str("refused: ", left, " bytes follow the ", out.format(), " data"));
}

Status inflate_into(Output& out, std::string_view in, int window_bits) {
  z_stream z{};
  if (inflateInit2(&z, window_bits) != Z_OK) return error(Code::kInternal, "zlib does not start");
  struct End {
    z_stream* z;
    ~End() { inflateEnd(z); }
  } end{&z};
  size_t at = 0;
  for (int state = Z_OK; state != Z_STREAM_END;) {
    if (z.avail_in == 0) {
      size_t n = std::min<size_t>(in.size() - at, 1 << 30);
      z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data() + at));
      z.avail_in = static_cast<uInt>(n);
      at += n;
    }
    z.next_out = reinterpret_cast<Bytef*>(out.room());
    z.avail_out = kChunk;
    state = inflate(&z, Z_NO_FLUSH);
    size_t made = kChunk - z.avail_out;
    TRY_STATUS(out.used(made));
    if (state != Z_OK && state != Z_STREAM_END) return damaged(out.format());
    if (state == Z_OK && made == 0 && z.avail_in == 0 && at == in.size())
      return damaged(out.format());
  }
  return trailing(out, z.avail_in + (in.size() - at));
}

Status bunzip_into(Output& out, std::string_view in) {
  bz_stream z{};
  if (BZ2_bzDecompressInit(&z, 0, 0) != BZ_OK)
    return error(Code::kInternal, "bzip2 does not start");
  struct End {
    bz_stream* z;
    ~End() { BZ2_bzDecompressEnd(z); }
  } end{&z};
  size_t at = 0;
  for (int state = BZ_OK; state != BZ_STREAM_END;) {
    if (z.avail_in == 0) {
      size_t n = std::min<size_t>(in.size() - at, 1 << 30);
      z.next_in = const_cast<char*>(in.data() + at);
      z.avail_in = static_cast<unsigned>(n);
      at += n;
    }
    z.next_out = out.room();
    z.avail_out = kChunk;
    state = BZ2_bzDecompress(&z);
    size_t made = kChunk - z.avail_out;
    TRY_STATUS(out.used(made));
    if (state != BZ_OK && state != BZ_STREAM_END) return damaged(out.format());
    if (state == BZ_OK && made == 0 && z.avail_in == 0 && at == in.size())
      return damaged(out.format());
  }
  return trailing(out, z.avail_in + (in.size() - at));
}

Status unlzma_into(Output& out, std::string_view in, bool xz) {
  lzma_stream z = LZMA_STREAM_INIT;
  lzma_ret started =
      xz ? lzma_stream_decoder(&z, kMostDictionary, 0) : lzma_alone_decoder(&z, kMostDictionary);
  if (started != LZMA_OK) return error(Code::kInternal, "lzma does not start");
  struct End {
    lzma_stream* z;
    ~End() { lzma_end(z); }
  } end{&z};
  z.next_in = reinterpret_cast<const uint8_t*>(in.data());
  z.avail_in = in.size();
  for (lzma_ret state = LZMA_OK; state != LZMA_STREAM_END;) {
    z.next_out = reinterpret_cast<uint8_t*>(out.room());
    z.avail_out = kChunk;
    state = lzma_code(&z, z.avail_in == 0 ? LZMA_FINISH : LZMA_RUN);
    TRY_STATUS(out.used(kChunk - z.avail_out));
    if (state == LZMA_MEMLIMIT_ERROR)
      return error(Code::kTooLarge, "the lzma data needs more than 256 MiB to unpack");
    if (state != LZMA_OK && state != LZMA_STREAM_END) return damaged(out.format());
  }
  return trailing(out, z.avail_in);
}

Status unlz4_into(Output& out, std::string_view in) {
  LZ4F_dctx* context = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)))
    return error(Code::kInternal, "lz4 does not start");
  struct End {
    LZ4F_dctx* context;
    ~End() { LZ4F_freeDecompressionContext(context); }
  } end{context};
  for (size_t at = 0;;) {
    size_t taken = in.size() - at, made = kChunk;
    size_t wanted = LZ4F_decompress(context, out.room(), &made, in.data() + at, &taken, nullptr);
    if (LZ4F_isError(wanted)) return damaged(out.format());
    at += taken;
    TRY_STATUS(out.used(made));
    if (wanted == 0) return trailing(out, in.size() - at);
    if (made == 0 && taken == 0) return damaged(out.format());
  }
}

}  // namespace

std::string_view compression_of(std::string_view b) {
  if (b.starts_with("\x1f\x8b")) return "gzip";
  if (b.starts_with("BZh")) return "bz2";
  if (b.starts_with("\xfd"
                    "7zXZ"))
    return "xz";
  if (b.starts_with(std::string_view("\x5d\x00", 2))) return "lzma";
  if (b.starts_with("\x04\x22\x4d\x18")) return "lz4";
  // zlib: deflate with a 32 KiB window, and a header whose check is right.
  if (b.size() > 2 && b[0] == '\x78' && (0x7800 | static_cast<unsigned char>(b[1])) % 31 == 0)
    return "zlib";
  return {};
}

Result<std::string> decompress(std::string_view bytes, const FileLimits& limits) {
  std::string_view format = compression_of(bytes);
  Output out(format, bytes.size(), limits);
  if (format == "zlib") {
    TRY_STATUS(inflate_into(out, bytes, 15));
  } else if (format == "gzip") {
    TRY_STATUS(inflate_into(out, bytes, 31));
  } else if (format == "bz2") {
    TRY_STATUS(bunzip_into(out, bytes));
  } else if (format == "xz" || format == "lzma") {
    TRY_STATUS(unlzma_into(out, bytes, format == "xz"));
  } else if (format == "lz4") {
    TRY_STATUS(unlz4_into(out, bytes));
  } else
    return error(Code::kInvalid, "the data is not compressed");
  return out.finish();
}

Result<std::unique_ptr<Document>> read_bytes(std::string bytes, const FileLimits& limits) {
  if (bytes.size() > limits.bytes)
    return error(Code::kTooLarge,
                 str("the file has ", bytes.size(), " bytes, more than ", limits.bytes));
  if (bytes.starts_with("ZF"))
    return error(Code::kUnimplemented,
                 "written by a joblib before 0.10; save it again with a newer one");
  auto document = std::make_unique<Document>();
  if (compression_of(bytes).empty()) {
    document->bytes = std::move(bytes);
  } else {
    TRY(document->bytes, decompress(bytes, limits));
  }
  TRY_STATUS(read(*document, limits.pickle));
  return document;
}

Result<std::unique_ptr<Document>> read_model_file(const std::string& path,
                                                  const FileLimits& limits) {
  TRY(std::string bytes, read_file(path, limits.bytes));
  return read_bytes(std::move(bytes), limits);
}

}  // namespace proa::pickle
