#include "serving/spec/metadata.h"

#include <algorithm>

#include "client/client.h"
#include "foundation/base/strings.h"
#include "serving/spec/merge.h"
#include "serving/spec/validate.h"

namespace proa::serving {
namespace {

// A path in a storage whose place and credentials are in a Secret.
Status storage_spec_annotations(const json::Value& model, json::Value& annotations) {
  const auto& storage = model["storage"];
  if (!storage.is_object()) return {};
  const auto& path = storage["path"].str();
  const bool has_uri = !model["storageUri"].str().empty();
  if (has_uri && !path.empty())
    return error(Code::kInvalid, "must provide only one of storageUri and storage.path");
  if (!has_uri) {
    if (path.empty()) return error(Code::kInvalid, "spec.predictor.model.storage names no path");
    std::string_view relative = path;
    while (relative.starts_with('/')) relative.remove_prefix(1);
    annotations.set(std::string(kSourceUriAnnotation), str(kSchemePlaceholder, relative));
  }
  annotations.set(std::string(kStorageSpecAnnotation), "true");
  if (const auto& key = storage["key"].str(); !key.empty())
    annotations.set(std::string(kStorageKeyAnnotation), key);
  if (storage["parameters"].size() > 0)
    annotations.set(std::string(kStorageParamAnnotation), json::dump(storage["parameters"]));
  return {};
}

Status storage_annotations(const json::Value& predictor, json::Value& annotations) {
  const auto& uri = predictor["model"]["storageUri"].str();
  TRY_STATUS(storage_spec_annotations(predictor["model"], annotations));
  if (!uri.empty()) {
    TRY_STATUS(check_storage_uri(uri));
    annotations.set(std::string(kSourceUriAnnotation), uri);
  }
  for (const auto& c : predictor["containers"].array())  // a custom predictor's way of saying it
    for (const auto& env : c["env"].array())
      if (env["name"].str() == "STORAGE_URI" && c["name"].str() == kModelContainer) {
        TRY_STATUS(check_storage_uri(env["value"].str()));
        annotations.set(std::string(kSourceUriAnnotation), env["value"].str());
      }
  if (predictor["storageUris"].size() == 0) return {};
  for (const auto& item : predictor["storageUris"].array())
    TRY_STATUS(check_storage_uri(item["uri"].str()));
  annotations.set(std::string(kSourceUrisAnnotation), json::dump(predictor["storageUris"]));
  return {};
}

void batcher_annotations(const json::Value& batcher, json::Value& annotations) {
  if (!batcher.is_object()) return;
  annotations.set(std::string(kBatcherAnnotation), "true");
  for (const auto& [field, key] : {std::pair{"maxBatchSize", kBatcherSizeAnnotation},
                                   std::pair{"maxLatency", kBatcherLatencyAnnotation}})
    if (!batcher[field].is_null()) annotations.set(std::string(key), str(batcher[field].integer()));
}

Result<std::string> fill_template(const json::Value& isvc, std::string_view name, std::string text,
                                  const Config& config) {
  for (const char* domain : {"{{ .IngressDomain }}", "{{.IngressDomain}}"})
    text = replace_all(text, domain, config.domain);
  json::Value meta = isvc["metadata"];
  meta.set("name", name);
  json::Value out(std::move(text));
  TRY_STATUS(fill_placeholders(out, meta));
  return out.str();
}

}  // namespace

const std::string& name_of(const json::Value& object) { return object["metadata"]["name"].str(); }
const std::string& namespace_of(const json::Value& object) {
  return object["metadata"]["namespace"].str();
}

json::Value without(const json::Value& map, const std::vector<std::string>& disallowed) {
  json::Value out{json::Object{}};
  for (const auto& [key, value] : map.object())
    if (std::find(disallowed.begin(), disallowed.end(), key) == disallowed.end())
      out.set(key, value);
  return out;
}

void add_all(json::Value& to, const json::Value& from) {
  for (const auto& [key, value] : from.object()) to.set(key, value);
}

json::Value metadata_for(const json::Value& isvc, std::string name) {
  return json::object({{"name", std::move(name)},
                       {"namespace", namespace_of(isvc)},
                       {"ownerReferences", json::array({client::owner_reference(isvc)})}});
}

json::Value own_labels(const json::Value& isvc, const Config& config) {
  auto labels = without(isvc["metadata"]["labels"], config.labels_disallowed);
  labels.set("component", "predictor");
  labels.set(std::string(kIsvcLabel), name_of(isvc));
  return labels;
}

bool cluster_local(const json::Value& isvc, const Config& config) {
  const auto& labels = isvc["metadata"]["labels"];
  return labels["networking.kserve.io/visibility"].str() == "cluster-local" ||
         labels["networking.knative.dev/visibility"].str() == "cluster-local" ||
         config.domain == str("svc.", config.cluster_domain);
}

Result<Marks> predictor_marks(const json::Value& isvc, const SelectedRuntime* runtime,
                              const Config& config) {
  const auto& predictor = isvc["spec"]["predictor"];
  Marks out;
  out.annotations = without(isvc["metadata"]["annotations"], config.annotations_disallowed);
  // Of no concern to the pods; a new revision because of them would surprise.
  for (auto key : {kStopAnnotation, std::string_view("serving.kserve.io/enable-tag-routing")})
    out.annotations.erase(key);
  out.labels = json::Value(json::Object{});
  if (runtime) {
    add_all(out.annotations, (*runtime->object)["spec"]["annotations"]);
    add_all(out.labels, (*runtime->object)["spec"]["labels"]);
  }
  add_all(out.annotations, predictor["annotations"]);
  TRY_STATUS(storage_annotations(predictor, out.annotations));
  batcher_annotations(predictor["batcher"], out.annotations);
  add_all(out.labels, own_labels(isvc, config));
  out.labels.erase("networking.kserve.io/visibility");
  add_all(out.labels, predictor["labels"]);
  return out;
}

Result<std::string> domain_name(const json::Value& isvc, std::string_view name,
                                const Config& config) {
  auto out = fill_template(isvc, name, config.domain_template, config);
  if (!out.ok()) return std::move(out).error().with_context("domainTemplate");
  return out;
}

Result<std::string> url_path(const json::Value& isvc, const Config& config) {
  if (config.path_template.empty()) return std::string();
  auto out = fill_template(isvc, name_of(isvc), config.path_template, config);
  if (!out.ok()) return std::move(out).error().with_context("pathTemplate");
  while (out->ends_with('/')) out->pop_back();
  if (!out->starts_with('/'))
    return error(Code::kInvalid, str("pathTemplate gives \"", *out, "\", which is no path"));
  return out;
}

}  // namespace proa::serving
