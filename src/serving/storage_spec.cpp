#include "serving/storage_spec.h"

#include "api/kinds.h"
#include "foundation/base/strings.h"

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

Result<json::Value> entry_of(const json::Value& data, const std::string& key) {
  if (key.empty()) return json::Value(json::Object{});
  const auto text = unbase64(data[key].str());
  if (!text) return error(Code::kInvalid, str("storage secret's key ", key, " is no base64"));
  return json::parse(*text).context(str("storage secret's key ", key));
}

Result<std::string> place(const std::string& uri, const std::string& type,
                          const std::string& bucket) {
  if (!uri.starts_with(kSchemePlaceholder)) return uri;
  const auto path = uri.substr(kSchemePlaceholder.size());
  if (type != "s3" && type != "hdfs" && type != "webhdfs" && type != "gs" && type != "oss")
    return error(Code::kInvalid, str("storage type must be one of [s3, gs, oss, hdfs, webhdfs]. "
                                     "storage type [",
                                     type, "] is not supported"));
  if (type == "hdfs" || type == "webhdfs") return str(type, "://", path);
  if (bucket.empty())
    return error(Code::kInvalid, str("storage of type ", type, " needs a bucket"));
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
  const auto secret =
      client.get(api::kSecret, pod["metadata"]["namespace"].str(), config.storage_secret);
  const json::Value data = secret.ok() ? (**secret)["data"] : json::Value(json::Object{});
  TRY(out.key, choose_key(data, annotations[kStorageKeyAnnotation].str(), given["type"].str(),
                          config.storage_secret));
  TRY(const auto entry, entry_of(data, out.key));
  const auto pick = [&](const char* name) {
    return given[name].str().empty() ? entry[name].str() : given[name].str();
  };
  TRY(out.uri, place(uri, pick("type"), pick("bucket")));
  return out;
}

void add_storage_env(json::Value& init, const StorageSpec& spec, const Config& config) {
  if (!spec.used) return;
  auto& env = init.ref("env");
  if (!spec.key.empty())
    env.push(json::object(
        {{"name", "STORAGE_CONFIG"},
         {"valueFrom",
          json::object({{"secretKeyRef",
                         json::object({{"key", spec.key}, {"name", config.storage_secret}})}})}}));
  if (!spec.parameters.empty())
    env.push(json::object({{"name", "STORAGE_OVERRIDE_CONFIG"}, {"value", spec.parameters}}));
}

}  // namespace proa::serving
