#include "models/engines/sklearn/preprocessing/categories.h"

#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"

namespace proa::engines {

Result<Categories> Categories::of(const pickle::Node& node, const Attributes& a) {
  std::vector<std::string> texts;
  TRY(std::vector<Cell> cells, cells_of(node, a, texts));
  if (cells.size() >= kUnknown) return a.wrong("there are too many categories");
  Categories c;
  c.size_ = cells.size();
  for (uint32_t i = 0; i < cells.size(); ++i) {
    const Cell& cell = cells[i];
    if (cell.kind == Cell::Kind::kText) {
      c.kept_.emplace_back(cell.text);
      c.texts_.emplace_back(c.kept_.back(), i);
    } else if (cell.kind == Cell::Kind::kNumber && !std::isnan(cell.number)) {
      c.numbers_.emplace_back(cell.number, i);
    } else {
      (cell.kind == Cell::Kind::kNumber ? c.nan_ : c.none_) = i;
    }
  }
  std::sort(c.numbers_.begin(), c.numbers_.end());
  std::sort(c.texts_.begin(), c.texts_.end());
  return c;
}

uint32_t Categories::find(const Cell& cell) const {
  auto search = [](const auto& pairs, const auto& key) {
    auto at = std::lower_bound(pairs.begin(), pairs.end(), key,
                               [](const auto& p, const auto& k) { return p.first < k; });
    return at != pairs.end() && at->first == key ? at->second : kUnknown;
  };
  if (cell.kind == Cell::Kind::kText) return search(texts_, cell.text);
  if (cell.kind == Cell::Kind::kNumber && !std::isnan(cell.number))
    return search(numbers_, cell.number);
  bool nan = cell.kind == Cell::Kind::kNumber;
  uint32_t own = nan ? nan_ : none_, other = nan ? none_ : nan_;
  return own != kUnknown ? own : other;
}

Result<std::vector<Categories>> read_categories(const Attributes& a) {
  TRY(auto columns, a.list({"categories_"}));
  std::vector<Categories> out;
  for (const pickle::Node* node : columns) {
    TRY(Categories c, Categories::of(*node, a));
    out.push_back(std::move(c));
  }
  TRY_STATUS(check_features(a, out.size()));
  return out;
}

std::string shown(const Cell& cell) {
  if (cell.kind == Cell::Kind::kText) return str("'", shorten(cell.text, 100), "'");
  if (cell.kind != Cell::Kind::kNumber) return "None";
  return std::isnan(cell.number) ? "nan" : str(cell.number);
}

Error unknown_category(const Cell& cell, size_t column) {
  return error(Code::kInvalid, str("Found unknown categories [", shown(cell), "] in column ",
                                   column, " during transform"));
}

Result<std::vector<Grouping>> read_groupings(const Attributes& a,
                                             const std::vector<Categories>& categories) {
  std::vector<Grouping> out(categories.size());
  for (size_t i = 0; i < out.size(); ++i) out[i].after = categories[i].size();
  TRY(bool enabled, a.flag("_infrequent_enabled", false));
  if (!enabled || !a.has("_default_to_infrequent_mappings")) return out;
  TRY(auto mappings, a.list({"_default_to_infrequent_mappings"}));
  if (mappings.size() != out.size()) return a.wrong("the groups of infrequent categories disagree");
  for (size_t i = 0; i < out.size(); ++i) {
    if (mappings[i]->kind == pickle::Kind::kNone) continue;
    if (mappings[i]->kind != pickle::Kind::kArray || !mappings[i]->array)
      return a.wrong("the groups of infrequent categories are no arrays");
    TRY(std::vector<int64_t> to, pickle::integers(*mappings[i]->array));
    if (to.size() != categories[i].size()) return a.wrong("a group is of other categories");
    int64_t last = 0;
    for (int64_t v : to) {
      if (v < 0 || v >= static_cast<int64_t>(to.size())) return a.wrong("a group is out of range");
      last = std::max(last, v);
      out[i].to.push_back(static_cast<uint32_t>(v));
    }
    out[i].after = static_cast<size_t>(last) + 1;
    out[i].infrequent = static_cast<uint32_t>(last);  // the group comes last
  }
  return out;
}

Status check_columns(const Table& in, size_t columns, const Estimator& e) {
  TRY_STATUS(check_width(in, e));
  if (in.columns == columns) return {};
  return error(Code::kInvalid, str("X has ", in.columns, " features, but ", e.name,
                                   " is expecting ", columns, " features as input."));
}

}  // namespace proa::engines
