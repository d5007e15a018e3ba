#include "foundation/grpc/wire.h"

#include <gtest/gtest.h>

#include <random>

using namespace proa::grpc;

namespace {

TEST(Wire, ReadsBackWhatWasWritten) {
  std::string text;
  Writer w(text);
  w.number(1, 0);
  w.number(2, UINT64_MAX);
  w.number(15, 300);
  w.number(16, 1);
  w.f64(3, -1.5);
  w.bytes(4, "hello");
  size_t mark = w.open(5);
  w.bytes(1, std::string(300, 'x'));
  w.close(mark);
  Reader r(text);
  ASSERT_TRUE(r.next());
  EXPECT_EQ(r.tag(), varint_tag(1));
  ASSERT_TRUE(r.next());
  EXPECT_EQ(r.number(), UINT64_MAX);
  ASSERT_TRUE(r.next());
  EXPECT_EQ(r.number(), 300u);
  ASSERT_TRUE(r.next());
  EXPECT_EQ(r.tag(), varint_tag(16));
  ASSERT_TRUE(r.next());
  EXPECT_EQ(r.tag(), fixed64_tag(3));
  EXPECT_EQ(r.f64(), -1.5);
  ASSERT_TRUE(r.next());
  EXPECT_EQ(r.bytes(), "hello");
  ASSERT_TRUE(r.next());
  Reader inner = r.message();
  ASSERT_TRUE(inner.next());
  EXPECT_EQ(inner.bytes().size(), 300u);
  EXPECT_FALSE(inner.next());
  EXPECT_TRUE(inner.ok());
  EXPECT_FALSE(r.next());
  EXPECT_TRUE(r.ok());
}

TEST(Wire, MeasuresVarints) {
  for (int bit = 0; bit < 64; ++bit) {
    for (uint64_t v : {uint64_t{1} << bit, (uint64_t{1} << bit) - 1}) {
      std::string text;
      Writer(text).raw(v);
      EXPECT_EQ(text.size(), varint_size(v)) << v;
      const char* at = text.data();
      uint64_t back = 0;
      ASSERT_TRUE(read_varint(at, text.data() + text.size(), back));
      EXPECT_EQ(back, v);
      EXPECT_EQ(at, text.data() + text.size());
    }
  }
}

TEST(Wire, OpensAndClosesMessagesOfAnySize) {
  for (size_t size : {0u, 1u, 125u, 126u, 127u, 128u, 16383u, 16384u, 3000000u}) {
    std::string text = "before";
    Writer w(text);
    size_t mark = w.open(1);
    text.append(size, 'y');
    w.close(mark);
    w.number(2, 7);
    Reader r(std::string_view(text).substr(6));
    ASSERT_TRUE(r.next());
    EXPECT_EQ(r.bytes().size(), size);
    ASSERT_TRUE(r.next());
    EXPECT_EQ(r.number(), 7u);
  }
}

TEST(Wire, TakesRepeatedNumbersPackedOrNot) {
  std::string text;
  Writer w(text);
  w.number(1, 5);
  size_t mark = w.open(1);
  for (uint64_t v : {1, 300, 70000}) w.raw(v);
  w.close(mark);
  std::vector<uint64_t> seen;
  Reader r(text);
  while (r.next()) EXPECT_TRUE(each_varint(r, [&](uint64_t v) { seen.push_back(v); }));
  EXPECT_EQ(seen, (std::vector<uint64_t>{5, 1, 300, 70000}));
}

TEST(Wire, SkipsGroupsAndWhatNobodyAskedFor) {
  std::string text;
  Writer w(text);
  w.raw(9 << 3 | 3);  // group 9 { 1: 5, group 2 {} }
  w.number(1, 5);
  w.raw(2 << 3 | 3);
  w.raw(2 << 3 | 4);
  w.raw(9 << 3 | 4);
  w.number(7, 8);
  Reader r(text);
  ASSERT_TRUE(r.next());
  EXPECT_EQ(r.tag(), varint_tag(7));
  EXPECT_FALSE(r.next());
  EXPECT_TRUE(r.ok());
}

TEST(Wire, RefusesWhatIsCutOffOrNested) {
  for (std::string_view bad :
       {std::string_view("\x08", 1), std::string_view("\x0a\x05zz", 4), std::string_view("\x00", 1),
        std::string_view("\x09zzz", 4), std::string_view("\x0dzzz", 4), std::string_view("\x0c", 1),
        std::string_view("\x0b", 1), std::string_view("\x0b\x14", 2),
        std::string_view("\x0f\x01", 2),
        std::string_view("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12),
        std::string_view("\x80\x80\x80\x80\x80\x01\x00", 7)}) {
    Reader r(bad);
    while (r.next()) {
    }
    EXPECT_FALSE(r.ok()) << testing::PrintToString(std::string(bad));
  }
  std::string groups(1000, '\x0b');
  Reader deep(groups);
  EXPECT_FALSE(deep.next());
  EXPECT_FALSE(deep.ok());
  EXPECT_FALSE(Reader("\x08\x01", kMostDepth + 1).ok());
}

TEST(Wire, StaysInsideRandomBytes) {
  std::mt19937 random(7);
  for (int i = 0; i < 20000; ++i) {
    std::string text(random() % 40, '\0');
    for (char& c : text) c = static_cast<char>(random() % 5 == 0 ? random() : random() % 32);
    Reader r(text);
    size_t fields = 0;
    while (r.next()) {
      ++fields;
      Reader inner = r.message();
      if ((r.tag() & 7) == 2)
        while (inner.next()) {
        }
    }
    EXPECT_LE(fields, text.size());
  }
}

}  // namespace
