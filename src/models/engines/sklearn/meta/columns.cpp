// ColumnTransformer: each part gets its own columns, by place or by name.
#include <algorithm>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/meta/common.h"
#include "models/engines/sklearn/meta/makers.h"
#include "models/engines/sklearn/meta/tables.h"

namespace proa::engines::meta {
namespace {

using pickle::Kind;
using pickle::Node;

constexpr size_t kMostColumns = 1 << 24;

class ColumnTransformer : public Estimator {
 public:
  struct Member {
    Part part;  // none: passes its columns on
    double weight = 1;
    bool scalar = false;  // one column, given as a vector
    std::vector<uint32_t> columns;
  };
  std::vector<Member> members;
  std::vector<std::string> columns;  // their names at fit, if they had any
  std::vector<std::pair<std::string_view, uint32_t>> by_name;  // sorted; of the needed columns
  size_t width = 0;                                            // at fit; 0: not known
  uint32_t least_width = 0;
  bool sparse_output = false;

  bool has(Method method) const override { return method == Method::kTransform; }
  Status transform(const Table& in, Workspace& work, Table& out) const override;

 private:
  Status locate(const Table& in, std::span<uint32_t> places) const;
};

// Where each column of the time of fit is in these rows; only the needed ones are looked for.
Status ColumnTransformer::locate(const Table& in, std::span<uint32_t> places) const {
  for (size_t i = 0; i < places.size(); ++i) places[i] = static_cast<uint32_t>(i);
  bool by_names = !in.names.empty() && !columns.empty() && in.names.size() == in.columns;
  if (!by_names) {
    if (width != 0 && in.columns != width)
      return error(Code::kInvalid, str("X has ", in.columns, " features, but ", name,
                                       " is expecting ", width, " features as input."));
    if (in.columns >= least_width) return {};
    return error(Code::kInvalid, str("X has ", in.columns, " features, but ", name, " needs ",
                                     least_width, " features as input."));
  }
  bool same = in.columns >= columns.size();
  for (size_t i = 0; same && i < columns.size(); ++i) same = in.names[i] == columns[i];
  if (same) return {};
  for (const auto& [text, place] : by_name) places[place] = ~uint32_t{0};
  for (size_t c = 0; c < in.columns; ++c) {
    auto at =
        std::lower_bound(by_name.begin(), by_name.end(), in.names[c],
                         [](const auto& entry, std::string_view n) { return entry.first < n; });
    if (at != by_name.end() && at->first == in.names[c])
      places[at->second] = static_cast<uint32_t>(c);
  }
  for (const auto& [text, place] : by_name)
    if (places[place] == ~uint32_t{0})
      return error(Code::kInvalid, str("columns are missing: {'", shorten(text, 80), "'}"));
  return {};
}

Status ColumnTransformer::transform(const Table& in, Workspace& work, Table& out) const {
  std::span<uint32_t> places = work.take<uint32_t>(std::max<size_t>(least_width, columns.size()));
  TRY_STATUS(locate(in, places));
  std::span<Table> blocks = work.take<Table>(members.size());
  for (size_t i = 0; i < members.size(); ++i) {
    const Member& m = members[i];
    std::span<uint32_t> chosen = work.take<uint32_t>(m.columns.size());
    for (size_t c = 0; c < chosen.size(); ++c) chosen[c] = places[m.columns[c]];
    Table part, made;
    select_columns(in, chosen, work, part);
    part.flat = m.scalar;
    made = part;
    if (m.part) {
      made = Table();
      TRY_STATUS(m.part->transform(part, work, made));
    }
    made.flat = false;
    TRY_STATUS(scale(m.weight, work, made));
    blocks[i] = made;
  }
  return side_by_side(blocks, in.rows, sparse_output, work, out);
}

// What a column specification says, as places.
class Columns {
 public:
  Columns(const Attributes& a, const std::vector<std::string>& names, size_t width)
      : a_(a), names_(names), width_(width) {}

  Status read(const Node& n, std::vector<uint32_t>& out, bool& scalar) const {
    scalar = n.kind == Kind::kStr || n.kind == Kind::kInt ||
             (n.kind == Kind::kArray && n.array->shape.empty());
    if (scalar) return one(n, out);
    if (n.kind == Kind::kList || n.kind == Kind::kTuple) return list(n.items, out);
    if (n.kind == Kind::kArray) return array(n, out);
    std::string_view type = n.type_name();
    if (type.ends_with(".slice")) return slice(n, out);
    const Node* data = n.get("data");  // _RemainderColsList
    if (data && data->kind == Kind::kList) return list(data->items, out);
    return a_.unsupported(str("a choice of columns by ", n.describe()));
  }

 private:
  Status place(int64_t i, std::vector<uint32_t>& out) const {
    if (i < 0 && width_ != 0) i += static_cast<int64_t>(width_);
    int64_t most = static_cast<int64_t>(width_ != 0 ? width_ : kMostColumns);
    if (i < 0 || i >= most) return a_.wrong("it chooses a column that is not there");
    if (out.size() >= kMostColumns) return a_.wrong("it chooses too many columns");
    out.push_back(static_cast<uint32_t>(i));
    return {};
  }
  Result<int64_t> named(std::string_view text) const {
    auto at = std::find(names_.begin(), names_.end(), text);
    if (at == names_.end())
      return a_.wrong(str("it chooses a column '", shorten(text, 40), "' that is not known"));
    return at - names_.begin();
  }
  Status one(const Node& n, std::vector<uint32_t>& out) const {
    if (n.kind == Kind::kStr) {
      TRY(int64_t i, named(n.text));
      return place(i, out);
    }
    TRY(int64_t i, pickle::as_int(n).context(a_.class_name()));
    return place(i, out);
  }
  Status list(const std::vector<Node*>& items, std::vector<uint32_t>& out) const {
    bool mask = !items.empty();
    for (const Node* n : items) mask = mask && n->kind == Kind::kBool;
    for (size_t i = 0; i < items.size(); ++i) {
      if (!mask)
        TRY_STATUS(one(*items[i], out));
      else if (items[i]->boolean)
        TRY_STATUS(place(static_cast<int64_t>(i), out));
    }
    return {};
  }
  Status array(const Node& n, std::vector<uint32_t>& out) const {
    char kind = n.array->dtype.kind;
    if (kind == 'O') return list(n.array->objects, out);
    if (kind == 'U') {
      TRY(std::vector<std::string> texts, texts_of(n));
      for (const std::string& t : texts) {
        TRY(int64_t i, named(t));
        TRY_STATUS(place(i, out));
      }
      return {};
    }
    TRY(std::vector<int64_t> v, pickle::integers(*n.array).context(a_.class_name()));
    for (size_t i = 0; i < v.size(); ++i) {
      if (kind != 'b')
        TRY_STATUS(place(v[i], out));
      else if (v[i] != 0)
        TRY_STATUS(place(static_cast<int64_t>(i), out));
    }
    return {};
  }
  // An array is read through Attributes, which knows how texts are stored in it.
  Result<std::vector<std::string>> texts_of(const Node& n) const {
    Node key{.kind = Kind::kStr, .text = "columns"}, value{.kind = Kind::kNone};
    Node dict{.kind = Kind::kDict};
    dict.items = {&key, const_cast<Node*>(&n)};
    return Attributes(dict).texts({"columns"});
  }
  // Ends of a slice: places as Python has them, or names, the last of which is included.
  Status slice(const Node& n, std::vector<uint32_t>& out) const {
    if (!n.args || n.args->items.size() != 3) return a_.wrong("a slice of columns is malformed");
    if (width_ == 0) return a_.unsupported("a slice of columns, where their number is not known");
    int64_t limits[3] = {0, static_cast<int64_t>(width_), 1};
    for (size_t i : {2, 0, 1}) {
      const Node& part = *n.args->items[i];
      if (part.kind == Kind::kNone) {
        if (limits[2] < 0) limits[i] = i == 0 ? static_cast<int64_t>(width_) - 1 : -1;
        continue;
      }
      if (part.kind == Kind::kStr) {
        TRY(int64_t at, named(part.text));
        limits[i] = at + (i == 1 ? 1 : 0);
        continue;
      }
      TRY(limits[i], pickle::as_int(part).context(a_.class_name()));
      int64_t most = static_cast<int64_t>(width_);
      if (i == 2) continue;
      if (limits[i] < 0) limits[i] = std::max<int64_t>(limits[i] + most, limits[2] < 0 ? -1 : 0);
      limits[i] = std::min(limits[i], limits[2] < 0 ? most - 1 : most);
    }
    if (limits[2] == 0 || limits[2] > (1 << 30) || limits[2] < -(1 << 30))
      return a_.wrong("a slice of columns is malformed");
    for (int64_t i = limits[0]; limits[2] > 0 ? i < limits[1] : i > limits[1]; i += limits[2])
      TRY_STATUS(place(i, out));
    return {};
  }

  const Attributes& a_;
  const std::vector<std::string>& names_;
  size_t width_;
};

// The places that fit() noted for the transformer `name`, where it did (1.0 and later).
const Node* noted(const Attributes& a, std::string_view name) {
  const Node* dict = a.find("_transformer_to_input_indices");
  return dict && dict->kind == Kind::kDict ? dict->get(name) : nullptr;
}

Status add_member(const Attributes& a, const Node& item, size_t i, ColumnTransformer& out,
                  Maker& maker) {
  bool triple = (item.kind == Kind::kTuple || item.kind == Kind::kList) && item.items.size() == 3;
  if (!triple || item.items[0]->kind != Kind::kStr) return a.wrong("transformers_ is malformed");
  std::string_view name = item.items[0]->text;
  const Node* node = item.items[1];
  if (node->kind == Kind::kNone || is_text(node, "drop")) return {};
  const Node* choice = item.items[2];
  ColumnTransformer::Member member;
  Columns columns(a, out.columns, out.width);
  const Node* resolved = a.find("_columns");
  bool odd = choice->kind == Kind::kGlobal ||
             (choice->kind == Kind::kObject && choice->type_name().ends_with("selector"));
  if (odd && resolved && resolved->kind == Kind::kList && i < resolved->items.size())
    choice = resolved->items[i];
  if (const Node* places = noted(a, name)) {
    bool ignored = false;
    TRY_STATUS(columns.read(*places, member.columns, ignored));
    member.scalar = choice->kind == Kind::kStr || choice->kind == Kind::kInt;
  } else {
    TRY_STATUS(columns.read(*choice, member.columns, member.scalar));
  }
  if (member.columns.empty()) return {};
  for (uint32_t c : member.columns) out.least_width = std::max(out.least_width, c + 1);
  TRY(member.weight, weight_of(a, name));
  if (!is_text(node, "passthrough")) {
    TRY(member.part, maker.make(node));
    if (!member.part->has(Method::kTransform))
      return a.wrong(str("its part ", member.part->name, " has no transform"));
  }
  out.members.push_back(std::move(member));
  return {};
}

void index_names(ColumnTransformer& out) {
  std::vector<bool> needed(out.columns.size());
  for (const auto& m : out.members)
    for (uint32_t c : m.columns)
      if (c < needed.size()) needed[c] = true;
  for (size_t i = 0; i < needed.size(); ++i)
    if (needed[i]) out.by_name.emplace_back(out.columns[i], static_cast<uint32_t>(i));
  std::sort(out.by_name.begin(), out.by_name.end());
}

}  // namespace

Result<std::unique_ptr<Estimator>> make_column_transformer(const Attributes& a, Maker& maker) {
  auto out = std::make_unique<ColumnTransformer>();
  for (std::string_view names : {"feature_names_in_", "_feature_names_in", "_df_columns"})
    if (a.has(names) && out->columns.empty()) {
      TRY(out->columns, a.texts({names}));
    }
  for (std::string_view count : {"n_features_in_", "_n_features"})
    if (a.has(count) && out->width == 0) {
      TRY(int64_t width, a.integer({count}));
      if (width < 0 || width > static_cast<int64_t>(kMostColumns))
        return a.wrong(str(count, " is out of bounds"));
      out->width = static_cast<size_t>(width);
    }
  if (out->width == 0) out->width = out->columns.size();
  if (!out->columns.empty() && out->columns.size() != out->width)
    return a.wrong("the names of the columns are not as many as the columns");
  TRY(out->sparse_output, a.flag("sparse_output_", false));
  TRY(std::vector<const Node*> list, a.list({"transformers_"}));
  for (size_t i = 0; i < list.size(); ++i) TRY_STATUS(add_member(a, *list[i], i, *out, maker));
  index_names(*out);
  out->features = out->width;
  out->feature_names = out->columns;
  return out;
}

}  // namespace proa::engines::meta
