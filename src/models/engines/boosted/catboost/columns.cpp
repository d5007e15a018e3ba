#include "models/engines/boosted/catboost/columns.h"

#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/boosted/catboost/hash.h"

namespace proa::engines::boosted {
namespace {

Error wrong(std::string_view what) { return error(Code::kDataLoss, std::string(what)); }

Status check_base(const CatboostFile& f, const CatboostProjection& p) {
  for (uint32_t c : p.cats)
    if (c >= f.cats.size()) return wrong("a CTR names a feature that there is not");
  for (auto [feature, border] : p.borders)
    if (feature >= f.floats.size()) return wrong("a CTR names a feature that there is not");
  for (auto [cat, value] : p.values)
    if (cat >= f.cats.size()) return wrong("a CTR names a feature that there is not");
  return {};
}

Status check_table(const CatboostFile& f, const CatboostTable& t) {
  TRY_STATUS(check_base(f, t.base));
  bool mean = t.base.type == CtrType::kBinarizedMean || t.base.type == CtrType::kFloatMean;
  if (t.stride == 0 || (mean && t.stride != 2)) return wrong("a CTR's table does not fit");
  for (auto [hash, number] : t.buckets)
    if (number >= t.counts.size() / t.stride) return wrong("a CTR's bucket is out of range");
  return {};
}

const CatboostTable* table_of(const CatboostFile& f, const CatboostCtr& c) {
  std::string key = c.base.key();
  for (const CatboostTable& t : f.tables)
    if (t.base.key() == key) return &t;
  return nullptr;
}

}  // namespace

std::string CatboostProjection::key() const {
  std::string out = str(static_cast<int64_t>(type));
  for (uint32_t c : cats) out += str(" c", c);
  for (auto [feature, border] : borders) out += str(" f", feature, ">", border);
  for (auto [cat, value] : values) out += str(" v", cat, "=", value);
  return out;
}

Status check_catboost(const CatboostFile& f) {
  if (f.bias.size() != f.dimension) return wrong("the bias does not fit the outputs");
  if (f.dimension > 4096 && f.leaf_values.size() < f.dimension)
    return wrong("there are more outputs than leaf values");
  if (!std::isfinite(f.scale)) return wrong("the scale is not a number");
  for (const CatboostOneHot& o : f.one_hots)
    if (o.cat >= f.cats.size()) return wrong("a one-hot feature is out of range");
  for (const CatboostTable& t : f.tables) TRY_STATUS(check_table(f, t));
  for (const CatboostCtr& c : f.ctrs) {
    TRY_STATUS(check_base(f, c.base));
    const CatboostTable* t = table_of(f, c);
    if (t == nullptr) return wrong("a CTR has no table");
    bool classes = c.base.type == CtrType::kBorders || c.base.type == CtrType::kBuckets;
    if (classes && (t->stride < 2 || c.target_border >= t->stride))
      return wrong("a CTR's class is out of range");
  }
  if (f.leaf_values.size() >= (size_t{1} << 28)) return wrong("too many leaves");
  size_t labels = std::max(f.label_numbers.size(), f.label_texts.size());
  if (labels != 0 && f.dimension != 1 && labels != f.dimension)
    return wrong("class_names do not fit the outputs");
  return {};
}

CatboostColumns::CatboostColumns(const CatboostFile& file) : file_(file) {
  uint32_t column = 0;
  for (const CatboostFloat& f : file.floats) {
    for (double b : f.borders) splits_.push_back({column, b, f.nan_is_large});
    ++column;
  }
  one_hots_ = column;
  for (const CatboostOneHot& o : file.one_hots)
    for (size_t i = 0; i < o.values.size(); ++i) splits_.push_back({column++, 0.5, false});
  ctrs_ = column;
  for (const CatboostCtr& c : file.ctrs) {
    for (double b : c.borders) splits_.push_back({column, b, false});
    ++column;
    table_of_.push_back(static_cast<uint32_t>(table_of(file, c) - file.tables.data()));
  }
}

Status CatboostColumns::add(const CatboostTree& tree, size_t number, trees::Spec& spec) const {
  trees::Tree made;
  auto split = [&](uint32_t index, uint32_t left, uint32_t right) -> Result<trees::Node> {
    if (index >= splits_.size()) return wrong(str("tree ", number, ": a split is out of range"));
    const Split& s = splits_[index];
    trees::Node n;
    n.feature = static_cast<int32_t>(s.column);
    n.threshold = s.border;
    n.nan = s.nan_right ? trees::Missing::kRight : trees::Missing::kLeft;
    n.left = left, n.right = right;
    return n;
  };
  for (const CatboostNode& c : tree.nodes) {
    trees::Node n;
    n.value = c.value;
    if (c.left != c.right) {
      TRY(n, split(c.split, c.left, c.right));
    }
    made.nodes.push_back(n);
  }
  if (tree.nodes.empty()) {  // level d of the walk asks split d; bit d of the leaf is its answer
    size_t depth = tree.splits.size(), inner = (size_t{1} << depth) - 1;
    made.nodes.reserve(inner * 2 + 1);
    size_t level = 0;
    for (size_t i = 0; i < inner; ++i) {
      if (i + 1 == size_t{2} << level) ++level;
      auto left = static_cast<uint32_t>(2 * i + 1);
      TRY(auto n, split(tree.splits[level], left, left + 1));
      made.nodes.push_back(n);
    }
    for (size_t i = 0; i <= inner; ++i) {  // place i: the first answer is its highest bit
      size_t leaf = 0;
      for (size_t d = 0; d < depth; ++d) leaf |= (i >> (depth - 1 - d) & 1) << d;
      trees::Node n;
      n.value = static_cast<uint32_t>(tree.leaves + leaf * file_.dimension);
      made.nodes.push_back(n);
    }
  }
  spec.trees.push_back(std::move(made));
  return {};
}

Result<trees::Spec> CatboostColumns::spec() const {
  trees::Spec spec;
  spec.features = count();
  spec.outputs = spec.width = file_.dimension;
  spec.float_input = true;
  spec.values = file_.leaf_values;
  for (size_t i = 0; i < file_.trees.size(); ++i) TRY_STATUS(add(file_.trees[i], i, spec));
  return spec;
}

float CatboostColumns::ctr(const CatboostCtr& c, const CatboostTable& t, const double* numbers,
                           const int32_t* hashes) const {
  uint64_t hash = 0;
  auto add = [&](int64_t v) { hash = combine_hash(hash, static_cast<uint64_t>(v)); };
  for (uint32_t cat : c.base.cats) add(hashes[cat]);
  for (auto [feature, border] : c.base.borders) {
    auto x = static_cast<float>(numbers[feature]);
    add(std::isnan(x) ? file_.floats[feature].nan_is_large : x > border);
  }
  for (auto [cat, value] : c.base.values) add(hashes[cat] == value);
  auto calc = [&](float count, float total) {
    return ((count + c.prior) / (total + c.denominator) + c.shift) * c.scale;
  };
  bool counter = c.base.type == CtrType::kCounter || c.base.type == CtrType::kFrequency;
  auto whole = static_cast<float>(t.counter_denominator);
  auto at = std::lower_bound(t.buckets.begin(), t.buckets.end(), std::pair{hash, uint32_t{0}});
  if (at == t.buckets.end() || at->first != hash) return calc(0, counter ? whole : 0);
  const float* counts = t.counts.data() + size_t{at->second} * t.stride;
  if (counter) return calc(counts[0], whole);
  if (c.base.type == CtrType::kBinarizedMean || c.base.type == CtrType::kFloatMean)
    return calc(counts[0], counts[1]);
  double total = 0, good = 0;
  for (uint32_t i = 0; i < t.stride; ++i) total += counts[i];
  if (c.base.type == CtrType::kBuckets)
    good = counts[c.target_border];
  else if (t.stride == 2)
    good = counts[1];
  else
    for (uint32_t i = c.target_border + 1; i < t.stride; ++i) good += counts[i];
  return calc(static_cast<float>(good), static_cast<float>(total));
}

void CatboostColumns::fill(const double* numbers, const int32_t* hashes, double* out) const {
  std::copy(numbers, numbers + file_.floats.size(), out);
  double* next = out + one_hots_;
  for (const CatboostOneHot& o : file_.one_hots)
    for (double v : o.values) *next++ = static_cast<double>(hashes[o.cat]) == v ? 1 : 0;
  for (size_t i = 0; i < file_.ctrs.size(); ++i)
    *next++ = static_cast<double>(ctr(file_.ctrs[i], file_.tables[table_of_[i]], numbers, hashes));
}

}  // namespace proa::engines::boosted
