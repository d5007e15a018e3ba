#include "models/storage/storage_config.h"

#include <unistd.h>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "foundation/json/value.h"

namespace proa::storage {
namespace {

std::string text_of(const json::Value& v) {
  if (v.is_string()) return v.str();
  if (v.is_null()) return {};
  return json::dump(v);
}

struct Name {
  const char *key, *variable;
};

constexpr Name kS3[] = {
    {"access_key_id", "AWS_ACCESS_KEY_ID"}, {"secret_access_key", "AWS_SECRET_ACCESS_KEY"},
    {"session_token", "AWS_SESSION_TOKEN"}, {"endpoint_url", "AWS_ENDPOINT_URL"},
    {"region", "AWS_DEFAULT_REGION"},       {"ca_bundle", "AWS_CA_BUNDLE"},
    {"verify_ssl", "S3_VERIFY_SSL"},        {"anonymous", "awsAnonymousCredential"}};

void take(const json::Value& config, const Name& name, Environment& env) {
  if (config.has(name.key)) env[name.variable] = text_of(config[name.key]);
}

// A certificate in PEM becomes a file, which AWS_CA_BUNDLE then names.
Status certificate(const json::Value& config, const std::string& folder, Environment& env) {
  const auto& pem = config["certificate"].str();
  if (pem.empty()) return {};
  TRY_STATUS(make_dirs(folder, 0700));
  const auto path = folder + "/ca.crt";
  TRY_STATUS(write_file(path, pem, 0600));
  env["AWS_CA_BUNDLE"] = path;
  return {};
}

// The keys are the names; what is a file there is in base64.
Status hdfs(const json::Value& config, const std::string& folder, Environment& env) {
  for (const auto& [key, value] : config.object()) {
    const auto text = text_of(value);
    const bool file =
        key == "TLS_CERT" || key == "TLS_KEY" || key == "TLS_CA" || key == "KERBEROS_KEYTAB";
    const bool known = file || key == "HDFS_NAMENODE" || key == "HDFS_ROOTPATH" ||
                       key == "HDFS_USER" || key == "USER_PROXY" || key == "HEADERS" ||
                       key == "TLS_SKIP_VERIFY" || key == "KERBEROS_PRINCIPAL" ||
                       key == "N_THREADS";
    if (!known || text.empty()) continue;
    if (!file) {
      env[key] = text;
      continue;
    }
    const auto bytes = unbase64(trim(text));
    if (!bytes) return error(Code::kInvalid, str("storage config: ", key, " is no base64"));
    TRY_STATUS(make_dirs(folder, 0700));
    TRY_STATUS(write_file(str(folder, "/", key), *bytes, 0600));
    env[key] = str(folder, "/", key);
  }
  return {};
}

}  // namespace

Result<Environment> with_storage_config(Environment env, const std::string& files) {
  json::Value config{json::Object{}};
  env.erase(kEndpointOfSpec);
  for (const char* name : {"STORAGE_CONFIG", "STORAGE_OVERRIDE_CONFIG"}) {
    const auto text = value_in(env, name);
    if (text.empty()) continue;
    auto parsed = json::parse(text);
    if (!parsed.ok() || !parsed->is_object())  // the text is a secret: not in the message
      return error(Code::kInvalid, str(name, " is no JSON object"));
    for (const auto& [key, value] : parsed->object()) {
      const bool place = key == "endpoint_url" || key == "HDFS_NAMENODE";
      if (place && std::string_view(name) == "STORAGE_OVERRIDE_CONFIG" && config[key] != value)
        env[kEndpointOfSpec] = "yes";
      config.set(key, value);
    }
  }
  const auto& type = config["type"].str();
  if (type == "s3") {
    for (const auto& name : kS3) take(config, name, env);
    TRY_STATUS(certificate(config, files, env));
  } else if (type == "hdfs" || type == "webhdfs") {
    TRY_STATUS(hdfs(config, files, env));
  }
  return env;
}

}  // namespace proa::storage
