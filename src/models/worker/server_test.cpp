// The server as clients see it: a Worker with a small model, over real sockets.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <future>
#include <thread>

#include "foundation/http/http.h"
#include "models/protocols/rest/coding.h"
#include "models/repository/fake_engine.h"
#include "models/worker/worker.h"

namespace proa::models {
namespace {

using http::ClientRequest;
using http::Response;

struct Server {
  explicit Server(ServeOptions o = {}) : options(std::move(o)) {
    options.host = "127.0.0.1";
    options.http_port = options.grpc_port = 0;
    folder.put("iris/1/x.fake", "0");
    folder.put("iris/2/x.fake", "-10");
    folder.put("wine/x.fake", "0");
    repository::Options r;
    r.path = folder.path();
    r.policy = *repository::parse_policy("all");
    repository = std::make_unique<repository::Repository>(r, engines, registry);
    EXPECT_TRUE(repository->load_all().ok());
    worker = std::make_unique<Worker>(options, *repository,
                                      [this](std::string& out) { out += registry.text(); });
    Status s = worker->listen(ports, false);
    EXPECT_TRUE(s.ok()) << s.error().message;
    worker->start();
  }
  ~Server() {
    worker->stop();
    worker.reset();
  }
  ServeOptions options;
  repository::Folder folder;
  repository::FakeEngine engine;
  const inference::Engine* engines[1] = {&engine};
  metrics::Registry registry;
  std::unique_ptr<repository::Repository> repository;
  std::unique_ptr<Worker> worker;
  Ports ports;

  Response ask(const char* method, std::string target, std::string body = "",
               http::Headers headers = {}) {
    async::Loop loop;
    http::Client client(loop);
    ClientRequest q;
    q.host = "127.0.0.1";
    q.port = ports.http;
    q.method = method;
    q.target = std::move(target);
    q.body = std::move(body);
    q.headers = std::move(headers);
    Response response;
    client.fetch(std::move(q), [&](Result<Response> r) {
      if (r.ok())
        response = std::move(*r);
      else
        response.body = r.error().message;
      loop.stop();
    });
    loop.run();
    return response;
  }
  std::string text(const char* method, std::string target, std::string body = "",
                   http::Headers headers = {}) {
    Response r = ask(method, std::move(target), std::move(body), std::move(headers));
    return str(r.status, " ", r.body);
  }
};

constexpr const char* kRows = R"({"instances": [[1,2],[-3,1]]})";
constexpr const char* kTensor =
    R"({"id":"7","inputs":[{"name":"x","shape":[2,2],"datatype":"FP64","data":[1,2,-3,1]}]})";

TEST(ModelServer, AnswersV1) {
  Server s;
  EXPECT_EQ(s.text("POST", "/v1/models/wine:predict", kRows), R"(200 {"predictions": [1, 0]})");
  EXPECT_EQ(s.text("POST", "/v1/models/wine%3Apredict", kRows), R"(200 {"predictions": [1, 0]})");
  EXPECT_EQ(s.text("POST", "/v1/models/iris:predict", kRows), R"(200 {"predictions": [0, 0]})");
  EXPECT_EQ(s.text("GET", "/"), R"(200 {"status":"alive"})");
  EXPECT_EQ(s.text("GET", "/v1/models"), R"(200 {"models":["iris","wine"]})");
  EXPECT_EQ(s.text("GET", "/v1/models/iris"), R"(200 {"name":"iris","ready":true})");
  EXPECT_EQ(s.text("POST", "/v1/models/wine:explain", kRows),
            R"(501 {"error":"Explainer not implemented for this model"})");
}

TEST(ModelServer, HasKServesErrors) {
  Server s;
  EXPECT_EQ(s.text("GET", "/v1/models/x"), R"(404 {"error":"Model with name x does not exist."})");
  EXPECT_EQ(s.text("POST", "/v1/models/x:predict", kRows),
            R"(404 {"error":"Model with name x does not exist."})");
  EXPECT_EQ(s.text("GET", "/nowhere"), R"(404 {"detail":"Not Found"})");
  EXPECT_EQ(s.text("GET", "/v1/models/wine:predict"), R"(405 {"detail":"Method Not Allowed"})");
  EXPECT_TRUE(s.text("POST", "/v1/models/wine:predict", R"({"instances": [[1]]})")
                  .starts_with(R"(400 {"error":"X has 1 features)"));
  EXPECT_TRUE(s.text("POST", "/v1/models/wine:predict", "{")
                  .starts_with(R"(400 {"error":"Unrecognized request format)"));
  EXPECT_TRUE(s.text("POST", "/v2/models/wine/infer", R"({"inputs":[]})").starts_with("422 "));
  EXPECT_TRUE(contains(s.text("POST", "/v2/models/wine/infer", kTensor,
                              {{"content-type", "application/octet-stream"}}),
                       "header is missing"));
}

TEST(ModelServer, AnswersV2) {
  Server s;
  EXPECT_EQ(s.text("POST", "/v2/models/wine/infer", kTensor),
            R"(200 {"model_name":"wine","model_version":null,"id":"7","parameters":null,)"
            R"("outputs":[{"name":"output-0","shape":[2],"datatype":"INT64","parameters":null,)"
            R"("data":[1,0]}]})");
  EXPECT_TRUE(contains(s.text("POST", "/v2/models/iris/versions/1/infer", kTensor),
                       R"("model_version":"1","id":"7")"));
  EXPECT_TRUE(contains(s.text("POST", "/v2/models/iris/infer", kTensor), R"("data":[0,0])"));
  EXPECT_TRUE(s.text("POST", "/v2/models/iris/versions/9/infer", kTensor).starts_with("404 "));
  EXPECT_EQ(s.text("GET", "/v2/health/live"), R"(200 {"live":true})");
  EXPECT_EQ(s.text("GET", "/v2/health/ready"), R"(200 {"ready":true})");
  EXPECT_TRUE(s.text("GET", "/v2").starts_with(R"(200 {"name":)"));
  EXPECT_EQ(s.text("GET", "/v2/models/iris"),
            R"(200 {"name":"iris","versions":["2","1"],"platform":"fake","inputs":[{"name":)"
            R"("input-0","datatype":"FP64","shape":[-1,2]}],"outputs":[{"name":"output-0",)"
            R"("datatype":"INT64","shape":[-1]}]})");
  EXPECT_EQ(s.text("GET", "/v2/models/iris/versions/1/ready"),
            R"(200 {"name":"iris","ready":true})");
}

TEST(ModelServer, SpeaksTheBinaryTensorExtension) {
  Server s;
  std::string head =
      R"({"parameters":{"binary_data_output":true},"inputs":[{"name":"x","shape":[1,2],)"
      R"("datatype":"FP32","parameters":{"binary_data_size":8}}],"outputs":[{"name":"predict_proba"}]})";
  float values[] = {1, 2};
  Response r =
      s.ask("POST", "/v2/models/wine/infer", head + std::string(reinterpret_cast<char*>(values), 8),
            {{"inference-header-content-length", str(head.size())},
             {"content-type", "application/octet-stream"}});
  EXPECT_EQ(r.status, 200);
  auto length = parse_int(r.headers.get("inference-header-content-length"));
  ASSERT_TRUE(length) << r.body;
  ASSERT_EQ(r.body.size(), static_cast<size_t>(*length) + 16);
  double p[2];
  std::memcpy(p, r.body.data() + *length, 16);
  EXPECT_EQ(p[1], 0.75);
}

TEST(ModelServer, ManagesItsRepository) {
  Server s;
  EXPECT_EQ(s.text("POST", "/v2/repository/index", "{}"),
            R"(200 [{"name":"iris","version":"2","state":"READY","reason":""},{"name":"iris",)"
            R"("version":"1","state":"READY","reason":""},{"name":"wine","state":"READY",)"
            R"("reason":""}])");
  EXPECT_EQ(s.text("POST", "/v2/repository/models/wine/unload"),
            R"(200 {"name":"wine","unload":true})");
  EXPECT_EQ(s.text("POST", "/v2/models/wine/infer", kTensor),
            R"(404 {"error":"Model with name wine does not exist."})");
  EXPECT_TRUE(s.text("POST", "/v2/repository/models/wine/unload").starts_with("404 "));
  EXPECT_TRUE(contains(s.text("POST", "/v2/repository/index", R"({"ready":true})"), "iris"));
  EXPECT_EQ(s.text("POST", "/v2/repository/models/wine/load"),
            R"(200 {"name":"wine","load":true})");
  EXPECT_TRUE(s.text("POST", "/v2/repository/models/none/load").starts_with("503 "));
  EXPECT_TRUE(s.text("POST", "/v2/models/wine/infer", kTensor).starts_with("200 "));
}

TEST(ModelServer, FailsNoRequestWhileItReloads) {
  Server s;
  std::atomic<bool> stop = false;
  std::atomic<int> good = 0, bad = 0;
  std::thread client([&] {
    while (!stop) ++(s.ask("POST", "/v1/models/wine:predict", kRows).status == 200 ? good : bad);
  });
  while (good + bad == 0) std::this_thread::yield();
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(s.ask("POST", "/v2/repository/models/wine/load").status, 200);
  stop = true;
  client.join();
  EXPECT_GT(good, 0);
  EXPECT_EQ(bad, 0);
}

TEST(ModelServer, TakesAndGivesCompressedBodies) {
  Server s;
  for (auto coding : {protocols::Coding::kGzip, protocols::Coding::kDeflate}) {
    std::string many = R"({"instances":[)", packed, plain;
    for (int i = 0; i < 3000; ++i) many += i ? ",[1,2]" : "[1,2]";
    many += "]}";
    ASSERT_TRUE(protocols::encode(coding, many, packed).ok());
    Response r =
        s.ask("POST", "/v1/models/wine:predict", packed,
              {{"content-encoding", to_string(coding)}, {"accept-encoding", to_string(coding)}});
    EXPECT_EQ(r.status, 200);
    EXPECT_EQ(r.headers.get("content-encoding"), to_string(coding));
    ASSERT_TRUE(protocols::decode(coding, r.body, 1 << 20, plain).ok());
    EXPECT_EQ(plain.size(), std::strlen("{\"predictions\": [") + 3000 * 3 - 2 + 2);
    EXPECT_EQ(protocols::decode(coding, packed, 100, plain).error().code, Code::kTooLarge);
    EXPECT_FALSE(protocols::decode(coding, packed.substr(0, 20), 1 << 20, plain).ok());
  }
  EXPECT_TRUE(s.text("POST", "/v1/models/wine:predict", "x", {{"content-encoding", "zip"}})
                  .starts_with("415 "));
  EXPECT_TRUE(s.text("POST", "/v1/models/wine:predict", "x", {{"content-encoding", "gzip"}})
                  .starts_with("400 "));
}

TEST(ModelServer, AnswersCloudEventsAsCloudEvents) {
  Server s;
  http::Headers binary = {{"ce-specversion", "1.0"},
                          {"ce-id", "1"},
                          {"ce-source", "me"},
                          {"ce-type", "t"},
                          {"content-type", "application/json"}};
  Response r = s.ask("POST", "/v1/models/wine:predict", kRows, binary);
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(r.body, R"({"predictions": [1, 0]})");
  EXPECT_EQ(r.headers.get("ce-type"), "io.kserve.inference.response");
  EXPECT_EQ(r.headers.get("ce-source"), "io.kserve.inference.wine");
  r = s.ask("POST", "/v1/models/wine:predict",
            str(R"({"specversion":"1.0","id":"1","source":"me","type":"t","data":)", kRows, "}"),
            {{"content-type", "application/cloudevents+json"}});
  EXPECT_EQ(r.headers.get("content-type"), "application/cloudevents+json");
  EXPECT_TRUE(contains(r.body, R"("data": {"predictions": [1, 0]})")) << r.body;
  EXPECT_TRUE(contains(s.text("POST", "/v1/models/wine:predict", kRows, {{"ce-id", "1"}}),
                       "'specversion' is missing"));
}

TEST(ModelServer, BatchesRequestsThatComeTogether) {
  ServeOptions o;
  o.max_batch_size = 4;
  o.max_latency = std::chrono::seconds(60);
  Server s(o);
  std::vector<std::thread> clients;
  std::atomic<int> good = 0;
  for (int i = 0; i < 2; ++i)
    clients.emplace_back([&] {
      good += s.text("POST", "/v1/models/wine:predict", kRows) == R"(200 {"predictions": [1, 0]})";
    });
  for (auto& c : clients) c.join();
  EXPECT_EQ(good, 2);
  EXPECT_EQ(s.engine.last->calls, 1);
  EXPECT_TRUE(
      contains(s.text("GET", "/metrics"), R"(request_batch_size_sum{model_name="wine"} 4)"));
}

TEST(ModelServer, AnswersWhatIsOpenWhenItDrains) {
  ServeOptions o;
  o.max_batch_size = 100;
  o.max_latency = std::chrono::seconds(60);
  Server s(o);
  std::string answer;
  std::thread client([&] { answer = s.text("POST", "/v1/models/wine:predict", kRows); });
  while (s.worker->waiting() == 0) std::this_thread::yield();
  std::promise<void> drained;
  s.worker->drain([&] { drained.set_value(); });
  client.join();
  EXPECT_EQ(answer, R"(200 {"predictions": [1, 0]})");
  drained.get_future().wait();
}

TEST(ModelServer, MeasuresPredictions) {
  Server s;
  s.text("POST", "/v1/models/wine:predict", kRows);
  std::string m = s.text("GET", "/metrics");
  for (const char* name : {"request_preprocess_seconds_count", "request_predict_seconds_count",
                           "request_postprocess_seconds_count"})
    EXPECT_TRUE(contains(m, str(name, R"({model_name="wine"} 1)"))) << name;
  EXPECT_TRUE(contains(m, R"(model_memory_bytes{model_name="wine"} 16)"));
  EXPECT_TRUE(contains(m, R"(model_loads_total{model_name="wine"} 1)"));
}

}  // namespace
}  // namespace proa::models
