// libproa-torch.so: TorchScript by libtorch, behind the interface of abi.h.
#include <ATen/Parallel.h>
#include <torch/script.h>
#include <torch/version.h>

#include <algorithm>
#include <cstring>
#include <istream>
#include <memory>
#include <streambuf>

#include "models/engines/torch/plugin/signature.h"

namespace proa::torch_plugin {
namespace {

using torch_abi::Api;
using torch_abi::Model;
using torch_abi::Result;
using torch_abi::Tensor;
using torch_abi::Text;

struct Loaded : Model {
  torch::jit::Module module;
  Ports in, out;
  std::string class_name;
};

struct Answer : Result {
  std::vector<at::Tensor> kept;
  std::vector<std::vector<int64_t>> shapes;
  std::vector<Tensor> list;
};

void say(Text error, const char* what) {
  if (error.size == 0) return;
  size_t n = std::min(std::strlen(what), error.size - 1);
  std::memcpy(error.at, what, n);
  error.at[n] = 0;
}

// Calls `f`; what it throws becomes a text and the null that is returned.
template <typename F>
auto guarded(Text error, F f) -> decltype(f()) {
  try {
    return f();
  } catch (const c10::Error& e) {
    say(error, e.what_without_backtrace());
  } catch (const std::exception& e) {
    say(error, e.what());
  } catch (...) {
    say(error, "an unknown exception");
  }
  return nullptr;
}

// Bytes in memory as a stream that can be sought in.
class Bytes : public std::streambuf {
 public:
  Bytes(const void* data, size_t size) {
    char* begin = static_cast<char*>(const_cast<void*>(data));
    setg(begin, begin, begin + size);
  }

 protected:
  pos_type seekoff(off_type offset, std::ios_base::seekdir from, std::ios_base::openmode) override {
    char* base = from == std::ios_base::beg   ? eback()
                 : from == std::ios_base::cur ? gptr()
                                              : egptr();
    if (offset < eback() - base || offset > egptr() - base) return pos_type(off_type(-1));
    setg(eback(), base + offset, egptr());
    return pos_type(gptr() - eback());
  }
  pos_type seekpos(pos_type at, std::ios_base::openmode mode) override {
    return seekoff(off_type(at), std::ios_base::beg, mode);
  }
};

void set_threads(int threads) {
  at::set_num_threads(std::max(threads, 1));
  static const bool once = [] {
    at::set_num_interop_threads(1);
    return true;
  }();
  (void)once;
}

const Model* load(const char* path, const void* data, size_t size, int threads, Text error) {
  return guarded(error, [&]() -> const Model* {
    set_threads(threads);
    auto made = std::make_unique<Loaded>();
    if (data) {
      Bytes bytes(data, size);
      std::istream stream(&bytes);
      made->module = torch::jit::load(stream, at::kCPU);
    } else {
      made->module = torch::jit::load(std::string(path), at::kCPU);
    }
    made->module.eval();
    made->in = inputs_of(made->module);
    made->out = outputs_of(made->module);
    made->in.settle();
    made->out.settle();
    auto name = made->module.type()->name();
    made->class_name = name ? name->name() : "";
    made->type = made->class_name.c_str();
    made->inputs = made->in.ports.data();
    made->input_count = made->in.ports.size();
    made->outputs = made->out.ports.data();
    made->output_count = made->out.ports.size();
    return made.release();
  });
}

void free_model(const Model* model) { delete static_cast<const Loaded*>(model); }

// A copy: a module may change what it is given.
at::Tensor input(const Tensor& t) {
  at::ScalarType type = scalar_type(t.type);
  if (type == at::ScalarType::Undefined)
    throw std::runtime_error("PyTorch has no unsigned tensors but of UINT8");
  at::IntArrayRef shape(t.shape, static_cast<size_t>(t.rank));
  return torch::from_blob(const_cast<void*>(t.data), shape, at::TensorOptions().dtype(type))
      .clone();
}

void add_output(Answer& out, const c10::IValue& value) {
  if (!value.isTensor()) throw std::runtime_error("forward returned what is no tensor");
  at::Tensor t = value.toTensor();
  if (t.is_quantized()) t = t.dequantize();
  if (t.layout() != at::kStrided) t = t.to_dense();
  t = t.detach().to(at::kCPU).contiguous();
  if (type_number(t.scalar_type()) < 0)
    throw std::runtime_error(std::string("forward returned a tensor of ") +
                             c10::toString(t.scalar_type()) + ", which the protocols lack");
  out.kept.push_back(std::move(t));
}

const Result* run(const Model* model, const Tensor* inputs, size_t count, Text error) {
  return guarded(error, [&]() -> const Result* {
    c10::InferenceMode mode;
    // Immutable after loading; libtorch's method is not const.
    auto* loaded = const_cast<Loaded*>(static_cast<const Loaded*>(model));
    std::vector<c10::IValue> arguments;
    for (size_t i = 0; i < count; ++i) arguments.emplace_back(input(inputs[i]));
    c10::IValue value = loaded->module.forward(std::move(arguments));
    auto out = std::make_unique<Answer>();
    if (value.isTuple())
      for (const c10::IValue& one : value.toTupleRef().elements()) add_output(*out, one);
    else
      add_output(*out, value);
    for (const at::Tensor& t : out->kept) out->shapes.push_back(t.sizes().vec());
    for (size_t i = 0; i < out->kept.size(); ++i) {
      const at::Tensor& t = out->kept[i];
      out->list.push_back({type_number(t.scalar_type()), static_cast<int32_t>(t.dim()),
                           out->shapes[i].data(), t.data_ptr(), t.nbytes()});
    }
    out->tensors = out->list.data();
    out->count = out->list.size();
    return out.release();
  });
}

void free_result(const Result* result) { delete static_cast<const Answer*>(result); }

}  // namespace

extern "C" __attribute__((visibility("default"))) const Api* proa_torch_api() {
  static const Api api = {torch_abi::kVersion, TORCH_VERSION, load, free_model, run, free_result};
  return &api;
}

}  // namespace proa::torch_plugin
