#include "models/repository/triton.h"

#include <algorithm>

#include "foundation/base/strings.h"

namespace proa::repository {
namespace {

constexpr size_t kMostSteps = 256;

// What comes once is there as itself, what comes several times as a list.
std::span<const json::Value> items(const json::Value& v) {
  if (v.is_null()) return {};
  if (v.is_array()) return v.array();
  return {&v, 1};
}

Error unserved(std::string_view what) { return error(Code::kUnimplemented, std::string(what)); }

// platform, or backend, and what serves it here.
Status check_backend(std::string_view platform, std::string_view backend) {
  std::string_view said = backend.empty() ? platform : backend;
  for (std::string_view known :
       {"", "onnxruntime", "onnxruntime_onnx", "openvino", "tensorflow", "tensorflow_savedmodel",
        "tensorflow_graphdef", "fil", "pytorch", "pytorch_libtorch"})
    if (said == known) return {};
  return error(
      Code::kUnimplemented,
      str("the backend ", shorten(said, 60),
          " is not served; onnxruntime, openvino, tensorflow, pytorch and fil are: export the "
          "model to ONNX, or run it as a custom container"));
}

Result<VersionPolicy> policy_of(const json::Value& v) {
  VersionPolicy p;
  if (v["all"].is_object()) {
    p.kind = VersionPolicy::Kind::kAll;
  } else if (v["specific"].is_object()) {
    p.kind = VersionPolicy::Kind::kSpecific;
    const json::Value& versions = v["specific"]["versions"];
    if (versions.is_int()) p.versions.push_back(str(versions.integer()));
    for (const json::Value& one : versions.array()) p.versions.push_back(str(one.integer()));
  } else {
    int64_t n = v["latest"]["num_versions"].integer(1);
    p.count = static_cast<size_t>(std::clamp<int64_t>(n, 1, 1000));
  }
  return p;
}

// TYPE_FP32, …; TYPE_STRING is BYTES.
std::optional<inference::DataType> type_of(std::string_view name) {
  if (!name.starts_with("TYPE_")) return std::nullopt;
  name.remove_prefix(5);
  return inference::data_type(name == "STRING" ? "BYTES" : name);
}

Status check_tensors(const json::Value& list, TritonConfig& c) {
  for (const json::Value& v : items(list)) {
    std::string name = shorten(v["name"].str(), 100);
    for (const char* field :
         {"allow_ragged_batch", "is_shape_tensor", "optional", "is_non_linear_format_io"})
      if (v.has(field) && v[field].str() != "false")
        return unserved(str("'", name, "': ", field, " is not served"));
    if (v.has("reshape"))
      c.warnings.push_back(str("'", name,
                               "': reshape changes nothing here: requests have the "
                               "model's own shape"));
  }
  return {};
}

Result<std::vector<inference::TensorInfo>> tensors_of(const json::Value& list, bool batches) {
  std::vector<inference::TensorInfo> all;
  for (const json::Value& v : items(list)) {
    inference::TensorInfo t;
    t.name = v["name"].str();
    auto type = type_of(v["data_type"].str());
    if (t.name.empty() || !type)
      return error(Code::kInvalid, str("input or output '", shorten(t.name, 100),
                                       "' needs a name and a data_type that is served, not '",
                                       shorten(v["data_type"].str(), 60), "'"));
    t.type = *type;
    if (batches) t.shape.push_back(-1);
    for (const json::Value& d : items(v["dims"])) t.shape.push_back(d.integer(-1));
    all.push_back(std::move(t));
  }
  return all;
}

Status read_batching(const json::Value& v, TritonConfig& c) {
  if (v.is_null()) return {};
  c.batches = true;
  int64_t delay = v["max_queue_delay_microseconds"].integer();
  if (delay < 0 || delay > 3'600'000'000)
    return error(Code::kInvalid, str("max_queue_delay_microseconds: ", delay, " is out of range"));
  c.delay_seconds = static_cast<double>(delay) / 1e6;
  for (const json::Value& size : items(v["preferred_batch_size"])) {
    int64_t n = size.integer();
    if (n < 1 || n > static_cast<int64_t>(c.max_batch_size)) {
      c.warnings.push_back(str("dynamic_batching: preferred_batch_size ", n,
                               " is not within max_batch_size ", c.max_batch_size));
      continue;
    }
    c.preferred =
        c.preferred == 0 ? static_cast<size_t>(n) : std::min(c.preferred, static_cast<size_t>(n));
  }
  for (const char* field : {"priority_levels", "default_priority_level", "default_queue_policy",
                            "priority_queue_policy"})
    if (v.has(field))
      c.warnings.push_back(str("dynamic_batching.", field, " changes nothing here"));
  return {};
}

void read_instances(const json::Value& v, TritonConfig& c) {
  size_t count = 0;
  for (const json::Value& group : items(v)) {
    count += static_cast<size_t>(std::clamp<int64_t>(group["count"].integer(1), 0, 1 << 16));
    const std::string& kind = group["kind"].str();
    if (kind == "KIND_GPU" || !group["gpus"].is_null())
      c.warnings.push_back("instance_group: KIND_GPU is served on the CPU");
    for (const char* field : {"rate_limiter", "profile", "passive", "host_policy"})
      if (group.has(field))
        c.warnings.push_back(str("instance_group.", field, " changes nothing here"));
  }
  if (count > 1)
    c.warnings.push_back(str("instance_group: ", count,
                             " instances are one copy of the model here; "
                             "--workers says how many requests run at once"));
  c.instances = count;
}

Result<std::vector<std::pair<std::string, std::string>>> names_of(const json::Value& map) {
  std::vector<std::pair<std::string, std::string>> all;
  for (const json::Value& entry : items(map)) {
    if (entry["key"].str().empty() || entry["value"].str().empty())
      return error(Code::kInvalid, "ensemble_scheduling: a map's entry needs a key and a value");
    for (const auto& [key, value] : all)
      if (key == entry["key"].str())
        return error(Code::kInvalid,
                     str("ensemble_scheduling: a map has '", shorten(key, 100), "' twice"));
    all.emplace_back(entry["key"].str(), entry["value"].str());
  }
  return all;
}

Result<EnsembleConfig> ensemble_of(const json::Value& v, const TritonConfig& c) {
  if (c.batches) return error(Code::kInvalid, "an ensemble has no dynamic_batching of its own");
  EnsembleConfig e;
  TRY(e.inputs, tensors_of(v["input"], c.max_batch_size > 0));
  TRY(e.outputs, tensors_of(v["output"], c.max_batch_size > 0));
  for (const json::Value& step : items(v["ensemble_scheduling"]["step"])) {
    EnsembleStep s;
    s.model = step["model_name"].str();
    int64_t version = step["model_version"].integer(-1);
    if (version >= 0) s.version = str(version);
    TRY(s.inputs, names_of(step["input_map"]));
    TRY(s.outputs, names_of(step["output_map"]));
    if (s.model.empty())
      return error(Code::kInvalid, "ensemble_scheduling: a step lacks its model_name");
    if (e.steps.size() == kMostSteps)
      return error(Code::kInvalid, str("ensemble_scheduling: more than ", kMostSteps, " steps"));
    e.steps.push_back(std::move(s));
  }
  if (e.inputs.empty() || e.outputs.empty() || e.steps.empty())
    return error(Code::kInvalid, "an ensemble needs input, output and ensemble_scheduling.step");
  return e;
}

// What Triton's ModelConfig has and is read above, changes nothing here, or is not served.
Status check_fields(const json::Value& v, TritonConfig& c) {
  static constexpr std::string_view kRead[] = {"name",
                                               "platform",
                                               "backend",
                                               "runtime",
                                               "version_policy",
                                               "max_batch_size",
                                               "input",
                                               "output",
                                               "default_model_filename",
                                               "dynamic_batching",
                                               "instance_group",
                                               "ensemble_scheduling",
                                               "parameters",
                                               "metric_tags"};
  static constexpr std::string_view kNothing[] = {"optimization",     "cc_model_filenames",
                                                  "model_warmup",     "response_cache",
                                                  "model_operations", "model_metrics"};
  static constexpr std::string_view kRefused[] = {"batch_input", "batch_output",
                                                  "model_repository_agents", "scheduling_choice"};
  auto among = [](std::string_view name, std::span<const std::string_view> all) {
    return std::find(all.begin(), all.end(), name) != all.end();
  };
  if (!v["sequence_batching"].is_null())
    return unserved("sequence_batching is not served: models keep no state");
  if (v["model_transaction_policy"]["decoupled"].str() == "true")
    return unserved("model_transaction_policy: decoupled models are not served");
  for (const auto& [name, value] : v.object()) {
    if (among(name, kRead) || name == "model_transaction_policy") continue;
    if (among(name, kNothing))
      c.warnings.push_back(str(name, " changes nothing here"));
    else if (among(name, kRefused))
      return unserved(str(name, " is not served"));
    else
      return error(Code::kInvalid, str("'", shorten(name, 60), "' is no field of ModelConfig"));
  }
  return {};
}

}  // namespace

Result<TritonConfig> parse_triton(std::string_view text) {
  TRY(json::Value v, parse_text_message(text));
  TritonConfig c;
  TRY_STATUS(check_fields(v, c));
  int64_t most = v["max_batch_size"].integer();
  if (most < 0 || most > (1 << 20))
    return error(Code::kInvalid, str("max_batch_size: ", most, " is out of range"));
  c.max_batch_size = static_cast<size_t>(most);
  for (const json::Value& p : items(v["parameters"]))
    c.warnings.push_back(str("parameters: ", shorten(p["key"].str(), 60), " changes nothing here"));
  c.name = v["name"].str();
  c.file = v["default_model_filename"].str();
  if (c.file.find('/') != std::string::npos || c.file == "..")
    return error(Code::kInvalid, "default_model_filename is no plain name");
  if (!v["version_policy"].is_null()) {
    TRY(VersionPolicy p, policy_of(v["version_policy"]));
    c.policy = std::move(p);
  }
  TRY_STATUS(check_tensors(v["input"], c));
  TRY_STATUS(check_tensors(v["output"], c));
  TRY_STATUS(read_batching(v["dynamic_batching"], c));
  read_instances(v["instance_group"], c);
  if (!v["ensemble_scheduling"].is_null() || v["platform"].str() == "ensemble") {
    TRY(EnsembleConfig e, ensemble_of(v, c));
    c.ensemble = std::move(e);
    return c;
  }
  TRY_STATUS(check_backend(v["platform"].str(), v["backend"].str()));
  return c;
}

}  // namespace proa::repository
