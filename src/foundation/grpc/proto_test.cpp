#include "foundation/grpc/proto.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "foundation/grpc/wire.h"

using namespace proa;
using namespace proa::grpc;

namespace {

// The texts of a descriptor's field, in order.
std::vector<std::string> texts(std::string_view message, uint32_t field) {
  std::vector<std::string> out;
  Reader r(message);
  while (r.next()) {
    if (r.tag() == bytes_tag(field)) out.emplace_back(r.bytes());
  }
  EXPECT_TRUE(r.ok());
  return out;
}

TEST(Proto, CompilesMessagesServicesAndMaps) {
  auto file = compile_proto("a.proto", R"(
    // A comment.
    syntax = "proto3"; /* another */
    package a.b;
    option go_package = "x";
    message Outer {
      enum Kind { NONE = 0; SOME = 1; }
      message Inner { repeated int64 n = 1 [packed = true]; }
      oneof choice { Kind kind = 1; Inner inner_part = 2; }
      map<string, Inner> parts = 3;
      reserved 4, 5;
      a.b.Outer.Inner other = 6;
    }
    service S { rpc Do(Outer) returns (stream Outer.Inner) {} rpc Up(stream Outer) returns (Outer); }
  )");
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(texts(file->descriptor, 1).at(0), "a.proto");
  EXPECT_EQ(texts(file->descriptor, 2).at(0), "a.b");
  EXPECT_EQ(texts(file->descriptor, 12).at(0), "proto3");
  std::string outer = texts(file->descriptor, 4).at(0);
  auto fields = texts(outer, 2);
  ASSERT_EQ(fields.size(), 4u);
  EXPECT_EQ(texts(fields[0], 6).at(0), ".a.b.Outer.Kind");
  EXPECT_EQ(texts(fields[1], 10).at(0), "innerPart");
  EXPECT_EQ(texts(fields[2], 6).at(0), ".a.b.Outer.PartsEntry");
  EXPECT_EQ(texts(fields[3], 6).at(0), ".a.b.Outer.Inner");
  EXPECT_EQ(texts(outer, 3).size(), 2u);
  EXPECT_EQ(texts(texts(file->descriptor, 6).at(0), 2).size(), 2u);
  for (const char* symbol : {"a.b.Outer", "a.b.Outer.Kind", "a.b.S", "a.b.S.Do"})
    EXPECT_NE(std::find(file->symbols.begin(), file->symbols.end(), symbol), file->symbols.end());
}

TEST(Proto, NamesTheLineThatItCannotTake) {
  EXPECT_EQ(
      compile_proto("b.proto", "syntax = \"proto3\";\nmessage A {\n int32 = 1;\n}").error().message,
      "b.proto: line 3: no name at \"=\"");
  EXPECT_FALSE(compile_proto("b.proto", "import \"x\";").ok());
  EXPECT_FALSE(compile_proto("b.proto", "message A { Missing m = 1; }").ok());
  EXPECT_FALSE(compile_proto("b.proto", "message A { string s = 1; ").ok());
  EXPECT_FALSE(compile_proto("b.proto", "service S { rpc A(B) returns (C); }").ok());
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "message M { ";
  EXPECT_FALSE(compile_proto("b.proto", deep).ok());
}

}  // namespace
