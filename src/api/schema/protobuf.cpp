#include "api/schema/protobuf.h"

#include <cstring>

#include "api/schema/quantity.h"
#include "foundation/base/clock.h"
#include "foundation/base/strings.h"

namespace proa::api {
namespace {

constexpr std::string_view kMagic("k8s\0", 4);
constexpr int kMostDepth = 100;
constexpr size_t kMostValues = 2'000'000;  // nodes of one document

Error broken(std::string_view why) {
  return error(Code::kInvalid, str("unable to decode protobuf body: ", why));
}

// One field of the wire format: varint (value), or bytes.
struct Wire {
  uint32_t number = 0;
  int type = 0;  // 0 varint, 1 fixed64, 2 bytes, 5 fixed32
  uint64_t value = 0;
  std::string_view bytes;
};

class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : rest_(bytes) {}
  bool done() const { return rest_.empty(); }

  bool next(Wire& out) {
    uint64_t tag;
    if (!varint(tag) || (tag >> 3) == 0 || (tag >> 3) > 0x1fffffff) return false;
    out.number = static_cast<uint32_t>(tag >> 3);
    out.type = static_cast<int>(tag & 7);
    switch (out.type) {
      case 0:
        return varint(out.value);
      case 1:
        return fixed(8, out.value);
      case 5:
        return fixed(4, out.value);
      case 2: {
        uint64_t length;
        if (!varint(length) || length > rest_.size()) return false;
        out.bytes = rest_.substr(0, length);
        rest_.remove_prefix(length);
        return true;
      }
      default:
        return false;  // groups are not used
    }
  }

 private:
  bool varint(uint64_t& out) {
    out = 0;
    for (int shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      auto byte = static_cast<unsigned char>(rest_[0]);
      rest_.remove_prefix(1);
      out |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (!(byte & 0x80)) return true;
    }
    return false;
  }

  bool fixed(size_t size, uint64_t& out) {
    if (rest_.size() < size) return false;
    out = 0;
    std::memcpy(&out, rest_.data(), size);  // little-endian, as this machine
    rest_.remove_prefix(size);
    return true;
  }

  std::string_view rest_;
};

bool zero(const json::Value& v) {
  if (v.is_null()) return true;
  if (v.is_string()) return v.str().empty();
  if (v.is_int()) return v.integer() == 0;
  if (v.is_bool()) return !v.boolean();
  if (v.is_double()) return v.number() == 0;
  return v.size() == 0;
}

class Decoder {
 public:
  Status message(const Type& type, std::string_view bytes, json::Value& out, int depth) {
    if (depth > kMostDepth) return broken("nested too deeply");
    out.make_object();
    WireReader reader(bytes);
    Wire wire;
    while (!reader.done()) {
      if (!reader.next(wire)) return broken("bytes end early or are damaged");
      if (++values_ > kMostValues) return broken("too many values");
      TRY_STATUS(field(type, wire, out, depth));
    }
    return {};
  }

 private:
  Status field(const Type& type, const Wire& wire, json::Value& out, int depth) {
    const Field* f = type.field_numbered(wire.number);
    if (!f) {
      for (const auto& [number, inner] : type.inlined)
        if (number == wire.number && wire.type == 2) return merge(*inner, wire.bytes, out, depth);
      return {};  // a newer client's field
    }
    if (f->type->base == Base::kMap) return entry(*f->type->item, wire, out.ref(f->name), depth);
    if (f->type->base == Base::kList) {
      json::Value& list = out.ref(f->name);
      list.make_array();
      return items(*f->type->item, wire, list, depth);
    }
    json::Value v;
    TRY_STATUS(value(*f->type, wire, v, depth));
    // Text and numbers are always sent, even empty; JSON leaves those out.
    if (f->omit_zero && zero(v)) return {};
    if (v.is_null()) return {};
    out.set(f->name, std::move(v));
    return {};
  }

  Status merge(const Type& inner, std::string_view bytes, json::Value& out, int depth) {
    json::Value part;
    TRY_STATUS(message(inner, bytes, part, depth + 1));
    for (auto& [key, v] : part.make_object()) out.set(key, std::move(v));
    return {};
  }

  Status items(const Type& item, const Wire& wire, json::Value& list, int depth) {
    bool number =
        item.base == Base::kInt32 || item.base == Base::kInt64 || item.base == Base::kBool;
    if (number && wire.type == 2) {  // packed
      std::string_view rest = wire.bytes;
      std::string one;
      while (!rest.empty()) {
        size_t n = 0;
        while (n < rest.size() && (rest[n] & 0x80)) n++;
        if (n >= rest.size() || n > 9) return broken("a packed number is damaged");
        one = "\x08" + std::string(rest.substr(0, n + 1));
        WireReader reader(one);
        Wire w;
        if (!reader.next(w)) return broken("a packed number is damaged");
        if (++values_ > kMostValues) return broken("too many values");
        json::Value v;
        TRY_STATUS(value(item, w, v, depth));
        list.push(std::move(v));
        rest.remove_prefix(n + 1);
      }
      return {};
    }
    json::Value v;
    TRY_STATUS(value(item, wire, v, depth));
    list.push(std::move(v));
    return {};
  }

  Status entry(const Type& item, const Wire& wire, json::Value& map, int depth) {
    if (wire.type != 2) return broken("a map entry is no message");
    map.make_object();
    WireReader reader(wire.bytes);
    Wire part;
    std::string key;
    json::Value v;
    bool have = false;
    while (!reader.done()) {
      if (!reader.next(part)) return broken("a map entry is damaged");
      if (part.number == 1 && part.type == 2) key = part.bytes;
      if (part.number == 2) {
        TRY_STATUS(value(item, part, v, depth + 1));
        have = true;
      }
    }
    if (!is_utf8(key)) return broken("a map key is not UTF-8");
    if (!have && (item.base == Base::kString || item.base == Base::kBytes)) v = "";
    map.set(key, std::move(v));
    return {};
  }

  Status value(const Type& type, const Wire& wire, json::Value& out, int depth) {
    switch (type.base) {
      case Base::kBool:
      case Base::kInt32:
      case Base::kInt64:
        if (wire.type != 0) return broken("a number has the wrong wire type");
        if (type.base == Base::kBool)
          out = wire.value != 0;
        else if (type.base == Base::kInt32)
          out = static_cast<int64_t>(static_cast<int32_t>(wire.value));
        else
          out = static_cast<int64_t>(wire.value);
        return {};
      case Base::kDouble: {
        if (wire.type == 1) {
          double d;
          std::memcpy(&d, &wire.value, 8);
          out = d;
        } else if (wire.type == 5) {
          float f;
          auto low = static_cast<uint32_t>(wire.value);
          std::memcpy(&f, &low, 4);
          out = static_cast<double>(f);
        } else {
          return broken("a number has the wrong wire type");
        }
        return {};
      }
      default:
        break;
    }
    if (wire.type != 2) return broken("a message has the wrong wire type");
    switch (type.base) {
      case Base::kString:
        if (!is_utf8(wire.bytes)) return broken("text is not UTF-8");
        out = wire.bytes;
        return {};
      case Base::kBytes:
        out = base64(wire.bytes);
        return {};
      case Base::kStruct:
        return message(type, wire.bytes, out, depth + 1);
      case Base::kList: {  // a list in a map or list is a message {1: items}
        out.make_array();
        return each(wire.bytes, 1,
                    [&](const Wire& w) { return items(*type.item, w, out, depth + 1); });
      }
      case Base::kMap:
        out.make_object();
        return each(wire.bytes, 1,
                    [&](const Wire& w) { return entry(*type.item, w, out, depth + 1); });
      default:
        return special(type.base, wire.bytes, out);
    }
  }

  template <typename F>
  Status each(std::string_view bytes, uint32_t number, F&& f) {
    if (++nested_ > kMostDepth) return broken("nested too deeply");
    WireReader reader(bytes);
    Wire wire;
    while (!reader.done()) {
      if (!reader.next(wire)) return broken("bytes end early or are damaged");
      if (wire.number == number) TRY_STATUS(f(wire));
    }
    nested_--;
    return {};
  }

  // Messages that are one value in JSON.
  Status special(Base base, std::string_view bytes, json::Value& out) {
    WireReader reader(bytes);
    Wire wire;
    int64_t first = 0, second = 0;
    std::string_view text[4];
    while (!reader.done()) {
      if (!reader.next(wire)) return broken("bytes end early or are damaged");
      if (wire.number == 1 && wire.type == 0) first = static_cast<int64_t>(wire.value);
      if (wire.number == 2 && wire.type == 0) second = static_cast<int64_t>(wire.value);
      if (wire.number < 4 && wire.type == 2) text[wire.number] = wire.bytes;
    }
    switch (base) {
      case Base::kQuantity: {
        if (text[1].empty()) {
          out = "0";
          return {};
        }
        auto quantity = Quantity::parse(text[1]);
        if (!quantity) return broken("a quantity is none");
        out = quantity->text();
        return {};
      }
      case Base::kIntOrString:  // {1: type (1: text), 2: number, 3: text}
        if (!is_utf8(text[3])) return broken("text is not UTF-8");
        if (first == 1)
          out = text[3];
        else
          out = static_cast<int64_t>(static_cast<int32_t>(second));
        return {};
      case Base::kTime:
      case Base::kMicroTime:
        return time(base, first, second, out);
      case Base::kDuration:
        out = format_duration(Duration(first));
        return {};
      default:
        return raw(text[1], out);  // {1: JSON text}
    }
  }

  static Status time(Base base, int64_t s, int64_t ns, json::Value& out) {
    if (s == 0 && ns == 0) return {};  // Go's zero time is null in JSON
    if (s < -62135596800 || s > 253402300799 || ns < 0 || ns > 999'999'999)
      return broken("a time is out of range");
    if (s > 9'223'372'036 || s < -9'223'372'036) return broken("a time is out of range");
    out = rfc3339(WallTime(std::chrono::seconds(s) + Duration(ns)), base == Base::kMicroTime);
    return {};
  }

  static Status raw(std::string_view text, json::Value& out) {
    if (text.empty()) return {};
    auto parsed = json::parse(text);
    if (!parsed.ok()) return broken(str("embedded JSON: ", parsed.error().message));
    out = std::move(parsed).value();
    return {};
  }

  size_t values_ = 0;
  int nested_ = 0;
};

struct Envelope {
  std::string_view api_version, kind, raw, encoding, content_type;
};

bool read_envelope(std::string_view bytes, Envelope& out) {
  WireReader reader(bytes);
  Wire wire;
  while (!reader.done()) {
    if (!reader.next(wire)) return false;
    if (wire.type != 2) continue;
    if (wire.number == 2) out.raw = wire.bytes;
    if (wire.number == 3) out.encoding = wire.bytes;
    if (wire.number == 4) out.content_type = wire.bytes;
    if (wire.number != 1) continue;
    WireReader meta(wire.bytes);
    Wire inner;
    while (!meta.done()) {
      if (!meta.next(inner)) return false;
      if (inner.type == 2 && inner.number == 1) out.api_version = inner.bytes;
      if (inner.type == 2 && inner.number == 2) out.kind = inner.bytes;
    }
  }
  return true;
}

}  // namespace

bool is_protobuf(std::string_view body) { return body.starts_with(kMagic); }

Result<json::Value> decode_message(const Type& type, std::string_view bytes) {
  Result<json::Value> out = json::Value();
  TRY_STATUS(Decoder().message(type, bytes, *out, 0));
  return out;
}

Result<json::Value> decode_protobuf(const Catalog& catalog, std::string_view body) {
  if (!is_protobuf(body)) return broken("it does not begin with the bytes of Kubernetes' format");
  Envelope e;
  if (!read_envelope(body.substr(kMagic.size()), e)) return broken("the envelope is damaged");
  if (!e.encoding.empty())
    return error(Code::kUnsupportedMedia, str("content encoding ", shorten(e.encoding, 50),
                                              " in a protobuf body is not supported"));
  if (!is_utf8(e.api_version) || !is_utf8(e.kind)) return broken("the envelope is damaged");
  if (e.content_type == "application/json") return json::parse(e.raw);
  if (!e.content_type.empty() && e.content_type != "application/vnd.kubernetes.protobuf")
    return broken("the envelope holds another content type");
  const Type* type = catalog.body_type(e.api_version, e.kind);
  if (!type)
    return error(Code::kUnsupportedMedia,
                 str("no protobuf description of ", shorten(e.kind, 100), " in version \"",
                     shorten(e.api_version, 100), "\"; send application/json"));
  TRY(json::Value out, decode_message(*type, e.raw));
  out.set("apiVersion", e.api_version);
  out.set("kind", e.kind);
  return out;
}

}  // namespace proa::api
