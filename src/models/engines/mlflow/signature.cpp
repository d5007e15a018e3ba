#include "models/engines/mlflow/signature.h"

#include "foundation/base/strings.h"
#include "foundation/json/value.h"

namespace proa::engines {
namespace {

using inference::DataType;
using inference::TensorInfo;

constexpr json::Limits kLimits{1 << 20, 50};

// MLflow's types of columns, and numpy's of tensors.
DataType type_of(std::string_view name) {
  static constexpr std::pair<std::string_view, DataType> kTypes[] = {
      {"boolean", DataType::kBool},  {"bool", DataType::kBool},     {"integer", DataType::kInt32},
      {"long", DataType::kInt64},    {"float", DataType::kFp32},    {"double", DataType::kFp64},
      {"int8", DataType::kInt8},     {"int16", DataType::kInt16},   {"int32", DataType::kInt32},
      {"int64", DataType::kInt64},   {"uint8", DataType::kUint8},   {"uint16", DataType::kUint16},
      {"uint32", DataType::kUint32}, {"uint64", DataType::kUint64}, {"float16", DataType::kFp16},
      {"float32", DataType::kFp32},  {"float64", DataType::kFp64},
  };
  for (auto [known, type] : kTypes)
    if (known == name) return type;
  return DataType::kBytes;  // string, binary, datetime, str
}

Status read_list(const json::Value& given, const char* unnamed, std::vector<TensorInfo>& out,
                 bool& columns, std::vector<bool>* required) {
  if (given.is_null()) return {};
  json::Value list = given;
  if (given.is_string()) {
    TRY(list, json::parse(given.str(), kLimits));
  }
  if (!list.is_array()) return error(Code::kInvalid, "the signature is no list");
  for (const json::Value& item : list.array()) {
    TensorInfo t;
    t.name = item["name"].str();
    columns |= !t.name.empty() && item["type"].str() != "tensor";
    if (t.name.empty()) t.name = str(unnamed, uint64_t{out.size()});
    if (item["type"].str() == "tensor") {
      t.type = type_of(item["tensor-spec"]["dtype"].str());
      for (const json::Value& d : item["tensor-spec"]["shape"].array())
        t.shape.push_back(d.integer(-1));
    } else {
      t.type = type_of(item["type"].str());
      t.shape = {-1, 1};
    }
    if (required) required->push_back(item["required"].is_null() || item["required"].boolean());
    out.push_back(std::move(t));
  }
  return {};
}

}  // namespace

Result<Signature> read_signature(const json::Value& signature) {
  Signature s;
  bool ignored = false;
  TRY_STATUS(read_list(signature["inputs"], "input-", s.inputs, s.has_columns, &s.required));
  TRY_STATUS(read_list(signature["outputs"], "output-", s.outputs, ignored, nullptr));
  return s;
}

}  // namespace proa::engines
