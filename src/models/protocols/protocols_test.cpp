#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>

#include "foundation/base/strings.h"
#include "models/protocols/infer_reader.h"
#include "models/protocols/json_write.h"
#include "models/protocols/raw.h"
#include "models/protocols/rows.h"
#include "models/protocols/tensors.h"

namespace proa::protocols {
namespace {

using inference::Cell;

std::vector<double> dense(const Table& t) {
  EXPECT_EQ(t.form, Table::Form::kDense);
  return {t.dense, t.dense + t.rows * t.columns};
}

std::string text(const Table& t) {  // cells, a row a line
  std::string out;
  for (size_t i = 0; i < t.rows * t.columns; ++i) {
    const Cell& c = t.cells[i];
    if (c.kind == Cell::Kind::kNumber) append_json_number(out, c.number);
    if (c.kind == Cell::Kind::kText) out += "'" + std::string(c.text) + "'";
    if (c.kind == Cell::Kind::kNone) out += "None";
    if (c.kind == Cell::Kind::kAbsent) out += "-";
    out += (i + 1) % t.columns == 0 ? "\n" : " ";
  }
  return out;
}

struct Rows : testing::Test {
  Workspace work;
  RowsReader reader;
  const Table& read(std::string_view body) {
    Status s = reader.read(body, work);
    EXPECT_TRUE(s.ok()) << s.error().message;
    return reader.table();
  }
  std::string error_of(std::string_view body) {
    Status s = reader.read(body, work);
    return s.ok() ? "" : s.error().message;
  }
};

TEST_F(Rows, ReadsInstances) {
  const Table& t = read(R"({"instances": [[6.8, 2.8], [6.0, 3.4], [-1e2, 0]]})");
  EXPECT_EQ(t.rows, 3u);
  EXPECT_EQ(t.columns, 2u);
  EXPECT_FALSE(t.flat);
  EXPECT_EQ(dense(t), (std::vector<double>{6.8, 2.8, 6.0, 3.4, -100, 0}));
}

TEST_F(Rows, ReadsInputsAndPrefersThemAsKServeDoes) {
  EXPECT_EQ(dense(read(R"({"inputs":[[1,2]]})")), (std::vector<double>{1, 2}));
  EXPECT_EQ(dense(read(R"({"inputs":[[1,2]],"instances":[[3]]})")), (std::vector<double>{1, 2}));
  EXPECT_EQ(dense(read(R"({"instances":[[3]],"inputs":[[1,2]]})")), (std::vector<double>{1, 2}));
}

TEST_F(Rows, SkipsOtherMembers) {
  EXPECT_EQ(dense(read(R"({"s":"a\"\u00e9","p":{"a":[1,{"b":null}],"c":true},"instances":[[1]]})")),
            (std::vector<double>{1}));
}

TEST_F(Rows, ReadsNumbersAsPythonDoes) {
  EXPECT_EQ(
      dense(read(R"({"instances":[[0.1,1e-7,123456789012345678901234567890,1.7976931348623157e308,)"
                 R"(5e-324]]})")),
      (std::vector<double>{0.1, 1e-7, 123456789012345678901234567890.0, 1.7976931348623157e308,
                           5e-324}));
  EXPECT_EQ(dense(read(R"({"instances":[[0.30000000000000004,9007199254740993,1e-400,-0.0]]})")),
            (std::vector<double>{0.30000000000000004, 9007199254740993.0, 0, 0}));
  EXPECT_TRUE(std::isinf(dense(read(R"({"instances":[[1e999]]})"))[0]));
  EXPECT_TRUE(std::isnan(dense(read(R"({"instances":[[NaN]]})"))[0]));
  EXPECT_EQ(dense(read(R"({"instances":[[-Infinity]]})"))[0], -HUGE_VAL);
  EXPECT_EQ(dense(read(R"({"instances":[[true,false]]})")), (std::vector<double>{1, 0}));
}

TEST_F(Rows, KnowsIntegersFromFloats) {
  EXPECT_EQ(read(R"({"instances":[[1,2]]})").type, DataType::kInt64);
  EXPECT_EQ(read(R"({"instances":[[1,2.0]]})").type, DataType::kFp64);
}

TEST_F(Rows, TakesAListOfScalarsAsOneColumn) {
  const Table& t = read(R"({"instances":["a text","\u00e9\"\ud83d\ude00"]})");
  EXPECT_TRUE(t.flat);
  EXPECT_EQ(t.columns, 1u);
  EXPECT_EQ(text(t), "'a text'\n'é\"😀'\n");
  EXPECT_EQ(dense(read(R"({"instances":[1,2,3]})")), (std::vector<double>{1, 2, 3}));
  EXPECT_TRUE(reader.table().flat);
  EXPECT_EQ(read(R"({"instances":[]})").rows, 0u);
}

TEST_F(Rows, TakesTextsAndNullBesideNumbers) {
  EXPECT_EQ(text(read(R"({"instances":[[1,"a"],[null,"b"]]})")), "1.0 'a'\nNone 'b'\n");
}

TEST_F(Rows, TakesObjectsAsNamedColumns) {
  const Table& t = read(R"({"instances":[{"a":1,"b":"x"},{"b":"y","c":null}]})");
  EXPECT_EQ(std::vector<std::string_view>(t.names.begin(), t.names.end()),
            (std::vector<std::string_view>{"a", "b", "c"}));
  EXPECT_EQ(text(t), "1.0 'x' -\n- 'y' None\n");
}

TEST_F(Rows, TakesObjectsThatHoldSeveralRowsAsPandasDoes) {
  EXPECT_EQ(dense(read(R"({"inputs":[{"a":{"0":3.5,"1":4},"b":{"0":1.5,"1":2}}]})")),
            (std::vector<double>{3.5, 1.5, 4, 2}));
  EXPECT_EQ(reader.table().names.size(), 2u);
  EXPECT_EQ(dense(read(R"({"instances":[{"a":[1,2],"b":[3,4]},{"a":5,"b":6}]})")),
            (std::vector<double>{1, 3, 2, 4, 5, 6}));
  EXPECT_EQ(dense(read(R"({"inputs":{"a":[1,2],"b":[3,4]}})")), (std::vector<double>{1, 3, 2, 4}));
}

TEST_F(Rows, HearsOfTheMethod) {
  read(R"({"instances":[[1]],"parameters":{"method":"predict_proba","x":[1]}})");
  ASSERT_EQ(reader.parameters().size(), 1u);
  EXPECT_EQ(reader.parameters()[0].text, "predict_proba");
}

TEST_F(Rows, SaysWhatIsWrong) {
  EXPECT_EQ(error_of("{bad"),
            "Unrecognized request format: Expecting a string: line 1 column 2 (char 1)");
  EXPECT_EQ(error_of(R"({"instances":[[1,2],[3]]})"),
            "instances have different lengths: row 0 has 2 values, row 1 has 1");
  EXPECT_EQ(error_of(R"({"x":1})"), "Expected \"instances\" or \"inputs\" in the request");
  EXPECT_TRUE(contains(error_of(R"({"instances":[[[1]]]})"), "dim 3"));
  EXPECT_TRUE(contains(error_of(R"({"instances":[[1],2]})"), "mix"));
  EXPECT_TRUE(contains(error_of(R"({"instances":"x"})"), "to be a list"));
  EXPECT_TRUE(contains(error_of(R"({"instances":[[01]]})"), "Expecting ','"));
  EXPECT_TRUE(contains(error_of(R"({"instances":[[1]]} x)"), "Extra data"));
  EXPECT_TRUE(contains(error_of(""), "empty"));
  EXPECT_TRUE(contains(error_of("[1]"), "JSON object"));
  EXPECT_TRUE(contains(error_of(std::string(1000, '[')), "nested too deeply"));
}

TEST_F(Rows, TakesEveryTruncationWithoutHarm) {
  std::string body =
      R"({"instances":[{"a":[1,"x\u00e9"],"b":{"0":3,"1":null}}],"parameters":{"method":"x"}})";
  for (size_t n = 0; n < body.size(); ++n) EXPECT_FALSE(reader.read(body.substr(0, n), work).ok());
}

struct Infer : testing::Test {
  Workspace work;
  InferReader reader;
  InferRequest request;
  Table table;
  Status read(std::string_view body, std::optional<size_t> length = {}) {
    TRY_STATUS(reader.read(body, length, work, request));
    return to_table(request, work, table);
  }
  std::string error_of(std::string_view body, std::optional<size_t> length = {}) {
    Status s = read(body, length);
    return s.ok() ? "" : s.error().message;
  }
};

TEST_F(Infer, ReadsTheExampleOfTheProtocol) {
  Status s = read(R"({"id":"42","parameters":{"a":true,"i":-3,"u":18446744073709551615,"d":0.5,
      "t":"x"},"inputs":[{"name":"input-0","shape":[2,2],"datatype":"FP64","data":[[1.5,2],[3,4]]}],
      "outputs":[{"name":"output-0","parameters":{"binary_data":true}}]})");
  ASSERT_TRUE(s.ok()) << s.error().message;
  EXPECT_EQ(request.id, "42");
  ASSERT_EQ(request.parameters.size(), 5u);
  EXPECT_EQ(request.parameters[1].integer, -3);
  EXPECT_EQ(request.parameters[2].natural, ~uint64_t{0});
  EXPECT_EQ(request.parameters[3].number, 0.5);
  ASSERT_EQ(request.outputs.size(), 1u);
  EXPECT_TRUE(find(request.outputs[0].parameters, "binary_data") != nullptr);
  EXPECT_EQ(dense(table), (std::vector<double>{1.5, 2, 3, 4}));
  EXPECT_EQ(table.columns, 2u);
}

TEST_F(Infer, ReadsDataBeforeShape) {
  ASSERT_TRUE(
      read(R"({"inputs":[{"data":[1,2],"datatype":"INT32","name":"x","shape":[1,2]}]})").ok());
  EXPECT_EQ(dense(table), (std::vector<double>{1, 2}));
  EXPECT_EQ(table.type, DataType::kInt32);
}

TEST_F(Infer, ReadsBinaryTensors) {
  std::string head =
      R"({"inputs":[{"name":"a","shape":[1,2],"datatype":"FP32","parameters":{"binary_data_size":8}}]})";
  float values[] = {1.5f, -2};
  std::string body = head + std::string(reinterpret_cast<char*>(values), 8);
  ASSERT_TRUE(read(body, head.size()).ok());
  EXPECT_EQ(dense(table), (std::vector<double>{1.5, -2}));
  EXPECT_TRUE(contains(error_of(body.substr(0, body.size() - 1), head.size()), "only 7 bytes"));
  EXPECT_TRUE(contains(error_of(body + "x", head.size()), "belong to no input"));
  EXPECT_TRUE(contains(error_of(body, body.size() + 1), "Inference-Header-Content-Length"));
}

TEST_F(Infer, ReadsBinaryTexts) {
  std::string head =
      R"({"inputs":[{"name":"a","shape":[2],"datatype":"BYTES","parameters":{"binary_data_size":11}}]})";
  std::string body = head + std::string("\x01\0\0\0x\x02\0\0\0yz", 11);
  ASSERT_TRUE(read(body, head.size()).ok());
  EXPECT_EQ(text(table), "'x'\n'yz'\n");
  EXPECT_TRUE(table.flat);
  std::string bad = head + std::string("\x01\0\0\0x\x03\0\0\0yz", 11);
  EXPECT_TRUE(contains(error_of(bad, head.size()), "end inside of element 1"));
}

TEST_F(Infer, TakesSeveralTensorsAsNamedColumns) {
  ASSERT_TRUE(read(R"({"parameters":{"content_type":"pd"},"inputs":[
      {"name":"age","shape":[2],"datatype":"INT64","data":[1,2]},
      {"name":"sex","shape":[2,1],"datatype":"BYTES","data":["m","f"]}]})")
                  .ok());
  EXPECT_EQ(text(table), "1.0 'm'\n2.0 'f'\n");
  EXPECT_EQ(table.names[1], "sex");
  ASSERT_TRUE(read(R"({"inputs":[{"name":"a","shape":[1],"datatype":"FP32","data":[0.1]},
      {"name":"b","shape":[1],"datatype":"BOOL","data":[true]}]})")
                  .ok());
  EXPECT_EQ(dense(table), (std::vector<double>{static_cast<double>(0.1f), 1}));
}

TEST_F(Infer, DecodesBase64Texts) {
  ASSERT_TRUE(read(R"({"inputs":[{"name":"a","shape":[1],"datatype":"BYTES","data":["aGk="],
      "parameters":{"content_type":"base64"}}]})")
                  .ok());
  EXPECT_EQ(text(table), "'hi'\n");
}

TEST_F(Infer, SaysWhatIsWrong) {
  auto input = [&](const char* shape, const char* type, const char* data) {
    return error_of(str(R"({"inputs":[{"name":"x","shape":)", shape, R"(,"datatype":")", type,
                        R"(","data":)", data, "}]}"));
  };
  EXPECT_TRUE(contains(input("[2,2]", "FP64", "[1,2,3]"), "cannot reshape array of size 3"));
  EXPECT_TRUE(contains(input("[-1]", "FP64", "[1]"), "negative"));
  EXPECT_TRUE(contains(input("[99999999999,99999999999]", "FP64", "[1]"), "too large"));
  EXPECT_TRUE(contains(input("[1]", "UINT8", "[256]"), "is no UINT8"));
  EXPECT_TRUE(contains(input("[1]", "INT64", "[1.5]"), "is no INT64"));
  EXPECT_TRUE(contains(input("[1]", "FP64", "[\"a\"]"), "contents are not those"));
  EXPECT_TRUE(contains(input("[1]", "FP16", "[1]"), "Receiving FP16 data via JSON"));
  EXPECT_TRUE(contains(input("[1]", "FP65", "[1]"), "invalid datatype FP65"));
  EXPECT_TRUE(contains(input("[1,1,1]", "FP64", "[1]"), "dim 3"));
  EXPECT_TRUE(contains(error_of(R"({"inputs":[{"name":"x","shape":[1],"datatype":"FP64"}]})"),
                       "has no 'data'"));
  EXPECT_TRUE(contains(error_of(R"({"inputs":[]})"), "no 'inputs'"));
}

TEST_F(Infer, TakesEveryTruncationWithoutHarm) {
  std::string body =
      R"({"id":"1","parameters":{"a":1.5e3},"inputs":[{"name":"a","shape":[2],"datatype":"BYTES",)"
      R"("data":["x",null]}],"outputs":[{"name":"o","parameters":{"b":false}}]})";
  for (size_t n = 0; n < body.size(); ++n) EXPECT_FALSE(read(body.substr(0, n)).ok());
}

TEST(Halves, AreRoundedToTheNearest) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    auto b = static_cast<uint16_t>(bits);
    EXPECT_TRUE(std::isnan(from_fp16(b)) || to_fp16(from_fp16(b)) == b);
    EXPECT_TRUE(std::isnan(from_bf16(b)) || to_bf16(from_bf16(b)) == b);
  }
  EXPECT_EQ(from_fp16(to_fp16(65504)), 65504);
  EXPECT_EQ(from_fp16(to_fp16(65519)), 65504);
  EXPECT_TRUE(std::isinf(from_fp16(to_fp16(65520))));
  EXPECT_TRUE(std::isnan(from_fp16(to_fp16(NAN))));
  EXPECT_TRUE(std::isnan(from_bf16(to_bf16(NAN))));
  EXPECT_EQ(from_fp16(0x3c01), 1 + 1.0 / 1024);
  EXPECT_EQ(to_fp16(1 + 1.0 / 2048), 0x3c00);  // a tie goes to even
  EXPECT_EQ(from_bf16(to_bf16(1.0)), 1.0);
}

InferResponse response_of(std::span<const OutputTensor> outputs) {
  InferResponse r;
  r.model = "iris";
  r.id = "1";
  r.outputs = outputs;
  return r;
}

TEST(JsonWrite, WritesWhatKServeWrites) {
  int64_t labels[] = {1, 2};
  OutputTensor o{"output-0", {DataType::kInt64, 1, {2}, nullptr, labels, nullptr}, {}, nullptr};
  InferResponse r = response_of({&o, 1});
  std::string out;
  ASSERT_FALSE((*append_infer_response({}, r, out)).has_value());
  EXPECT_EQ(out, R"({"model_name":"iris","model_version":null,"id":"1","parameters":null,)"
                 R"("outputs":[{"name":"output-0","shape":[2],"datatype":"INT64",)"
                 R"("parameters":null,"data":[1,2]}]})");
  out.clear();
  append_predictions(r, out);
  EXPECT_EQ(out, "[1, 2]");
}

TEST(JsonWrite, PutsBinaryTensorsBehindTheJson) {
  double p[] = {0.25, 0.75};
  OutputTensor o{"p", {DataType::kFp32, 2, {1, 2}, p, nullptr, nullptr}, {}, nullptr};
  InferRequest request;
  Parameter binary{"binary_data_output", Parameter::Kind::kBool, 1, 0, 0, {}};
  request.parameters = {&binary, 1};
  std::string out;
  auto length = append_infer_response(request, response_of({&o, 1}), out);
  ASSERT_TRUE(length.ok() && length->has_value());
  EXPECT_EQ(out.size(), **length + 8);
  EXPECT_TRUE(contains(out, R"("parameters":{"binary_data_size":8}})"));
  float back[2];
  std::memcpy(back, out.data() + **length, 8);
  EXPECT_EQ(back[1], 0.75f);
}

TEST(JsonWrite, WritesNumbersThatReadBack) {
  auto number = [](double v) {
    std::string out;
    append_json_number(out, v);
    return out;
  };
  EXPECT_EQ(number(1), "1.0");
  EXPECT_EQ(number(-0.0), "-0.0");
  EXPECT_EQ(number(0.1), "0.1");
  EXPECT_EQ(number(1e-7), "1e-07");
  EXPECT_EQ(number(1e16), "1e+16");
  EXPECT_EQ(number(NAN), "null");
  EXPECT_EQ(number(static_cast<double>(0.3f)), "0.30000001192092896");
}

TEST(JsonWrite, EscapesTexts) {
  std::string out;
  append_json_text(out, "a\"\\\n\x01\xff");
  EXPECT_EQ(out, "\"a\\\"\\\\\\n\\u0001\xc3\xbf\"");
}

}  // namespace
}  // namespace proa::protocols
