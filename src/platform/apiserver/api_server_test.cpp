// The whole API server over TLS, by the HTTP client.
#include "platform/apiserver/api_server.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "foundation/http/http.h"
#include "foundation/json/value.h"

namespace proa::apiserver {
namespace {

class Lines : public PodLogs {
 public:
  void read(const client::Object& pod, PodLogOptions options,
            std::shared_ptr<LogSink> sink) override {
    if (options.container == "init")
      return sink->finish(error(Code::kInvalid, "container \"init\" is waiting to start"));
    sink->write(str((*pod)["metadata"]["name"].str(), " ", options.container, " ",
                    options.tail_lines.value_or(-1), "\n"));
    sink->finish();
  }
};

class ApiServerTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/proa-api-XXXXXX";
    folder_ = mkdtemp(name);
    auto catalog = api::Catalog::built_in();
    ASSERT_TRUE(catalog.ok());
    catalog_ = std::move(*catalog);
    ApiServerOptions options;
    options.data_dir = folder_;
    options.port = 0;
    options.catalog = catalog_.get();
    options.metrics = &metrics_;
    options.pod_logs = &logs_;
    server_ = std::make_unique<ApiServer>(loop_, options);
    auto port = server_->start();
    ASSERT_TRUE(port.ok()) << port.error().message;
    port_ = *port;
    http::ClientOptions client;
    client.tls_ca = *read_file(folder_ + "/pki/ca.crt");
    stranger_ = std::make_unique<http::Client>(loop_, client);
    client.tls_certificate = *read_file(folder_ + "/pki/admin.crt");
    client.tls_key = *read_file(folder_ + "/pki/admin.key");
    admin_ = std::make_unique<http::Client>(loop_, client);
  }
  void TearDown() override {
    admin_.reset();
    stranger_.reset();
    server_.reset();
    (void)remove_tree(folder_).ok();
  }

  http::Response send(std::string method, std::string target, std::string body = "",
                      http::Headers headers = {}, bool admin = true) {
    http::ClientRequest request;
    request.host = "127.0.0.1";
    request.port = port_;
    request.tls = true;
    request.method = std::move(method);
    request.target = std::move(target);
    request.headers = std::move(headers);
    request.body = std::move(body);
    std::optional<Result<http::Response>> answer;
    (admin ? admin_ : stranger_)->fetch(std::move(request), [&](Result<http::Response> r) {
      answer = std::move(r);
    });
    while (!answer) loop_.run_once(std::chrono::milliseconds(20));
    EXPECT_TRUE(answer->ok()) << (answer->ok() ? "" : answer->error().message);
    return answer->ok() ? **answer : http::Response{};
  }
  json::Value call(std::string method, std::string target, std::string body = "",
                   std::string type = "application/json") {
    last_ = send(std::move(method), std::move(target), std::move(body), {{"content-type", type}});
    auto value = json::parse(last_.body);
    EXPECT_TRUE(value.ok()) << last_.body;
    return value.ok() ? *value : json::Value();
  }

  async::Loop loop_;
  std::string folder_;
  metrics::Registry metrics_;
  Lines logs_;
  std::unique_ptr<api::Catalog> catalog_;
  std::unique_ptr<ApiServer> server_;
  std::unique_ptr<http::Client> admin_, stranger_;
  uint16_t port_ = 0;
  http::Response last_;
};

constexpr char kConfigMap[] =
    R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"a":"b"}})";
constexpr char kMaps[] = "/api/v1/namespaces/default/configmaps";

TEST_F(ApiServerTest, StrangersSeeHealthAndNothingElse) {
  EXPECT_EQ(send("GET", "/livez", "", {}, false).status, 200);
  http::Response refused = send("GET", "/api/v1/pods", "", {}, false);
  EXPECT_EQ(refused.status, 401);
  EXPECT_TRUE(contains(refused.body, "\"reason\":\"Unauthorized\""));
  EXPECT_EQ(send("GET", "/api/v1/pods").status, 200);
}

TEST_F(ApiServerTest, CreatesReadsPatchesListsAndDeletes) {
  EXPECT_EQ(call("POST", kMaps, kConfigMap)["data"]["a"].str(), "b");
  EXPECT_EQ(last_.status, 201);
  EXPECT_EQ(call("POST", kMaps, kConfigMap)["reason"].str(), "AlreadyExists");
  EXPECT_EQ(last_.status, 409);
  std::string one = str(kMaps, "/c");
  EXPECT_EQ(
      call("PATCH", one, R"({"data":{"x":"y"}})", "application/merge-patch+json")["data"].size(),
      2u);
  EXPECT_EQ(call("PATCH", one, R"([{"op":"remove","path":"/data/a"}])",
                 "application/json-patch+json")["data"]
                .size(),
            1u);
  EXPECT_EQ(
      call("PATCH", one, R"({"data":{"s":"m"}})", "application/strategic-merge-patch+json")["data"]
          .size(),
      2u);
  json::Value applied =
      call("PATCH", str(one, "?fieldManager=me&force=true"),
           "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {z: '1'}\n",
           "application/apply-patch+yaml");
  EXPECT_EQ(applied["data"]["z"].str(), "1");
  json::Value list = call("GET", kMaps);
  EXPECT_EQ(list["kind"].str(), "ConfigMapList");
  EXPECT_EQ(list["items"].size(), 2u);  // and the CA
  EXPECT_EQ(call("DELETE", one)["status"].str(), "Success");
  EXPECT_EQ(call("GET", one)["message"].str(), "configmaps \"c\" not found");
  EXPECT_EQ(last_.status, 404);
}

TEST_F(ApiServerTest, AWriteIsOnDiskWhenItIsAnswered) {
  call("POST", kMaps, kConfigMap);
  ASSERT_EQ(last_.status, 201);
  EXPECT_TRUE(exists(folder_ + "/store/state.db-wal"));
  EXPECT_TRUE(contains(*read_file(folder_ + "/store/state.db-wal"), "\"data\":{\"a\":\"b\"}"));
}

TEST_F(ApiServerTest, TablesAndMetadataByAccept) {
  call("POST", kMaps, kConfigMap);
  http::Response table =
      send("GET", kMaps, "",
           {{"accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}});
  EXPECT_TRUE(contains(table.body, "\"kind\":\"Table\"")) << table.body;
  http::Response meta =
      send("GET", kMaps, "",
           {{"accept", "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"}});
  EXPECT_TRUE(contains(meta.body, "PartialObjectMetadataList"));
  EXPECT_FALSE(contains(meta.body, "\"data\""));
}

TEST_F(ApiServerTest, WatchesStreamUntilTheirTimeout) {
  json::Value list = call("GET", kMaps);
  std::string from = list["metadata"]["resourceVersion"].str();
  call("POST", kMaps, kConfigMap);
  http::Response stream =
      send("GET", str(kMaps, "?watch=true&timeoutSeconds=1&resourceVersion=", from));
  auto lines = split(trim(stream.body), '\n');
  ASSERT_EQ(lines.size(), 1u) << stream.body;
  auto event = json::parse(lines[0]);
  EXPECT_EQ((*event)["type"].str(), "ADDED");
  EXPECT_EQ((*event)["object"]["metadata"]["name"].str(), "c");
}

TEST_F(ApiServerTest, BadRequestsAreAnsweredWithAStatus) {
  EXPECT_EQ(call("POST", kMaps, "{nonsense")["reason"].str(), "BadRequest");
  EXPECT_EQ(call("POST", kMaps, "x", "text/weird")["code"].integer(), 415);
  EXPECT_EQ(call("GET", "/api/v1/unicorns")["message"].str(),
            "the server could not find the requested resource");
  EXPECT_EQ(call("PUT", kMaps, kConfigMap)["reason"].str(), "MethodNotAllowed");
  EXPECT_EQ(call("GET", str(kMaps, "?limit=x"))["code"].integer(), 400);
  EXPECT_EQ(call("GET", str(kMaps, "?resourceVersion=99999999"))["code"].integer(), 504);
  EXPECT_EQ(call("GET", str(kMaps, "?labelSelector=a%20in"))["code"].integer(), 400);
  EXPECT_EQ(call("POST", kMaps, std::string(size_t{3u << 20} + 1, ' '))["code"].integer(), 413);
}

TEST_F(ApiServerTest, DiscoveryAndOpenApiHaveTags) {
  EXPECT_EQ(call("GET", "/api")["versions"][0].str(), "v1");
  EXPECT_GT(call("GET", "/apis")["groups"].size(), 5u);
  EXPECT_GT(call("GET", "/apis/apps/v1")["resources"].size(), 2u);
  EXPECT_EQ(call("GET", "/version/")["major"].str(), "1");
  http::Response index = send("GET", "/openapi/v3");
  std::string tag(index.headers.get("etag"));
  ASSERT_FALSE(tag.empty());
  EXPECT_EQ(send("GET", "/openapi/v3", "", {{"if-none-match", tag}}).status, 304);
  EXPECT_EQ(send("GET", "/openapi/v3/apis/apps/v1").status, 200);
  EXPECT_EQ(call("GET", "/openapi/v2")["paths"]["/api/v1/namespaces/{namespace}/pods/{name}"]
                ["patch"]["parameters"][2]["name"]
                    .str(),
            "fieldValidation");
  std::string accept = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
  http::Response v2 = send("GET", "/openapi/v2", "", {{"accept", accept}});
  EXPECT_EQ(v2.headers.get("content-type"),
            "application/com.github.proto-openapi.spec.v2.v1.0+protobuf");
  EXPECT_TRUE(contains(v2.body, "/apis/serving.kserve.io/v1beta1/namespaces/{namespace}/"));
}

TEST_F(ApiServerTest, LogsNameTheirContainer) {
  call(
      "POST", "/api/v1/namespaces/default/pods",
      R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"a","image":"x"},{"name":"b","image":"x"}],
           "initContainers":[{"name":"init","image":"x"}]}})");
  ASSERT_EQ(last_.status, 201) << last_.body;
  std::string log = "/api/v1/namespaces/default/pods/p/log";
  EXPECT_EQ(send("GET", str(log, "?container=b&tailLines=3")).body, "p b 3\n");
  EXPECT_EQ(call("GET", log)["message"].str(),
            "a container name must be specified for pod p, choose one of: [a b] or one of the init "
            "containers: [init]");
  EXPECT_EQ(call("GET", str(log, "?container=z"))["code"].integer(), 400);
  EXPECT_EQ(call("GET", str(log, "?container=init"))["message"].str(),
            "container \"init\" is waiting to start");
}

TEST_F(ApiServerTest, EverybodyWithACertificateMayDoEverything) {
  json::Value review = call(
      "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
      R"({"kind":"SelfSubjectAccessReview","apiVersion":"authorization.k8s.io/v1","spec":{}})");
  EXPECT_TRUE(review["status"]["allowed"].boolean());
}

TEST_F(ApiServerTest, DeleteCollectionTakesWhatTheSelectorNames) {
  for (const char* name : {"a", "b"})
    call("POST", kMaps,
         str(R"({"metadata":{"name":")", name, R"(","labels":{"n":")", name, R"("}}})"));
  call("DELETE", str(kMaps, "?labelSelector=n%3Da"));
  EXPECT_EQ(last_.status, 200);
  EXPECT_EQ(call("GET", str(kMaps, "/a"))["code"].integer(), 404);
  EXPECT_EQ(call("GET", str(kMaps, "/b"))["metadata"]["name"].str(), "b");
}

}  // namespace
}  // namespace proa::apiserver
