#include "serving/spec/validate.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "foundation/base/strings.h"
#include "serving/spec/defaults.h"
#include "serving/spec/support.h"

namespace proa::serving {
namespace {

Error refuse(std::string message) { return error(Code::kForbidden, std::move(message)); }

bool valid_name(std::string_view name) {
  if (name.empty() || name[0] < 'a' || name[0] > 'z' || name.back() == '-') return false;
  for (char c : name)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) return false;
  return true;
}

Status check_name(const std::string& name) {
  if (valid_name(name)) return {};
  return refuse(
      str("the InferenceService \"", name,
          "\" is invalid: a InferenceService name must consist of lower case alphanumeric "
          "characters or '-', and must start with alphabetical character. (e.g. "
          "\"my-name\" or \"abc-123\", regex used for validation is "
          "'[a-z]([-a-z0-9]*[a-z0-9])?')"));
}

Status check_autoscaler_class(const json::Value& annotations) {
  const auto& c = annotations["serving.kserve.io/autoscalerClass"].str();
  if (c.empty() || c == "hpa" || c == "external" || c == "keda" || c == "none") return {};
  return refuse(str("[", c, "] is not a supported autoscaler class type"));
}

Status check_python_path(const std::string& isvc, const json::Value& container) {
  for (const auto& env : container["env"].array())
    if (env["name"].str() == "PYTHONPATH")
      return refuse(str("the InferenceService \"", isvc,
                        "\" is invalid: setting PYTHONPATH in container \"",
                        container["name"].str(), "\" is not allowed for security reasons"));
  return {};
}

Status check_python_paths(const std::string& isvc, const json::Value& component) {
  for (const char* list : {"containers", "initContainers"})
    for (const auto& c : component[list].array()) TRY_STATUS(check_python_path(isvc, c));
  TRY_STATUS(check_python_path(isvc, component["model"]));
  for (auto name : legacy_frameworks()) TRY_STATUS(check_python_path(isvc, component[name]));
  return {};
}

Status check_collocation(const json::Value& predictor) {
  for (const auto& c : predictor["containers"].array()) {
    if (c["name"].str() != "transformer-container") continue;
    for (const auto& env : c["env"].array())
      if (env["name"].str() == "STORAGE_URI")
        return refuse("storage uri should not be specified in transformer container");
  }
  return {};
}

std::string_view parent_of(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  const auto slash = path.rfind('/');
  return slash == 0 || slash == path.npos ? "/" : path.substr(0, slash);
}

Status check_mount_path(const std::string& path) {
  if (path.empty()) return refuse("storage path cannot be empty");
  if (path[0] != '/') return refuse(str("storage path must be absolute: ", path));
  for (auto part : split(path, '/'))
    if (part == "..")
      return refuse(str("storage path cannot contain '..' for security reasons: ", path));
  return {};
}

Status check_storage_uris(const json::Value& component, bool has_uri) {
  const auto& uris = component["storageUris"].array();
  if (uris.empty()) return {};
  if (has_uri) return refuse("Setting both StorageURI and StorageURIs is not supported.");
  std::set<std::string> pvc_paths;
  std::string_view parent;
  for (const auto& item : uris) {
    if (item["uri"].str().empty()) return refuse("storage URI cannot be empty");
    const std::string path =
        item["mountPath"].is_null() ? std::string(kModelPath) : item["mountPath"].str();
    TRY_STATUS(check_mount_path(path));
    if (item["uri"].str().starts_with("pvc://")) {
      if (!pvc_paths.insert(path).second) return refuse("PVC storage paths must be unique");
      continue;
    }
    const auto here = item["mountPath"].is_null() ? kModelPath : parent_of(item["mountPath"].str());
    if (!parent.empty() && here != parent)
      return refuse(
          str("storage paths must have a common parent directory. Found ", parent, " and ", here));
    parent = here;
  }
  return {};
}

Status check_storage(const json::Value& predictor) {
  bool has_uri = !predictor["model"]["storageUri"].str().empty();
  for (auto name : legacy_frameworks()) has_uri |= !predictor[name]["storageUri"].str().empty();
  return check_storage_uris(predictor, has_uri);
}

Status check_confidential(const json::Value& model, std::vector<std::string>& warnings) {
  const auto& c = model["confidential"];
  if (!c["enabled"].boolean()) return {};
  const auto& uri = model["storageUri"].str();
  if (uri.empty()) return refuse("confidential model serving requires storageUri to be set");
  const std::string id = c["resourceId"].str();
  if (!id.empty()) {
    const auto parts = split(std::string_view(id).substr(std::min<size_t>(id.size(), 7)), '/');
    const bool good = id.starts_with("kbs:///") && parts.size() == 3 && !parts[0].empty() &&
                      !parts[1].empty() && !parts[2].empty();
    if (!good) return refuse("resourceId must be in the format kbs:///<repo>/<type>/<tag>");
  }
  if (uri.starts_with("oci://") || uri.starts_with("pvc://"))
    warnings.push_back("confidential model serving does not decrypt models from oci:// and pvc://");
  return {};
}

int implementations(const json::Value& predictor) {
  int n = predictor["model"].is_object() ? 1 : 0;
  for (auto name : legacy_frameworks()) n += predictor[name].is_object() ? 1 : 0;
  const auto& containers = predictor["containers"].array();
  int custom = 0;
  for (const auto& c : containers) custom += c["name"].str() == kModelContainer ? 1 : 0;
  n += custom;
  return n == 0 && !containers.empty() ? 1 : n;
}

Status check_implementations(const json::Value& predictor) {
  if (implementations(predictor) == 1) return {};
  return refuse(
      "exactly one of [Name, SKLearn, XGBoost, Tensorflow, PyTorch, Triton, ONNX, HuggingFace, "
      "PMML, "
      "LightGBM, Paddle, Model, StorageContainerName, WorkerSpec, PodSpec] must be specified in "
      "PredictorSpec");
}

Status check_standard_name(const json::Value& predictor) {
  for (auto name : legacy_frameworks())
    if (!predictor[name]["name"].str().empty())
      return refuse("the 'name' field is not allowed in standard predictor");
  if (!predictor["model"]["name"].str().empty() &&
      predictor["model"]["name"].str() != kModelContainer)
    return refuse("the 'name' field is not allowed in standard predictor");
  return {};
}

Status check_scale(const json::Value& c) {
  if (c["containerConcurrency"].integer() < 0) return refuse("parallelism cannot be less than 0");
  const auto min = c["minReplicas"].integer(), max = c["maxReplicas"].integer();
  if (min < 0) return refuse("'MinReplicas' cannot be less than 0");
  if (max < 0) return refuse("'MaxReplicas' cannot be less than 0");
  if (max != 0 && min > max) return refuse("'MinReplicas' cannot be greater than MaxReplicas");
  return {};
}

Status check_logger(const json::Value& c) {
  if (!c["logger"].is_object()) return {};
  const auto& mode = c["logger"]["mode"].str();
  if (mode != "all" && mode != "request" && mode != "response")
    return refuse("invalid logger type");
  const auto& storage = c["logger"]["storage"];
  if (storage.is_object() && storage["path"].str().empty())
    return refuse("invalid logger storage configuration");
  return {};
}

Status check_knative_scaling(const json::Value& annotations, const json::Value& c) {
  if (c["deploymentStrategy"].is_object())
    return refuse("customizing deploymentStrategy is only supported for raw deployment mode");
  const auto& metric = c["scaleMetric"].str();
  const bool hpa =
      annotations["autoscaling.knative.dev/class"].str() == "hpa.autoscaling.knative.dev";
  if (metric.empty()) return {};
  const bool known =
      hpa ? metric == "cpu" || metric == "memory" : metric == "concurrency" || metric == "rps";
  if (!known) return refuse(str("[", metric, "] is not a supported metric"));
  const auto target = c["scaleTarget"];
  if (target.is_null()) return {};
  if (metric == "rps" && target.integer() < 1)
    return refuse("the target for rps should be greater than 1");
  if (metric == "cpu" && (target.integer() < 1 || target.integer() > 100))
    return refuse("the target utilization percentage should be a [1-100] integer");
  if (metric == "memory" && target.integer() < 1)
    return refuse("the target memory should be greater than 1 MiB");
  return {};
}

Status check_metric(const json::Value& m) {
  const auto& type = m["type"].str();
  if (type != "Resource")
    return refuse(str("invalid HPA metric source type with value [", type,
                      "],valid metric source types are Resource"));
  const auto& r = m["resource"];
  if (!r.is_object())
    return refuse("metricSpec.Resource is not set for resource metric source type");
  if (r["name"].str() != "cpu" && r["name"].str() != "memory")
    return refuse(str("[", r["name"].str(), "] is not a supported metric"));
  const auto& percent = r["target"]["averageUtilization"];
  if (!percent.is_null() && r["name"].str() == "cpu" &&
      (percent.integer() < 1 || percent.integer() > 100))
    return refuse("the target utilization percentage should be a [1-100] integer");
  if (r["name"].str() == "memory" && r["target"]["type"].str() == "Utilization" &&
      (percent.integer() < 1 || percent.integer() > 100))
    return refuse("the target utilization percentage should be a [1-100] integer");
  return {};
}

// With minReplicas 0 the autoscaler counts requests, as in Knative mode.
Status check_to_zero_scaling(const std::string& metric, const json::Value& target) {
  if (metric == "rps" && !target.is_null() && target.integer() < 1)
    return refuse("the target for rps should be greater than 1");
  return {};
}

Status check_standard_scaling(const json::Value& annotations, const json::Value& c) {
  const auto& cls = annotations[kAutoscalerAnnotation].str();
  if (!cls.empty() && cls != "hpa") return {};
  for (const auto& m : c["autoScaling"]["metrics"].array()) TRY_STATUS(check_metric(m));
  const auto& metric = c["scaleMetric"].str();
  const auto& target = c["scaleTarget"];
  if ((metric == "concurrency" || metric == "rps") && c["minReplicas"].is_int() &&
      c["minReplicas"].integer() == 0)
    return check_to_zero_scaling(metric, target);
  if (!metric.empty() && metric != "cpu" && metric != "memory")
    return refuse(str("[", metric, "] is not a supported metric"));
  if (!target.is_null() && metric != "memory" && (target.integer() < 1 || target.integer() > 100))
    return refuse("the target utilization percentage should be a [1-100] integer");
  if (!target.is_null() && metric == "memory" && target.integer() < 1)
    return refuse("the target memory should be greater than 1 MiB");
  return {};
}

Status check_variant(const json::Value& isvc, const std::string& where, const json::Value& c) {
  const auto& predictor = c["predictor"];
  const auto percent = c["trafficPercent"].integer();
  if (percent < 0 || percent > 100)
    return refuse(str(where, " trafficPercent must be between 0 and 100"));
  for (const char* field : {"workerSpec", "maxReplicas", "scaleTarget", "scaleMetric",
                            "autoScaling", "canaryTrafficPercent"})
    if (!predictor[field].is_null())
      return refuse(str(where, " predictor.", field, " is not supported for a canary"));
  if (!predictor["model"].is_object()) return refuse(str(where, " predictor.model is required"));
  const auto stable = isvc["spec"]["predictor"]["minReplicas"].integer(1);
  if (predictor["minReplicas"].integer() > std::max<int64_t>(1, stable))
    return refuse(str(where, " predictor.minReplicas must not be greater than the stable ",
                      "predictor's minReplicas"));
  const auto deployment =
      str(isvc["metadata"]["name"].str(), "-", predictor["name"].str(), "-predictor");
  if (deployment.size() > 63)
    return refuse(
        str(where, " gives the name ", deployment, ", which is longer than 63 characters"));
  return {};
}

Status check_canary(const json::Value& isvc) {
  const auto& list = isvc["spec"]["canary"].array();
  if (list.empty()) return {};
  if (isvc["metadata"]["annotations"][kModeAnnotation].str() != "Standard")
    return refuse("canary is only supported in Standard deployment mode");
  if (!isvc["spec"]["predictor"]["canaryTrafficPercent"].is_null())
    return refuse("spec.canary and spec.predictor.canaryTrafficPercent exclude each other");
  int64_t sum = 0;
  std::set<std::string> names{isvc["spec"]["predictor"]["name"].str()};
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string where = str("canary[", i, "]");
    const auto& name = list[i]["predictor"]["name"].str();
    if (name.empty()) return refuse(where + " predictor.name is required");
    if (name == isvc["spec"]["predictor"]["name"].str())
      return refuse(
          str(where, " predictor.name \"", name, "\" conflicts with the stable predictor"));
    if (!names.insert(name).second)
      return refuse(str(where, " predictor.name \"", name, "\" is a duplicate"));
    TRY_STATUS(check_variant(isvc, where, list[i]));
    sum += list[i]["trafficPercent"].integer();
  }
  if (sum > 100)
    return refuse(str("sum of canary trafficPercent values (", sum, ") must be <= 100"));
  return {};
}

Status check_update(const json::Value& isvc, const json::Value& old) {
  const auto& now = isvc["spec"]["predictor"];
  const auto& then = old["spec"]["predictor"];
  if (now["name"].str() != then["name"].str() && now["model"].is_object() &&
      now["model"] == then["model"])
    return refuse("predictor.name change requires a model change (e.g. storageUri)");
  const std::string before = canonical_mode(old["status"]["deploymentMode"].str());
  const std::string after = canonical_mode(isvc["metadata"]["annotations"][kModeAnnotation].str());
  if (before.empty() || after.empty() || before == after) return {};
  return refuse(str("update rejected: deploymentMode cannot be changed from '", before, "' to '",
                    after, "'"));
}

Status check_component(const json::Value& isvc, const json::Value& component) {
  const auto& annotations = isvc["metadata"]["annotations"];
  TRY_STATUS(check_scale(component));
  TRY_STATUS(check_logger(component));
  const auto mode = canonical_mode(annotations[kModeAnnotation].str());
  return mode == "Standard" ? check_standard_scaling(annotations, component)
                            : check_knative_scaling(annotations, component);
}

}  // namespace

Result<std::vector<std::string>> validate_inference_service(const json::Value& isvc,
                                                            const json::Value* old) {
  std::vector<std::string> warnings;
  const auto& name = isvc["metadata"]["name"].str();
  const auto& spec = isvc["spec"];
  const auto& predictor = spec["predictor"];
  if (!name.empty() || isvc["metadata"]["generateName"].str().empty()) TRY_STATUS(check_name(name));
  TRY_STATUS(check_autoscaler_class(isvc["metadata"]["annotations"]));
  for (const char* c : {"predictor", "transformer", "explainer"})
    TRY_STATUS(check_python_paths(name, spec[c]));
  TRY_STATUS(check_collocation(predictor));
  TRY_STATUS(check_standard_name(predictor));
  TRY_STATUS(check_storage(predictor));
  TRY_STATUS(check_confidential(predictor["model"], warnings));
  TRY_STATUS(check_implementations(predictor));
  for (const char* c : {"predictor", "transformer", "explainer"})
    if (spec[c].is_object()) TRY_STATUS(check_component(isvc, spec[c]));
  TRY_STATUS(check_canary(isvc));
  if (old) TRY_STATUS(check_update(isvc, *old));
  for (auto& line : without_effect(isvc)) warnings.push_back(std::move(line));
  return warnings;
}

Status check_storage_uri(std::string_view uri) {
  const auto scheme = uri.find("://");
  if (scheme == uri.npos) return {};  // a path
  for (auto prefix :
       {"gs://", "s3://", "pvc://", "file://", "https://", "http://", "hdfs://", "webhdfs://",
        "oci://", "oci+native://", "oci+fetch://", "hf://", "oss://", "modelscope://", "ms://"})
    if (uri.starts_with(prefix)) return {};
  return error(Code::kInvalid,
               str("StorageURI not supported: storageUri, must be one of: [gs://, s3://, pvc://, "
                   "file://, https://, http://, hdfs://, webhdfs://, oci://, oci+native://, "
                   "oci+fetch://, hf://] or match https://{}.blob.core.windows.net/{}/{} or be an "
                   "absolute or relative local path. StorageUri [",
                   uri, "] is not supported"));
}

}  // namespace proa::serving
