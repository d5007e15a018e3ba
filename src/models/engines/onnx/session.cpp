#include "models/engines/onnx/session.h"

#include <sys/stat.h>

#include <algorithm>

#include "foundation/base/strings.h"
#include "models/engines/onnx/values.h"

namespace proa::onnx {
namespace {

using inference::DataType;
using inference::Tensor;
using inference::TensorInfo;
using inference::Workspace;

constexpr int kLogErrors = 3;
constexpr int kAllOptimizations = 99;
constexpr size_t kMostRank = 16;

// A text of the library's allocator.
std::string take_text(const Runtime& r, char* text) {
  std::string out(text ? text : "");
  if (text) r.api.ReleaseStatus(r.api.AllocatorFree(r.allocator, text));
  return out;
}

struct Options {
  explicit Options(const Api& api) : api(api) {}
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;
  ~Options() {
    if (options) api.ReleaseSessionOptions(options);
  }
  const Api& api;
  OrtSessionOptions* options = nullptr;
};

// Threads that do not spin: a pod's cpu is for its requests.
Status set_options(const Api& api, Options& o, size_t threads) {
  TRY_STATUS(api.check(api.CreateSessionOptions(&o.options)));
  TRY_STATUS(api.check(api.SetSessionGraphOptimizationLevel(o.options, kAllOptimizations)));
  TRY_STATUS(api.check(
      api.SetIntraOpNumThreads(o.options, static_cast<int>(std::clamp<size_t>(threads, 1, 256)))));
  TRY_STATUS(api.check(api.SetInterOpNumThreads(o.options, 1)));
  for (const char* key : {"session.intra_op.allow_spinning", "session.inter_op.allow_spinning"})
    TRY_STATUS(api.check(api.AddSessionConfigEntry(o.options, key, "0")));
  return {};
}

}  // namespace

Runtime::~Runtime() {
  if (memory) api.ReleaseMemoryInfo(memory);
  if (env) api.ReleaseEnv(env);
}

Result<std::shared_ptr<const Runtime>> Runtime::make() {
  auto r = std::make_shared<Runtime>();
  TRY(r->api, load_api());
  const Api& api = r->api;
  TRY_STATUS(api.check(api.CreateEnv(kLogErrors, "proa", &r->env)));
  TRY_STATUS(api.check(api.CreateCpuMemoryInfo(1, 0, &r->memory)));  // arena, default memory
  TRY_STATUS(api.check(api.GetAllocatorWithDefaultOptions(&r->allocator)));
  return std::shared_ptr<const Runtime>(std::move(r));
}

OnnxModel::~OnnxModel() {
  if (session_) runtime_->api.ReleaseSession(session_);
}

Result<std::unique_ptr<inference::Model>> OnnxModel::load(std::shared_ptr<const Runtime> runtime,
                                                          const std::string& file,
                                                          const inference::LoadOptions& options) {
  std::unique_ptr<OnnxModel> model(new OnnxModel(std::move(runtime)));
  Status s = model->open(file, options);
  if (s.ok()) s = model->describe();
  if (!s.ok())
    return error(s.error().code == Code::kUnimplemented ? Code::kUnimplemented : Code::kDataLoss,
                 str("no ONNX model that ONNX Runtime ", model->runtime_->api.version,
                     " can load: ", s.error().message));
  return std::unique_ptr<inference::Model>(std::move(model));
}

Status OnnxModel::open(const std::string& file, const inference::LoadOptions& options) {
  const Api& api = runtime_->api;
  struct stat there {};
  if (::stat(file.c_str(), &there) != 0) return errno_error(file);
  info_.file_bytes = info_.memory_bytes = static_cast<size_t>(there.st_size);
  Options o(api);
  TRY_STATUS(set_options(api, o, options.threads));
  return api.check(api.CreateSession(runtime_->env, file.c_str(), o.options, &session_));
}

// What classifiers give with a "ZipMap": for each row a map of labels to values.
Status OnnxModel::describe_maps(const OrtTypeInfo* type, bool sequence, TensorInfo& out) const {
  const Api& api = runtime_->api;
  const OrtTypeInfo* map_type = type;
  OrtTypeInfo* element = nullptr;
  if (sequence) {
    const OrtSequenceInfo* info = nullptr;
    TRY_STATUS(api.check(api.CastTypeInfoToSequenceTypeInfo(type, &info)));
    TRY_STATUS(api.check(api.GetSequenceElementType(info, &element)));
    map_type = element;
  }
  int kind = 0;
  Status s = api.check(api.GetOnnxTypeFromTypeInfo(map_type, &kind));
  const OrtMapInfo* map = nullptr;
  OrtTypeInfo* value = nullptr;
  if (s.ok() && kind != kMapValue)
    s = error(Code::kUnimplemented, str("output '", out.name,
                                        "' is a sequence of what are no maps, for which the "
                                        "inference protocols have no place"));
  if (s.ok()) s = api.check(api.CastTypeInfoToMapTypeInfo(map_type, &map));
  if (s.ok()) s = api.check(api.GetMapValueType(map, &value));
  if (s.ok()) s = describe_type(value, out);
  if (value) api.ReleaseTypeInfo(value);
  if (element) api.ReleaseTypeInfo(element);
  out.shape.assign(sequence ? 2 : 1, -1);
  out.any_shape = false;
  return s;
}

Status OnnxModel::describe_type(const OrtTypeInfo* type, TensorInfo& out) const {
  const Api& api = runtime_->api;
  int kind = 0;
  TRY_STATUS(api.check(api.GetOnnxTypeFromTypeInfo(type, &kind)));
  if (kind == kSequenceValue || kind == kMapValue)
    return describe_maps(type, kind == kSequenceValue, out);
  if (kind != kTensorValue)
    return error(Code::kUnimplemented, str("'", out.name,
                                           "' is an optional, sparse or opaque "
                                           "value; only tensors are served"));
  const OrtShapeInfo* info = nullptr;
  TRY_STATUS(api.check(api.CastTypeInfoToTensorInfo(type, &info)));
  int element = 0;
  size_t rank = 0;
  TRY_STATUS(api.check(api.GetTensorElementType(info, &element)));
  TRY_STATUS(api.check(api.GetDimensionsCount(info, &rank)));
  auto ours = data_type_of(element);
  if (!ours)
    return error(Code::kUnimplemented, str("'", out.name, "' has ONNX's element type ", element,
                                           ", which the inference protocols lack"));
  if (rank > kMostRank)
    return error(Code::kUnimplemented, str("'", out.name, "' has more than 16 dimensions"));
  out.type = *ours;
  out.shape.resize(rank);
  TRY_STATUS(api.check(api.GetDimensions(info, out.shape.data(), rank)));
  for (int64_t& d : out.shape) d = std::max<int64_t>(d, -1);
  return {};
}

Result<TensorInfo> OnnxModel::describe_one(size_t i, bool output) const {
  const Runtime& r = *runtime_;
  char* name = nullptr;
  TRY_STATUS(r.api.check(output ? r.api.SessionGetOutputName(session_, i, r.allocator, &name)
                                : r.api.SessionGetInputName(session_, i, r.allocator, &name)));
  TensorInfo info;
  info.name = take_text(r, name);
  OrtTypeInfo* type = nullptr;
  TRY_STATUS(r.api.check(output ? r.api.SessionGetOutputTypeInfo(session_, i, &type)
                                : r.api.SessionGetInputTypeInfo(session_, i, &type)));
  int kind = 0;
  Status s = r.api.check(r.api.GetOnnxTypeFromTypeInfo(type, &kind));
  if (s.ok() && !output && kind != kTensorValue)
    s = error(Code::kUnimplemented, str("input '", info.name,
                                        "' is a map, a sequence or optional; only tensors are "
                                        "served"));
  if (s.ok()) s = describe_type(type, info);
  r.api.ReleaseTypeInfo(type);
  TRY_STATUS(std::move(s));
  return info;
}

Status OnnxModel::describe() {
  const Runtime& r = *runtime_;
  size_t inputs = 0, outputs = 0;
  TRY_STATUS(r.api.check(r.api.SessionGetInputCount(session_, &inputs)));
  TRY_STATUS(r.api.check(r.api.SessionGetOutputCount(session_, &outputs)));
  for (size_t i = 0; i < inputs; ++i) {
    TRY(TensorInfo t, describe_one(i, false));
    info_.inputs.push_back(std::move(t));
  }
  for (size_t i = 0; i < outputs; ++i) {
    TRY(TensorInfo t, describe_one(i, true));
    info_.outputs.push_back(std::move(t));
  }
  for (const TensorInfo& t : info_.inputs) input_names_.push_back(t.name.c_str());
  OrtMetadata* metadata = nullptr;
  char* producer = nullptr;
  TRY_STATUS(r.api.check(r.api.SessionGetModelMetadata(session_, &metadata)));
  Status s = r.api.check(r.api.ModelMetadataGetProducerName(metadata, r.allocator, &producer));
  r.api.ReleaseModelMetadata(metadata);
  TRY_STATUS(std::move(s));
  std::string by = take_text(r, producer);
  info_.engine = "onnx";
  info_.platform = "onnxruntime_onnx";
  info_.type = by.empty() ? "ONNX" : str("ONNX of ", shorten(by, 60));
  if (info_.inputs.size() == 1 && info_.inputs[0].shape.size() == 2 && info_.inputs[0].shape[1] > 0)
    info_.features = static_cast<size_t>(info_.inputs[0].shape[1]);
  return {};
}

Status OnnxModel::infer(std::span<const Tensor> in, std::span<const size_t> wanted, Workspace& work,
                        std::span<Tensor> out) const {
  const Api& api = runtime_->api;
  struct Values {  // released at the end, also after an error
    const Api& api;
    std::span<OrtValue*> values;
    ~Values() {
      for (OrtValue* v : values)
        if (v) api.ReleaseValue(v);
    }
  };
  Values given{api, work.zeros<OrtValue*>(in.size())};
  Values made{api, work.zeros<OrtValue*>(wanted.size())};
  for (size_t i = 0; i < in.size(); ++i)
    TRY_STATUS(make_value(*runtime_, in[i], work, given.values[i]));
  auto names = work.take<const char*>(wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) names[i] = info_.outputs[wanted[i]].name.c_str();
  TRY_STATUS(api.check(api.Run(session_, nullptr, input_names_.data(), given.values.data(),
                               in.size(), names.data(), wanted.size(), made.values.data())));
  for (size_t i = 0; i < wanted.size(); ++i) {
    out[i] = {};
    out[i].name = info_.outputs[wanted[i]].name;
    TRY_STATUS(read_value(*runtime_, made.values[i], work, out[i]));
  }
  return {};
}

}  // namespace proa::onnx
