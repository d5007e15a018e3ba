#include "foundation/grpc/framing.h"

#include <gtest/gtest.h>

#include "foundation/base/strings.h"
#include "foundation/grpc/status.h"

using namespace proa;
using namespace proa::grpc;

namespace {

std::string framed(std::string_view payload, bool compressed = false) {
  std::string out(kPrefix, '\0');
  out += payload;
  write_prefix(out, 0, compressed);
  return out;
}

TEST(Framing, FindsTheFirstMessage) {
  std::string text = framed("abc", true) + framed("de");
  auto f = next_frame(text, 100);
  ASSERT_TRUE(f.ok() && *f);
  EXPECT_EQ((*f)->payload, "abc");
  EXPECT_TRUE((*f)->compressed);
  f = next_frame(std::string_view(text).substr((*f)->used), 100);
  ASSERT_TRUE(f.ok() && *f);
  EXPECT_EQ((*f)->payload, "de");
  EXPECT_FALSE((*f)->compressed);
}

TEST(Framing, WaitsForTheRest) {
  std::string text = framed("abc");
  for (size_t n = 0; n < text.size(); ++n) {
    auto f = next_frame(std::string_view(text).substr(0, n), 100);
    ASSERT_TRUE(f.ok());
    EXPECT_FALSE(*f);
  }
}

TEST(Framing, RefusesLargeMessagesBeforeTheyCome) {
  std::string text = framed(std::string(101, 'x')).substr(0, kPrefix);
  EXPECT_EQ(next_frame(text, 100).error().code, Code::kTooLarge);
  EXPECT_EQ(next_frame("\xff\xff\xff\xff\xff", 100).error().code, Code::kInternal);
  EXPECT_EQ(next_frame("\x02", 100).error().code, Code::kInternal);
}

TEST(Framing, PacksAndUnpacks) {
  Codec codec;
  for (Encoding e : {Encoding::kGzip, Encoding::kDeflate}) {
    for (size_t size : {0u, 1u, 5000u, 2000000u}) {
      std::string plain(size, 'a'), packed, back;
      for (size_t i = 0; i < size; i += 7) plain[i] = static_cast<char>(i);
      ASSERT_TRUE(codec.pack(e, plain, packed).ok());
      ASSERT_TRUE(codec.unpack(e, packed, size, back).ok());
      EXPECT_EQ(back, plain);
      if (size == 0) continue;
      EXPECT_EQ(codec.unpack(e, packed, size - 1, back).error().code, Code::kTooLarge);
      EXPECT_EQ(codec.unpack(e, packed + "x", size, back).error().code, Code::kInvalid);
      for (size_t cut : {size_t{0}, packed.size() / 2, packed.size() - 1})
        EXPECT_FALSE(codec.unpack(e, packed.substr(0, cut), size, back).ok());
    }
  }
}

TEST(Framing, RefusesABombEarly) {
  Codec codec;
  std::string packed, back;
  ASSERT_TRUE(codec.pack(Encoding::kGzip, std::string(64 << 20, '\0'), packed).ok());
  EXPECT_LT(packed.size(), size_t{1} << 20);
  EXPECT_EQ(codec.unpack(Encoding::kGzip, packed, 1 << 20, back).error().code, Code::kTooLarge);
  EXPECT_LE(back.capacity(), size_t{4} << 20);
}

TEST(Framing, ReadsTimeouts) {
  EXPECT_EQ(parse_timeout("100m"), std::chrono::milliseconds(100));
  EXPECT_EQ(parse_timeout("1H"), std::chrono::hours(1));
  EXPECT_EQ(parse_timeout("2M"), std::chrono::minutes(2));
  EXPECT_EQ(parse_timeout("99999999S"), std::chrono::seconds(99999999));
  EXPECT_EQ(parse_timeout("5u"), std::chrono::microseconds(5));
  EXPECT_EQ(parse_timeout("0n"), Duration(0));
  EXPECT_GT(parse_timeout("99999999H")->count(), 0);
  for (const char* bad : {"", "m", "1", "1x", "-1m", "1.5m", "123456789m", " 1m"})
    EXPECT_FALSE(parse_timeout(bad)) << bad;
}

TEST(Framing, KnowsWhatAClientAccepts) {
  EXPECT_TRUE(accepts("identity, deflate, gzip", Encoding::kGzip));
  EXPECT_TRUE(accepts("gzip", Encoding::kGzip));
  EXPECT_FALSE(accepts("identity,xgzip", Encoding::kGzip));
  EXPECT_FALSE(accepts("", Encoding::kGzip));
  EXPECT_EQ(encoding("gzip"), Encoding::kGzip);
  EXPECT_FALSE(encoding("zstd"));
}

TEST(StatusMessage, IsPercentEncoded) {
  std::string out;
  append_status_message(out, "100% of \"é\"\n ok~");
  EXPECT_EQ(out, "100%25 of \"%C3%A9\"%0A ok~");
}

TEST(StatusMessage, HasACodeForEveryErrorOfTheProduct) {
  EXPECT_EQ(status_of(Code::kInvalid), StatusCode::kInvalidArgument);
  EXPECT_EQ(status_of(Code::kNotFound), StatusCode::kNotFound);
  EXPECT_EQ(status_of(Code::kUnavailable), StatusCode::kUnavailable);
  EXPECT_EQ(status_of(Code::kTooLarge), StatusCode::kResourceExhausted);
  for (int c = 0; c <= static_cast<int>(Code::kDataLoss); ++c) {
    EXPECT_NE(status_of(static_cast<Code>(c)), StatusCode::kOk);
    EXPECT_NE(status_of(static_cast<Code>(c)), StatusCode::kUnknown);
  }
  EXPECT_EQ(digits(StatusCode::kUnauthenticated), "16");
}

}  // namespace
