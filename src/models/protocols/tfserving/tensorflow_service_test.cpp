#include "models/protocols/tfserving/tensorflow_service.h"

#include <gtest/gtest.h>

#include "foundation/grpc/testing.h"
#include "models/protocols/grpc/fake_service.h"
#include "models/protocols/tfserving/tensor_proto.h"

using namespace proa;
using namespace proa::protocols;
using grpc::framed;
using grpc::Reader;
using grpc::Writer;

namespace {

void spec(Writer& w, std::string_view name, int64_t version = -1) {
  size_t mark = w.open(1);
  w.bytes(1, name);
  if (version >= 0) {
    size_t wrapped = w.open(2);
    w.number(1, static_cast<uint64_t>(version));
    w.close(wrapped);
  }
  w.close(mark);
}

std::string predict_request(std::string_view name, int64_t version = -1) {
  std::string out;
  Writer w(out);
  spec(w, name, version);
  double values[] = {1, 2, 3, 4};
  int64_t shape[] = {2, 2};
  inference::Tensor t;
  t.type = DataType::kFp64;
  t.shape = shape;
  t.data = values;
  t.count = 4;
  size_t entry = w.open(2);
  w.bytes(1, "x");
  append_tensor_proto(w, 2, t);
  w.close(entry);
  return out;
}

// One example with the feature "input-0" of four floats.
std::string judge_request() {
  std::string out;
  Writer w(out);
  spec(w, "sum");
  size_t input = w.open(2), list = w.open(1), example = w.open(1), features = w.open(1);
  size_t entry = w.open(1);
  w.bytes(1, "input-0");
  size_t feature = w.open(2), floats = w.open(2);
  float values[] = {1, 2, 3, 4};
  w.bytes(1, {reinterpret_cast<const char*>(values), sizeof values});
  for (size_t mark : {floats, feature, entry, features, example, list, input}) w.close(mark);
  return out;
}

std::string_view at(std::string_view message, std::initializer_list<uint32_t> fields) {
  for (uint32_t field : fields) {
    Reader r(message);
    message = {};
    while (r.next())
      if (r.tag() == grpc::bytes_tag(field)) message = r.bytes();
  }
  return message;
}

struct Tensorflow : testing::Test {
  async::Loop loop;
  FakeService service;
  std::unique_ptr<grpc::Server> face;
  std::unique_ptr<TensorflowServing> tensorflow;
  std::unique_ptr<grpc::TestEnds> ends;

  void SetUp() override {
    face = std::make_unique<grpc::Server>(loop, grpc::Options{});
    tensorflow = std::make_unique<TensorflowServing>(service);
    tensorflow->add_to(*face);
    ends = std::make_unique<grpc::TestEnds>(loop, *face);
    ASSERT_TRUE(ends->client);
  }
  std::shared_ptr<grpc::Got> call(std::string_view method, std::string_view message) {
    return ends->client->call(str("/tensorflow.serving.PredictionService/", method),
                              framed(message));
  }
};

TEST_F(Tensorflow, PredictAnswersWithTensorsAndTheSpecOfWhatAnswered) {
  auto got = call("Predict", predict_request("sum", 1));
  ASSERT_EQ(got->status(), "0") << got->field("grpc-message");
  EXPECT_EQ(at(got->message(), {1, 1}), "output-0");
  Workspace work;
  InputTensor t;
  ASSERT_TRUE(read_tensor_proto(Reader(at(got->message(), {1, 2})), "y", work, t).ok());
  const double want[] = {3, 7};
  ASSERT_EQ(t.contents.count, sizeof want);
  EXPECT_EQ(std::memcmp(t.contents.data, want, sizeof want), 0);
  EXPECT_EQ(at(got->message(), {2, 1}), "sum");
  EXPECT_EQ(at(got->message(), {2, 2}), "\x08\x01");
}

TEST_F(Tensorflow, AModelThatBatchesIsAnsweredLater) {
  service.deferring = true;
  auto got = std::make_shared<grpc::Got>();
  auto stream = ends->client->open("/tensorflow.serving.PredictionService/Predict", {}, got);
  stream->send_data(framed(predict_request("sum")), true);
  ASSERT_TRUE(http::turn_until(loop, [&] { return !service.waiting.empty(); }));
  service.answer_waiting();
  ASSERT_TRUE(http::turn_until(loop, [&] { return got->done; }));
  EXPECT_EQ(got->status(), "0");
  EXPECT_EQ(at(got->message(), {1, 1}), "output-0");
}

TEST_F(Tensorflow, ClassifyAndRegressGiveTheOnlyFloatsOfTheModel) {
  auto got = call("Regress", judge_request());
  ASSERT_EQ(got->status(), "0") << got->field("grpc-message");
  const float ten = 10;
  std::string_view value = at(got->message(), {1, 1});
  ASSERT_EQ(value.size(), 5u);
  EXPECT_EQ(std::memcmp(value.data() + 1, &ten, 4), 0);
  got = call("Classify", judge_request());
  ASSERT_EQ(got->status(), "0") << got->field("grpc-message");
  EXPECT_EQ(at(got->message(), {1, 1, 1}).size(), 5u) << "a score without a label";
}

TEST_F(Tensorflow, MetadataNamesInputsAndOutputs) {
  std::string text;
  Writer w(text);
  spec(w, "sum");
  EXPECT_EQ(call("GetModelMetadata", text)->status(), "3") << "no field is asked for";
  w.bytes(2, "signature_def");
  auto got = call("GetModelMetadata", text);
  ASSERT_EQ(got->status(), "0") << got->field("grpc-message");
  EXPECT_EQ(at(got->message(), {2, 2, 1}),
            "type.googleapis.com/tensorflow.serving.SignatureDefMap");
  std::string_view signature = at(got->message(), {2, 2, 2, 1, 2});
  EXPECT_EQ(at(signature, {1, 1}), "input-0");
  EXPECT_EQ(at(signature, {3}), "tensorflow/serving/predict");
}

TEST_F(Tensorflow, WhatIsNotServedSaysWhatToDo) {
  auto got = call("MultiInference", "");
  EXPECT_EQ(got->status(), "12");
  EXPECT_TRUE(contains(got->field("grpc-message"), "Classify"));
  EXPECT_EQ(call("Predict", predict_request("other"))->status(), "5");
  EXPECT_EQ(call("Predict", predict_request("sum", 7))->status(), "5");
  EXPECT_EQ(call("Predict", "")->status(), "3");
  EXPECT_EQ(call("Predict", "\xff")->status(), "3");
  std::string text;
  Writer w(text);
  size_t mark = w.open(1);
  w.bytes(1, "sum");
  w.bytes(4, "stable");
  w.close(mark);
  EXPECT_EQ(call("Predict", text)->status(), "5") << "a label that nobody gave";
}

TEST_F(Tensorflow, TheStatusOfAModelIsThatOfItsVersions) {
  std::string text;
  Writer w(text);
  spec(w, "sum");
  auto got = ends->client->call("/tensorflow.serving.ModelService/GetModelStatus", framed(text));
  ASSERT_EQ(got->status(), "0");
  EXPECT_EQ(at(got->message(), {1}), std::string_view("\x08\x01\x10\x1e\x1a\0", 6));
}

TEST(Examples, FeaturesBecomeInputsWithARowEachAndTheContextFillsIn) {
  Workspace work;
  auto body = json::parse(R"({"context": {"c": 7}, "examples": [
      {"a": 1, "b": ["x", {"b64": "eQ=="}]}, {"a": 2.5, "b": ["z", "w"], "c": 8}]})");
  ASSERT_TRUE(body.ok());
  Examples examples;
  ASSERT_TRUE(read_examples(*body, work, examples).ok());
  std::vector<inference::TensorInfo> inputs = {{"a", DataType::kFp32, {-1, 1}},
                                               {"b", DataType::kBytes, {-1, -1}},
                                               {"c", DataType::kInt64, {-1}}};
  std::span<const InputTensor> made;
  Status s = to_inputs(examples, inputs, work, made);
  ASSERT_TRUE(s.ok()) << s.error().message;
  EXPECT_EQ(inference::shape_text(made[0].shape), "[2, 1]");
  EXPECT_EQ(static_cast<const double*>(made[0].contents.data)[1], 2.5);
  EXPECT_EQ(inference::shape_text(made[1].shape), "[2, 2]");
  EXPECT_EQ(static_cast<const std::string_view*>(made[1].contents.data)[1], "y");
  EXPECT_EQ(static_cast<const int64_t*>(made[2].contents.data)[0], 7);
  EXPECT_EQ(static_cast<const int64_t*>(made[2].contents.data)[1], 8);
}

TEST(Examples, WhatTheModelDoesNotTakeIsNamed) {
  for (auto [text, what] : {std::pair(R"({"examples": [{"b": 1}]})", "lacks it"),
                            std::pair(R"({"examples": [{"a": "x"}]})", "takes INT64"),
                            std::pair(R"({"examples": [{"a": 1.5}]})", "not fractions"),
                            std::pair(R"({"examples": [{"a": [1, 2]}]})", "2 values"),
                            std::pair(R"({"examples": [{"a": [1, "x"]}]})", "numbers, or texts"),
                            std::pair(R"({"examples": 3})", "'examples' is expected")}) {
    Workspace work;
    auto body = json::parse(text);
    Examples examples;
    std::span<const InputTensor> made;
    Status s = read_examples(*body, work, examples);
    if (s.ok()) s = to_inputs(examples, {{"a", DataType::kInt64, {-1, 1}}}, work, made);
    ASSERT_FALSE(s.ok()) << text;
    EXPECT_TRUE(contains(s.error().message, what)) << s.error().message;
  }
}

}  // namespace
