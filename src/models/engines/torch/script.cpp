#include "models/engines/torch/script.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "foundation/base/strings.h"
#include "models/engines/library/library.h"
#include "models/engines/torch/triton_names.h"

namespace proa::torch {
namespace {

using inference::DataType;
using inference::Tensor;
using inference::TensorInfo;
using inference::Workspace;

struct Message {
  std::array<char, 2000> text{};
  torch_abi::Text place() { return {text.data(), text.size()}; }
  // libtorch says many lines: what happened is in the first, or in the last of a script's own
  // trace.
  std::string short_text() const {
    std::string_view all = trim(text.data());
    if (size_t at = all.rfind("RuntimeError: "); at != all.npos) all.remove_prefix(at + 14);
    return shorten(trim(all.substr(0, all.find('\n'))), 500);
  }
};

TensorInfo info_of(const torch_abi::Port& port) {
  TensorInfo t;
  t.name = port.name;
  t.type = port.type < 0 ? DataType::kFp32 : static_cast<DataType>(port.type);
  t.any_type = port.type < 0;
  t.any_shape = port.rank < 0;
  if (t.any_shape)
    t.shape = {-1};
  else
    t.shape.assign(port.shape, port.shape + port.rank);
  return t;
}

void rename(std::vector<TensorInfo>& tensors, const std::vector<std::string>& names) {
  for (size_t i = 0; i < std::min(tensors.size(), names.size()); ++i)
    if (!names[i].empty()) tensors[i].name = names[i];
}

}  // namespace

Result<std::shared_ptr<const Runtime>> Runtime::make() {
  TRY(auto library, engines::Library::open("torch", "libproa-torch.so"));
  auto entry = reinterpret_cast<torch_abi::Entry>(library.find(torch_abi::kSymbol));
  const torch_abi::Api* api = entry ? entry() : nullptr;
  if (!api || api->version != torch_abi::kVersion)
    return error(Code::kUnavailable,
                 str(library.path(), " is of another release: run ./dev engines torch"));
  auto made = std::make_shared<Runtime>();
  made->api = api;
  return std::shared_ptr<const Runtime>(std::move(made));
}

Script::~Script() {
  if (model_) runtime_->api->free_model(model_);
}

Result<std::unique_ptr<inference::Model>> Script::load(std::shared_ptr<const Runtime> runtime,
                                                       const Source& source,
                                                       const inference::LoadOptions& options) {
  std::unique_ptr<Script> made(new Script(std::move(runtime)));
  Message why;
  const torch_abi::Api& api = *made->runtime_->api;
  made->model_ = api.load(
      source.path.c_str(), source.archive ? source.bytes.data() : nullptr, source.bytes.size(),
      static_cast<int>(std::clamp<size_t>(options.threads, 1, 256)), why.place());
  if (!made->model_)
    return error(Code::kDataLoss, str("no TorchScript model that libtorch ", api.release,
                                      " can serve: ", why.short_text()));
  made->describe(source);
  return std::unique_ptr<inference::Model>(std::move(made));
}

void Script::describe(const Source& source) {
  info_.engine = "torch";
  info_.platform = "pytorch_torchscript";
  info_.type = str("TorchScript of ",
                   shorten(model_->type && *model_->type ? model_->type : "a module", 100));
  for (size_t i = 0; i < model_->input_count; ++i)
    info_.inputs.push_back(info_of(model_->inputs[i]));
  for (size_t i = 0; i < model_->output_count; ++i)
    info_.outputs.push_back(info_of(model_->outputs[i]));
  // As TorchServe's requests have it: {"instances": [{"data": …}]}.
  if (source.archive && info_.inputs.size() == 1) info_.inputs[0].name = "data";
  GivenNames given = given_names_beside(source.path);
  rename(info_.inputs, given.inputs);
  rename(info_.outputs, given.outputs);
}

Status Script::read(const torch_abi::Tensor& from, size_t place, Workspace& work,
                    Tensor& out) const {
  out.name = info_.outputs[place].name;
  out.type = static_cast<DataType>(from.type);
  out.count = from.bytes / inference::size_of(out.type);
  auto rank = static_cast<size_t>(from.rank);
  auto shape = work.take<int64_t>(std::max<size_t>(rank, 1));
  std::copy(from.shape, from.shape + rank, shape.begin());
  out.shape = shape.first(rank);
  auto copy = work.take<char>(std::max<size_t>(from.bytes, 1));
  if (from.bytes != 0) std::memcpy(copy.data(), from.data, from.bytes);
  out.data = copy.data();
  return {};
}

Status Script::infer(std::span<const Tensor> in, std::span<const size_t> wanted, Workspace& work,
                     std::span<Tensor> out) const {
  auto given = work.take<torch_abi::Tensor>(in.size());
  for (size_t i = 0; i < in.size(); ++i) {
    const Tensor& t = in[i];
    given[i] = {static_cast<int32_t>(t.type), static_cast<int32_t>(t.shape.size()), t.shape.data(),
                t.data, t.count * inference::size_of(t.type)};
    if (t.type == DataType::kBytes)
      return error(Code::kInvalid, str("input '", t.name, "': PyTorch has no tensors of texts"));
  }
  Message why;
  const torch_abi::Result* result =
      runtime_->api->run(model_, given.data(), given.size(), why.place());
  if (!result) return error(Code::kInvalid, str("the model refuses it: ", why.short_text()));
  Status s;
  if (result->count != info_.outputs.size())
    s = error(Code::kInternal,
              str("the model gave ", result->count, " tensors in place of ", info_.outputs.size()));
  for (size_t i = 0; s.ok() && i < wanted.size(); ++i) {
    out[i] = {};
    s = read(result->tensors[wanted[i]], wanted[i], work, out[i]);
  }
  runtime_->api->free_result(result);
  return s;
}

}  // namespace proa::torch
