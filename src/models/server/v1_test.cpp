#include "models/server/v1.h"

#include <gtest/gtest.h>

#include "models/server/memory.h"
#include "models/server/options.h"

namespace proa::models {
namespace {

// Says label 1 for a positive first value, else 0.
class Sign : public engines::Model {
 public:
  Sign() { info_.features = 2; }
  const engines::ModelInfo& info() const override { return info_; }
  std::unique_ptr<engines::Session> session() const override {
    struct S : engines::Session {
      Status predict(const engines::Batch& in, engines::Output& out) override {
        static const engines::Labels kLabels{engines::Labels::Type::kInt, {"0", "1"}};
        if (in.columns != 2) return error(Code::kInvalid, "X has the wrong width, expecting 2");
        out.labels = &kLabels;
        out.classes.clear();
        for (size_t r = 0; r < in.rows; ++r) out.classes.push_back(in.values[2 * r] > 0);
        return {};
      }
    };
    return std::make_unique<S>();
  }

 private:
  engines::ModelInfo info_;
};

struct V1Test : testing::Test {
  metrics::Registry registry;
  V1 v1{"iris", std::make_unique<Sign>(), registry};
  std::string ask(std::string_view method, std::string_view path, std::string_view body = "") {
    std::string out;
    Answer a = v1.answer(method, path, body, out);
    return std::to_string(a.status) + " " + out;
  }
};

TEST_F(V1Test, PredictsAsTheTutorialShowsIt) {
  EXPECT_EQ(ask("POST", "/v1/models/iris:predict", R"({"instances": [[1,2],[3,4]]})"),
            R"(200 {"predictions": [1, 1]})");
  EXPECT_EQ(ask("POST", "/v1/models/iris%3Apredict", R"({"instances": [[-1,2]]})"),
            R"(200 {"predictions": [0]})");
}

TEST_F(V1Test, AnswersProbesAndLists) {
  EXPECT_EQ(ask("GET", "/"), R"(200 {"status":"alive"})");
  EXPECT_EQ(ask("GET", "/v1/models"), R"(200 {"models":["iris"]})");
  EXPECT_EQ(ask("GET", "/v1/models/iris"), R"(200 {"name":"iris","ready":true})");
  EXPECT_EQ(ask("GET", "/v2/health/live"), R"(200 {"live":true})");
  EXPECT_EQ(ask("GET", "/v2/health/ready"), R"(200 {"ready":true})");
}

TEST_F(V1Test, IsNotReadyWhileItDrains) {
  v1.set_ready(false);
  EXPECT_EQ(ask("GET", "/v1/models/iris"), R"(503 {"error":"Model with name iris is not ready."})");
  EXPECT_EQ(ask("GET", "/v2/health/ready"), R"(503 {"ready":false})");
}

TEST_F(V1Test, HasKServesErrors) {
  EXPECT_EQ(ask("GET", "/v1/models/x"), R"(404 {"error":"Model with name x does not exist."})");
  EXPECT_EQ(ask("POST", "/v1/models/x:predict"),
            R"(404 {"error":"Model with name x does not exist."})");
  EXPECT_EQ(ask("GET", "/nowhere"), R"(404 {"detail":"Not Found"})");
  EXPECT_EQ(ask("GET", "/v1/models/iris:predict"), R"(405 {"detail":"Method Not Allowed"})");
  EXPECT_EQ(ask("POST", "/v1/models/iris:predict", R"({"instances": [[1]]})"),
            R"(400 {"error":"X has the wrong width, expecting 2"})");
  EXPECT_TRUE(ask("POST", "/v1/models/iris:predict", "{")
                  .starts_with(R"(400 {"error":"Unrecognized request)"));
}

TEST_F(V1Test, MeasuresPredictions) {
  ask("POST", "/v1/models/iris:predict", R"({"instances": [[1,2]]})");
  EXPECT_NE(ask("GET", "/metrics").find(R"(request_predict_seconds_count{model_name="iris"} 1)"),
            std::string::npos);
}

Result<ServeOptions> options(std::vector<std::string> args) {
  args.insert(args.begin(), "serve");
  std::vector<char*> argv;
  for (std::string& a : args) argv.push_back(a.data());
  return parse_serve_options(static_cast<int>(argv.size()), argv.data());
}

TEST(ServeOptions, TakesARuntimesArguments) {
  auto o = options(
      {"--model_name=iris", "--model_dir", "/mnt/models", "--http_port=8081", "--workers=4"});
  ASSERT_TRUE(o.ok()) << o.error().message;
  EXPECT_EQ(o->model_name, "iris");
  EXPECT_EQ(o->model_dir, "/mnt/models");
  EXPECT_EQ(o->http_port, 8081);
  EXPECT_EQ(o->warnings.size(), 1u);
}

TEST(ServeOptions, NamesWhatIsWrong) {
  EXPECT_EQ(options({"--model_dri=/x"}).error().message,
            "unknown flag --model_dri; did you mean --model_dir?");
  EXPECT_EQ(options({}).error().message, "--model_dir is missing; see proa serve --help");
  EXPECT_FALSE(options({"--model_dir=/x", "--http_port=70000"}).ok());
  EXPECT_FALSE(options({"--model_dir=/x", "--model_name=../y"}).ok());
}

TEST(Memory, ReadsNoLimitWhereThereIsNone) {
  EXPECT_EQ(cgroup_memory_limit("0::/a/b\n", "/nonexistent"), 0u);
}

}  // namespace
}  // namespace proa::models
