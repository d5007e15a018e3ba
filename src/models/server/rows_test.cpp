#include "models/server/rows.h"

#include <gtest/gtest.h>

#include <cmath>

namespace proa::models {
namespace {

std::string error_of(std::string_view body) {
  Rows rows;
  Status s = parse_rows(body, rows);
  return s.ok() ? "" : s.error().message;
}

std::vector<double> values_of(std::string_view body) {
  Rows rows;
  Status s = parse_rows(body, rows);
  EXPECT_TRUE(s.ok()) << s.error().message;
  rows.values.resize(rows.rows * rows.columns);
  return rows.values;
}

TEST(Rows, ReadsInstances) {
  Rows rows;
  ASSERT_TRUE(parse_rows(R"({"instances": [[6.8, 2.8], [6.0, 3.4], [-1e2, 0]]})", rows).ok());
  EXPECT_EQ(rows.rows, 3u);
  EXPECT_EQ(rows.columns, 2u);
  EXPECT_EQ(std::vector<double>(rows.values.begin(), rows.values.begin() + 6),
            (std::vector<double>{6.8, 2.8, 6.0, 3.4, -100, 0}));
}

TEST(Rows, ReadsInputsAndPrefersInstances) {
  EXPECT_EQ(values_of(R"({"inputs":[[1,2]]})"), (std::vector<double>{1, 2}));
  EXPECT_EQ(values_of(R"({"inputs":[[1,2]],"instances":[[3]]})"), (std::vector<double>{3}));
  EXPECT_EQ(values_of(R"({"instances":[[3]],"inputs":"x"})"), (std::vector<double>{3}));
}

TEST(Rows, SkipsOtherMembers) {
  EXPECT_EQ(
      values_of(
          R"({"signature_name":"a\"\u00e9","p":{"a":[1,{"b":null}],"c":true},"instances":[[1]]})"),
      (std::vector<double>{1}));
}

TEST(Rows, ReadsNumbersAsPythonDoes) {
  EXPECT_EQ(
      values_of(
          R"({"instances":[[0.1,1e-7,123456789012345678901234567890,1.7976931348623157e308,5e-324]]})"),
      (std::vector<double>{0.1, 1e-7, 123456789012345678901234567890.0, 1.7976931348623157e308,
                           5e-324}));
  EXPECT_EQ(values_of(R"({"instances":[[0.30000000000000004,9007199254740993,1e-400,-0.0]]})"),
            (std::vector<double>{0.30000000000000004, 9007199254740993.0, 0, 0}));
  EXPECT_TRUE(std::isinf(values_of(R"({"instances":[[1e999]]})")[0]));
  EXPECT_TRUE(std::isnan(values_of(R"({"instances":[[NaN]]})")[0]));
  EXPECT_EQ(values_of(R"({"instances":[[true,false]]})"), (std::vector<double>{1, 0}));
}

TEST(Rows, SaysWhereJsonIsBroken) {
  EXPECT_EQ(error_of("{bad"),
            "Unrecognized request format: Expecting a string: line 1 column 2 (char 1)");
  EXPECT_EQ(error_of("{\"instances\":\n [[1,]]}"),
            "Unrecognized request format: Expecting value: line 2 column 6 (char 19)");
  for (const char* bad :
       {"", "{", "[", "{\"a\":1", "{\"instances\":[[1]]}}", "{\"instances\":[[01]]}",
        "{\"instances\":[[1.]]}", "{\"instances\":[[1e]]}", "{\"instances\":[[-]]}",
        "{\"instances\":[[1]],}", "{\"a\":\"\n\",\"instances\":[[1]]}", "{\"instances\":[[+1]]}",
        "{\"instances\":[[1] [2]]}", "{\"a\":tru}"})
    EXPECT_TRUE(error_of(bad).starts_with("Unrecognized request format: "))
        << bad << " → " << error_of(bad);
}

TEST(Rows, RefusesWhatIsNoMatrixOfNumbers) {
  EXPECT_TRUE(error_of(R"({"instances":[1,2]})").starts_with("Expected 2D array, got 1D array"));
  EXPECT_TRUE(error_of(R"({"instances":[]})").starts_with("Expected 2D array, got 1D array"));
  EXPECT_TRUE(error_of(R"({"instances":[[[1]]]})").starts_with("Expected 2D array, got 3D array"));
  EXPECT_TRUE(
      error_of(R"({"instances":[["1"]]})").starts_with("could not convert string to float"));
  EXPECT_TRUE(error_of(R"({"instances":[{"a":1}]})").starts_with("instances are objects"));
  EXPECT_EQ(error_of(R"({"instances":[[1,2],[3]]})"),
            "instances have different lengths: row 0 has 2 values, row 1 has 1");
  EXPECT_EQ(error_of(R"({"instances":3})"), "Expected \"instances\" or \"inputs\" to be a list");
  EXPECT_EQ(error_of(R"({"x":3})"), "Expected \"instances\" or \"inputs\" in the request");
}

TEST(Rows, RefusesDeepNesting) {
  std::string deep = "{\"a\":" + std::string(100000, '[');
  EXPECT_TRUE(error_of(deep).find("nested too deeply") != std::string::npos);
}

TEST(Rows, ReadsOrRefusesEveryCutAndEveryChangedByte) {
  std::string body = R"({"a": {"b": [1, "\u00e9"]}, "instances": [[6.8, -2e3, true], [1, 2, 3]]})";
  Rows rows;
  for (size_t n = 0; n < body.size(); ++n) EXPECT_FALSE(parse_rows(body.substr(0, n), rows).ok());
  for (size_t n = 0; n < body.size(); ++n)
    for (int c = 0; c < 256; ++c) {
      std::string changed = body;
      changed[n] = static_cast<char>(c);
      if (parse_rows(changed, rows).ok()) {
        EXPECT_LE(rows.rows * rows.columns, rows.values.size());
      }
    }
}

}  // namespace
}  // namespace proa::models
