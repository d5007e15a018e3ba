#include "models/protocols/tfserving/examples.h"

#include <algorithm>

#include "foundation/base/strings.h"
#include "models/protocols/tfserving/tensor_proto.h"

namespace proa::protocols {
namespace {

using grpc::bytes_tag;
using grpc::Reader;
using inference::TensorInfo;
using Kind = Feature::Kind;

Error malformed() { return error(Code::kInvalid, "the examples are no well-formed message"); }
Error too_many() {
  return error(Code::kTooLarge, str("more than ", kMostExamples, " examples, or ", kMostFeatures,
                                    " values in them"));
}

// BytesList, FloatList, Int64List.
bool read_list(Reader list, uint32_t which, Feature& out) {
  while (list.next()) {
    if (list.tag() >> 3 != 1) continue;
    bool packed = (list.tag() & 7) == 2;
    if (which == 1 && packed) {
      out.texts.push_back(list.bytes());
    } else if (which == 2) {
      float one = list.f32();
      std::string_view bytes(reinterpret_cast<const char*>(&one), sizeof one);
      if (packed) bytes = list.bytes();
      for (; bytes.size() >= sizeof one; bytes.remove_prefix(sizeof one)) {
        std::memcpy(&one, bytes.data(), sizeof one);
        out.reals.push_back(static_cast<double>(one));
      }
    } else if (which == 3 && !grpc::each_varint(list, [&](uint64_t v) {
                 out.integers.push_back(static_cast<int64_t>(v));
               })) {
      return false;
    }
  }
  return list.ok();
}

bool read_feature(Reader entry, Feature& out) {
  while (entry.next()) {
    if (entry.tag() == bytes_tag(1)) out.name = entry.bytes();
    if (entry.tag() != bytes_tag(2)) continue;
    Reader value = entry.message();
    while (value.next()) {
      uint32_t which = value.tag() >> 3;
      if ((value.tag() & 7) != 2 || which < 1 || which > 3) continue;
      std::string_view name = out.name;
      out = Feature();
      out.name = name;
      out.kind = static_cast<Kind>(which);
      if (!read_list(value.message(), which, out)) return false;
    }
    if (!value.ok()) return false;
  }
  return entry.ok() && is_utf8(out.name);
}

Status read_example(Reader message, size_t& left, Example& out) {
  while (message.next()) {
    if (message.tag() != bytes_tag(1)) continue;
    Reader features = message.message();
    while (features.next()) {
      if (features.tag() != bytes_tag(1)) continue;
      Feature f;
      if (!read_feature(features.message(), f)) return malformed();
      size_t cost = f.count() + 1;
      if (cost > left) return too_many();
      left -= cost;
      out.push_back(std::move(f));
    }
    if (!features.ok()) return malformed();
  }
  return message.ok() ? Status() : malformed();
}

Status add_value(const json::Value& v, std::string_view name, Workspace& work, Feature& out) {
  Kind kind = Kind::kNone;
  if (v.is_string()) {
    kind = Kind::kTexts;
    out.texts.push_back(v.str());
  } else if (v.is_object() && v.size() == 1 && v["b64"].is_string()) {
    kind = Kind::kTexts;
    auto bytes = unbase64(v["b64"].str());
    if (!bytes) return error(Code::kInvalid, str("feature '", name, "': no base64"));
    out.texts.push_back(work.keep(*bytes));
  } else if (v.is_int() || v.is_bool()) {
    kind = out.kind == Kind::kReals ? Kind::kReals : Kind::kIntegers;
    int64_t n = v.is_bool() ? v.boolean() : v.integer();
    if (kind == Kind::kReals)
      out.reals.push_back(static_cast<double>(n));
    else
      out.integers.push_back(n);
  } else if (v.is_double()) {
    kind = Kind::kReals;
    for (int64_t n : out.integers) out.reals.push_back(static_cast<double>(n));
    out.integers.clear();
    if (out.kind == Kind::kIntegers) out.kind = kind;
    out.reals.push_back(v.number());
  }
  if (kind == Kind::kNone || (out.kind != Kind::kNone && out.kind != kind))
    return error(Code::kInvalid, str("feature '", shorten(name, 100),
                                     "': its values are to be numbers, or texts, or {\"b64\": …}"));
  out.kind = kind;
  return {};
}

Status read_example(const json::Value& v, Workspace& work, size_t& left, Example& out) {
  if (!v.is_object())
    return error(Code::kInvalid, "an example is to be an object of features: {\"name\": value}");
  for (const auto& [name, value] : v.object()) {
    size_t cost = value.size() + 1;
    if (cost > left) return too_many();
    left -= cost;
    Feature f;
    f.name = name;
    if (value.is_array()) {
      for (const json::Value& one : value.array()) TRY_STATUS(add_value(one, name, work, f));
    } else {
      TRY_STATUS(add_value(value, name, work, f));
    }
    out.push_back(std::move(f));
  }
  return {};
}

}  // namespace

Status read_examples(Reader input, Examples& out) {
  size_t left = kMostFeatures;
  while (input.next()) {
    bool with_context = input.tag() == bytes_tag(2);
    if (!with_context && input.tag() != bytes_tag(1)) continue;
    out = {};
    Reader list = input.message();
    while (list.next()) {
      if (list.tag() == bytes_tag(1)) {
        if (out.rows.size() == kMostExamples) return too_many();
        TRY_STATUS(read_example(list.message(), left, out.rows.emplace_back()));
      } else if (list.tag() == bytes_tag(2) && with_context) {
        TRY_STATUS(read_example(list.message(), left, out.context));
      }
    }
    if (!list.ok()) return malformed();
  }
  if (!input.ok()) return malformed();
  if (out.rows.empty()) return error(Code::kInvalid, "Input is empty.");
  return {};
}

Status read_examples(const json::Value& body, Workspace& work, Examples& out) {
  size_t left = kMostFeatures;
  const json::Value& examples = body["examples"];
  if (!examples.is_array() || examples.size() == 0)
    return error(Code::kInvalid,
                 "When method is classify or regress, key 'examples' is expected and was not "
                 "found: a list of objects");
  if (examples.size() > kMostExamples) return too_many();
  if (!body["context"].is_null())
    TRY_STATUS(read_example(body["context"], work, left, out.context));
  for (const json::Value& one : examples.array())
    TRY_STATUS(read_example(one, work, left, out.rows.emplace_back()));
  return {};
}

Result<std::vector<TensorInfo>> inputs_of(const ModelMetadata& model, std::string_view signature) {
  bool is_default =
      signature.empty() || (model.signatures.empty() ? signature == inference::kDefaultSignature
                                                     : signature == model.signatures[0].name);
  if (is_default) return model.inputs;
  for (const inference::Signature& s : model.signatures) {
    if (s.name != signature) continue;
    std::vector<TensorInfo> all;
    for (const inference::SignatureTensor& t : s.inputs) {
      auto type = from_tensorflow(t.type);
      if (!type)
        return error(Code::kUnimplemented,
                     str("input '", t.name, "' has TensorFlow's type ",
                         tensorflow_type_name(t.type), ", which is not served"));
      all.push_back({t.name, *type, t.shape, t.any_rank});
    }
    return all;
  }
  return error(Code::kInvalid, str("Serving signature name: \"", shorten(signature, 100),
                                   "\" not found in signature def"));
}

}  // namespace proa::protocols
