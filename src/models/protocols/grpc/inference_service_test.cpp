#include "models/protocols/grpc/inference_service.h"

#include "foundation/grpc/testing.h"
#include "foundation/grpc/wire.h"
#include "models/protocols/grpc/fake_service.h"

using namespace proa;
using namespace proa::protocols;
using grpc::framed;
using grpc::Writer;

namespace {

struct InferenceService : testing::Test {
  async::Loop loop;
  FakeService service;
  std::unique_ptr<GrpcInference> face;
  std::unique_ptr<grpc::TestEnds> ends;

  void SetUp() override {
    face = std::make_unique<GrpcInference>(loop, service, grpc::Options{});
    ends = std::make_unique<grpc::TestEnds>(loop, *face);
    ASSERT_TRUE(ends->client);
  }
  std::shared_ptr<grpc::Got> call(std::string_view method, std::string_view message) {
    return ends->client->call(str("/inference.GRPCInferenceService/", method), framed(message));
  }
  static std::string named(std::string_view name, uint32_t field = 1) {
    std::string text;
    Writer(text).bytes(field, name);
    return text;
  }
  static std::string infer_request(std::string_view model) {
    std::string text;
    Writer w(text);
    w.bytes(1, model);
    w.bytes(3, "id");
    size_t input = w.open(5);
    w.bytes(1, "x");
    w.bytes(2, "FP64");
    size_t shape = w.open(3);
    w.raw(1);
    w.raw(2);
    w.close(shape);
    w.close(input);
    double values[] = {1, 2};
    w.bytes(7, {reinterpret_cast<const char*>(values), sizeof values});
    return text;
  }
};

TEST_F(InferenceService, TellsAboutTheServerAndItsModels) {
  EXPECT_EQ(call("ServerLive", "")->message(), "\x08\x01");
  EXPECT_EQ(call("ServerReady", "")->message(), "\x08\x01");
  EXPECT_EQ(call("ModelReady", named("sum"))->message(), "\x08\x01");
  EXPECT_EQ(call("ModelReady", named("none"))->status(), "5");
  EXPECT_NE(call("ServerMetadata", "")->message().find("model_repository_extension"),
            std::string_view::npos);
  EXPECT_NE(call("ModelMetadata", named("sum"))->message().find("input-0"), std::string_view::npos);
  EXPECT_EQ(call("ModelMetadata", named("none"))->status(), "5");
  EXPECT_NE(call("RepositoryIndex", "")->message().find("READY"), std::string_view::npos);
}

TEST_F(InferenceService, PredictsAtOnce) {
  auto got = call("ModelInfer", infer_request("sum"));
  EXPECT_EQ(got->status(), "0");
  std::string_view raw;
  grpc::Reader r(got->message());
  while (r.next())
    if (r.tag() == grpc::bytes_tag(6)) raw = r.bytes();
  double sum = 0;
  ASSERT_EQ(raw.size(), sizeof sum);
  std::memcpy(&sum, raw.data(), sizeof sum);
  EXPECT_EQ(sum, 3);
}

TEST_F(InferenceService, PredictsWhenTheBatchIsFull) {
  service.deferring = true;
  auto got = std::make_shared<grpc::Got>();
  auto stream = ends->client->open("/inference.GRPCInferenceService/ModelInfer", {}, got);
  stream->send_data(framed(infer_request("sum")), true);
  ASSERT_TRUE(http::turn_until(loop, [&] { return !service.waiting.empty(); }));
  EXPECT_FALSE(got->done);
  service.answer_waiting();
  ASSERT_TRUE(http::turn_until(loop, [&] { return got->done; }));
  EXPECT_EQ(got->status(), "0");
  EXPECT_NE(got->message().find("output-0"), std::string_view::npos);
}

TEST_F(InferenceService, AbandonsWhatNobodyWaitsFor) {
  service.deferring = true;
  auto got = std::make_shared<grpc::Got>();
  auto stream = ends->client->open("/inference.GRPCInferenceService/ModelInfer", {}, got);
  stream->send_data(framed(infer_request("sum")), true);
  ASSERT_TRUE(http::turn_until(loop, [&] { return !service.waiting.empty(); }));
  stream->reset();
  EXPECT_TRUE(http::turn_until(loop, [&] { return service.waiting[0]->abandoned(); }));
  service.answer_waiting();
}

TEST_F(InferenceService, SaysWhatIsWrong) {
  auto got = call("ModelInfer", infer_request("none"));
  EXPECT_EQ(got->status(), "5");
  EXPECT_EQ(got->field("grpc-message"), "Model with name none does not exist.");
  EXPECT_EQ(call("ModelInfer", "\xff")->status(), "3");
  service.is_ready = false;
  got = call("ModelInfer", infer_request("sum"));
  EXPECT_EQ(got->status(), "14");
  EXPECT_EQ(got->field("retry-after"), "1");
  EXPECT_EQ(call("ModelReady", named("sum"))->message(), "");
  EXPECT_EQ(call("ModelInfer", infer_request("sum"))->status(), "14");
}

TEST_F(InferenceService, LoadsAndUnloadsByEitherFormOfTheRequest) {
  EXPECT_EQ(call("RepositoryModelUnload", named("sum"))->message(), named("sum") + "\x10\x01");
  EXPECT_FALSE(service.is_ready);
  EXPECT_EQ(call("RepositoryModelLoad", named("sum", 2))->status(), "0");
  EXPECT_TRUE(service.is_ready);
  EXPECT_EQ(call("RepositoryModelLoad", named("none"))->status(), "5");
}

}  // namespace
