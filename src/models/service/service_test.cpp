#include <gtest/gtest.h>

#include "models/protocols/json_write.h"
#include "models/repository/fake_engine.h"
#include "models/service/model_service.h"

namespace proa::service {
namespace {

using inference::Table;
using protocols::InferRequest;
using protocols::InferResponse;
using protocols::Parameter;

struct Asked : protocols::Call {
  Asked(std::vector<double> v, std::string& log) : values(std::move(v)), answers(log) {
    table.rows = values.size() / 2;
    table.columns = 2;
    table.dense = values.data();
    request.model = "m";
    request.rows = &table;
  }
  void done(Status s) override {
    if (s.ok())
      protocols::append_predictions(response, answers);
    else
      answers += s.error().message;
    answers += ';';
  }
  bool abandoned() const override { return gone; }
  std::vector<double> values;
  Table table;
  std::string& answers;
  bool gone = false;
};

struct ServiceTest : testing::Test {
  FakeClock clock;
  async::Loop loop{clock};
  repository::Folder folder;
  repository::FakeEngine engine;
  const inference::Engine* engines[1] = {&engine};
  metrics::Registry registry;
  std::unique_ptr<repository::Repository> repository;
  std::unique_ptr<ModelService> service;
  std::string answers;

  void open(ServiceOptions options = {}) {
    folder.put("m/x.fake", "0");
    repository = std::make_unique<repository::Repository>(
        repository::Options{folder.path(), "model", false, {}, {}, "", true}, engines, registry);
    ASSERT_TRUE(repository->load_all().ok());
    service = std::make_unique<ModelService>(loop, *repository, options);
  }
  void ask(std::vector<double> values) {
    service->infer_later(std::make_unique<Asked>(std::move(values), answers));
  }
  ServiceOptions batching(size_t rows, Duration latency) {
    ServiceOptions o;
    o.batch.max_rows = rows;
    o.batch.max_latency = latency;
    return o;
  }
};

TEST_F(ServiceTest, PredictsAtOnce) {
  open();
  EXPECT_FALSE(service->defers("m", ""));
  Asked a({1, 1, -3, 1}, answers);
  ASSERT_TRUE(service->infer(a.request, a.work, a.response).ok());
  a.done({});
  EXPECT_EQ(answers, "[1, 0];");
}

TEST_F(ServiceTest, TakesTheMethodAsAParameter) {
  open();
  Parameter p{"method", Parameter::Kind::kText, 0, 0, 0, "predict_proba"};
  Asked a({1, 1}, answers);
  a.request.parameters = {&p, 1};
  ASSERT_TRUE(service->infer(a.request, a.work, a.response).ok());
  a.done({});
  EXPECT_EQ(answers, "[[0.25, 0.75]];");
  p.text = "nonsense";
  EXPECT_EQ(service->infer(a.request, a.work, a.response).error().code, Code::kInvalid);
  p.text = "transform";
  EXPECT_EQ(service->infer(a.request, a.work, a.response).error().code, Code::kUnimplemented);
}

TEST_F(ServiceTest, GivesTheOutputsThatAreAskedFor) {
  open();
  protocols::OutputRequest wanted[2];
  wanted[0].name = "predict_proba";
  wanted[1].name = "predict";
  Asked a({1, 1}, answers);
  a.request.outputs = wanted;
  ASSERT_TRUE(service->infer(a.request, a.work, a.response).ok());
  ASSERT_EQ(a.response.outputs.size(), 2u);
  EXPECT_EQ(a.response.outputs[0].values.rank, 2);
  EXPECT_EQ(a.response.outputs[1].values.integers[0], 1);
  wanted[0].name = "output-0";
  a.request.outputs = {wanted, 1};
  ASSERT_TRUE(service->infer(a.request, a.work, a.response).ok());
  EXPECT_EQ(a.response.outputs[0].name, "output-0");
  wanted[0].name = "other";
  EXPECT_TRUE(contains(service->infer(a.request, a.work, a.response).error().message,
                       "Unexpected inference output 'other'"));
}

TEST_F(ServiceTest, AnswersAsMlserverDoes) {
  ServiceOptions o;
  o.flavor = Flavor::kMlserver;
  open(o);
  Asked a({1, 1}, answers);
  ASSERT_TRUE(service->infer(a.request, a.work, a.response).ok());
  EXPECT_EQ(a.response.outputs[0].name, "predict");
  EXPECT_EQ(a.response.outputs[0].values.rank, 2);
  EXPECT_EQ(a.response.outputs[0].parameters[0].text, "np");
}

// A booster that answers each row with the row itself.
struct Booster : inference::Model {
  explicit Booster(inference::Classes classes) { what.classes = classes; }
  const inference::ModelInfo& info() const override { return what; }
  Status predict(const Table& in, inference::Method, inference::Workspace&,
                 inference::Output& out) const override {
    out.first = in.columns == 1 ? inference::vector_of({in.dense, in.rows})
                                : inference::matrix_of(in.dense, in.rows, in.columns);
    return {};
  }
  inference::ModelInfo what;
};

std::string classes_of(inference::Classes classes, Flavor flavor, std::vector<double> values,
                       size_t columns, inference::Method method = inference::Method::kDefault) {
  repository::Version version;
  version.model = std::make_unique<Booster>(classes);
  Table in;
  in.rows = values.size() / columns;
  in.columns = columns;
  in.dense = values.data();
  inference::Workspace work;
  inference::Output out;
  EXPECT_TRUE(predict(version, flavor, in, method, work, out).ok());
  InferResponse response;
  protocols::OutputTensor tensor;
  tensor.values = out.first;
  response.outputs = {&tensor, 1};
  std::string text;
  protocols::append_predictions(response, text);
  return str(inference::to_string(out.first.type), text);
}

TEST_F(ServiceTest, AnswersTheClassesOfABoosterAsMlserverDoes) {
  using inference::Classes;
  auto mlserver = Flavor::kMlserver;
  EXPECT_EQ(classes_of(Classes::kAboveHalf, mlserver, {0.5, 0.75}, 1), "INT64[0, 1]");
  EXPECT_EQ(classes_of(Classes::kLargest, mlserver, {0.2, 0.5, 0.3}, 3), "INT64[1]");
  EXPECT_EQ(classes_of(Classes::kNumber, mlserver, {2, 0}, 1), "INT32[2, 0]");
  EXPECT_EQ(classes_of(Classes::kEachAboveHalf, mlserver, {0.2, 0.6, 0.7, 0.5}, 2),
            "FP64[[0.0, 1.0], [1.0, 0.0]]");
  EXPECT_EQ(classes_of(Classes::kEachAboveHalf, mlserver, {}, 2), "FP64[]");
  EXPECT_EQ(classes_of(Classes::kNone, mlserver, {0.2, 0.6}, 2), "FP64[[0.2, 0.6]]");
  EXPECT_EQ(classes_of(Classes::kLargest, Flavor::kKServe, {0.2, 0.6}, 2), "FP64[[0.2, 0.6]]");
  EXPECT_EQ(classes_of(Classes::kLargest, mlserver, {0.2, 0.6}, 2, inference::Method::kRaw),
            "FP64[[0.2, 0.6]]");
}

TEST_F(ServiceTest, MakesIdsThatDiffer) {
  Ids ids;
  protocols::Workspace work;
  std::string a(ids.next(work)), b(ids.next(work));
  EXPECT_NE(a, b);
  EXPECT_EQ(a.size(), 36u);
  EXPECT_EQ(a[14], '4');
}

TEST_F(ServiceTest, JoinsRequestsUpToTheBatchSize) {
  open(batching(3, std::chrono::seconds(5)));
  EXPECT_TRUE(service->defers("m", ""));
  ask({1, 1});
  ask({-1, -1});
  EXPECT_EQ(answers, "");
  ask({2, 2});
  EXPECT_EQ(answers, "[1];[0];[1];");
  EXPECT_EQ(engine.last->calls, 1);
}

TEST_F(ServiceTest, LetsTheFirstRequestWaitNoLongerThanTheLatency) {
  open(batching(32, std::chrono::milliseconds(100)));
  ask({1, 1});
  clock.advance(std::chrono::milliseconds(50));
  loop.run_once({});
  EXPECT_EQ(answers, "");
  ask({-1, -1});
  clock.advance(std::chrono::milliseconds(50));
  loop.run_once({});
  EXPECT_EQ(answers, "[1];[0];");
  EXPECT_EQ(engine.last->calls, 1);
}

TEST_F(ServiceTest, PredictsEachAloneWhereOneOfABatchIsBad) {
  open(batching(3, std::chrono::seconds(5)));
  ask({1, 1});
  ask({NAN, 1});
  ask({-1, -1});
  EXPECT_EQ(answers, "[1];Input X contains NaN.;[0];");
}

TEST_F(ServiceTest, JoinsWhatHasArrivedInOneTurnAndWaitsForNothing) {
  open();
  loop.post([&] {
    ask({1, 1});
    ask({-1, -1});
    EXPECT_EQ(answers, "");
  });
  for (int i = 0; i < 3; ++i) loop.run_once({});
  EXPECT_EQ(answers, "[1];[0];");
  EXPECT_EQ(engine.last->calls, 1);
}

TEST_F(ServiceTest, RefusesWhatFindsTheQueueFull) {
  ServiceOptions o = batching(100, std::chrono::seconds(5));
  o.batch.max_queue = 2;
  open(o);
  ask({1, 1});
  ask({1, 1});
  ask({1, 1});
  EXPECT_TRUE(contains(answers, "overloaded: 2 requests wait already")) << answers;
  service->drain();
  EXPECT_TRUE(answers.ends_with("[1];[1];")) << answers;
  EXPECT_FALSE(service->ready());
}

TEST_F(ServiceTest, RefusesNothingWhereNothingWaits) {
  ServiceOptions o;
  o.batch.max_queue = 2;
  open(o);
  loop.post([&] {
    for (int i = 0; i < 5; ++i) ask({1, 1});
  });
  for (int i = 0; i < 3; ++i) loop.run_once({});
  EXPECT_EQ(answers, "[1];[1];[1];[1];[1];");
}

TEST_F(ServiceTest, ServesTheOldModelToRequestsThatWaitWhileItIsReloaded) {
  open(batching(2, std::chrono::seconds(5)));
  ask({1, 1});
  folder.put("m/x.fake", "-10");
  ASSERT_TRUE(repository->load("m").ok());
  ask({1, 1});
  ask({1, 1});
  EXPECT_EQ(answers, "[0];[0];");  // of the new model
  service->drain();
  EXPECT_EQ(answers, "[0];[0];[1];");  // of the old one
  EXPECT_EQ(engine.alive, 1);
}

TEST_F(ServiceTest, DropsRequestsWhoseClientIsGone) {
  open(batching(3, std::chrono::seconds(5)));
  auto gone = std::make_unique<Asked>(std::vector<double>{1, 1}, answers);
  gone->gone = true;
  service->infer_later(std::move(gone));
  ask({1, 1, 1, 1});
  EXPECT_EQ(answers, "[1, 1];");
  EXPECT_EQ(engine.last->rows, 2u);
}

TEST_F(ServiceTest, TellsWhatIsThere) {
  open();
  EXPECT_EQ(service->models(), std::vector<std::string>{"m"});
  EXPECT_TRUE(service->ready());
  EXPECT_EQ(service->model_ready("x", "").error().message, "Model with name x does not exist.");
  EXPECT_EQ(service->model_ready("m", "7").error().code, Code::kNotFound);
  auto m = service->model_metadata("m", "");
  ASSERT_TRUE(m.ok());
  EXPECT_EQ(m->platform, "fake");
  EXPECT_EQ(m->inputs[0].shape[1], 2);
  EXPECT_EQ(service->index(true).size(), 1u);
  Status unloaded;
  service->unload("m", [&](Status s) { unloaded = std::move(s); });
  EXPECT_TRUE(unloaded.ok());
  EXPECT_TRUE(service->models().empty());
  EXPECT_FALSE(*service->model_ready("m", ""));
}

}  // namespace
}  // namespace proa::service
