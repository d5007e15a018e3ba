// OneHotEncoder: a column for each category.
#include <algorithm>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/preprocessing/categories.h"
#include "models/engines/sklearn/preprocessing/makers.h"

namespace proa::engines {
namespace {

constexpr uint32_t kNothing = UINT32_MAX;  // no column is 1

// Where the categories of one column go.
struct Encoding {
  Categories categories;
  std::vector<uint32_t> target;  // a column of the output, or kNothing for what is dropped
  uint32_t unknown = kNothing;   // where unknown ones go, if they are not refused
};

class OneHotEncoder : public Transformer {
 public:
  std::vector<Encoding> columns;
  bool refuse_unknown = true, sparse = true, integers = false;

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    TRY_STATUS(check_columns(in, columns.size(), *this));
    TRY_STATUS(need_rows(in, name));
    TRY_STATUS(sparse ? make_sparse(in, work, out) : make_dense(in, work, out));
    if (integers) out.type = DataType::kInt64;
    return {};
  }

 private:
  Status make_sparse(const Table& in, Workspace& work, Table& out) const {
    SparseRows to(in.rows, width, in.rows * columns.size(), work);
    for (size_t r = 0; r < in.rows; ++r) {
      for (size_t c = 0; c < columns.size(); ++c) {
        TRY(uint32_t at, place(cell_at(in, r, c), c));
        if (at != kNothing) to.add(at, 1);
      }
      to.end_row();
    }
    to.show(out);
    return {};
  }

  Status make_dense(const Table& in, Workspace& work, Table& out) const {
    TRY(std::span<double> to, sized_output(in.rows, width, work, out));
    std::fill(to.begin(), to.end(), 0.0);
    for (size_t r = 0; r < in.rows; ++r)
      for (size_t c = 0; c < columns.size(); ++c) {
        TRY(uint32_t at, place(cell_at(in, r, c), c));
        if (at != kNothing) to[r * width + at] = 1;
      }
    return {};
  }

  Result<uint32_t> place(const Cell& cell, size_t c) const {
    const Encoding& e = columns[c];
    uint32_t i = e.categories.find(cell);
    if (i != Categories::kUnknown) return e.target[i];
    if (refuse_unknown) return unknown_category(cell, c);
    return e.unknown;
  }
};

// _drop_idx_after_grouping or drop_idx_: a place a column, or kNothing.
Result<std::vector<uint32_t>> read_dropped(const Attributes& a, size_t columns) {
  std::vector<uint32_t> out(columns, kNothing);
  const char* name = a.has("_drop_idx_after_grouping") ? "_drop_idx_after_grouping" : "drop_idx_";
  const pickle::Node* node = a.find(name);
  if (!node || node->kind == pickle::Kind::kNone) return out;
  std::vector<std::string> texts;
  TRY(std::vector<Cell> cells, cells_of(*node, a, texts));
  if (cells.size() != columns) return a.wrong(str(name, " is of other columns"));
  for (size_t i = 0; i < columns; ++i) {
    if (cells[i].kind == Cell::Kind::kNone) continue;
    double v = cells[i].number;
    if (cells[i].kind != Cell::Kind::kNumber || !(v >= 0 && v < kNothing) ||
        v != static_cast<double>(static_cast<uint32_t>(v)))
      return a.wrong(str(name, " is out of range"));
    out[i] = static_cast<uint32_t>(v);
  }
  return out;
}

// Fills in where the categories go, beginning at column `first`; gives the columns made.
size_t lay_out(Encoding& e, const Grouping& group, uint32_t dropped, bool to_group, size_t first) {
  auto column = [&](uint32_t place) {
    if (place == dropped) return kNothing;
    return static_cast<uint32_t>(first + place - (dropped != kNothing && place > dropped ? 1 : 0));
  };
  for (uint32_t i = 0; i < e.categories.size(); ++i)
    e.target.push_back(column(group.to.empty() ? i : group.to[i]));
  if (to_group && group.infrequent != Categories::kUnknown) e.unknown = column(group.infrequent);
  return group.after - (dropped != kNothing ? 1 : 0);
}

}  // namespace

Made make_one_hot_encoder(const Attributes& a, Maker& maker) {
  auto o = std::make_unique<OneHotEncoder>();
  TRY(std::vector<Categories> categories, read_categories(a));
  TRY(std::vector<Grouping> groups, read_groupings(a, categories));
  TRY(std::vector<uint32_t> dropped, read_dropped(a, categories.size()));
  TRY(std::string unknown, a.text({"handle_unknown"}));
  o->refuse_unknown = unknown == "error";
  bool to_group = unknown == "infrequent_if_exist" ||
                  (unknown == "warn" && maker.release() >= Maker::Release{1, 8});
  const pickle::Node* form = a.find("sparse_output");
  TRY(o->sparse, a.flag(form ? "sparse_output" : "sparse", true));
  o->integers = makes_integers(a);
  for (size_t c = 0; c < categories.size(); ++c) {
    if (dropped[c] != kNothing && dropped[c] >= groups[c].after)
      return a.wrong("a category is dropped that is not there");
    o->columns.push_back({std::move(categories[c]), {}, kNothing});
    o->width += lay_out(o->columns.back(), groups[c], dropped[c], to_group, o->width);
    if (o->width >= kNothing) return a.wrong("there are too many categories");
  }
  return o;
}

}  // namespace proa::engines
