#include <gtest/gtest.h>

#include "foundation/json/value.h"
#include "foundation/json/yaml.h"

namespace proa::json {

TEST(Json, WritesWhatItRead) {
  const char* kSame[] = {
      "null",
      "true",
      "-12",
      "1.5",
      "\"a\\nb\"",
      "[]",
      "{}",
      "[1,[2,{\"a\":null}]]",
      "{\"a\":1,\"b\":\"é\"}",
      "9223372036854775807",
      "1e+300",
  };
  for (const char* text : kSame) {
    auto v = parse(text);
    ASSERT_TRUE(v.ok()) << text << ": " << v.error().message;
    EXPECT_EQ(dump(*v), text);
  }
}

TEST(Json, RefusesWhatIsNotJson) {
  const char* kBad[] = {"",    "{",        "[1,]",    "{\"a\" 1}", "01",       "1.",
                        "tru", "\"\x01\"", "\"\\x\"", "[1] 2",     "\"\xff\"", "nan"};
  for (const char* text : kBad) EXPECT_FALSE(parse(text).ok()) << text;
  EXPECT_FALSE(parse(std::string(1000, '[')).ok());
}

TEST(Json, SaysWhereTheFaultIs) {
  EXPECT_EQ(parse("{\n \"a\": x}").error().message, "line 2, column 7: unexpected character");
}

TEST(Json, ReadingNeverCreates) {
  const Value v = object({{"a", object({{"b", 3}})}});
  EXPECT_EQ(v["a"]["b"].integer(), 3);
  EXPECT_TRUE(v["x"]["y"][3].is_null());
  EXPECT_EQ(pointer(v, "/a/b")->integer(), 3);
}

TEST(Yaml, ReadsTheTutorialsInferenceService) {
  auto v = parse_yaml(
      "apiVersion: \"serving.kserve.io/v1beta1\"\nmetadata:\n  name: \"sklearn-iris\"\n"
      "spec: {n: 1, f: 1.5, on: yes, s: '1', list: [a, b]}\n");
  ASSERT_TRUE(v.ok()) << v.error().message;
  EXPECT_EQ((*v)["metadata"]["name"].str(), "sklearn-iris");
  EXPECT_EQ(dump((*v)["spec"]),
            "{\"f\":1.5,\"list\":[\"a\",\"b\"],\"n\":1,\"on\":\"yes\",\"s\":\"1\"}");
}

TEST(Yaml, EndsAnAliasBomb) {
  std::string text = "a: &a [x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'k'; ++c) {
    text += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 9; ++i) text += std::string(i ? ",*" : "*") + static_cast<char>(c - 1);
    text += "]\n";
  }
  EXPECT_FALSE(parse_yaml(text).ok());
}

TEST(Yaml, WritesWhatItReadsBack) {
  auto v = parse(R"({"a":[{"b":1,"c":["x","y: z"]},[]],"d":"yes","e":"1","f":{},"g":"- a"})");
  ASSERT_TRUE(v.ok());
  auto again = parse_yaml(dump_yaml(*v));
  ASSERT_TRUE(again.ok()) << dump_yaml(*v) << again.error().message;
  EXPECT_EQ(dump(*again), dump(*v));
}

}  // namespace proa::json
