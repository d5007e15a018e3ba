#include "models/engines/pickle/node.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "foundation/base/strings.h"

namespace proa::pickle {
namespace {

uint64_t load(const char* at, size_t size, bool swap) {
  uint64_t v = 0;
  for (size_t i = 0; i < size; ++i) {
    size_t from = swap ? i : size - 1 - i;
    v = v << 8 | static_cast<unsigned char>(at[from]);
  }
  return v;
}

double half(uint64_t bits) {  // IEEE 754 binary16
  int exponent = static_cast<int>(bits >> 10 & 31);
  double fraction = static_cast<double>(bits & 1023);
  double v = exponent == 0    ? std::ldexp(fraction, -24)
             : exponent == 31 ? (fraction != 0 ? NAN : INFINITY)
                              : std::ldexp(fraction + 1024, exponent - 25);
  return bits >> 15 ? -v : v;
}

int64_t signed_of(uint64_t bits, size_t size) {
  if (size >= 8) return static_cast<int64_t>(bits);
  uint64_t sign = uint64_t{1} << (8 * size - 1);
  return static_cast<int64_t>((bits ^ sign) - sign);
}

bool readable_as_double(const DType& t) {
  switch (t.kind) {
    case 'f':
      return t.size == 2 || t.size == 4 || t.size == 8;
    case 'i':
    case 'u':
      return t.size == 1 || t.size == 2 || t.size == 4 || t.size == 8;
    case 'b':
      return t.size == 1;
    default:
      return false;
  }
}

double element(const DType& t, const char* at) {
  uint64_t bits = load(at, t.size, t.swap);
  if (t.kind == 'i') return static_cast<double>(signed_of(bits, t.size));
  if (t.kind == 'u') return static_cast<double>(bits);
  if (t.kind == 'b') return bits != 0;
  if (t.size == 8) return std::bit_cast<double>(bits);
  if (t.size == 4) return std::bit_cast<float>(static_cast<uint32_t>(bits));
  return half(bits);
}

// Calls `take(position in row-major order, byte offset)` for each element.
template <typename Take>
void each(const Array& a, Take take) {
  size_t count = a.count(), step = a.stride == 0 ? a.dtype.size : a.stride;
  if (!a.fortran || a.shape.size() < 2) {
    for (size_t i = 0; i < count; ++i) take(i, i * step);
    return;
  }
  std::vector<size_t> index(a.shape.size(), 0);
  for (size_t i = 0; i < count; ++i) {  // i counts in column-major order
    size_t row_major = 0;
    for (size_t d = 0; d < index.size(); ++d) row_major = row_major * a.shape[d] + index[d];
    take(row_major, i * step);
    for (size_t d = 0; d < index.size() && ++index[d] == a.shape[d]; ++d) index[d] = 0;
  }
}

}  // namespace

std::string DType::name() const {
  switch (kind) {
    case 'f':
      return str("float", 8 * size);
    case 'i':
      return str("int", 8 * size);
    case 'u':
      return str("uint", 8 * size);
    case 'b':
      return "bool";
    case 'U':
      return str("<U", size / 4);
    case 'S':
      return str("S", size);
    case 'O':
      return "object";
    default:
      return str(kind, size);
  }
}

size_t Array::count() const {
  size_t n = 1;
  for (size_t d : shape) n *= d;  // the reader has checked that this does not overflow
  return n;
}

Result<Array> Array::field(std::string_view name) const {
  for (const Field& f : dtype.fields) {
    if (f.name != name) continue;
    size_t step = stride == 0 ? dtype.size : stride;
    Array out{DType{f.kind, f.size, f.swap, {}}, shape, fortran, {}, {}, step};
    if (count() != 0) out.data = data.substr(f.offset);
    return out;
  }
  return error(Code::kDataLoss, str("an array of ", this->dtype.name(), " has no field ", name));
}

std::string Array::shape_text() const {
  std::string out = "(";
  for (size_t i = 0; i < shape.size(); ++i) out += str(i ? ", " : "", shape[i]);
  return out + (shape.size() == 1 ? ",)" : ")");
}

const char* to_string(Kind kind) {
  static constexpr const char* kNames[] = {
      "None",    "a bool", "an integer", "a big integer", "a float", "a text",    "bytes",
      "a tuple", "a list", "a set",      "a dict",        "a class", "an object", "an array"};
  return kNames[static_cast<size_t>(kind)];
}

std::string_view Node::type_name() const {
  return kind == Kind::kObject && type && type->kind == Kind::kGlobal ? type->text
                                                                      : std::string_view();
}

const Node* Node::get(std::string_view key) const {
  const Node* dict = kind == Kind::kObject ? state : this;
  if (!dict || dict->kind != Kind::kDict) return nullptr;
  for (size_t i = dict->items.size(); i >= 2; i -= 2) {
    const Node* k = dict->items[i - 2];
    if (k->kind == Kind::kStr && k->text == key) return dict->items[i - 1];
  }
  return nullptr;
}

std::string Node::describe() const {
  if (!type_name().empty()) return str("a ", type_name());
  if (kind == Kind::kGlobal) return str("the class or function ", text);
  if (kind == Kind::kArray && array)
    return str("an array of ", array->dtype.name(), " of shape ", array->shape_text());
  if (kind == Kind::kStr) return str("'", shorten(text, 40), "'");
  return to_string(kind);
}

Node* Document::make(Kind kind) {
  Node& n = nodes_.emplace_back();
  n.kind = kind;
  return &n;
}

std::string_view Document::keep(std::string text) {
  kept_bytes_ += text.size();
  return kept_.emplace_back(std::move(text));
}

Result<std::vector<double>> doubles(const Array& a) {
  if (!readable_as_double(a.dtype))
    return error(Code::kDataLoss,
                 str("an array of ", a.dtype.name(), " where numbers are expected"));
  std::vector<double> out(a.count());
  if (a.dtype.kind == 'f' && a.dtype.size == 8 && !a.dtype.swap && a.stride == 0 &&
      (!a.fortran || a.shape.size() < 2)) {
    if (!out.empty()) std::memcpy(out.data(), a.data.data(), a.data.size());
    return out;
  }
  each(a, [&](size_t i, size_t offset) { out[i] = element(a.dtype, a.data.data() + offset); });
  return out;
}

Result<std::vector<int64_t>> integers(const Array& a) {
  const DType& t = a.dtype;
  if (!readable_as_double(t) || t.kind == 'f')
    return error(Code::kDataLoss, str("an array of ", t.name(), " where integers are expected"));
  std::vector<int64_t> out(a.count());
  each(a, [&](size_t i, size_t offset) {
    uint64_t bits = load(a.data.data() + offset, t.size, t.swap);
    out[i] = t.kind == 'i' ? signed_of(bits, t.size) : static_cast<int64_t>(bits);
  });
  return out;
}

Result<double> as_double(const Node& n) {
  if (n.kind == Kind::kFloat) return n.number;
  if (n.kind == Kind::kInt) return static_cast<double>(n.integer);
  if (n.kind == Kind::kBool) return n.boolean ? 1.0 : 0.0;
  if (n.kind == Kind::kArray && n.array->count() == 1) {
    TRY(std::vector<double> v, doubles(*n.array));
    return v[0];
  }
  return error(Code::kDataLoss, str(n.describe(), " where a number is expected"));
}

Result<int64_t> as_int(const Node& n) {
  if (n.kind == Kind::kInt) return n.integer;
  if (n.kind == Kind::kBool) return n.boolean ? 1 : 0;
  if (n.kind == Kind::kArray && n.array->count() == 1) {
    TRY(std::vector<int64_t> v, integers(*n.array));
    return v[0];
  }
  return error(Code::kDataLoss, str(n.describe(), " where an integer is expected"));
}

}  // namespace proa::pickle
