#include "serving/credentials.h"

#include "api/kinds.h"
#include "foundation/base/strings.h"

namespace proa::serving {
namespace {

constexpr const char* kBundleFolder = "/etc/ssl/custom-certs";

json::Value* find_named(json::Value& list, std::string_view name) {
  for (auto& item : list.make_array())
    if (item["name"].str() == name) return &item;
  return nullptr;
}

// What comes later knows better: a Secret's own annotations after its ServiceAccount's.
void set_env(json::Value& init, json::Value variable) {
  auto& env = init.ref("env");
  if (auto* there = find_named(env, variable["name"].str()))
    *there = std::move(variable);
  else
    env.push(std::move(variable));
}

void set_env(json::Value& init, std::string_view name, std::string_view value) {
  set_env(init, json::object({{"name", name}, {"value", value}}));
}

void from_secret(json::Value& init, std::string_view name, const json::Value& secret,
                 std::string_view key) {
  json::Value ref = json::object({{"key", key}, {"name", secret["metadata"]["name"]}});
  set_env(init, json::object({{"name", name},
                              {"valueFrom", json::object({{"secretKeyRef", std::move(ref)}})}}));
}

// Those of the keys that the Secret has, as variables of the same names.
void take_keys(json::Value& init, const json::Value& secret,
               std::initializer_list<const char*> keys) {
  for (const char* key : keys)
    if (secret["data"].has(key)) from_secret(init, key, secret, key);
}

void mount_secret(json::Value& spec, json::Value& init, const json::Value& secret,
                  const char* volume, const char* folder) {
  auto& volumes = spec.ref("volumes");
  const json::Value source = json::object({{"secretName", secret["metadata"]["name"]}});
  if (!find_named(volumes, volume))
    volumes.push(json::object({{"name", volume}, {"secret", source}}));
  auto& mounts = init.ref("volumeMounts");
  for (const auto& m : mounts.make_array())
    if (m["mountPath"].str() == folder) return;
  mounts.push(json::object({{"mountPath", folder}, {"name", volume}, {"readOnly", true}}));
}

struct Setting {
  const char *annotation, *variable, *configured;
};

constexpr Setting kS3[] = {
    {"s3-region", "AWS_DEFAULT_REGION", "s3Region"},
    {"s3-verifyssl", "S3_VERIFY_SSL", "s3VerifySSL"},
    {"s3-usevirtualbucket", "S3_USER_VIRTUAL_BUCKET", "s3UseVirtualBucket"},
    {"s3-useaccelerate", "S3_USE_ACCELERATE", "s3UseAccelerate"},
    {"s3-useanoncredential", "awsAnonymousCredential", "s3UseAnonymousCredential"},
    {"s3-cabundle", "AWS_CA_BUNDLE", "s3CABundle"}};

std::string configured(const Config& config, std::string_view name) {
  for (const auto& [key, value] : config.s3)
    if (key == name) return value;
  return "";
}

// Settings of S3 that a Secret's or a ServiceAccount's annotations say, else the configuration.
void s3_settings(json::Value& pod, json::Value& init, const json::Value& annotations,
                 const Config& config) {
  const auto said = [&](const char* annotation, const char* name) {
    return annotations[str("serving.kserve.io/", annotation)].str_or(configured(config, name));
  };
  const auto https = said("s3-usehttps", "s3UseHttps");
  if (!https.empty()) set_env(init, "S3_USE_HTTPS", https);
  if (const auto endpoint = said("s3-endpoint", "s3Endpoint"); !endpoint.empty()) {
    set_env(init, "S3_ENDPOINT", endpoint);
    set_env(init, "AWS_ENDPOINT_URL", str(https == "0" ? "http://" : "https://", endpoint));
  }
  for (const auto& s : kS3)
    if (const auto v = said(s.annotation, s.configured); !v.empty()) set_env(init, s.variable, v);
  if (const auto map = said("s3-cabundle-configmap", "s3CABundleConfigMap"); !map.empty())
    trust_config_map(pod, init, map);
}

// The names under which the Secret has its key; empty if it has none.
std::pair<std::string, std::string> s3_key(const json::Value& data, const Config& config) {
  const std::pair<std::string, std::string> names[] = {
      {configured(config, "s3AccessKeyIDName"), configured(config, "s3SecretAccessKeyName")},
      {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"},
      {"awsAccessKeyID", "awsSecretAccessKey"}};
  for (const auto& n : names)
    if (!n.second.empty() && data.has(n.second)) return n;
  return {};
}

void azure(json::Value& init, const json::Value& secret) {
  for (auto [key, name] : {std::pair{"AZ_CLIENT_ID", "AZURE_CLIENT_ID"},
                           {"AZ_TENANT_ID", "AZURE_TENANT_ID"},
                           {"AZ_CLIENT_SECRET", "AZURE_CLIENT_SECRET"},
                           {"AZ_SUBSCRIPTION_ID", "AZURE_SUBSCRIPTION_ID"}})
    if (secret["data"].has(key)) from_secret(init, name, secret, key);
  take_keys(
      init, secret,
      {"AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET", "AZURE_SUBSCRIPTION_ID",
       "AZURE_STORAGE_ACCESS_KEY", "AZURE_ACCESS_TOKEN", "AZURE_ACCESS_EXPIRES_ON_SECONDS",
       "AZURE_ACCOUNT_NAME", "AZURE_SERVICE_URL", "AZURE_BLOB_ENDPOINT", "AZURE_FILE_ENDPOINT"});
}

// Keys https-host and headers: "<host>-headers" with the headers as JSON.
void web(json::Value& init, const json::Value& data) {
  const auto host = unbase64(data["https-host"].str());
  const auto headers = unbase64(data["headers"].str());
  if (!host || !headers) return;
  json::Value map{json::Object{}};
  for (auto line : split(*headers, '\n')) {
    const auto colon = line.find(':');
    if (colon == line.npos) continue;
    map.set(std::string(trim(line.substr(0, colon))), trim(line.substr(colon + 1)));
  }
  set_env(init, str(trim(*host), "-headers"), json::dump(map));
}

bool has_any(const json::Value& data, std::initializer_list<const char*> keys) {
  for (const char* key : keys)
    if (data.has(key)) return true;
  return false;
}

void add_secret(json::Value& pod, json::Value& init, const json::Value& secret,
                const Config& config) {
  const auto& data = secret["data"];
  auto& spec = pod.ref("spec");
  if (const auto [id, key] = s3_key(data, config); !key.empty()) {
    from_secret(init, "AWS_ACCESS_KEY_ID", secret, id);
    from_secret(init, "AWS_SECRET_ACCESS_KEY", secret, key);
    take_keys(init, secret, {"AWS_SESSION_TOKEN"});
    s3_settings(pod, init, secret["metadata"]["annotations"], config);
  } else if (data.has(config.gcs_file)) {
    mount_secret(spec, init, secret, "user-gcp-sa", "/var/secrets/");
    set_env(init, "GOOGLE_APPLICATION_CREDENTIALS", "/var/secrets/" + config.gcs_file);
  } else if (has_any(data, {"AZ_CLIENT_ID", "AZURE_CLIENT_ID", "AZURE_STORAGE_ACCESS_KEY",
                            "AZURE_ACCESS_TOKEN"})) {
    azure(init, secret);
  } else if (data.has("https-host")) {
    web(init, data);
  } else if (data.has("HDFS_NAMENODE")) {
    mount_secret(spec, init, secret, "hdfs-secrets", "/var/secrets/kserve-hdfscreds");
  } else {
    take_keys(init, secret,
              {"HF_TOKEN", "HF_ENDPOINT", "MODELSCOPE_API_TOKEN", "MODELSCOPE_ENDPOINT",
               "OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET", "OSS_SESSION_TOKEN", "OSS_ENDPOINT",
               "OSS_REGION", "GIT_USERNAME", "GIT_PASSWORD", "MLFLOW_TRACKING_URI",
               "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"});
  }
}

}  // namespace

void trust_config_map(json::Value& pod, json::Value& init, const std::string& name) {
  auto& volumes = pod.ref("spec", "volumes");
  if (find_named(volumes, "cabundle-cert")) return;
  volumes.push(
      json::object({{"name", "cabundle-cert"}, {"configMap", json::object({{"name", name}})}}));
  init.ref("volumeMounts")
      .push(json::object(
          {{"mountPath", kBundleFolder}, {"name", "cabundle-cert"}, {"readOnly", true}}));
  set_env(init, "CA_BUNDLE_CONFIGMAP_NAME", name);
  set_env(init, "CA_BUNDLE_VOLUME_MOUNT_POINT", kBundleFolder);
}

Status add_credentials(json::Value& pod, json::Value& init, const client::Client& client,
                       const Config& config) {
  const std::string ns = pod["metadata"]["namespace"].str();
  const std::string account = pod["spec"]["serviceAccountName"].str_or("default");
  const auto sa = client.get(api::kServiceAccount, ns, account);
  if (sa.ok() && (**sa)["metadata"]["annotations"].has("eks.amazonaws.com/role-arn"))
    s3_settings(pod, init, (**sa)["metadata"]["annotations"], config);
  const auto& annotations = pod["metadata"]["annotations"];
  if (const std::string named = annotations[config.storage_secret_annotation].str();
      !named.empty()) {
    const auto secret = client.get(api::kSecret, ns, named);
    if (!secret.ok())
      return error(Code::kInvalid,
                   str("secret ", named, " of annotation ", config.storage_secret_annotation,
                       " is not in namespace ", ns));
    add_secret(pod, init, **secret, config);
    return {};
  }
  if (!sa.ok()) return {};
  for (const auto& ref : (**sa)["secrets"].array())
    if (auto secret = client.get(api::kSecret, ns, ref["name"].str()); secret.ok())
      add_secret(pod, init, **secret, config);
  return {};
}

}  // namespace proa::serving
