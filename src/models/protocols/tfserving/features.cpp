// Examples as tensors, and outputs as classes and values.
#include <algorithm>
#include <cmath>
#include <limits>

#include "foundation/base/strings.h"
#include "models/protocols/raw.h"
#include "models/protocols/tfserving/examples.h"
#include "models/protocols/tfserving/tensor_proto.h"

namespace proa::protocols {
namespace {

using inference::Tensor;
using inference::TensorInfo;
using Kind = Feature::Kind;

const Feature* find(const Example& example, std::string_view name) {
  for (const Feature& f : example)
    if (f.name == name && f.kind != Kind::kNone) return &f;
  return nullptr;
}

Error wrong(const TensorInfo& info, std::string_view what) {
  return error(Code::kInvalid, str("feature '", shorten(info.name, 100), "': ", what));
}

Result<std::vector<const Feature*>> column(const Examples& examples, const TensorInfo& info) {
  std::vector<const Feature*> all;
  for (const Example& row : examples.rows) {
    const Feature* f = find(row, info.name);
    if (!f) f = find(examples.context, info.name);
    if (!f)
      return wrong(info, str("example ", all.size(), " lacks it, and the model takes it (",
                             to_string(info.type), ")"));
    if (!all.empty() && f->count() != all[0]->count())
      return wrong(info, str("example ", all.size(), " has ", f->count(),
                             " values, and those before ", all[0]->count()));
    if ((f->kind == Kind::kTexts) != (info.type == DataType::kBytes))
      return wrong(info, str("the model takes ", to_string(info.type)));
    if (f->kind == Kind::kReals && !inference::is_float(info.type))
      return wrong(info, str("the model takes ", to_string(info.type), ", not fractions"));
    all.push_back(f);
  }
  return all;
}

// One row for each example: the model's inner dimensions, or how many values there are.
Status set_shape(const TensorInfo& info, size_t rows, size_t width, Workspace& work,
                 InputTensor& out) {
  size_t rank = info.any_shape ? 2 : info.shape.size();
  auto shape = work.take<int64_t>(std::max<size_t>(rank, 1));
  if (rank == 0) return wrong(info, "the model takes one value, not a row for each example");
  shape[0] = static_cast<int64_t>(rows);
  size_t known = 1, open = 0;
  for (size_t d = 1; d < rank; ++d) {
    shape[d] = info.any_shape ? -1 : info.shape[d];
    if (shape[d] < 0)
      ++open;
    else
      known *= static_cast<size_t>(shape[d]);
    if (known > kMostElements) return wrong(info, "the model's shape is too large");
  }
  bool fits = open == 0 ? known == width : open == 1 && known != 0 && width % known == 0;
  if (!fits)
    return wrong(info, str("it has ", width, " values, and the model takes rows of shape ",
                           inference::shape_text(info.shape)));
  for (size_t d = 1; d < rank; ++d)
    if (shape[d] < 0) shape[d] = static_cast<int64_t>(width / known);
  out.shape = shape.first(rank);
  return {};
}

Status set_contents(const std::vector<const Feature*>& rows, size_t width, const TensorInfo& info,
                    Workspace& work, InputTensor& out) {
  size_t n = rows.size() * width, at = 0;
  if (info.type == DataType::kBytes) {
    auto texts = work.take<std::string_view>(n + 1);
    for (const Feature* f : rows)
      at = static_cast<size_t>(
          std::copy(f->texts.begin(), f->texts.end(), texts.begin() + static_cast<ptrdiff_t>(at)) -
          texts.begin());
    out.contents = {Contents::Kind::kTexts, texts.data(), n};
    return {};
  }
  if (info.type == DataType::kInt64) {
    auto numbers = work.take<int64_t>(n + 1);
    for (const Feature* f : rows)
      for (int64_t v : f->integers) numbers[at++] = v;
    out.contents = {Contents::Kind::kInt64s, numbers.data(), n};
    return {};
  }
  auto numbers = work.take<double>(n + 1);
  for (const Feature* f : rows) {
    for (double v : f->reals) numbers[at++] = v;
    for (int64_t v : f->integers) numbers[at++] = static_cast<double>(v);
  }
  out.contents = {Contents::Kind::kDoubles, numbers.data(), n};
  return {};
}

float number_at(const Tensor& t, size_t i) {
  switch (t.type) {
    case DataType::kFp32:
      return static_cast<const float*>(t.data)[i];
    case DataType::kFp64:
      return static_cast<float>(static_cast<const double*>(t.data)[i]);
    case DataType::kFp16:
      return static_cast<float>(from_fp16(static_cast<const uint16_t*>(t.data)[i]));
    case DataType::kBf16:
      return static_cast<float>(from_bf16(static_cast<const uint16_t*>(t.data)[i]));
    default:
      return std::numeric_limits<float>::quiet_NaN();
  }
}

std::string_view label_at(const Tensor& t, size_t i, Workspace& work) {
  switch (t.type) {
    case DataType::kBytes:
      return t.texts()[i];
    case DataType::kInt64:
      return work.keep(str(static_cast<const int64_t*>(t.data)[i]));
    case DataType::kInt32:
      return work.keep(str(static_cast<const int32_t*>(t.data)[i]));
    default:
      return {};
  }
}

bool is_labels(const Tensor& t) {
  return t.type == DataType::kBytes || t.type == DataType::kInt64 || t.type == DataType::kInt32;
}

const Tensor* find(std::span<const Tensor> all, std::string_view name) {
  for (const Tensor& t : all)
    if (t.name == name) return &t;
  return nullptr;
}

const Tensor* only_floats(std::span<const Tensor> all) {
  const Tensor* found = nullptr;
  for (const Tensor& t : all) {
    if (!inference::is_float(t.type)) continue;
    if (found) return nullptr;
    found = &t;
  }
  return found;
}

bool has_rows(const Tensor& t, size_t rows) {
  return !t.shape.empty() && t.shape[0] == static_cast<int64_t>(rows) && rows != 0;
}

}  // namespace

Status to_inputs(const Examples& examples, const std::vector<TensorInfo>& inputs, Workspace& work,
                 std::span<const InputTensor>& out) {
  auto all = work.take<InputTensor>(inputs.size() + 1);
  for (size_t i = 0; i < inputs.size(); ++i) {
    InputTensor t;
    t.name = work.keep(inputs[i].name);
    t.type = inputs[i].type;
    TRY(auto rows, column(examples, inputs[i]));
    size_t width = rows.empty() ? 0 : rows[0]->count();
    TRY_STATUS(set_shape(inputs[i], rows.size(), width, work, t));
    TRY_STATUS(set_contents(rows, width, inputs[i], work, t));
    all[i] = t;
  }
  out = all.first(inputs.size());
  return {};
}

Result<Classes> classes_of(const InferResponse& response, size_t rows, Workspace& work) {
  auto all = tensors_of(response, work);
  const Tensor *labels = find(all, "classes"), *scores = find(all, "scores");
  if (!labels && !scores) scores = only_floats(all);
  if (labels && !is_labels(*labels)) labels = nullptr;
  if (scores && !inference::is_float(scores->type)) scores = nullptr;
  const Tensor* one = scores ? scores : labels;
  bool fits = one && has_rows(*one, rows) && one->count % rows == 0 &&
              (!labels || !scores || labels->count == scores->count) &&
              (!labels || has_rows(*labels, rows));
  if (!fits)
    return error(Code::kInvalid,
                 "Expected classification signature: the model's outputs are to be \"scores\" "
                 "(floats) and \"classes\" (labels), with a row for each example");
  auto made = work.take<Scored>(one->count + 1);
  for (size_t i = 0; i < one->count; ++i)
    made[i] = {labels ? label_at(*labels, i, work) : std::string_view(),
               scores ? number_at(*scores, i) : 0};
  return Classes{rows, one->count / rows, made.first(one->count)};
}

Result<std::span<const float>> values_of(const InferResponse& response, size_t rows,
                                         Workspace& work) {
  auto all = tensors_of(response, work);
  const Tensor* t = find(all, "outputs");
  if (!t) t = only_floats(all);
  if (!t || !inference::is_float(t->type) || !has_rows(*t, rows) || t->count != rows)
    return error(Code::kInvalid,
                 "Expected regression signature: the model's output is to be \"outputs\", one "
                 "float for each example");
  auto made = work.take<float>(rows);
  for (size_t i = 0; i < rows; ++i) made[i] = number_at(*t, i);
  return std::span<const float>(made);
}

}  // namespace proa::protocols
