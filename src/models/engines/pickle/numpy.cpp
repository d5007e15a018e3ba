#include "models/engines/pickle/numpy.h"

#include "foundation/base/strings.h"

namespace proa::pickle {
namespace {

Error bad(std::string_view what) { return error(Code::kDataLoss, str("damaged: ", what)); }

bool is_raw(const Node* n) { return n->kind == Kind::kBytes || n->kind == Kind::kStr; }

bool known_kind(char c) {
  return std::string_view("biufcmMOSUV").find(c) != std::string_view::npos;
}

// "f8", "<f8", "U10", "O8", "O".
Result<DType> parse_dtype(std::string_view code) {
  DType t;
  if (!code.empty() && std::string_view("<>=|").find(code[0]) != std::string_view::npos) {
    t.swap = code[0] == '>';
    code.remove_prefix(1);
  }
  if (code.empty() || !known_kind(code[0]))
    return bad(str("no such dtype: '", shorten(code, 20), "'"));
  t.kind = code[0];
  std::string_view digits = code.substr(
      1, code.find('[') == std::string_view::npos ? std::string_view::npos : code.find('[') - 1);
  auto size = digits.empty() ? std::optional<int64_t>(0) : parse_int(digits);
  if (!size || *size < 0 || *size > (1 << 24))
    return bad(str("no such dtype: '", shorten(code, 20), "'"));
  t.size = static_cast<size_t>(*size) * (t.kind == 'U' ? 4 : 1);
  if (t.kind == 'O') t.size = 0;
  return t;
}

struct ScalarType {
  std::string_view name;
  char kind;
  size_t size;
};
// numpy's scalar types by their names, without "numpy."; on 64-bit Linux, where long has 8 bytes.
constexpr ScalarType kScalarTypes[] = {
    {"float64", 'f', 8},    {"float32", 'f', 4}, {"float16", 'f', 2}, {"longdouble", 'f', 16},
    {"float128", 'f', 16},  {"int64", 'i', 8},   {"int32", 'i', 4},   {"int16", 'i', 2},
    {"int8", 'i', 1},       {"uint64", 'u', 8},  {"uint32", 'u', 4},  {"uint16", 'u', 2},
    {"uint8", 'u', 1},      {"bool_", 'b', 1},   {"bool", 'b', 1},    {"longlong", 'i', 8},
    {"ulonglong", 'u', 8},  {"intp", 'i', 8},    {"object_", 'O', 0}, {"str_", 'U', 0},
    {"complex128", 'c', 16}};

Result<DType> from_scalar_type(std::string_view global) {
  if (global.starts_with("numpy."))
    for (const ScalarType& t : kScalarTypes)
      if (global.substr(6) == t.name) return DType{t.kind, t.size};
  if (global.ends_with(".float")) return DType{'f', 8};
  if (global.ends_with(".int")) return DType{'i', 8};
  if (global.ends_with(".bool")) return DType{'b', 1};
  if (global.ends_with(".object")) return DType{'O', 0};
  return bad(str(global, " is no dtype"));
}

// The members of a structured dtype: names is a tuple of texts, fields a dict of each to
// (dtype, offset) or (dtype, offset, title).
Status read_fields(DType& t, const Node* names, const Node* fields) {
  if (names->kind != Kind::kTuple || fields->kind != Kind::kDict)
    return bad("a structured dtype is malformed");
  if (names->items.size() > 256 || fields->items.size() > 1024)
    return bad("a structured dtype has more than 256 fields");
  for (const Node* name : names->items) {
    const Node* pair = name->kind == Kind::kStr ? fields->get(name->text) : nullptr;
    if (!pair || pair->kind != Kind::kTuple || pair->items.size() < 2)
      return bad("a structured dtype is malformed");
    const Node* inner = pair->items[0];
    // A dtype in a dtype in a dtype … would let us walk as deep as a file likes.
    if (inner->state && inner->state->items.size() > 3 &&
        inner->state->items[3]->kind != Kind::kNone)
      return error(Code::kUnimplemented,
                   "structured dtypes in structured dtypes are not supported");
    TRY(DType type, dtype_of(inner));
    TRY(int64_t offset, as_int(*pair->items[1]));
    if (offset < 0 || static_cast<size_t>(offset) > t.size ||
        type.size > t.size - static_cast<size_t>(offset))
      return bad("a field of a structured dtype lies outside of it");
    if (type.kind == 'O')
      return error(Code::kUnimplemented, "objects in structured dtypes are not supported");
    t.fields.push_back(
        {std::string(name->text), type.kind, type.size, type.swap, static_cast<size_t>(offset)});
  }
  return {};
}

// Bytes, or the list of objects of an array of objects, as the contents of `array`.
Status set_contents(Array& array, const Node* data) {
  if (array.dtype.kind == 'O') {
    if (array.shape.empty() && data->kind != Kind::kList) {  // a scalar: the object itself
      array.objects = {const_cast<Node*>(data)};
      return {};
    }
    if (data->kind != Kind::kList || data->items.size() != array.count())
      return bad("an array of objects has another number of them than its shape says");
    array.objects = data->items;
    return {};
  }
  if (!is_raw(data)) return bad(str("the contents of an array are ", data->describe()));
  TRY(size_t bytes, bytes_of(array.dtype, array.shape));
  if (bytes != data->text.size())
    return bad(str("an array of shape ", array.shape_text(), " of ", array.dtype.name(), " needs ",
                   bytes, " bytes, ", data->text.size(), " are there"));
  array.data = data->text;
  return {};
}

Status fill(Node* node, const Node* dtype, const Node* shape, bool fortran, const Node* data) {
  auto array = std::make_unique<Array>();
  TRY(array->dtype, dtype_of(dtype));
  TRY(array->shape, shape_of(shape));
  TRY([[maybe_unused]] size_t bytes, bytes_of(array->dtype, array->shape));
  array->fortran = fortran;
  TRY_STATUS(set_contents(*array, data));
  node->kind = Kind::kArray;
  node->array = std::move(array);
  return {};
}

}  // namespace

Result<DType> dtype_of(const Node* n) {
  if (n && n->kind == Kind::kGlobal) return from_scalar_type(n->text);
  if (!n || n->type_name() != "numpy.dtype") return bad("an array without dtype");
  if (!n->args || n->args->items.empty()) return bad("a dtype without a name");
  const Node* code = n->args->items[0];
  if (code->kind == Kind::kGlobal) return from_scalar_type(code->text);
  if (!is_raw(code)) return bad("a dtype without a name");
  TRY(DType t, parse_dtype(code->text));
  if (!n->state) return t;
  const auto& state = n->state->items;  // (version, byte order, subdtype, names, fields, size, …)
  if (n->state->kind != Kind::kTuple || state.size() < 6 || !is_raw(state[1]))
    return bad("a dtype's state is malformed");
  if (state[2]->kind != Kind::kNone)
    return error(Code::kUnimplemented, "numpy dtypes of sub-arrays are not supported");
  t.swap = state[1]->text == ">";
  if (state[3]->kind != Kind::kNone) {
    if (t.kind != 'V') return bad("fields in a dtype that is not structured");
    TRY_STATUS(read_fields(t, state[3], state[4]));
  }
  if ((t.kind == 'U' || t.kind == 'S') && state[5]->kind == Kind::kInt && t.size == 0) {
    if (state[5]->integer < 0 || state[5]->integer > (1 << 26)) return bad("a dtype is too large");
    t.size = static_cast<size_t>(state[5]->integer);
  }
  return t;
}

Result<std::vector<size_t>> shape_of(const Node* n) {
  std::vector<size_t> out;
  if (n && n->kind == Kind::kInt) {  // numpy takes a number for a tuple of one
    if (n->integer < 0) return bad("an array's shape is negative");
    out.push_back(static_cast<size_t>(n->integer));
    return out;
  }
  if (!n || (n->kind != Kind::kTuple && n->kind != Kind::kList))
    return bad("an array without shape");
  if (n->items.size() > 64) return bad("an array of more than 64 dimensions");
  for (const Node* d : n->items) {
    TRY(int64_t size, as_int(*d));
    if (size < 0) return bad("an array's shape is negative");
    out.push_back(static_cast<size_t>(size));
  }
  return out;
}

Result<size_t> bytes_of(const DType& dtype, const std::vector<size_t>& shape) {
  size_t n = std::max<size_t>(dtype.size, 1);
  bool empty = false;
  for (size_t d : shape) {
    if (d == 0)
      empty = true;
    else if (__builtin_mul_overflow(n, d, &n))
      return bad("an array's shape is too large");
  }
  if (dtype.size == 0 && dtype.kind != 'O' && n > 4096)
    return bad("an array of nothing is too long");
  return empty || dtype.size == 0 ? 0 : n;
}

Status fill_reconstructed(Node* node, const Node* state) {
  if (state->kind != Kind::kTuple || state->items.size() < 4)
    return bad("an array's state is malformed");
  // The version comes first, except in files of numpy's earliest releases.
  size_t first = state->items.size() == 5 ? 1 : 0;
  const auto& s = state->items;
  TRY(int64_t fortran, as_int(*s[first + 2]));
  return fill(node, s[first + 1], s[first], fortran != 0, s[first + 3]);
}

Status fill_from_buffer(Node* node, const Node* args) {
  // numpy 2.2 added the order of the axes, for arrays that are neither C nor F.
  if (args->items.size() != 4 && args->items.size() != 5)
    return bad("_frombuffer needs 4 arguments");
  const Node* order = args->items[3];
  if (order->kind == Kind::kStr && order->text == "K")
    return error(Code::kUnimplemented,
                 "an array with its axes in another order is not supported; save a copy of it");
  if (order->kind != Kind::kStr || (order->text != "C" && order->text != "F"))
    return bad("an array's order is neither C nor F");
  return fill(node, args->items[1], args->items[2], order->text == "F", args->items[0]);
}

Status fill_scalar(Node* node, const Node* args) {
  if (args->items.size() != 2) return bad("a numpy scalar needs 2 arguments");
  static const Node kNoShape{.kind = Kind::kTuple};
  return fill(node, args->items[0], &kNoShape, false, args->items[1]);
}

Result<Inline> inline_array(const Node* state) {
  if (!state || state->kind != Kind::kDict) return bad("joblib's array header is malformed");
  Inline out;
  TRY(out.array.dtype, dtype_of(state->get("dtype")));
  TRY(out.array.shape, shape_of(state->get("shape")));
  TRY(out.bytes, bytes_of(out.array.dtype, out.array.shape));
  const Node* order = state->get("order");
  if (!order || order->kind != Kind::kStr || (order->text != "C" && order->text != "F"))
    return bad("joblib's array header has no order");
  out.array.fortran = order->text == "F";
  const Node* align = state->get("numpy_array_alignment_bytes");
  out.padded = align && align->kind != Kind::kNone && out.array.dtype.kind != 'O';
  return out;
}

}  // namespace proa::pickle
