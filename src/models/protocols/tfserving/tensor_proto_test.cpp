#include "models/protocols/tfserving/tensor_proto.h"

#include <gtest/gtest.h>

#include <array>

#include "foundation/base/strings.h"

namespace proa::protocols {
namespace {

using grpc::Reader;
using grpc::Writer;

std::string head(int type, std::initializer_list<int64_t> shape) {
  std::string out;
  Writer w(out);
  w.number(1, static_cast<uint64_t>(type));
  size_t dims = w.open(2);
  for (int64_t size : shape) {
    size_t dim = w.open(2);
    w.number(1, static_cast<uint64_t>(size));
    w.close(dim);
  }
  w.close(dims);
  return out;
}

template <typename T>
std::vector<T> raw(const InputTensor& t) {
  std::vector<T> out(t.contents.count / sizeof(T));
  EXPECT_EQ(t.contents.kind, Contents::Kind::kRaw);
  std::memcpy(out.data(), t.contents.data, out.size() * sizeof(T));
  return out;
}

struct TensorProto : testing::Test {
  Workspace work;
  Result<InputTensor> read(std::string_view bytes) {
    InputTensor t;
    TRY_STATUS(read_tensor_proto(Reader(bytes), "x", work, t));
    return t;
  }
};

TEST_F(TensorProto, WhatIsWrittenIsReadBackForEveryType) {
  uint64_t bits[] = {0, 1, 0x3f, 0x7f};
  std::string_view texts[] = {"a", "", "long\0text", "ä"};
  for (auto type :
       {DataType::kBool, DataType::kUint8, DataType::kUint16, DataType::kUint32, DataType::kUint64,
        DataType::kInt8, DataType::kInt16, DataType::kInt32, DataType::kInt64, DataType::kFp16,
        DataType::kBf16, DataType::kFp32, DataType::kFp64, DataType::kBytes}) {
    size_t size = inference::size_of(type);
    std::string memory;
    for (uint64_t b : bits) {
      if (type == DataType::kBool) b = b != 0;
      memory.append(reinterpret_cast<const char*>(&b), size);
    }
    std::array<int64_t, 2> shape{2, 2};
    inference::Tensor t;
    t.name = "x";
    t.type = type;
    t.shape = shape;
    t.data = type == DataType::kBytes ? static_cast<const void*>(texts) : memory.data();
    t.count = 4;
    std::string out;
    Writer w(out);
    append_tensor_proto(w, 1, t);
    Reader outer(out);
    ASSERT_TRUE(outer.next());
    auto back = read(outer.bytes());
    ASSERT_TRUE(back.ok()) << to_string(type) << ": " << back.error().message;
    EXPECT_EQ(back->type, type);
    EXPECT_EQ(inference::shape_text(back->shape), "[2, 2]");
    if (type == DataType::kBytes) {
      auto* got = static_cast<const std::string_view*>(back->contents.data);
      for (size_t i = 0; i < 4; ++i) EXPECT_EQ(got[i], texts[i]);
    } else {
      EXPECT_EQ(
          std::string_view(static_cast<const char*>(back->contents.data), back->contents.count),
          memory)
          << to_string(type);
    }
  }
}

TEST_F(TensorProto, NegativeNumbersOfNarrowTypesAreReadAndThoseOutOfRangeRefused) {
  std::string text = head(6, {2});  // DT_INT8
  Writer w(text);
  w.number(7, static_cast<uint64_t>(int64_t{-128}));
  w.number(7, 0xffffffff);  // -1 without sign extension to 64 bits
  auto t = read(text);
  ASSERT_TRUE(t.ok()) << t.error().message;
  EXPECT_EQ(raw<int8_t>(*t), (std::vector<int8_t>{-128, -1}));
  text = head(6, {1});
  Writer(text).number(7, 200);
  EXPECT_FALSE(read(text).ok());
}

TEST_F(TensorProto, ContentIsTakenAsItLiesAndShortFieldsGoOnWithTheirLastElement) {
  float values[] = {1.5f, 2.5f};
  std::string text = head(1, {2});
  Writer(text).bytes(4, {reinterpret_cast<const char*>(values), sizeof values});
  auto t = read(text);
  ASSERT_TRUE(t.ok());
  EXPECT_EQ(raw<float>(*t), (std::vector<float>{1.5f, 2.5f}));
  text = head(9, {3});
  Writer(text).number(10, 7);
  t = read(text);
  ASSERT_TRUE(t.ok());
  EXPECT_EQ(raw<int64_t>(*t), (std::vector<int64_t>{7, 7, 7}));
  EXPECT_EQ(read(head(9, {1 << 14, 1 << 14})).ok(), false) << "far more than was sent";
}

TEST_F(TensorProto, WhatDoesNotFitIsRefusedByName) {
  std::string text = head(1, {1});
  Writer(text).number(10, 7);
  auto t = read(text);
  ASSERT_FALSE(t.ok());
  EXPECT_TRUE(contains(t.error().message, "another type than DT_FLOAT")) << t.error().message;
  text = head(9, {1});
  Writer w(text);
  w.number(10, 1);
  w.number(10, 2);
  EXPECT_FALSE(read(text).ok());
  EXPECT_FALSE(read(head(8, {1})).ok()) << "complex";
  EXPECT_FALSE(read(head(1, {-1})).ok());
  EXPECT_FALSE(read(head(1, {1}).substr(0, 5)).ok());
  std::string unknown;
  Writer u(unknown);
  u.number(1, 1);
  size_t shape = u.open(2);
  u.boolean(3, true);
  u.close(shape);
  EXPECT_FALSE(read(unknown).ok());
}

}  // namespace
}  // namespace proa::protocols
