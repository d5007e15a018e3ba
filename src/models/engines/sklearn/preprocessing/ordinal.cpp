// Encoders that give a number for a category: OrdinalEncoder, TargetEncoder, LabelEncoder.
#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/preprocessing/categories.h"
#include "models/engines/sklearn/preprocessing/makers.h"

namespace proa::engines {
namespace {

// A category's place → `outputs` numbers, for each column.
class PlaceEncoder : public Transformer {
 public:
  struct Column {
    Categories categories;
    std::vector<double> codes;  // categories × outputs
  };
  std::vector<Column> columns;
  size_t outputs = 1;  // a column
  bool refuse_unknown = true, integers = false;
  std::vector<double> unknown;  // of `outputs`

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    TRY_STATUS(check_columns(in, columns.size(), *this));
    TRY_STATUS(need_rows(in, name));
    TRY(std::span<double> to, sized_output(in.rows, columns.size() * outputs, work, out));
    double* at = to.data();
    for (size_t r = 0; r < in.rows; ++r)
      for (size_t c = 0; c < columns.size(); ++c, at += outputs) {
        Cell cell = cell_at(in, r, c);
        uint32_t i = columns[c].categories.find(cell);
        if (i == Categories::kUnknown && refuse_unknown) return unknown_category(cell, c);
        const double* code =
            i == Categories::kUnknown ? unknown.data() : columns[c].codes.data() + i * outputs;
        std::copy_n(code, outputs, at);
      }
    if (integers) out.type = DataType::kInt64;
    return {};
  }
};

// Their places after grouping, and NaN as the encoder is told to write it.
std::vector<double> ordinal_codes(const Categories& c, const Grouping& group, double missing) {
  std::vector<double> codes;
  for (uint32_t i = 0; i < c.size(); ++i)
    codes.push_back(i == c.nan() ? missing : group.to.empty() ? i : group.to[i]);
  return codes;
}

}  // namespace

Made make_ordinal_encoder(const Attributes& a, Maker&) {
  auto o = std::make_unique<PlaceEncoder>();
  TRY(std::vector<Categories> categories, read_categories(a));
  TRY(std::vector<Grouping> groups, read_groupings(a, categories));
  double missing = NAN;
  if (a.has("encoded_missing_value")) {
    TRY(missing, pickle::as_double(*a.find("encoded_missing_value")));
  }
  if (a.has("handle_unknown")) {
    TRY(std::string unknown, a.text({"handle_unknown"}));
    o->refuse_unknown = unknown != "use_encoded_value";
  }
  o->unknown = {NAN};
  if (!o->refuse_unknown) {
    if (!a.has("unknown_value")) return a.wrong("unknown_value is missing");
    TRY(o->unknown[0], pickle::as_double(*a.find("unknown_value")));
  }
  for (size_t c = 0; c < categories.size(); ++c) {
    std::vector<double> codes = ordinal_codes(categories[c], groups[c], missing);
    o->columns.push_back({std::move(categories[c]), std::move(codes)});
  }
  o->width = o->columns.size();
  o->integers = makes_integers(a);
  return o;
}

Made make_target_encoder(const Attributes& a, Maker&) {
  auto o = std::make_unique<PlaceEncoder>();
  TRY(std::vector<Categories> categories, read_categories(a));
  TRY(o->unknown, a.vector({"target_mean_"}));
  o->refuse_unknown = false;
  o->outputs = o->unknown.size();
  TRY(auto encodings, a.list({"encodings_"}));
  if (o->outputs == 0 || encodings.size() != categories.size() * o->outputs)
    return a.wrong("encodings_ and categories_ disagree");
  for (size_t c = 0; c < categories.size(); ++c) {
    size_t n = categories[c].size();
    std::vector<double> codes(n * o->outputs);
    for (size_t k = 0; k < o->outputs; ++k) {
      const pickle::Node* node = encodings[c * o->outputs + k];
      if (node->kind != pickle::Kind::kArray || !node->array)
        return a.wrong("an encoding is no array");
      TRY(std::vector<double> values, pickle::doubles(*node->array));
      if (values.size() != n) return a.wrong("an encoding is of other categories");
      for (size_t i = 0; i < n; ++i) codes[i * o->outputs + k] = values[i];
    }
    o->columns.push_back({std::move(categories[c]), std::move(codes)});
  }
  o->width = o->columns.size() * o->outputs;
  return o;
}

namespace {

class LabelEncoder : public Transformer {
 public:
  Categories classes;
  Status transform(const Table& in, Workspace& work, Table& out) const override {
    TRY_STATUS(one_column(in, *this));
    TRY(std::span<double> to, sized_output(in.rows, 1, work, out));
    for (size_t r = 0; r < in.rows; ++r) {
      Cell cell = cell_at(in, r, 0);
      uint32_t i = classes.find(cell);
      if (i == Categories::kUnknown)
        return error(Code::kInvalid,
                     str("y contains previously unseen labels: [", shown(cell), "]"));
      to[r] = i;
    }
    out.flat = true;
    out.type = DataType::kInt64;
    return {};
  }
};

Result<Categories> read_classes(const Attributes& a) {
  const pickle::Node* node = a.find("classes_");
  if (!node) return a.wrong("classes_ is missing");
  return Categories::of(*node, a);
}

// One column a class, low and high values; of two classes only the second's.
class LabelBinarizer : public Transformer {
 public:
  Categories classes;
  double low = 0, high = 1;
  Status transform(const Table& in, Workspace& work, Table& out) const override {
    TRY_STATUS(one_column(in, *this));
    TRY_STATUS(need_rows(in, name));
    TRY(std::span<double> to, sized_output(in.rows, width, work, out));
    std::fill(to.begin(), to.end(), low);
    for (size_t r = 0; r < in.rows; ++r) {
      uint32_t i = classes.find(cell_at(in, r, 0));
      if (i == Categories::kUnknown) continue;
      if (width > 1)
        to[r * width + i] = high;
      else if (i == 1)
        to[r] = high;
    }
    out.type = DataType::kInt64;
    return {};
  }
};

// A row is a set of labels; unknown ones are left out.
class MultiLabelBinarizer : public Transformer {
 public:
  Categories classes;
  Status transform(const Table& in, Workspace& work, Table& out) const override {
    TRY(std::span<double> to, sized_output(in.rows, width, work, out));
    std::fill(to.begin(), to.end(), 0.0);
    for (size_t r = 0; r < in.rows; ++r)
      for (size_t c = 0; c < in.columns; ++c) {
        Cell cell = cell_at(in, r, c);
        if (cell.kind == Cell::Kind::kNone || cell.kind == Cell::Kind::kAbsent) continue;
        uint32_t i = classes.find(cell);
        if (i != Categories::kUnknown) to[r * width + i] = 1;
      }
    out.type = DataType::kInt64;
    return {};
  }
};

}  // namespace

Made make_label_encoder(const Attributes& a, Maker&) {
  auto e = std::make_unique<LabelEncoder>();
  TRY(e->classes, read_classes(a));
  e->width = 1;
  return e;
}

Made make_label_binarizer(const Attributes& a, Maker&) {
  auto b = std::make_unique<LabelBinarizer>();
  TRY(std::string kind, a.text({"y_type_"}));
  if (kind != "binary" && kind != "multiclass") return a.unsupported(str(kind, " labels"));
  TRY(b->classes, read_classes(a));
  TRY(b->low, a.number({"neg_label"}));
  TRY(b->high, a.number({"pos_label"}));
  b->width = b->classes.size() <= 2 ? 1 : b->classes.size();
  return b;
}

Made make_multi_label_binarizer(const Attributes& a, Maker&) {
  auto b = std::make_unique<MultiLabelBinarizer>();
  TRY(b->classes, read_classes(a));
  b->width = b->classes.size();
  return b;
}

}  // namespace proa::engines
