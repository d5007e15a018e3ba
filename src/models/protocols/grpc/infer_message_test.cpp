#include "models/protocols/grpc/infer_message.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

#include "foundation/grpc/wire.h"

using namespace proa;
using namespace proa::protocols;
using grpc::Writer;

namespace {

struct InferMessage : testing::Test {
  Workspace work;
  InferRequest request;
  bool raw = false;
  std::string text;
  Writer w{text};

  Status read() { return read_infer_request(text, work, request, raw); }
  std::string refused() {
    Status s = read();
    return s.ok() ? "taken" : s.error().message;
  }
  void begin(std::string_view type, std::vector<uint64_t> shape) {
    input = w.open(5);
    w.bytes(1, "x");
    w.bytes(2, type);
    size_t mark = w.open(3);
    for (uint64_t v : shape) w.raw(v);
    w.close(mark);
  }
  void packed(uint32_t field, std::vector<uint64_t> values) {
    size_t contents = w.open(5), mark = w.open(field);
    for (uint64_t v : values) w.raw(v);
    w.close(mark);
    w.close(contents);
  }
  void end() { w.close(input); }
  size_t input = 0;
};

template <typename T>
std::vector<T> elements(const Contents& c) {
  std::vector<T> out(c.count);
  std::memcpy(out.data(), c.data, c.count * sizeof(T));
  return out;
}

TEST_F(InferMessage, ReadsEverythingOfARequest) {
  w.bytes(1, "iris");
  w.bytes(2, "3");
  w.bytes(3, "id-1");
  size_t entry = w.open(4);
  w.bytes(1, "a");
  size_t value = w.open(2);
  w.f64(4, 2.5);
  w.close(value);
  w.close(entry);
  begin("INT64", {2, 2});
  packed(3, {1, UINT64_MAX, 3, 300});
  end();
  size_t output = w.open(6);
  w.bytes(1, "output-0");
  entry = w.open(2);
  w.bytes(1, "binary_data");
  value = w.open(2);
  w.boolean(1, true);
  w.close(value);
  w.close(entry);
  w.close(output);
  w.number(99, 1);
  ASSERT_EQ(refused(), "taken");
  EXPECT_EQ(peek_model(text).model, "iris");
  EXPECT_EQ(peek_model(text).version, "3");
  EXPECT_EQ(request.model, "iris");
  EXPECT_EQ(request.id, "id-1");
  ASSERT_EQ(request.parameters.size(), 1u);
  EXPECT_EQ(request.parameters[0].number, 2.5);
  ASSERT_EQ(request.inputs.size(), 1u);
  EXPECT_EQ(request.inputs[0].shape[1], 2);
  EXPECT_EQ(request.inputs[0].contents.kind, Contents::Kind::kInt64s);
  EXPECT_EQ(elements<int64_t>(request.inputs[0].contents), (std::vector<int64_t>{1, -1, 3, 300}));
  ASSERT_EQ(request.outputs.size(), 1u);
  EXPECT_EQ(find(request.outputs[0].parameters, "binary_data")->integer, 1);
  EXPECT_FALSE(raw);
}

TEST_F(InferMessage, ReadsNumbersPackedInPiecesOrOneByOne) {
  begin("UINT8", {5});
  size_t contents = w.open(5);
  w.number(4, 1);
  size_t mark = w.open(4);
  w.raw(2);
  w.raw(200);
  w.close(mark);
  w.number(4, 4);
  w.number(4, 5);
  w.close(contents);
  end();
  begin("FP64", {2});
  contents = w.open(5);
  w.f64(7, 1.5);
  w.f64(7, -2);
  w.close(contents);
  end();
  ASSERT_EQ(refused(), "taken");
  EXPECT_EQ(elements<uint32_t>(request.inputs[0].contents),
            (std::vector<uint32_t>{1, 2, 200, 4, 5}));
  EXPECT_EQ(elements<double>(request.inputs[1].contents), (std::vector<double>{1.5, -2}));
}

TEST_F(InferMessage, LeavesPackedFloatsWhereTheyAre) {
  begin("FP32", {2});
  size_t contents = w.open(5);
  float values[] = {1, 2};
  w.bytes(6, {reinterpret_cast<const char*>(values), sizeof values});
  w.close(contents);
  end();
  ASSERT_EQ(refused(), "taken");
  const Contents& c = request.inputs[0].contents;
  EXPECT_EQ(c.kind, Contents::Kind::kRaw);
  EXPECT_GE(static_cast<const char*>(c.data), text.data());
  EXPECT_LT(static_cast<const char*>(c.data), text.data() + text.size());
}

TEST_F(InferMessage, TakesRawContentsForAllInputsOrForNone) {
  begin("FP16", {2});
  end();
  begin("BYTES", {1});
  end();
  w.bytes(7, "abcd");
  EXPECT_EQ(refused(),
            "the number of inputs (2) does not match the expected number of raw input contents "
            "(1) for model ''.");
  w.bytes(7, "");
  ASSERT_EQ(refused(), "taken");
  EXPECT_TRUE(raw);
  EXPECT_EQ(request.inputs[0].contents.count, 4u);
  EXPECT_EQ(request.inputs[1].contents.count, 0u);
}

TEST_F(InferMessage, RefusesContentsBesideRawContents) {
  begin("INT32", {1});
  packed(2, {1});
  end();
  w.bytes(7, "abcd");
  EXPECT_EQ(refused(),
            "contents field must not be specified when using raw_input_contents for input 'x' "
            "for model ''");
}

TEST_F(InferMessage, RefusesContentsOfAnotherType) {
  begin("INT32", {1});
  packed(3, {1});
  end();
  EXPECT_EQ(refused(),
            "input 'x' has int64_contents, but its datatype INT32 asks for int_contents");
}

TEST_F(InferMessage, RefusesWhatIsMalformedOrTooMuch) {
  begin("INT3", {1});
  end();
  EXPECT_EQ(refused(), "input 'x' has the unknown datatype 'INT3'");
  text = "\x0a\xff";
  EXPECT_EQ(refused(), "the ModelInferRequest is no well-formed protobuf message");
  text = "\x0a\x01\xff";
  EXPECT_EQ(refused(), "model_name is not UTF-8");
  text.clear();
  begin("INT8", std::vector<uint64_t>(17, 1));
  end();
  EXPECT_EQ(refused(), "input 'x' has too many dimensions");
  text.clear();
  for (size_t i = 0; i <= kMostInputs; ++i) w.bytes(5, "");
  EXPECT_EQ(refused(), "more than 4096 tensors");
  text.clear();
  for (size_t i = 0; i <= kMostParameters; ++i) w.bytes(4, "");
  EXPECT_EQ(refused(), "the request has too many parameters");
}

TEST_F(InferMessage, LetsTheLastOfEqualParametersCount) {
  for (uint64_t v : {1, 2}) {
    size_t entry = w.open(4);
    w.bytes(1, "p");
    size_t value = w.open(2);
    w.number(2, v);
    w.close(value);
    w.close(entry);
  }
  ASSERT_EQ(refused(), "taken");
  ASSERT_EQ(request.parameters.size(), 1u);
  EXPECT_EQ(request.parameters[0].integer, 2);
}

TEST_F(InferMessage, StaysInsideMutatedRequests) {
  w.bytes(1, "iris");
  begin("INT64", {2, 2});
  packed(3, {1, 2, 3, 300});
  end();
  begin("BYTES", {2});
  size_t contents = w.open(5);
  w.bytes(8, "a");
  w.bytes(8, "b");
  w.close(contents);
  end();
  const std::string good = text;
  std::mt19937 random(3);
  for (int i = 0; i < 50000; ++i) {
    text = good;
    for (unsigned n = 1 + random() % 3; n > 0; --n)
      text[random() % text.size()] = static_cast<char>(random());
    text.resize(random() % 4 == 0 ? random() % text.size() : text.size());
    work.reset();
    if (read().ok()) {
      for (const InputTensor& t : request.inputs) EXPECT_LE(t.contents.count, text.size());
    }
  }
}

// Writes an answer and finds the contents (or raw contents) of its only output.
struct InferAnswer : testing::Test {
  Workspace work;
  OutputTensor output;
  std::string out;
  bool raw = false;

  void write(const Values& values) {
    output.name = "output-0";
    output.values = values;
    InferResponse response;
    response.model = "m";
    response.id = "1";
    response.outputs = {&output, 1};
    out.clear();
    append_infer_response(response, raw, out);
  }
  std::string_view field(std::string_view message, uint32_t number) {
    std::string_view found;
    grpc::Reader r(message);
    while (r.next())
      if (r.tag() == grpc::bytes_tag(number)) found = r.bytes();
    EXPECT_TRUE(r.ok());
    return found;
  }
};

TEST_F(InferAnswer, PacksEveryType) {
  std::vector<double> numbers = {1.5, -2};
  std::vector<int64_t> integers = {1, -5, 300};
  std::vector<int64_t> bools = {1, 0};
  std::vector<std::string_view> texts = {"setosa", ""};
  write(inference::vector_of(numbers));
  EXPECT_EQ(field(field(field(out, 5), 5), 7).size(), 16u);
  EXPECT_EQ(field(field(out, 5), 2), "FP64");
  write(inference::vector_of(numbers, DataType::kFp32));
  EXPECT_EQ(field(field(field(out, 5), 5), 6).size(), 8u);
  write({DataType::kInt64, 1, {3}, nullptr, integers.data(), nullptr});
  EXPECT_EQ(field(field(field(out, 5), 5), 3).size(), 1u + 10 + 2);
  write({DataType::kBool, 1, {2}, nullptr, bools.data(), nullptr});
  EXPECT_EQ(field(field(field(out, 5), 5), 1), std::string_view("\1\0", 2));
  write({DataType::kBytes, 1, {2}, nullptr, nullptr, texts.data()});
  EXPECT_EQ(field(field(out, 5), 5), std::string_view("\x42\x06setosa\x42\0", 10));
  EXPECT_EQ(field(out, 3), "1");
}

TEST_F(InferAnswer, KeepsLargeAnswersWhole) {
  for (size_t n : {0u, 15u, 16u, 2000u, 300000u}) {
    std::vector<double> numbers(n, 0.5);
    write(inference::vector_of(numbers));
    EXPECT_EQ(field(field(field(out, 5), 5), 7).size(), n * 8);
    raw = true;
    write(inference::vector_of(numbers));
    EXPECT_EQ(field(out, 6).size(), n * 8);
    EXPECT_EQ(field(field(out, 5), 5).size(), 0u);
    raw = false;
  }
}

TEST_F(InferAnswer, GoesRawWhereContentsHaveNoPlaceForTheType) {
  std::vector<double> numbers = {1.5, -2};
  write(inference::vector_of(numbers, DataType::kFp16));
  EXPECT_EQ(field(out, 6).size(), 4u);
  Parameter binary;
  binary.name = "binary_data";
  binary.kind = Parameter::Kind::kBool;
  binary.integer = 1;
  OutputRequest asked;
  asked.parameters = {&binary, 1};
  output.request = &asked;
  write(inference::vector_of(numbers));
  EXPECT_EQ(field(out, 6).size(), 16u);
}

}  // namespace
