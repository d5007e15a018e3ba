#include "models/engines/attributes.h"

#include <cmath>

#include "foundation/base/strings.h"

namespace proa::engines {
namespace {

using pickle::Kind;
using pickle::Node;

constexpr size_t kMostDense = size_t{1} << 27;  // elements of a sparse matrix made dense: 1 GiB

bool all_finite(const std::vector<double>& v) {
  for (double x : v)
    if (!std::isfinite(x)) return false;
  return true;
}

// scipy's CSR: data, indices, indptr and _shape.
Result<Matrix> from_csr(const Attributes& a) {
  TRY(std::vector<double> data, a.vector({"data"}));
  TRY(std::vector<int64_t> columns, a.integers({"indices"}));
  TRY(std::vector<int64_t> starts, a.integers({"indptr"}));
  const Node* shape = a.find("_shape");
  if (!shape || shape->kind != Kind::kTuple || shape->items.size() != 2) return a.wrong("no shape");
  TRY(int64_t rows, pickle::as_int(*shape->items[0]));
  TRY(int64_t width, pickle::as_int(*shape->items[1]));
  bool sane = rows >= 0 && width >= 0 && starts.size() == static_cast<size_t>(rows) + 1 &&
              columns.size() == data.size() && starts[0] == 0 &&
              starts.back() == static_cast<int64_t>(data.size());
  size_t cells = 0;
  if (!sane ||
      __builtin_mul_overflow(static_cast<size_t>(rows), static_cast<size_t>(width), &cells))
    return a.wrong("the parts of a sparse matrix do not agree");
  if (cells > kMostDense) return error(Code::kTooLarge, "a sparse matrix is too large to be read");
  Matrix m{static_cast<size_t>(rows), static_cast<size_t>(width), std::vector<double>(cells)};
  for (size_t r = 0; r < m.rows; ++r) {
    if (starts[r] > starts[r + 1] || starts[r] < 0 || starts[r + 1] > starts.back())
      return a.wrong("the parts of a sparse matrix do not agree");
    for (int64_t i = starts[r]; i < starts[r + 1]; ++i) {
      int64_t c = columns[static_cast<size_t>(i)];
      if (c < 0 || c >= width) return a.wrong("a sparse matrix has an index outside of it");
      m.values[r * m.columns + static_cast<size_t>(c)] += data[static_cast<size_t>(i)];
    }
  }
  return m;
}

void append_json_text(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (char c : text) {
    if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (c == '\r')
      out += "\\r";
    else if (static_cast<unsigned char>(c) < 0x20)
      ((out += "\\u00") += kHex[c >> 4]) += kHex[c & 15];
    else
      out += c;
  }
  out += '"';
}

// An element of a '<U…' array: UCS-4, filled up with zeros.
Result<std::string> ucs4(std::string_view raw, bool swap) {
  std::string out;
  for (size_t i = 0; i + 4 <= raw.size(); i += 4) {
    uint32_t c = 0;
    for (size_t b = 0; b < 4; ++b)
      c = c << 8 | static_cast<unsigned char>(raw[i + (swap ? b : 3 - b)]);
    if (c == 0) break;
    if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))
      return error(Code::kDataLoss, "a label holds no Unicode character");
    if (c < 0x80)
      out += static_cast<char>(c);
    else if (c < 0x800)
      (out += static_cast<char>(0xC0 | c >> 6)) += static_cast<char>(0x80 | (c & 63));
    else if (c < 0x10000)
      ((out += static_cast<char>(0xE0 | c >> 12)) += static_cast<char>(0x80 | (c >> 6 & 63))) +=
          static_cast<char>(0x80 | (c & 63));
    else
      (((out += static_cast<char>(0xF0 | c >> 18)) += static_cast<char>(0x80 | (c >> 12 & 63))) +=
       static_cast<char>(0x80 | (c >> 6 & 63))) += static_cast<char>(0x80 | (c & 63));
  }
  return out;
}

Result<Labels> object_labels(const pickle::Array& array) {
  Labels out;
  for (const Node* n : array.objects) {
    std::string text;
    Labels::Type type = Labels::Type::kText;
    if (n->kind == Kind::kStr && is_utf8(n->text)) {
      append_json_text(text, n->text);
    } else if (n->kind == Kind::kBool) {
      type = Labels::Type::kBool;
      text = n->boolean ? "true" : "false";
    } else if (n->kind == Kind::kInt) {
      type = Labels::Type::kInt;
      append_number(text, n->integer);
    } else if (n->kind == Kind::kFloat) {
      type = Labels::Type::kFloat;
      append_float(text, n->number);
    } else {
      return error(Code::kUnimplemented, str("a class label is ", n->describe(),
                                             "; numbers, texts and booleans are supported"));
    }
    out.type = type;
    out.json.push_back(std::move(text));
  }
  return out;
}

Result<Labels> array_labels(const pickle::Array& array) {
  const pickle::DType& t = array.dtype;
  if (t.kind == 'O') return object_labels(array);
  Labels out;
  if (t.kind == 'U') {
    out.type = Labels::Type::kText;
    for (size_t i = 0; i < array.count(); ++i) {
      TRY(std::string label, ucs4(array.data.substr(i * t.size, t.size), t.swap));
      append_json_text(out.json.emplace_back(), label);
    }
  } else if (t.kind == 'f') {
    out.type = Labels::Type::kFloat;
    TRY(std::vector<double> v, doubles(array));
    for (double x : v) append_float(out.json.emplace_back(), x);
  } else {
    TRY(std::vector<int64_t> v, integers(array));
    out.type = t.kind == 'b' ? Labels::Type::kBool : Labels::Type::kInt;
    for (int64_t x : v) {
      std::string& text = out.json.emplace_back();
      if (t.kind == 'b')
        text = x ? "true" : "false";
      else if (t.kind == 'u')
        append_number(text, static_cast<uint64_t>(x));
      else
        append_number(text, x);
    }
  }
  return out;
}

}  // namespace

std::string_view Attributes::class_name() const {
  std::string_view type = type_name();
  return type.substr(type.rfind('.') + 1);
}

Error Attributes::wrong(std::string_view what) const {
  return error(Code::kDataLoss, str(class_name(), ": ", what));
}

bool Attributes::has(std::string_view name) const {
  const Node* n = find(name);
  return n && n->kind != Kind::kNone;
}

Result<const Node*> Attributes::need(Names names) const {
  for (std::string_view name : names)
    if (const Node* n = find(name)) return n;
  return wrong(str("attribute ", *names.begin(), " is missing; was it fitted?"));
}

Result<Matrix> Attributes::matrix(Names names) const {
  TRY(const Node* n, need(names));
  std::string_view name = *names.begin();
  if (n->type_name().starts_with("scipy.sparse"))
    return from_csr(Attributes(*n)).context(str(class_name(), ": ", name));
  if (n->kind != Kind::kArray || n->array->shape.size() != 2)
    return wrong(str(name, " is ", n->describe(), ", a matrix is expected"));
  Matrix m{n->array->shape[0], n->array->shape[1], {}};
  auto values = doubles(*n->array);
  if (!values.ok()) return std::move(values).error().with_context(str(class_name(), ": ", name));
  m.values = std::move(*values);
  if (!all_finite(m.values)) return wrong(str(name, " holds NaN or infinity"));
  return m;
}

Result<std::vector<double>> Attributes::vector(Names names) const {
  TRY(const Node* n, need(names));
  std::string_view name = *names.begin();
  std::vector<double> out;
  if (n->kind == Kind::kArray && n->array->shape.size() == 1) {
    auto values = doubles(*n->array);
    if (!values.ok()) return std::move(values).error().with_context(str(class_name(), ": ", name));
    out = std::move(*values);
  } else {
    if (n->kind == Kind::kArray && !n->array->shape.empty())
      return wrong(str(name, " is ", n->describe(), ", a vector is expected"));
    TRY(double v, pickle::as_double(*n).context(str(class_name(), ": ", name)));
    out.push_back(v);
  }
  if (!all_finite(out)) return wrong(str(name, " holds NaN or infinity"));
  return out;
}

Result<std::vector<int64_t>> Attributes::integers(Names names) const {
  TRY(const Node* n, need(names));
  if (n->kind != Kind::kArray || n->array->shape.size() != 1)
    return wrong(str(*names.begin(), " is ", n->describe(), ", a vector of integers is expected"));
  return pickle::integers(*n->array).context(str(class_name(), ": ", *names.begin()));
}

Result<double> Attributes::number(Names names) const {
  TRY(const Node* n, need(names));
  TRY(double v, pickle::as_double(*n).context(str(class_name(), ": ", *names.begin())));
  if (!std::isfinite(v)) return wrong(str(*names.begin(), " is NaN or infinite"));
  return v;
}

Result<std::string> Attributes::text(Names names) const {
  TRY(const Node* n, need(names));
  if (n->kind != Kind::kStr)
    return error(Code::kUnimplemented, str(class_name(), ": ", *names.begin(), " is ",
                                           n->describe(), "; only built-in names are supported"));
  return std::string(n->text);
}

Result<bool> Attributes::flag(std::string_view name, bool otherwise) const {
  const Node* n = find(name);
  if (!n) return otherwise;
  TRY(double v, pickle::as_double(*n).context(str(class_name(), ": ", name)));
  return v != 0;
}

Result<Labels> Attributes::labels(std::string_view name) const {
  TRY(const Node* n, need({name}));
  if (n->kind != Kind::kArray || n->array->shape.size() != 1)
    return wrong(str(name, " is ", n->describe(), ", a vector of labels is expected"));
  return array_labels(*n->array).context(str(class_name(), ": ", name));
}

}  // namespace proa::engines
