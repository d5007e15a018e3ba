#include <gtest/gtest.h>

#include <cmath>

#include "foundation/base/strings.h"
#include "models/protocols/infer_reader.h"
#include "models/protocols/tensor/inputs.h"
#include "models/protocols/tensor/rows.h"
#include "models/protocols/tensor/write.h"

namespace proa::protocols {
namespace {

using inference::ModelInfo;
using inference::Tensor;
using inference::TensorInfo;

TensorInfo input(std::string name, DataType type, std::vector<int64_t> shape) {
  TensorInfo t;
  t.name = std::move(name);
  t.type = type;
  t.shape = std::move(shape);
  return t;
}

ModelInfo takes(std::vector<TensorInfo> inputs) {
  ModelInfo info;
  info.inputs = std::move(inputs);
  info.outputs = {input("y", DataType::kFp32, {-1})};
  return info;
}

class V1 : public testing::Test {
 protected:
  Status read(std::string_view body, std::vector<TensorInfo> inputs) {
    info_ = takes(std::move(inputs));
    body_ = body;
    work_.reset();
    return reader_.read(body_, info_, work_, tensors_);
  }
  template <typename T>
  std::vector<T> data(size_t i = 0) const {
    const T* from = static_cast<const T*>(tensors_[i].data);
    return std::vector<T>(from, from + tensors_[i].count);
  }
  std::vector<int64_t> shape(size_t i = 0) const {
    return {tensors_[i].shape.begin(), tensors_[i].shape.end()};
  }
  ModelInfo info_;
  std::string body_;
  Workspace work_;
  TensorRowsReader reader_;
  std::span<const Tensor> tensors_;
};

TEST_F(V1, InstancesAreTheOneInputOfAnyRank) {
  ASSERT_TRUE(
      read(R"({"instances": [[[1, 2.5], [3, null]]]})", {input("x", DataType::kFp32, {-1, 2, 2})})
          .ok());
  EXPECT_EQ(shape(), (std::vector<int64_t>{1, 2, 2}));
  EXPECT_EQ(data<float>()[1], 2.5f);
  EXPECT_TRUE(std::isnan(data<float>()[3]));
}

TEST_F(V1, RowsOfObjectsAreStackedByName) {
  ASSERT_TRUE(read(R"({"instances": [{"a": [1, 2], "b": "x"}, {"b": "y", "a": [3, 4]}]})",
                   {input("a", DataType::kInt64, {-1, 2}), input("b", DataType::kBytes, {-1, 1})})
                  .ok());
  EXPECT_EQ(data<int64_t>(0), (std::vector<int64_t>{1, 2, 3, 4}));
  EXPECT_EQ(shape(1), (std::vector<int64_t>{2, 1}));  // the last dimension of 1 was added
  EXPECT_EQ(tensors_[1].texts()[1], "y");
}

TEST_F(V1, InputsMayBeNamedAndWhole) {
  ASSERT_TRUE(read(R"({"signature_name": "s", "inputs": {"a": 5, "b": [[true], [false]]}})",
                   {input("a", DataType::kInt32, {}), input("b", DataType::kBool, {2, 1})})
                  .ok());
  EXPECT_EQ(shape(0), std::vector<int64_t>{});
  EXPECT_EQ(data<int32_t>(0), std::vector<int32_t>{5});
  EXPECT_EQ(data<bool>(1), (std::vector<bool>{true, false}));
}

TEST_F(V1, BytesAreBase64) {
  ASSERT_TRUE(
      read(R"({"instances": [{"b64": "AAE="}, {"b64": ""}]})", {input("x", DataType::kBytes, {-1})})
          .ok());
  EXPECT_EQ(tensors_[0].texts()[0], std::string_view("\0\1", 2));
}

TEST_F(V1, WhatDoesNotFitIsRefusedAndNamed) {
  std::vector<TensorInfo> one = {input("x", DataType::kFp32, {-1, 2})};
  std::vector<TensorInfo> two = {input("a", DataType::kFp32, {-1}),
                                 input("b", DataType::kFp32, {-1})};
  for (const char* body :
       {R"({"instances": [[1, 2], [3]]})", R"({"instances": [[1, 2], 3]})",
        R"({"instances": [[1, "a"]]})", R"({"instances": [[[1, 2]]]})",
        R"({"instances": [[1, 2]], "inputs": 1})", R"({"instances": [[1, 2]]} x)", R"({})", R"([])",
        "", R"({"instances": [[1, 2)", R"({"instances": [{"q": 1}]})",
        R"({"inputs": {"x": [[1, 2]], "x": [[1, 2]]}})", R"({"instances": [[]]})",
        R"({"instances": [[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]})"})
    EXPECT_FALSE(read(body, one).ok()) << body;
  for (const char* body :
       {R"({"instances": [1, 2]})", R"({"instances": [{"a": 1}]})",
        R"({"instances": [{"a": 1, "b": 2}, {"a": 1}]})",
        R"({"instances": [{"a": 1, "b": 2, "a": 3}]})", R"({"inputs": {"a": [1], "b": [1, [2]]}})"})
    EXPECT_FALSE(read(body, two).ok()) << body;
  EXPECT_FALSE(read(R"({"instances": [256]})", {input("x", DataType::kUint8, {-1})}).ok());
  EXPECT_FALSE(read(R"({"instances": [1.5]})", {input("x", DataType::kInt32, {-1})}).ok());
  EXPECT_FALSE(read(R"({"instances": [null]})", {input("x", DataType::kInt32, {-1})}).ok());
  EXPECT_FALSE(
      read(R"({"instances": [9223372036854775808]})", {input("x", DataType::kInt64, {-1})}).ok());
}

TEST_F(V1, NoRowsAreNoRows) {
  ASSERT_TRUE(read(R"({"instances": []})", {input("x", DataType::kFp32, {-1})}).ok());
  EXPECT_EQ(tensors_[0].count, 0u);
  EXPECT_NE(tensors_[0].data, nullptr);
  ASSERT_TRUE(read(R"({"instances": []})", {input("x", DataType::kFp32, {-1, 4, -1})}).ok());
  EXPECT_EQ(shape(), (std::vector<int64_t>{0, 4, 0}));
}

TEST(V2Tensors, ContentsOfEveryKindBecomeTheDatatype) {
  Workspace work;
  ModelInfo info = takes({input("a", DataType::kInt8, {-1}), input("b", DataType::kFp32, {2})});
  int32_t narrow[] = {-128, 127};
  std::string raw(9, '\0');  // one byte past its alignment
  int64_t shape[] = {2};
  InputTensor tensors[2];
  tensors[0] = {"b", DataType::kFp32, shape, Contents::raw(std::string_view(raw).substr(1)), {}};
  tensors[1] = {"a", DataType::kInt8, shape, {Contents::Kind::kInt32s, narrow, 2}, {}};
  InferRequest request;
  request.inputs = tensors;
  std::span<const Tensor> out;
  ASSERT_TRUE(to_tensors(request, info, work, out).ok());
  EXPECT_EQ(out[0].name, "a");
  EXPECT_EQ(static_cast<const int8_t*>(out[0].data)[0], -128);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(out[1].data) % 4, 0u);
  narrow[1] = 128;
  EXPECT_FALSE(to_tensors(request, info, work, out).ok());
  tensors[1].contents = Contents::raw("\1\2\3");
  EXPECT_FALSE(to_tensors(request, info, work, out).ok());
  request.inputs = std::span(tensors).first(1);
  EXPECT_FALSE(to_tensors(request, info, work, out).ok());
}

TEST(V2Tensors, TextsAreTakenApartWithinTheirBytes) {
  Workspace work;
  ModelInfo info = takes({input("a", DataType::kBytes, {-1})});
  int64_t shape[] = {2};
  InferRequest request;
  std::span<const Tensor> out;
  auto read = [&](std::string_view raw) {
    InputTensor t{"a", DataType::kBytes, shape, Contents::raw(raw), {}};
    request.inputs = {&t, 1};
    return to_tensors(request, info, work, out).ok();
  };
  EXPECT_TRUE(read(std::string_view("\1\0\0\0x\0\0\0\0", 9)));
  EXPECT_EQ(out[0].texts()[0], "x");
  EXPECT_FALSE(read(std::string_view("\1\0\0\0x\0\0\0\0z", 10)));
  EXPECT_FALSE(read(std::string_view("\1\0\0\0x\377\377\377\377", 9)));
  EXPECT_FALSE(read(std::string_view("\1\0\0\0x", 5)));
}

TEST(TensorAnswers, OneOutputIsItsValueSeveralAreRows) {
  float y[] = {0.5f, 1, 2, 3};
  int64_t labels[] = {7, 8}, wide[] = {2, 2}, flat[] = {2}, one[] = {1};
  Tensor both[] = {{"y", DataType::kFp32, wide, y, 4}, {"l", DataType::kInt64, flat, labels, 2}};
  std::string out;
  append_tensor_predictions({both, 1}, out);
  EXPECT_EQ(out, "[[0.5, 1.0], [2.0, 3.0]]");
  out.clear();
  append_tensor_predictions(both, out);
  EXPECT_EQ(out, R"([{"y": [0.5, 1.0], "l": 7}, {"y": [2.0, 3.0], "l": 8}])");
  both[1].shape = one;
  both[1].count = 1;
  out.clear();
  append_tensor_predictions(both, out);
  EXPECT_EQ(out, R"({"y": [[0.5, 1.0], [2.0, 3.0]], "l": [7]})");
}

TEST(TensorAnswers, BinaryTensorsFollowTheJson) {
  float y[] = {0.5f};
  int64_t shape[] = {1};
  Tensor t{"y", DataType::kFp32, shape, y, 1};
  Parameter binary{"binary_data_output", Parameter::Kind::kBool, 1};
  InferRequest request;
  InferResponse response;
  request.parameters = {&binary, 1};
  response.tensors = {&t, 1};
  std::string out;
  auto length = append_tensor_response(request, response, out);
  ASSERT_TRUE(length.ok() && *length);
  EXPECT_EQ(out.size(), **length + 4);
  EXPECT_TRUE(contains(out, R"("parameters":{"binary_data_size":4})"));
}

}  // namespace
}  // namespace proa::protocols
