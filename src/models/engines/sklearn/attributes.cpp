#include "models/engines/sklearn/attributes.h"

#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/reading.h"

namespace proa::engines {
namespace {

using pickle::Kind;
using pickle::Node;

bool acceptable(const std::vector<double>& values, Attributes::Finite finite) {
  if (finite == Attributes::Finite::kAny) return true;
  for (double x : values)
    if (!std::isfinite(x) && (finite == Attributes::Finite::kYes || !std::isnan(x))) return false;
  return true;
}

bool is_sequence(const Node& n) { return n.kind == Kind::kList || n.kind == Kind::kTuple; }

// The numbers of an array, of objects too.
Result<std::vector<double>> numbers_of(const pickle::Array& array) {
  if (array.dtype.kind != 'O') return pickle::doubles(array);
  std::vector<double> out;
  out.reserve(array.objects.size());
  for (const Node* n : array.objects) {
    if (n->kind == Kind::kNone) {
      out.push_back(NAN);
      continue;
    }
    TRY(double v, pickle::as_double(*n));
    out.push_back(v);
  }
  return out;
}

Result<std::vector<double>> numbers_of(const std::vector<Node*>& items) {
  std::vector<double> out;
  out.reserve(items.size());
  for (const Node* n : items) {
    TRY(double v, pickle::as_double(*n));
    out.push_back(v);
  }
  return out;
}

Result<NdArray> ndarray_of(const Node& n, std::string_view name, const Attributes& a) {
  NdArray out;
  if (n.kind == Kind::kArray) {
    out.shape = n.array->shape;
    TRY(out.values, numbers_of(*n.array));
    return out;
  }
  if (!is_sequence(n)) {
    TRY(double v, pickle::as_double(n));
    out.values.push_back(v);
    return out;
  }
  bool nested = !n.items.empty() && (is_sequence(*n.items[0]) || n.items[0]->kind == Kind::kArray);
  out.shape.push_back(n.items.size());
  if (!nested) {
    TRY(out.values, numbers_of(n.items));
    return out;
  }
  size_t width = 0;  // a list of lists or of vectors: one level, all of one length
  for (const Node* row : n.items) {
    std::vector<double> values;
    if (row->kind == Kind::kArray) {
      TRY(values, numbers_of(*row->array));
    } else if (is_sequence(*row)) {
      TRY(values, numbers_of(row->items));
    } else {
      return a.wrong(str(name, " mixes lists and numbers"));
    }
    if (row != n.items[0] && values.size() != width)
      return a.wrong(str(name, " has rows of different lengths"));
    width = values.size();
    out.values.insert(out.values.end(), values.begin(), values.end());
  }
  out.shape.push_back(width);
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

Error Attributes::unsupported(std::string_view what) const {
  return error(Code::kUnimplemented, str(class_name(), ": ", what,
                                         " is not supported; `proa serve --list-formats` shows "
                                         "what is"));
}

bool Attributes::has(std::string_view name) const {
  const Node* n = find(name);
  return n && n->kind != Kind::kNone;
}

Result<const Node*> Attributes::need(Names names) const {
  const Node* none = nullptr;  // there, but None: an old name may still have the value
  for (std::string_view name : names)
    if (const Node* n = find(name)) {
      if (n->kind != Kind::kNone) return n;
      if (!none) none = n;
    }
  if (none) return none;
  return wrong(str("attribute ", *names.begin(), " is missing; was it fitted?"));
}

Result<NdArray> Attributes::array(Names names, Finite finite) const {
  TRY(const Node* n, need(names));
  std::string_view name = *names.begin();
  TRY(NdArray out, ndarray_of(*n, name, *this).context(str(class_name(), ": ", name)));
  if (!acceptable(out.values, finite)) return wrong(str(name, " holds NaN or infinity"));
  return out;
}

Result<Matrix> Attributes::matrix(Names names, Finite finite) const {
  TRY(const Node* n, need(names));
  std::string_view name = *names.begin();
  Matrix m;
  if (n->type_name().starts_with("scipy.sparse")) {
    TRY(SparseMatrix s, sparse_of(*n).context(str(class_name(), ": ", name)));
    TRY(m, filled(s).context(str(class_name(), ": ", name)));
  } else {
    bool rows = n->kind == Kind::kArray || is_sequence(*n);
    if (!rows) return wrong(str(name, " is ", n->describe(), ", a matrix is expected"));
    TRY(NdArray a, ndarray_of(*n, name, *this).context(str(class_name(), ": ", name)));
    if (a.shape.size() != 2)
      return wrong(str(name, " is ", n->describe(), ", a matrix is expected"));
    m = {a.shape[0], a.shape[1], std::move(a.values)};
  }
  if (!acceptable(m.values, finite)) return wrong(str(name, " holds NaN or infinity"));
  return m;
}

Result<SparseMatrix> Attributes::sparse(Names names) const {
  TRY(const Node* n, need(names));
  if (n->type_name().starts_with("scipy.sparse"))
    return sparse_of(*n).context(str(class_name(), ": ", *names.begin()));
  TRY(Matrix m, matrix(names, Finite::kAny));
  SparseMatrix out{m.rows, m.columns, {0}, {}, {}};
  if (m.columns > UINT32_MAX) return wrong(str(*names.begin(), " is too wide"));
  for (size_t r = 0; r < m.rows; ++r) {
    for (size_t c = 0; c < m.columns; ++c)
      if (m.at(r, c) != 0) {
        out.indices.push_back(static_cast<uint32_t>(c));
        out.values.push_back(m.at(r, c));
      }
    out.starts.push_back(out.values.size());
  }
  return out;
}

Result<std::vector<double>> Attributes::vector(Names names, Finite finite) const {
  TRY(const Node* n, need(names));
  TRY(NdArray a, array(names, finite));
  if (a.shape.size() > 1)
    return wrong(str(*names.begin(), " is ", n->describe(), ", a vector is expected"));
  return std::move(a.values);
}

Result<std::vector<int64_t>> Attributes::integers(Names names) const {
  TRY(const Node* n, need(names));
  std::string context = str(class_name(), ": ", *names.begin());
  if (n->kind == Kind::kArray && n->array->shape.size() <= 1 && n->array->dtype.kind != 'O')
    return pickle::integers(*n->array).context(context);
  std::vector<int64_t> out;
  if (is_sequence(*n) || (n->kind == Kind::kArray && n->array->shape.size() == 1)) {
    for (const Node* item : n->kind == Kind::kArray ? n->array->objects : n->items) {
      TRY(int64_t v, pickle::as_int(*item).context(context));
      out.push_back(v);
    }
    return out;
  }
  if (n->kind == Kind::kArray)
    return wrong(str(*names.begin(), " is ", n->describe(), ", a vector of integers is expected"));
  TRY(int64_t v, pickle::as_int(*n).context(context));
  out.push_back(v);
  return out;
}

Result<double> Attributes::number(Names names) const {
  TRY(const Node* n, need(names));
  TRY(double v, pickle::as_double(*n).context(str(class_name(), ": ", *names.begin())));
  if (std::isnan(v)) return wrong(str(*names.begin(), " is NaN"));
  return v;
}

Result<int64_t> Attributes::integer(Names names) const {
  TRY(const Node* n, need(names));
  std::string context = str(class_name(), ": ", *names.begin());
  if (n->kind != Kind::kFloat) return pickle::as_int(*n).context(context);
  if (n->number != std::floor(n->number) || std::fabs(n->number) > 9e15)
    return wrong(str(*names.begin(), " is no integer"));
  return static_cast<int64_t>(n->number);
}

Result<std::string> Attributes::text(Names names) const {
  TRY(const Node* n, need(names));
  TRY(auto text, text_of(*n).context(str(class_name(), ": ", *names.begin())));
  if (text) return std::move(*text);
  return error(Code::kUnimplemented, str(class_name(), ": ", *names.begin(), " is ", n->describe(),
                                         "; only built-in names are supported"));
}

Result<std::vector<std::string>> Attributes::texts(Names names) const {
  TRY(const Node* n, need(names));
  std::string context = str(class_name(), ": ", *names.begin());
  std::vector<std::string> out;
  if (n->kind == Kind::kArray && n->array->dtype.kind != 'O') {
    TRY(Labels labels, labels_of(*n->array).context(context));
    if (labels.type != DataType::kBytes || n->array->shape.size() > 1)
      return wrong(str(*names.begin(), " is ", n->describe(), ", texts are expected"));
    return std::move(labels.texts);
  }
  if (!is_sequence(*n) && n->kind != Kind::kArray && n->kind != Kind::kSet)
    return wrong(str(*names.begin(), " is ", n->describe(), ", texts are expected"));
  for (const Node* item : n->kind == Kind::kArray ? n->array->objects : n->items) {
    TRY(auto text, text_of(*item).context(context));
    if (!text) return wrong(str(*names.begin(), " holds ", item->describe(), ", no text"));
    out.push_back(std::move(*text));
  }
  return out;
}

Result<bool> Attributes::flag(std::string_view name, bool otherwise) const {
  const Node* n = find(name);
  if (!n || n->kind == Kind::kNone) return otherwise;
  TRY(double v, pickle::as_double(*n).context(str(class_name(), ": ", name)));
  return v != 0;
}

Result<Labels> Attributes::labels(std::string_view name) const {
  TRY(const Node* n, need({name}));
  std::string context = str(class_name(), ": ", name);
  if (is_sequence(*n)) return labels_of(n->items).context(context);
  if (n->kind != Kind::kArray || n->array->shape.size() != 1)
    return wrong(str(name, " is ", n->describe(), ", a vector of labels is expected"));
  return labels_of(*n->array).context(context);
}

Result<std::vector<Labels>> Attributes::label_sets(std::string_view name) const {
  TRY(const Node* n, need({name}));
  std::string context = str(class_name(), ": ", name);
  std::vector<Labels> out;
  bool many = is_sequence(*n) || (n->kind == Kind::kArray && n->array->dtype.kind == 'O');
  const auto& items = n->kind == Kind::kArray ? n->array->objects : n->items;
  many = many && !items.empty() && (items[0]->kind == Kind::kArray || is_sequence(*items[0]));
  if (!many) {
    TRY(Labels one, labels(name));
    out.push_back(std::move(one));
    return out;
  }
  for (const Node* item : items) {
    if (is_sequence(*item)) {
      TRY(Labels one, labels_of(item->items).context(context));
      out.push_back(std::move(one));
      continue;
    }
    if (item->kind != Kind::kArray || item->array->shape.size() != 1)
      return wrong(str(name, " holds ", item->describe(), ", vectors of labels are expected"));
    TRY(Labels one, labels_of(*item->array).context(context));
    out.push_back(std::move(one));
  }
  return out;
}

Result<Attributes> Attributes::object(Names names) const {
  TRY(const Node* n, need(names));
  if (n->kind != Kind::kObject)
    return wrong(str(*names.begin(), " is ", n->describe(), ", an object is expected"));
  return Attributes(*n);
}

Result<std::vector<const Node*>> Attributes::list(Names names) const {
  TRY(const Node* n, need(names));
  if (n->kind == Kind::kArray && n->array->dtype.kind == 'O')
    return std::vector<const Node*>(n->array->objects.begin(), n->array->objects.end());
  if (!is_sequence(*n))
    return wrong(str(*names.begin(), " is ", n->describe(), ", a list is expected"));
  return std::vector<const Node*>(n->items.begin(), n->items.end());
}

Result<std::vector<std::pair<const Node*, const Node*>>> Attributes::dict(Names names) const {
  TRY(const Node* n, need(names));
  bool mapping = n->kind == Kind::kDict || n->kind == Kind::kObject;  // OrderedDict, defaultdict
  if (!mapping || n->items.size() % 2 != 0)
    return wrong(str(*names.begin(), " is ", n->describe(), ", a dict is expected"));
  std::vector<std::pair<const Node*, const Node*>> out;
  for (size_t i = 0; i < n->items.size(); i += 2) out.emplace_back(n->items[i], n->items[i + 1]);
  return out;
}

Status check_features(const Attributes& a, size_t features) {
  if (!a.has("n_features_in_")) return {};
  TRY(int64_t n, a.integer({"n_features_in_"}));
  if (n < 0 || static_cast<size_t>(n) != features)
    return a.wrong(str("n_features_in_ is ", n, ", the parameters are for ", features));
  return {};
}

}  // namespace proa::engines
