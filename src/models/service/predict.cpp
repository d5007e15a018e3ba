#include "models/service/predict.h"

#include <sys/random.h>

#include <algorithm>
#include <chrono>

#include "foundation/base/strings.h"

namespace proa::service {
namespace {

using inference::Classes;
using inference::Method;
using inference::Output;
using protocols::InferRequest;
using protocols::InferResponse;
using protocols::OutputRequest;
using protocols::OutputTensor;
using protocols::Parameter;
using protocols::Values;
using protocols::Workspace;

constexpr std::string_view kDefaultNames[] = {"output-0", "output-1", "output-2", "output-3",
                                              "output-4", "output-5", "output-6", "output-7"};
const Parameter kNumpy{"content_type", Parameter::Kind::kText, 0, 0, 0, "np"};
const Parameter kText{"content_type", Parameter::Kind::kText, 0, 0, 0, "str"};

Status add(Plan& plan, Method m) {
  for (size_t i = 0; i < plan.count; ++i)
    if (plan.methods[i] == m) return {};
  if (plan.count == Plan::kMost)
    return error(Code::kInvalid, "the request asks for too many methods");
  plan.methods[plan.count++] = m;
  return {};
}

std::string_view default_name(size_t i, Workspace& work) {
  return i < std::size(kDefaultNames) ? kDefaultNames[i] : work.keep(str("output-", i));
}

// "predict" for kDefault too: MLServer's runtimes name their only output so.
std::string_view method_name(Method m) { return m == Method::kDefault ? "predict" : to_string(m); }

std::string_view array_name(const Output& o, size_t i, Method method, bool by_method,
                            Workspace& work) {
  if (i < o.names.size()) return o.names[i];
  if (!by_method) return default_name(i, work);
  if (o.count() == 1) return method_name(method);
  return work.keep(str(method_name(method), "-", i));
}

OutputTensor tensor_of(const Values& values, std::string_view name, const OutputRequest* request,
                       Flavor flavor) {
  OutputTensor t{name, values, {}, request};
  if (flavor == Flavor::kMlserver) {
    if (values.rank == 1) {
      t.values.rank = 2;
      t.values.shape[1] = 1;
    }
    t.parameters = {values.type == protocols::DataType::kBytes ? &kText : &kNumpy, 1};
  }
  return t;
}

const Method* find(const Plan& plan, Method m) {
  for (size_t i = 0; i < plan.count; ++i)
    if (plan.methods[i] == m) return &plan.methods[i];
  return nullptr;
}

// The array that a requested output names: a method's, or one of the first method's by its name.
const Values* wanted(const OutputRequest& o, const Plan& plan, std::span<const Output> outputs,
                     Workspace& work) {
  if (auto m = inference::method(o.name))
    if (const Method* at = find(plan, *m))
      if (const Output& made = outputs[static_cast<size_t>(at - plan.methods.data())];
          made.names.empty())
        return &made.first;
  for (size_t i = 0; i < outputs[0].count(); ++i)
    if (o.name == array_name(outputs[0], i, plan.methods[0], false, work) ||
        (outputs[0].count() == 1 && o.name == method_name(plan.methods[0])))
      return &outputs[0].at(i);
  return nullptr;
}

Values labels_of(const Values& answer, Classes classes, size_t rows, Workspace& work) {
  size_t width = answer.row_size();
  if (classes == Classes::kEachAboveHalf) {
    double* each = work.take<double>(std::max<size_t>(rows * width, 1)).data();
    for (size_t i = 0; i < rows * width; ++i) each[i] = answer.numbers[i] > 0.5 ? 1 : 0;
    return inference::matrix_of(each, rows, width);
  }
  auto picked = work.take<int64_t>(std::max<size_t>(rows, 1));
  for (size_t r = 0; r < rows; ++r) {
    const double* row = answer.numbers + r * width;
    picked[r] = classes == Classes::kAboveHalf ? row[0] > 0.5
                : classes == Classes::kNumber  ? static_cast<int64_t>(row[0])
                                               : std::max_element(row, row + width) - row;
  }
  bool number = classes == Classes::kNumber;
  auto type = number ? protocols::DataType::kInt32 : protocols::DataType::kInt64;
  return {type, 1, {rows}, nullptr, picked.data(), nullptr};
}

}  // namespace

Status predict(const repository::Version& version, Flavor flavor, const inference::Table& in,
               Method method, Workspace& work, Output& out) {
  const inference::Model& model = *version.model;
  bool labels = flavor == Flavor::kMlserver && model.info().classes != Classes::kNone &&
                (method == Method::kDefault || method == Method::kPredict);
  if (!labels) return model.predict(in, method, work, out);
  TRY_STATUS(model.predict(in, Method::kPredict, work, out));
  Values answer = out.first;
  out = {};
  out.first = labels_of(answer, model.info().classes, in.rows, work);
  return {};
}

Result<Plan> plan(const InferRequest& request) {
  Plan plan;
  if (const Parameter* p = protocols::find(request.parameters, "method")) {
    auto m = p->kind == Parameter::Kind::kText ? inference::method(p->text) : std::nullopt;
    if (!m)
      return error(Code::kInvalid, str("method '", shorten(p->text, 60),
                                       "' is unknown; predict, predict_proba, predict_log_proba, "
                                       "decision_function, score_samples, transform and apply are "
                                       "methods, where the model has them"));
    TRY_STATUS(add(plan, *m));
  }
  bool others = false;
  for (const OutputRequest& o : request.outputs) {
    auto m = inference::method(o.name);
    if (m && plan.count == 0)
      TRY_STATUS(add(plan, *m));
    else if (m && !others)
      TRY_STATUS(add(plan, *m));
    else
      others = true;
  }
  if (plan.count == 0) TRY_STATUS(add(plan, Method::kDefault));
  return plan;
}

Status answer(const InferRequest& request, const Plan& plan, std::span<const Output> outputs,
              Flavor flavor, Workspace& work, InferResponse& response) {
  size_t count = request.outputs.size();
  if (count == 0)
    for (const Output& o : outputs) count += o.count();
  auto tensors = work.take<OutputTensor>(count);
  if (request.outputs.empty()) {
    size_t at = 0;
    for (size_t m = 0; m < outputs.size(); ++m)
      for (size_t i = 0; i < outputs[m].count(); ++i)
        tensors[at++] =
            tensor_of(outputs[m].at(i),
                      array_name(outputs[m], i, plan.methods[m], flavor == Flavor::kMlserver, work),
                      nullptr, flavor);
  }
  for (size_t i = 0; i < request.outputs.size(); ++i) {
    const OutputRequest& o = request.outputs[i];
    const Values* values = wanted(o, plan, outputs, work);
    if (!values)
      return error(Code::kInvalid, str("Unexpected inference output '", shorten(o.name, 100),
                                       "' for model '", request.model, "'"));
    tensors[i] = tensor_of(*values, o.name, &o, flavor);
  }
  response.outputs = tensors;
  return {};
}

Ids::Ids() {
  if (::getrandom(state_, sizeof state_, 0) != static_cast<ssize_t>(sizeof state_)) {
    auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    state_[0] = static_cast<uint64_t>(now);
    state_[1] = reinterpret_cast<uintptr_t>(this);
  }
  state_[0] |= 1;
}

uint64_t Ids::random() {  // xorshift128+ (Vigna): unique, not secret
  uint64_t a = state_[0], b = state_[1];
  state_[0] = b;
  a ^= a << 23;
  state_[1] = a ^ b ^ (a >> 17) ^ (b >> 26);
  return state_[1] + b;
}

std::string_view Ids::next(Workspace& work) {
  static constexpr char kHex[] = "0123456789abcdef";
  uint64_t high = (random() & ~uint64_t{0xf000}) | 0x4000;
  uint64_t low = (random() & ~(uint64_t{3} << 62)) | uint64_t{1} << 63;
  auto text = work.take<char>(36);
  size_t at = 0;
  for (int i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) text[at++] = '-';
    uint64_t part = i < 16 ? high : low;
    text[at++] = kHex[part >> (60 - 4 * (i % 16)) & 15];
  }
  return {text.data(), at};
}

}  // namespace proa::service
