#include "models/engines/openvino/network.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "models/engines/openvino/saved_model.h"

namespace proa::openvino {
namespace {

using inference::DataType;
using inference::Signature;
using inference::Tensor;
using inference::TensorInfo;
using inference::Workspace;

constexpr size_t kMostIdle = 64;
constexpr int64_t kMostRank = 16;

struct Pair {
  int theirs;
  DataType ours;
};
constexpr Pair kTypes[] = {
    {kOvBoolean, DataType::kBool}, {kOvBf16, DataType::kBf16},  {kOvF16, DataType::kFp16},
    {kOvF32, DataType::kFp32},     {kOvF64, DataType::kFp64},   {kOvI8, DataType::kInt8},
    {kOvI16, DataType::kInt16},    {kOvI32, DataType::kInt32},  {kOvI64, DataType::kInt64},
    {kOvU8, DataType::kUint8},     {kOvU16, DataType::kUint16}, {kOvU32, DataType::kUint32},
    {kOvU64, DataType::kUint64},
};

std::optional<DataType> data_type_of(int element_type) {
  for (const Pair& p : kTypes)
    if (p.theirs == element_type) return p.ours;
  return std::nullopt;
}

int element_type_of(DataType type) {
  for (const Pair& p : kTypes)
    if (p.ours == type) return p.theirs;
  return 0;
}

// Of a file, or of the files of a folder and of the folders in it.
size_t bytes_of(const std::string& path, int depth = 0) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return 0;
  if (!S_ISDIR(info.st_mode)) return static_cast<size_t>(info.st_size);
  auto names = list_dir(path);
  size_t sum = 0;
  if (names.ok() && depth < 4)
    for (const std::string& name : *names) sum += bytes_of(str(path, "/", name), depth + 1);
  return sum;
}

// What OpenVINO reads: of a SavedModel the folder.
std::string source_of(const std::string& file) {
  constexpr std::string_view kSaved = "/saved_model.pb";
  return file.ends_with(kSaved) ? file.substr(0, file.size() - kSaved.size()) : file;
}

const char* format_of(std::string_view file) {
  if (file.ends_with("saved_model.pb")) return "TensorFlow SavedModel";
  if (file.ends_with(".pb")) return "TensorFlow graph";
  if (file.ends_with(".tflite")) return "TensorFlow Lite";
  if (file.ends_with(".pdmodel")) return "Paddle";
  if (file.ends_with(".onnx")) return "ONNX";
  return "OpenVINO IR";
}

// Of TensorFlow's names the part that the user chose: "serving_default_x:0" is "x".
std::string plain_name(std::string name, std::string_view file) {
  constexpr std::string_view kDefault = "serving_default_";
  bool served = name.starts_with(kDefault) && name.size() > kDefault.size() + 2;
  if (!file.ends_with(".pb") && !(file.ends_with(".tflite") && served)) return name;
  if (name.ends_with(":0")) name.resize(name.size() - 2);
  if (served) name.erase(0, kDefault.size());
  return name;
}

// Unless two would be the same.
void give_plain_names(std::vector<TensorInfo>& infos, std::string_view file) {
  std::vector<std::string> names;
  for (const TensorInfo& t : infos) {
    std::string name = plain_name(t.name, file);
    if (std::find(names.begin(), names.end(), name) != names.end()) return;
    names.push_back(std::move(name));
  }
  for (size_t i = 0; i < infos.size(); ++i) infos[i].name = std::move(names[i]);
}

}  // namespace

Runtime::~Runtime() {
  if (core) api.ov_core_free(core);
}

Result<std::shared_ptr<const Runtime>> Runtime::make() {
  auto r = std::make_shared<Runtime>();
  TRY(r->api, load_api());
  TRY_STATUS(r->api.check(r->api.ov_core_create(&r->core), "start OpenVINO"));
  return std::shared_ptr<const Runtime>(std::move(r));
}

Network::~Network() {
  for (OvRequest* r : idle_) runtime_->api.ov_infer_request_free(r);
  if (compiled_) runtime_->api.ov_compiled_model_free(compiled_);
}

Result<std::unique_ptr<Network>> Network::make(std::shared_ptr<const Runtime> runtime,
                                               const std::string& file,
                                               const inference::LoadOptions& options,
                                               const Signature* signature) {
  std::unique_ptr<Network> model(new Network(std::move(runtime)));
  std::string source = source_of(file);
  std::optional<Folder> copy;
  inference::ModelInfo& info = model->info_;
  info.engine = "openvino";
  info.platform = "OpenVINO";
  info.type = format_of(file);
  info.file_bytes = info.memory_bytes = bytes_of(source);
  if (options.memory_limit != 0 && info.file_bytes > options.memory_limit)
    return error(Code::kTooLarge,
                 str("the model has ", info.file_bytes, " bytes, more than the memory limit of ",
                     options.memory_limit, "; raise resources.limits.memory"));
  if (signature && signature->name != inference::kDefaultSignature) {
    TRY(Folder made, folder_with_default(source, signature->name));
    copy.emplace(std::move(made));
    source = copy->path();
  }
  if (Status s = model->open(source, options.threads); !s.ok())
    return error(s.error().code == Code::kUnimplemented ? Code::kUnimplemented : Code::kDataLoss,
                 str("no ", info.type, " model that OpenVINO can load: ", s.error().message));
  if (!signature || !name_by_signature(info.inputs, signature->inputs))
    give_plain_names(info.inputs, file);
  if (!signature || !name_by_signature(info.outputs, signature->outputs))
    give_plain_names(info.outputs, file);
  return model;
}

Result<std::unique_ptr<inference::Model>> Network::load(std::shared_ptr<const Runtime> runtime,
                                                        const std::string& file,
                                                        const inference::LoadOptions& options) {
  std::vector<Signature> signatures;
  if (file.ends_with("/saved_model.pb"))  // what is wrong with it OpenVINO says
    signatures = signatures_of(file).value_or({});
  TRY(auto model,
      make(std::move(runtime), file, options, signatures.empty() ? nullptr : &signatures[0]));
  model->info_.signatures = std::move(signatures);
  model->file_ = file;
  model->options_ = options;
  return std::unique_ptr<inference::Model>(std::move(model));
}

Result<const inference::TensorModel*> Network::signature(std::string_view name) const {
  const auto& all = info_.signatures;
  if (all.empty()) return TensorModel::signature(name);
  if (name.empty() || name == all[0].name) return this;
  std::string names;
  for (const Signature& s : all) {
    if (s.name != name) {
      names += str(names.empty() ? "" : ", ", s.name);
      continue;
    }
    std::lock_guard lock(others_mutex_);
    auto [there, is_new] = others_.try_emplace(s.name);
    Other& other = there->second;
    if (is_new) {
      auto made = make(runtime_, file_, options_, &s);
      if (made.ok())
        other.network = std::move(*made);
      else
        other.refusal = std::move(made).error().message;
    }
    if (other.network) return other.network.get();
    return error(Code::kUnimplemented,
                 str("signature ", shorten(name, 100), " is not served: ", other.refusal));
  }
  return error(Code::kInvalid,
               str("Serving signature name: \"", shorten(name, 100),
                   "\" not found in signature def; the model has ", shorten(names, 300)));
}

Status Network::open(const std::string& path, size_t threads) {
  const Api& api = runtime_->api;
  OvModel* model = nullptr;
  TRY_STATUS(
      api.check(api.ov_core_read_model(runtime_->core, path.c_str(), nullptr, &model), "read"));
  Status s = describe(model);
  std::string count = str(uint64_t{std::clamp<size_t>(threads, 1, 256)});
  if (s.ok())  // numbers as the framework that trained it has them; threads of this pod only
    s = api.check(api.ov_core_compile_model(runtime_->core, model, "CPU", 10, &compiled_,
                                            "INFERENCE_PRECISION_HINT", "f32",       //
                                            "INFERENCE_NUM_THREADS", count.c_str(),  //
                                            "NUM_STREAMS", "1",                      //
                                            "PERFORMANCE_HINT", "LATENCY",           //
                                            "ENABLE_CPU_PINNING", "NO"),
                  "compile");
  api.ov_model_free(model);
  return s;
}

Result<TensorInfo> Network::describe_port(const OvPort* port, std::string other_name) const {
  const Api& api = runtime_->api;
  TensorInfo out;
  out.name = std::move(other_name);
  char* name = nullptr;
  if (api.ov_port_get_any_name(port, &name) == 0 && name && *name) out.name = name;
  if (name) api.ov_free(name);
  int type = 0;
  TRY_STATUS(api.check(api.ov_port_get_element_type(port, &type), "an element type"));
  auto ours = data_type_of(type);
  if (!ours)
    return error(Code::kUnimplemented, str("'", out.name, "' has OpenVINO's element type ", type,
                                           " (texts, or fewer than 8 bits), which is not served"));
  out.type = *ours;
  OvPartialShape shape{};
  TRY_STATUS(api.check(api.ov_port_get_partial_shape(port, &shape), "a shape"));
  if (shape.rank.min != shape.rank.max || shape.rank.max < 0 || shape.rank.max > kMostRank) {
    out.any_shape = true;
    out.shape = {-1};
  } else {
    for (int64_t d = 0; d < shape.rank.max; ++d)
      out.shape.push_back(shape.dims[d].min == shape.dims[d].max ? shape.dims[d].max : -1);
  }
  api.ov_partial_shape_free(&shape);
  return out;
}

Status Network::describe(const OvModel* model) {
  const Api& api = runtime_->api;
  size_t counts[2] = {};
  TRY_STATUS(api.check(api.ov_model_inputs_size(model, &counts[0]), "its inputs"));
  TRY_STATUS(api.check(api.ov_model_outputs_size(model, &counts[1]), "its outputs"));
  for (int output = 0; output < 2; ++output)
    for (size_t i = 0; i < counts[output]; ++i) {
      OvPort* port = nullptr;
      TRY_STATUS(api.check(output ? api.ov_model_const_output_by_index(model, i, &port)
                                  : api.ov_model_const_input_by_index(model, i, &port),
                           "its inputs and outputs"));
      auto info = describe_port(port, str(output ? "output-" : "input-", i));
      api.ov_output_const_port_free(port);
      TRY(TensorInfo t, std::move(info));
      (output ? info_.outputs : info_.inputs).push_back(std::move(t));
    }
  return {};
}

Result<OvRequest*> Network::take() const {
  {
    std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      OvRequest* r = idle_.back();
      idle_.pop_back();
      return r;
    }
  }
  OvRequest* made = nullptr;
  const Api& api = runtime_->api;
  TRY_STATUS(api.check(api.ov_compiled_model_create_infer_request(compiled_, &made),
                       "make an inference request"));
  return made;
}

void Network::give_back(OvRequest* request) const {
  {
    std::lock_guard lock(mutex_);
    if (idle_.size() < kMostIdle) return idle_.push_back(request);
  }
  runtime_->api.ov_infer_request_free(request);
}

Status Network::run(OvRequest* request, std::span<const Tensor> in) const {
  const Api& api = runtime_->api;
  for (size_t i = 0; i < in.size(); ++i) {
    const Tensor& t = in[i];
    OvTensor* tensor = nullptr;
    OvShape shape{static_cast<int64_t>(t.shape.size()), const_cast<int64_t*>(t.shape.data())};
    TRY_STATUS(api.check(api.ov_tensor_create_from_host_ptr(element_type_of(t.type), shape,
                                                            const_cast<void*>(t.data), &tensor),
                         "an input"));
    int status = api.ov_infer_request_set_input_tensor_by_index(request, i, tensor);
    Status s = api.check(status, "an input");
    api.ov_tensor_free(tensor);
    TRY_STATUS(std::move(s));
  }
  return api.check(api.ov_infer_request_infer(request), "inference");
}

Status Network::read(OvRequest* request, size_t index, Workspace& work, Tensor& out) const {
  const Api& api = runtime_->api;
  OvTensor* tensor = nullptr;
  TRY_STATUS(api.check(api.ov_infer_request_get_output_tensor_by_index(request, index, &tensor),
                       "an output"));
  OvShape shape{};
  void* data = nullptr;
  size_t bytes = 0;
  Status s = api.check(api.ov_tensor_get_shape(tensor, &shape), "an output");
  if (s.ok()) s = api.check(api.ov_tensor_get_byte_size(tensor, &bytes), "an output");
  if (s.ok() && bytes != 0) s = api.check(api.ov_tensor_data(tensor, &data), "an output");
  if (s.ok()) {
    out.name = info_.outputs[index].name;
    out.type = info_.outputs[index].type;
    out.count = bytes / inference::size_of(out.type);
    auto dims = work.take<int64_t>(static_cast<size_t>(std::max<int64_t>(shape.rank, 1)));
    std::copy(shape.dims, shape.dims + shape.rank, dims.begin());
    out.shape = dims.first(static_cast<size_t>(shape.rank));
    auto copy = work.take<char>(std::max<size_t>(bytes, 1));
    if (bytes != 0) std::memcpy(copy.data(), data, bytes);
    out.data = copy.data();
  }
  if (shape.dims) api.ov_shape_free(&shape);
  api.ov_tensor_free(tensor);
  return s;
}

Status Network::infer(std::span<const Tensor> in, std::span<const size_t> wanted, Workspace& work,
                      std::span<Tensor> out) const {
  TRY(OvRequest * request, take());
  Status s = run(request, in);
  for (size_t i = 0; s.ok() && i < wanted.size(); ++i) s = read(request, wanted[i], work, out[i]);
  if (s.ok())
    give_back(request);
  else
    runtime_->api.ov_infer_request_free(request);
  return s;
}

}  // namespace proa::openvino
