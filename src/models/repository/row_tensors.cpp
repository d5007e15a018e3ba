#include "models/repository/row_tensors.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "foundation/base/strings.h"
#include "models/repository/repository.h"

namespace proa::repository {
namespace {

using inference::DataType;
using inference::Tensor;
using inference::TensorInfo;
using inference::Values;
using inference::Workspace;

// Calls f with a value of the C++ type of `type`; false for one that has none here.
template <typename F>
bool with_type(DataType type, F&& f) {
  switch (type) {
    case DataType::kBool:
    case DataType::kUint8:
      return f(uint8_t{}), true;
    case DataType::kUint16:
      return f(uint16_t{}), true;
    case DataType::kUint32:
      return f(uint32_t{}), true;
    case DataType::kUint64:
      return f(uint64_t{}), true;
    case DataType::kInt8:
      return f(int8_t{}), true;
    case DataType::kInt16:
      return f(int16_t{}), true;
    case DataType::kInt32:
      return f(int32_t{}), true;
    case DataType::kInt64:
      return f(int64_t{}), true;
    case DataType::kFp32:
      return f(float{}), true;
    case DataType::kFp64:
      return f(double{}), true;
    case DataType::kFp16:
    case DataType::kBf16:
    case DataType::kBytes:
      return false;
  }
  return false;
}

// Integers go through int64_t, all else through double: exact where the target can be.
template <typename To, typename From>
bool convert(const From& v, To& to) {
  if constexpr (std::is_floating_point_v<To>) {
    to = static_cast<To>(v);
    return true;
  } else if constexpr (std::is_floating_point_v<From>) {
    auto wide = static_cast<double>(v);
    if (!(wide >= -0x1p63 && wide < 0x1p63) || std::trunc(wide) != wide) return false;
    auto whole = static_cast<int64_t>(wide);
    to = static_cast<To>(whole);
    return static_cast<int64_t>(to) == whole && (std::is_signed_v<To> || whole >= 0);
  } else {
    to = static_cast<To>(v);
    return static_cast<From>(to) == v && (v < From{}) == (to < To{});
  }
}

class RowTensors : public inference::TensorModel {
 public:
  RowTensors(std::shared_ptr<const Version> version, const std::string& input)
      : version_(std::move(version)) {
    info_ = version_->model->info();
    TensorInfo t;
    t.name = input;
    t.shape = {-1, -1};
    t.any_shape = true;
    info_.inputs = {t};
    info_.outputs.clear();
  }
  Status add_output(const std::string& name) {
    const auto& all = version_->model->info().outputs;
    size_t at = 0;
    while (at < all.size() && all[at].name != name) ++at;
    bool first = name == "output__0" || name == "output-0" || name == "predict";
    if (at == all.size() && !first)
      return error(Code::kInvalid, str("it has no output '", shorten(name, 100), "'"));
    if (at == all.size()) at = 0;
    TensorInfo t = all.empty() ? TensorInfo() : all[at];
    t.name = name;
    info_.outputs.push_back(std::move(t));
    places_.push_back(at);
    return {};
  }
  const inference::ModelInfo& info() const override { return info_; }
  Status infer(std::span<const Tensor> in, std::span<const size_t> wanted, Workspace& work,
               std::span<Tensor> out) const override {
    const Tensor& x = in[0];
    if (x.shape.empty() || x.shape.size() > 2)
      return error(Code::kInvalid, str("a tensor of shape ", inference::shape_text(x.shape),
                                       " is no table of rows"));
    inference::Table table;
    table.rows = static_cast<size_t>(x.shape[0]);
    table.columns = x.shape.size() == 2 ? static_cast<size_t>(x.shape[1]) : 1;
    table.flat = x.shape.size() == 1;
    table.dense = static_cast<const double*>(x.data);
    inference::Output made;
    TRY_STATUS(version_->model->predict(table, inference::Method::kDefault, work, made));
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (places_[wanted[i]] >= made.count())
        return error(Code::kInternal, "the model gave fewer outputs than it told of");
      out[i] = tensor_of(made.at(places_[wanted[i]]), work);
      out[i].name = info_.outputs[wanted[i]].name;
    }
    return {};
  }

 private:
  // As the values are held: doubles, 64-bit integers, texts.
  static Tensor tensor_of(const Values& v, Workspace& work) {
    Tensor t;
    t.type = v.texts ? DataType::kBytes : v.integers ? DataType::kInt64 : DataType::kFp64;
    t.data = v.texts      ? static_cast<const void*>(v.texts)
             : v.integers ? static_cast<const void*>(v.integers)
                          : static_cast<const void*>(v.numbers);
    t.count = v.count();
    auto shape = work.take<int64_t>(v.rank + size_t{1});
    for (uint8_t d = 0; d < v.rank; ++d) shape[d] = static_cast<int64_t>(v.shape[d]);
    t.shape = shape.first(v.rank);
    return t;
  }

  std::shared_ptr<const Version> version_;
  inference::ModelInfo info_;
  std::vector<size_t> places_;  // of info_.outputs, in the model's
};

}  // namespace

Result<std::shared_ptr<const inference::TensorModel>> as_tensors(
    std::shared_ptr<const Version> version, const std::string& input,
    const std::vector<std::string>& outputs) {
  auto made = std::make_shared<RowTensors>(std::move(version), input);
  for (const std::string& name : outputs) TRY_STATUS(made->add_output(name));
  return std::shared_ptr<const inference::TensorModel>(std::move(made));
}

bool convertible(DataType a, DataType b) {
  return with_type(a, [](auto) {}) && with_type(b, [](auto) {});
}

Result<Tensor> converted(const Tensor& from, DataType type, Workspace& work) {
  if (from.type == type) return from;
  Tensor out = from;
  out.type = type;
  size_t bad = from.count;
  bool known = with_type(from.type, [&](auto of) {
    const auto* have = static_cast<const decltype(of)*>(from.data);
    with_type(type, [&](auto as) {
      auto to = work.take<decltype(as)>(std::max<size_t>(from.count, 1));
      for (size_t i = 0; i < from.count && bad == from.count; ++i)
        if (!convert(have[i], to[i])) bad = i;
      out.data = to.data();
    });
  });
  if (!known || out.data == from.data || bad != from.count)
    return error(Code::kInvalid, str("tensor '", shorten(from.name, 100), "' of ",
                                     to_string(from.type), " is no ", to_string(type)));
  return out;
}

}  // namespace proa::repository
