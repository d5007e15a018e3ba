#include "serving/storage_spec.h"

#include "api/kinds.h"
#include "foundation/base/strings.h"
#include "serving/credentials.h"

namespace proa::serving {
namespace {

// The key that was asked for, else the type's or the general default; "" if there is none.
Result<std::string> choose_key(const json::Value& data, const std::string& asked,
                               const std::string& type, const std::string& secret) {
  if (!asked.empty()) {
    if (data.has(asked)) return asked;
    return error(Code::kInvalid,
                 str("specified storage key ", asked, " not found in storage secret ", secret));
  }
  if (!type.empty() && data.has("default_" + type)) return "default_" + type;
  if (data.has("default")) return std::string("default");
  return std::string();
}

Result<json::Value> entry_of(const json::Value& data, const std::string& key,
                             const std::string& secret) {
  if (key.empty()) return json::Value(json::Object{});
  const auto text = unbase64(data[key].str());
  auto entry = text ? json::parse(*text) : Result<json::Value>(error(Code::kInvalid, "no base64"));
  if (!entry.ok() || !entry->is_object())
    return error(Code::kInvalid,
                 str("invalid json encountered in key ", key, " of storage secret ", secret, ": ",
                     entry.ok() ? "no object" : entry.error().message));
  return entry;
}

Result<std::string> place(const std::string& uri, const std::string& type,
                          const std::string& bucket) {
  if (!uri.starts_with(kSchemePlaceholder)) return uri;
  const auto path = uri.substr(kSchemePlaceholder.size());
  if (type.empty()) return error(Code::kInvalid, "unable to determine storage type");
  if (type != "s3" && type != "hdfs" && type != "webhdfs" && type != "gs" && type != "oss")
    return error(Code::kInvalid, str("storage type must be one of [s3, gs, oss, hdfs, webhdfs]. "
                                     "storage type [",
                                     type, "] is not supported"));
  if (type == "hdfs" || type == "webhdfs") return str(type, "://", path);
  if (bucket.empty())
    return error(Code::kInvalid, str("format [", type,
                                     "] requires a bucket but one wasn't found "
                                     "in storage data or parameters"));
  return str(type, "://", bucket, "/", path);
}

}  // namespace

Result<StorageSpec> read_storage_spec(const json::Value& pod, const std::string& uri,
                                      const client::Client& client, const Config& config) {
  const auto& annotations = pod["metadata"]["annotations"];
  StorageSpec out;
  out.uri = uri;
  if (annotations[kStorageSpecAnnotation].str() != "true") return out;
  out.used = true;
  out.parameters = annotations[kStorageParamAnnotation].str();
  json::Value given{json::Object{}};
  if (!out.parameters.empty()) {
    TRY(given, json::parse(out.parameters).context(kStorageParamAnnotation));
  }
  out.secret = annotations[config.storage_secret_annotation].str_or(config.storage_secret);
  const std::string asked = annotations[kStorageKeyAnnotation].str();
  const auto secret = client.get(api::kSecret, pod["metadata"]["namespace"].str(), out.secret);
  if (!secret.ok() && !asked.empty())
    return error(Code::kInvalid,
                 str("can't read storage secret ", out.secret, ": ", secret.error().message));
  const json::Value data = secret.ok() ? (**secret)["data"] : json::Value(json::Object{});
  TRY(out.key, choose_key(data, asked, given["type"].str(), out.secret));
  TRY(const auto entry, entry_of(data, out.key, out.secret));
  out.ca_bundle = entry["cabundle_configmap"].str();
  const auto pick = [&](const char* name) {
    return given[name].str().empty() ? entry[name].str() : given[name].str();
  };
  TRY(out.uri, place(uri, pick("type"), pick("bucket")));
  return out;
}

void add_storage_env(json::Value& pod, json::Value& init, const StorageSpec& spec) {
  if (!spec.used) return;
  auto& env = init.ref("env");
  if (!spec.key.empty()) {
    json::Value ref = json::object({{"key", spec.key}, {"name", spec.secret}});
    env.push(json::object({{"name", "STORAGE_CONFIG"},
                           {"valueFrom", json::object({{"secretKeyRef", std::move(ref)}})}}));
  }
  if (!spec.parameters.empty())
    env.push(json::object({{"name", "STORAGE_OVERRIDE_CONFIG"}, {"value", spec.parameters}}));
  if (!spec.ca_bundle.empty()) trust_config_map(pod, init, spec.ca_bundle);
}

}  // namespace proa::serving
