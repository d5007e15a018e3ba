// What the pods' storage initializer is given to sign in with, and what its download makes of
// status.
#include "serving/controller_fixture.h"
#include "serving/status/model_status.h"

namespace proa::serving {
namespace {

using Fetching = ControllerFixture;

constexpr const char* kPod = R"(
metadata: {name: p, namespace: default, labels: {serving.kserve.io/inferenceservice: x},
  annotations: {internal.serving.kserve.io/storage-initializer-sourceuri: URI}}
spec:
  imagePullSecrets: [{name: own}, {name: absent}, {name: nologin}]
  containers: [{name: kserve-container, image: kserve/sklearnserver}]
)";

json::Value mutated(const client::Client& client, json::Value pod) {
  auto config = parse_config(config_map("example.com"));
  EXPECT_TRUE(config.ok() && mutate_pod(pod, client, *config).ok());
  return pod;
}

std::string env_of(const json::Value& container, std::string_view name) {
  for (const auto& e : container["env"].array())
    if (e["name"].str() == name) return e["value"].str();
  return "";
}

TEST_F(Fetching, ARegistrysPullSecretsAreMountedForTheInitializer) {
  const auto secret = [&](const char* name, const char* key) {
    auto made = client_->create(api::kSecret,
                                yaml(str("apiVersion: v1\nkind: Secret\nmetadata: {name: ", name,
                                         ", namespace: default}\ndata: {", key, ": e30=}")));
    ASSERT_TRUE(made.ok()) << made.error().message;
  };
  secret("own", ".dockerconfigjson");
  secret("old", ".dockercfg");
  secret("nologin", "token");
  auto account = client_->apply(
      api::kServiceAccount,
      yaml("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: default, namespace: default}\n"
           "imagePullSecrets: [{name: old}, {name: own}]"),
      {"kubectl"});
  ASSERT_TRUE(account.ok()) << account.error().message;
  const std::string text = kPod;
  const auto pod = mutated(*client_, yaml(replace_all(text, "URI", "oci://r.io/team/m:v1")));
  const auto& init = pod["spec"]["initContainers"][0];
  EXPECT_EQ(env_of(init, "DOCKER_CONFIG"), "/var/secrets/docker/own:/var/secrets/docker/old");
  int mounted = 0;
  for (const auto& v : pod["spec"]["volumes"].array()) {
    if (!v.has("secret")) continue;
    ++mounted;
    const bool own = v["secret"]["secretName"].str() == "own";
    EXPECT_EQ(v["secret"]["items"][0]["key"].str(), own ? ".dockerconfigjson" : ".dockercfg");
    EXPECT_EQ(v["secret"]["items"][0]["path"].str(), "config.json");
    EXPECT_EQ(v["name"].str(), own ? "kserve-pull-secret-0" : "kserve-pull-secret-1");
  }
  EXPECT_EQ(mounted, 2);
  const auto other = mutated(*client_, yaml(replace_all(text, "URI", "s3://b/m")));
  EXPECT_EQ(env_of(other["spec"]["initContainers"][0], "DOCKER_CONFIG"), "");
}

TEST_F(Fetching, TheTrackingServerIsTheOneThatTheModelsContainerNames) {
  const std::string text = replace_all(kPod, "image: kserve/sklearnserver",
                                       "image: i, env: [{name: MLFLOW_TRACKING_URI, value: "
                                       "'http://mlflow:5000'}, {name: OTHER, value: x}]");
  const auto pod = mutated(*client_, yaml(replace_all(text, "URI}}", "'models:/iris@champion'}}")));
  const auto& init = pod["spec"]["initContainers"][0];
  EXPECT_EQ(init["args"][0].str(), "models:/iris@champion");
  EXPECT_EQ(env_of(init, "MLFLOW_TRACKING_URI"), "http://mlflow:5000");
  EXPECT_EQ(env_of(init, "OTHER"), "");
  const auto other = mutated(*client_, yaml(replace_all(text, "URI}}", "'s3://b/m'}}")));
  EXPECT_EQ(env_of(other["spec"]["initContainers"][0], "MLFLOW_TRACKING_URI"), "");
}

json::Value variable(const json::Value& init, std::string_view name) {
  for (const auto& e : init["env"].array())
    if (e["name"].str() == name) return e;
  return {};
}

TEST_F(Fetching, EachStoresSecretIsKnownByItsKeys) {
  struct Case {
    const char *keys, *annotations;
    std::vector<std::pair<const char*, const char*>> variables;  // name, and key or value
    const char* mounted;
  };
  const Case cases[] = {
      {"awsAccessKeyID: YQ==, awsSecretAccessKey: YQ==",
       "serving.kserve.io/s3-endpoint: 'minio:9000', serving.kserve.io/s3-usehttps: '0', "
       "serving.kserve.io/s3-region: eu, serving.kserve.io/s3-verifyssl: '0', "
       "serving.kserve.io/s3-usevirtualbucket: 'true', serving.kserve.io/s3-useaccelerate: 'x', "
       "serving.kserve.io/s3-useanoncredential: 'true', serving.kserve.io/s3-cabundle: /ca, "
       "serving.kserve.io/s3-cabundle-configmap: bundle",
       {{"AWS_ACCESS_KEY_ID", "awsAccessKeyID"},
        {"AWS_SECRET_ACCESS_KEY", "awsSecretAccessKey"},
        {"AWS_ENDPOINT_URL", "http://minio:9000"},
        {"S3_ENDPOINT", "minio:9000"},
        {"S3_USE_HTTPS", "0"},
        {"AWS_DEFAULT_REGION", "eu"},
        {"S3_VERIFY_SSL", "0"},
        {"S3_USER_VIRTUAL_BUCKET", "true"},
        {"S3_USE_ACCELERATE", "x"},
        {"awsAnonymousCredential", "true"},
        {"AWS_CA_BUNDLE", "/ca"},
        {"CA_BUNDLE_CONFIGMAP_NAME", "bundle"}},
       "/etc/ssl/custom-certs"},
      {"AZ_CLIENT_ID: YQ==, AZ_TENANT_ID: YQ==, AZ_CLIENT_SECRET: YQ==",
       "",
       {{"AZURE_CLIENT_ID", "AZ_CLIENT_ID"},
        {"AZURE_TENANT_ID", "AZ_TENANT_ID"},
        {"AZURE_CLIENT_SECRET", "AZ_CLIENT_SECRET"}},
       ""},
      {"AZURE_STORAGE_ACCESS_KEY: YQ==",
       "",
       {{"AZURE_STORAGE_ACCESS_KEY", "AZURE_STORAGE_ACCESS_KEY"}},
       ""},
      {"HDFS_NAMENODE: YQ==", "", {}, "/var/secrets/kserve-hdfscreds"},
      {"HF_TOKEN: YQ==", "", {{"HF_TOKEN", "HF_TOKEN"}}, ""},
      {"MODELSCOPE_API_TOKEN: YQ==", "", {{"MODELSCOPE_API_TOKEN", "MODELSCOPE_API_TOKEN"}}, ""},
      {"OSS_ACCESS_KEY_ID: YQ==, OSS_ENDPOINT: YQ==", "", {{"OSS_ENDPOINT", "OSS_ENDPOINT"}}, ""},
      {"GIT_PASSWORD: YQ==", "", {{"GIT_PASSWORD", "GIT_PASSWORD"}}, ""},
      {"MLFLOW_TRACKING_TOKEN: YQ==",
       "",
       {{"MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_TOKEN"}},
       ""}};
  int n = 0;
  for (const auto& c : cases) {
    SCOPED_TRACE(c.keys);
    const auto name = str("s", n++);
    auto made = client_->create(
        api::kSecret, yaml(str("apiVersion: v1\nkind: Secret\nmetadata: {name: ", name,
                               ", namespace: default, annotations: {", c.annotations, "}}\ndata: {",
                               c.keys, "}")));
    ASSERT_TRUE(made.ok()) << made.error().message;
    auto pod = yaml(replace_all(kPod, "URI", "s3://b/m"));
    pod.ref("metadata", "annotations").set("serving.kserve.io/storageSecretName", name);
    pod = mutated(*client_, pod);
    const auto& init = pod["spec"]["initContainers"][0];
    for (const auto& [variable_name, want] : c.variables) {
      const auto e = variable(init, variable_name);
      const auto& ref = e["valueFrom"]["secretKeyRef"];
      EXPECT_EQ(e["value"].str_or(ref["key"].str()), want) << variable_name;
      if (ref.is_object()) {
        EXPECT_EQ(ref["name"].str(), name);
      }
    }
    std::string mounts;
    for (const auto& m : init["volumeMounts"].array()) mounts += m["mountPath"].str() + " ";
    EXPECT_TRUE(contains(mounts, c.mounted)) << mounts;
  }
  auto pod = yaml(replace_all(kPod, "URI", "s3://b/m"));
  pod.ref("metadata", "annotations").set("serving.kserve.io/storageSecretName", "absent");
  auto config = parse_config(config_map("example.com"));
  const auto done = mutate_pod(pod, *client_, *config);
  ASSERT_FALSE(done.ok());
  EXPECT_TRUE(contains(done.error().message, "secret absent of annotation"))
      << done.error().message;
}

client::Object pod_with(std::string_view status) {
  auto v = json::parse_yaml(status);
  EXPECT_TRUE(v.ok());
  json::Value pod;
  pod.set("status", std::move(*v));
  return std::make_shared<const json::Value>(std::move(pod));
}

TEST(ModelFetched, FollowsTheInitializerAndStaysWhenNoPodIsThere) {
  json::Value none;
  ModelInput in;
  EXPECT_EQ(model_fetched(in, none).type, "");
  in.pods = {
      pod_with("initContainerStatuses: [{name: storage-initializer, state: {running: {}}}]")};
  EXPECT_EQ(model_fetched(in, none).type, "");  // nothing to tell yet
  in.pods = {pod_with(R"(
initContainerStatuses: [{name: storage-initializer, state: {running: {}}}]
conditions: [{type: proa.dev/ModelFetched, status: "False", message: "fetching a: 5 %"}])")};
  auto c = model_fetched(in, none);
  EXPECT_EQ(c.status + c.reason + c.message + c.severity, "UnknownFetchingfetching a: 5 %Info");
  in.pods.push_back(pod_with(
      "initContainerStatuses: [{name: storage-initializer, state: {terminated: {exitCode: 0, "
      "message: \"sha256:1 /a\\nsha256:2 /b\"}}}]"));
  c = model_fetched(in, none);
  EXPECT_EQ(c.status + c.reason + c.message, "TrueFetchedsha256:1 /a; sha256:2 /b");
  in.pods.clear();
  const auto before = json::array({json::object(
      {{"type", "ModelFetched"}, {"status", "True"}, {"reason", "Fetched"}, {"message", "m"}})});
  EXPECT_EQ(model_fetched(in, before).message, "m");
}

}  // namespace
}  // namespace proa::serving
