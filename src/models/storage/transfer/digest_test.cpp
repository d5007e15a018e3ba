#include "models/storage/transfer/digest.h"

#include <gtest/gtest.h>

#include "models/storage/transfer/crypto.h"

namespace proa::storage {
namespace {

TEST(Digest, KnownValues) {
  EXPECT_EQ(crc32c(0, "123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(crc32c(0, "12345"), "6789"), 0xe3069283u);
  EXPECT_EQ(crc64(0, "123456789"), 0x995dc9bbdf1939fau);
  EXPECT_EQ(crc64(crc64(0, "1234567890"), "abc"), crc64(0, "1234567890abc"));
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Hasher, SaysWhatIsWrong) {
  Checks good;
  good.md5 = "JfnnlDI7RTiF9RgfG2JNCw==";
  good.crc32c = "4waSgw==";
  good.crc64 = "11051210869376104954";
  good.sha256 = "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225";
  good.git_sha1 = "e2e107ac61ac259b87c544f6e7a4eb03422c6c21";
  Hasher h(good, 9);
  h.add("12345");
  h.add("6789");
  EXPECT_EQ(h.finish(), "");
  EXPECT_EQ(h.sha256(), good.sha256);
  Checks bad = good;
  bad.md5[0] = 'A';
  Hasher w(bad, 9);
  w.add("123456789");
  EXPECT_TRUE(w.finish().starts_with("has md5 JfnnlDI7RTiF9RgfG2JNCw== instead of"));
}

}  // namespace
}  // namespace proa::storage
