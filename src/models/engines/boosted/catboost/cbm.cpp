// CatBoost's binary format: "CBM1", the length of the core, the core as a FlatBuffer, then the
// parts that the core names, of which the CTRs' tables are one.
#include <algorithm>
#include <array>
#include <cstring>

#include "foundation/base/strings.h"
#include "models/engines/boosted/catboost/file.h"
#include "models/engines/boosted/documents/document.h"
#include "models/engines/boosted/documents/flatbuffer.h"

namespace proa::engines::boosted {
namespace {

using Table = Flat::Table;

Error wrong(std::string_view what) { return error(Code::kDataLoss, std::string(what)); }

std::vector<double> widen(const std::vector<float>& v) { return {v.begin(), v.end()}; }

Result<CatboostProjection> read_base(const Table& base) {
  CatboostProjection out;
  Table combination = base.table(0);
  int type = base.scalar<int8_t>(1, 0);
  if (type < 0 || type > 5) return wrong("a CTR's type is unknown");
  out.type = static_cast<CtrType>(type);
  for (int32_t c : combination.numbers<int32_t>(0)) out.cats.push_back(static_cast<uint32_t>(c));
  struct FloatSplit {
    int32_t index;
    float border;
  };
  struct ValueSplit {
    int32_t index, value;
  };
  for (auto s : combination.numbers<FloatSplit>(1))
    out.borders.emplace_back(static_cast<uint32_t>(s.index), s.border);
  for (auto s : combination.numbers<ValueSplit>(2))
    out.values.emplace_back(static_cast<uint32_t>(s.index), s.value);
  return out;
}

Status set_name(CatboostFile& file, int32_t flat, std::string_view name) {
  if (flat < 0 || flat >= (1 << 20)) return wrong("a feature's column is out of range");
  auto at = static_cast<size_t>(flat);
  file.features = std::max(file.features, at + 1);
  if (file.names.size() < file.features) file.names.resize(file.features);
  file.names[at] = name;
  return {};
}

Status read_features(const Table& t, CatboostFile& file) {
  for (const Table& f : t.tables(5)) {
    int32_t index = f.scalar<int32_t>(1, -1), flat = f.scalar<int32_t>(2, -1);
    if (index != static_cast<int32_t>(file.floats.size()))
      return wrong("numerical features are not in order");
    TRY_STATUS(set_name(file, flat, f.text(4)));
    CatboostFloat made{static_cast<uint32_t>(flat), widen(f.numbers<float>(3)), false};
    made.nan_is_large = f.scalar<int8_t>(5, 0) == 2;
    file.floats.push_back(std::move(made));
  }
  for (const Table& f : t.tables(4)) {
    int32_t index = f.scalar<int32_t>(0, -1), flat = f.scalar<int32_t>(1, -1);
    if (index != static_cast<int32_t>(file.cats.size()))
      return wrong("categorical features are not in order");
    TRY_STATUS(set_name(file, flat, f.text(2)));
    file.cats.push_back(static_cast<uint32_t>(flat));
  }
  for (const Table& f : t.tables(6)) {
    std::vector<int32_t> values = f.numbers<int32_t>(1);
    file.one_hots.push_back(
        {static_cast<uint32_t>(f.scalar<int32_t>(0, -1)), {values.begin(), values.end()}});
  }
  for (const Table& f : t.tables(7)) {
    Table ctr = f.table(0);
    CatboostCtr made;
    TRY(made.base, read_base(ctr.table(0)));
    made.target_border = static_cast<uint32_t>(ctr.scalar<int32_t>(1, 0));
    made.prior = ctr.scalar<float>(2, 0);
    made.denominator = ctr.scalar<float>(3, 1);
    made.shift = ctr.scalar<float>(4, 0);
    made.scale = ctr.scalar<float>(5, 1);
    made.borders = widen(f.numbers<float>(1));
    file.ctrs.push_back(std::move(made));
  }
  constexpr std::array<std::pair<int, std::string_view>, 3> other = {
      {{12, "text"}, {13, "estimated"}, {18, "embedding"}}};
  for (auto [field, name] : other)
    if (!t.raw(field, 4).empty())
      return error(Code::kUnimplemented, str("CatBoost models with ", name,
                                             " features are not supported: train on numbers and "
                                             "categories"));
  return {};
}

struct Step {
  uint16_t left, right;
};

// One tree that is not symmetric: nodes point forward to their children; a child 0 nodes ahead is a
// leaf, the node's own.
Status add_uneven(const std::vector<int32_t>& splits, const std::vector<Step>& steps,
                  const std::vector<uint32_t>& leaf_of, size_t begin, size_t size,
                  CatboostFile& file) {
  CatboostTree tree;
  tree.nodes.resize(size);
  auto leaf = [&](size_t i) -> Result<uint32_t> {
    uint32_t value = leaf_of[begin + i];
    if (value == 0xffffffffu) return wrong("a leaf has no value");
    CatboostNode made;
    made.value = value;
    tree.nodes.push_back(made);
    return static_cast<uint32_t>(tree.nodes.size() - 1);
  };
  for (size_t i = 0; i < size; ++i) {
    Step s = steps[begin + i];
    CatboostNode node;
    if (s.left == 0 && s.right == 0) {
      if (leaf_of[begin + i] == 0xffffffffu) return wrong("a leaf has no value");
      node.value = leaf_of[begin + i];
      tree.nodes[i] = node;
      continue;
    }
    node.split = static_cast<uint32_t>(splits[begin + i]);
    if (i + s.left >= size || i + s.right >= size) return wrong("a child is out of range");
    node.left = static_cast<uint32_t>(i + s.left), node.right = static_cast<uint32_t>(i + s.right);
    if (s.left == 0) {
      TRY(node.left, leaf(i));
    } else if (s.right == 0) {
      TRY(node.right, leaf(i));
    }
    tree.nodes[i] = node;
  }
  file.trees.push_back(std::move(tree));
  return {};
}

Status read_trees(const Table& t, CatboostFile& file) {
  auto splits = t.numbers<int32_t>(1), sizes = t.numbers<int32_t>(2);
  auto steps = t.numbers<Step>(10);
  auto leaf_of = t.numbers<uint32_t>(11);
  file.leaf_values = t.numbers<double>(8);
  if (!steps.empty() && (steps.size() != splits.size() || leaf_of.size() != splits.size()))
    return wrong("the trees' nodes do not fit");
  size_t at = 0, value = 0;
  for (int32_t n : sizes) {
    auto size = static_cast<size_t>(n);
    if (n < 0 || size > splits.size() - at) return wrong("the trees' sizes do not fit");
    if (!steps.empty()) {
      if (n == 0) return wrong("a tree has no nodes");
      TRY_STATUS(add_uneven(splits, steps, leaf_of, at, size, file));
    } else {
      if (n > 24) return wrong("a symmetric tree is too deep");
      CatboostTree tree;
      for (size_t i = 0; i < size; ++i)
        tree.splits.push_back(static_cast<uint32_t>(splits[at + i]));
      tree.leaves = value;
      value += file.dimension << size;
      if (value > file.leaf_values.size()) return wrong("leaf values are missing");
      file.trees.push_back(std::move(tree));
    }
    at += size;
  }
  return {};
}

Result<CatboostTable> read_table(std::string_view bytes) {
  Flat flat(bytes);
  Table t = flat.root();
  CatboostTable out;
  TRY(out.base, read_base(t.table(0)));
  out.counter_denominator = t.scalar<int32_t>(3, 0);
  int32_t classes = t.scalar<int32_t>(4, 0);
  std::string_view index = t.raw(1, 1), blob = t.raw(2, 1);
  bool mean = out.base.type == CtrType::kBinarizedMean || out.base.type == CtrType::kFloatMean;
  bool counter = out.base.type == CtrType::kCounter || out.base.type == CtrType::kFrequency;
  if (!mean && !counter && (classes < 1 || classes > 1 << 20))
    return wrong("a CTR's table has no classes");
  out.stride = mean ? 2 : counter ? 1 : static_cast<uint32_t>(classes);
  for (size_t i = 0; i + 4 <= blob.size(); i += 4) {
    int32_t whole;
    float fraction;
    std::memcpy(&whole, blob.data() + i, 4);
    std::memcpy(&fraction, blob.data() + i, 4);
    out.counts.push_back(mean && i % 8 == 0 ? fraction : static_cast<float>(whole));
  }
  for (size_t i = 0; i + 12 <= index.size(); i += 12) {
    uint64_t hash;
    uint32_t number;
    std::memcpy(&hash, index.data() + i, 8);
    std::memcpy(&number, index.data() + i + 8, 4);
    if (hash != ~uint64_t{0}) out.buckets.emplace_back(hash, number);
  }
  if (flat.damaged()) return wrong("a CTR's table is damaged");
  return out;
}

// u32 count, then each table behind its length.
Status read_tables(std::string_view bytes, CatboostFile& file) {
  auto number = [&]() -> Result<uint32_t> {
    if (bytes.size() < 4) return wrong("the CTRs' tables end early");
    uint32_t v;
    std::memcpy(&v, bytes.data(), 4);
    bytes.remove_prefix(4);
    return v;
  };
  TRY(uint32_t count, number());
  for (uint32_t i = 0; i < count; ++i) {
    TRY(uint32_t size, number());
    if (size > bytes.size()) return wrong("the CTRs' tables end early");
    TRY(CatboostTable table, read_table(bytes.substr(0, size)));
    file.tables.push_back(std::move(table));
    bytes.remove_prefix(size);
  }
  return {};
}

Status read_info(const Table& core, CatboostFile& file) {
  Document class_params, params;
  for (const Table& pair : core.tables(2)) {
    std::string_view key = pair.text(0), value = pair.text(1);
    if (key == "class_params" || key == "params") {
      TRY(Document d, parse_json_document(value));
      (key == "params" ? params : class_params) = std::move(d);
    }
    if (size_t at = value.find("tags/v"); key == "catboost_version_info" && at != value.npos) {
      at += 6;
      file.version =
          value.substr(at, std::min(value.find_first_not_of("0123456789.", at), value.size()) - at);
    }
  }
  return read_catboost_parameters(class_params, params, file);
}

}  // namespace

Result<CatboostFile> read_catboost_cbm(std::string_view bytes) {
  if (bytes.size() < 8 || !bytes.starts_with("CBM1")) return wrong("it is not a CatBoost model");
  uint32_t size;
  std::memcpy(&size, bytes.data() + 4, 4);
  if (size > bytes.size() - 8) return wrong("the file ends early");
  Flat flat(bytes.substr(8, size));
  Table core = flat.root(), trees = core.table(1);
  if (!trees) return wrong("it has no trees");
  CatboostFile file;
  int32_t dimension = trees.scalar<int32_t>(0, 0);
  if (dimension < 1 || dimension > 1 << 20) return wrong("a bad number of outputs");
  file.dimension = static_cast<size_t>(dimension);
  TRY_STATUS(read_features(trees, file));
  TRY_STATUS(read_trees(trees, file));
  file.scale = trees.scalar<double>(14, 1);
  file.bias = trees.numbers<double>(16);
  if (file.bias.empty()) file.bias.assign(file.dimension, trees.scalar<double>(15, 0));
  TRY_STATUS(read_info(core, file));
  for (std::string_view part : core.texts(3)) {
    if (part == "static_provider_v1") {
      TRY_STATUS(read_tables(bytes.substr(8 + size), file));
      break;
    }
    return error(Code::kUnimplemented,
                 str("the part \"", shorten(part, 40), "\" of a CatBoost model is not supported"));
  }
  if (flat.damaged()) return wrong("the file is damaged");
  TRY_STATUS(check_catboost(file));
  return file;
}

}  // namespace proa::engines::boosted
