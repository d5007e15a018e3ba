// CatBoost's JSON export (https://catboost.ai/docs/en/concepts/json-models), and what .cbm holds as
// JSON too: the training's parameters.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/boosted/catboost/file.h"
#include "models/engines/boosted/documents/document.h"

namespace proa::engines::boosted {
namespace {

using Kind = Document::Kind;

Error wrong(std::string_view what) { return error(Code::kDataLoss, std::string(what)); }

Result<uint32_t> index(const Document& d, std::string_view name) {
  double v = d.as_number(-1);
  if (!(v >= 0 && v < (1 << 28)) || v != std::floor(v)) return wrong(str(name, " is not a place"));
  return static_cast<uint32_t>(v);
}

int32_t as_hash(double v) {
  return v >= -2147483648.0 && v <= 2147483647.0 ? static_cast<int32_t>(v) : 0;
}

Result<CtrType> ctr_type(std::string_view name) {
  constexpr std::array<std::string_view, 6> names = {
      "Borders", "Buckets",    "BinarizedTargetMeanValue", "FloatTargetMeanValue",
      "Counter", "FeatureFreq"};
  for (size_t i = 0; i < names.size(); ++i)
    if (name == names[i]) return static_cast<CtrType>(i);
  return wrong("a CTR's type is unknown");
}

Result<CatboostProjection> read_base(const Document& elements, std::string_view type) {
  CatboostProjection out;
  TRY(out.type, ctr_type(type));
  for (const Document& e : elements.items) {
    const std::string& kind = e["combination_element"].text;
    if (kind == "cat_feature_value") {
      TRY(uint32_t cat, index(e["cat_feature_index"], "cat_feature_index"));
      out.cats.push_back(cat);
    } else if (kind == "float_feature") {
      TRY(uint32_t feature, index(e["float_feature_index"], "float_feature_index"));
      out.borders.emplace_back(feature, static_cast<float>(e["border"].as_number(0)));
    } else if (kind == "cat_feature_exact_value") {
      TRY(uint32_t cat, index(e["cat_feature_index"], "cat_feature_index"));
      out.values.emplace_back(cat, as_hash(e["value"].as_number(0)));
    } else {
      return wrong("a CTR's element is unknown");
    }
  }
  return out;
}

Status set_column(const Document& d, CatboostFile& file, uint32_t& flat) {
  TRY(flat, index(d["flat_feature_index"], "flat_feature_index"));
  if (flat >= 1u << 20) return wrong("a feature's column is out of range");
  file.features = std::max<size_t>(file.features, flat + 1);
  if (file.names.size() < file.features) file.names.resize(file.features);
  file.names[flat] = d["feature_id"].text;
  return {};
}

Status read_features(const Document& info, CatboostFile& file) {
  for (const Document& d : info["float_features"].items) {
    CatboostFloat f;
    TRY_STATUS(set_column(d, file, f.flat));
    f.borders = d["borders"].numbers;
    f.nan_is_large = d["nan_value_treatment"].text == "AsTrue";
    if (d["feature_index"].as_number(-1) != static_cast<double>(file.floats.size()))
      return wrong("numerical features are not in order");
    file.floats.push_back(std::move(f));
  }
  for (const Document& d : info["categorical_features"].items) {
    uint32_t flat = 0;
    TRY_STATUS(set_column(d, file, flat));
    auto at = static_cast<uint32_t>(file.cats.size());
    if (d["feature_index"].as_number(-1) != at)
      return wrong("categorical features are not in order");
    file.cats.push_back(flat);
    if (d["values"].size() != 0) file.one_hots.push_back({at, d["values"].numbers});
  }
  for (const Document& d : info["ctrs"].items) {
    CatboostCtr c;
    TRY(c.base, read_base(d["elements"], d["ctr_type"].text));
    TRY(c.target_border, index(d["target_border_idx"], "target_border_idx"));
    c.prior = static_cast<float>(d["prior_numerator"].as_number(0));
    c.denominator = static_cast<float>(d["prior_denomerator"].as_number(1));
    c.shift = static_cast<float>(d["shift"].as_number(0));
    c.scale = static_cast<float>(d["scale"].as_number(1));
    c.borders = d["borders"].numbers;
    file.ctrs.push_back(std::move(c));
  }
  for (std::string_view other : {"text_features", "embedding_features", "estimated_features"})
    if (info[other].size() != 0)
      return error(Code::kUnimplemented, str("CatBoost models with ", other, " are not supported"));
  return {};
}

// [hash, number, …, hash, number, …]; hashes are texts of 64-bit numbers.
Status read_map(const Document& d, CatboostTable& table) {
  TRY(uint32_t stride, index(d["hash_stride"], "hash_stride"));
  const auto& items = d["hash_map"].items;
  if (stride < 2 || items.size() % stride != 0) return wrong("a CTR's table does not fit");
  table.stride = stride - 1;
  table.counter_denominator =
      static_cast<int32_t>(std::clamp(d["counter_denominator"].as_number(0), 0.0, 2147483647.0));
  for (size_t i = 0; i < items.size(); i += stride) {
    uint64_t hash = 0;
    const std::string& text = items[i].text;
    auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), hash);
    if (bad != std::errc() || end != text.data() + text.size())
      return wrong("a CTR's hash is none");
    auto number = static_cast<uint32_t>(i / stride);
    if (hash != ~uint64_t{0}) table.buckets.emplace_back(hash, number);
    for (size_t k = 1; k < stride; ++k)
      table.counts.push_back(static_cast<float>(items[i + k].as_number(0)));
  }
  return {};
}

Status read_tables(const Document& data, CatboostFile& file) {
  for (const auto& [key, d] : data.members) {
    TRY(Document id, parse_json_document(key));
    CatboostTable table;
    TRY(table.base, read_base(id["identifier"], id["type"].text));
    TRY_STATUS(read_map(d, table));
    file.tables.push_back(std::move(table));
  }
  return {};
}

Status add_leaf(const Document& d, CatboostFile& file, CatboostNode& node) {
  node.value = static_cast<uint32_t>(file.leaf_values.size());
  const Document& v = d["value"];
  if (v.kind == Kind::kNumber)
    file.leaf_values.push_back(v.number);
  else
    file.leaf_values.insert(file.leaf_values.end(), v.numbers.begin(), v.numbers.end());
  if (file.leaf_values.size() - node.value != file.dimension) return wrong("a leaf does not fit");
  return {};
}

Status read_uneven(const Document& root, CatboostFile& file) {
  CatboostTree tree;
  std::vector<std::pair<const Document*, uint32_t>> todo = {{&root, 0}};
  tree.nodes.resize(1);
  while (!todo.empty()) {
    auto [d, at] = todo.back();
    todo.pop_back();
    CatboostNode node;
    if (!(*d)["split"].is_object()) {
      TRY_STATUS(add_leaf(*d, file, node));
    } else {
      TRY(node.split, index((*d)["split"]["split_index"], "split_index"));
      node.left = static_cast<uint32_t>(tree.nodes.size());
      node.right = node.left + 1;
      tree.nodes.resize(tree.nodes.size() + 2);
      todo.emplace_back(&(*d)["left"], node.left);
      todo.emplace_back(&(*d)["right"], node.right);
    }
    tree.nodes[at] = node;
  }
  file.trees.push_back(std::move(tree));
  return {};
}

Status read_symmetric(const Document& d, CatboostFile& file) {
  CatboostTree tree;
  for (const Document& s : d["splits"].items) {
    TRY(uint32_t split, index(s["split_index"], "split_index"));
    tree.splits.push_back(split);
  }
  if (tree.splits.size() > 24) return wrong("a symmetric tree is too deep");
  tree.leaves = file.leaf_values.size();
  const auto& values = d["leaf_values"].numbers;
  if (values.size() != file.dimension << tree.splits.size())
    return wrong("a tree's leaf values do not fit");
  file.leaf_values.insert(file.leaf_values.end(), values.begin(), values.end());
  file.trees.push_back(std::move(tree));
  return {};
}

Document unpacked(const Document& d) {
  if (d.kind != Kind::kText) return d;
  auto inner = parse_json_document(d.text);
  return inner.ok() ? std::move(*inner) : Document();
}

}  // namespace

Status read_catboost_parameters(const Document& class_params, const Document& params,
                                CatboostFile& file) {
  Document classes = unpacked(class_params), training = unpacked(params);
  const Document& loss = training["loss_function"];
  file.loss = loss.kind == Kind::kText ? loss.text : loss["type"].text;
  if (size_t colon = file.loss.find(':'); colon != file.loss.npos) file.loss.resize(colon);
  const Document& names = classes["class_names"];
  const std::string& type = classes["class_label_type"].text;
  if (names.size() == 0) return {};
  if (type == "Integer" || type == "Float") {
    file.label_type =
        type == "Integer" ? CatboostFile::Label::kInteger : CatboostFile::Label::kFloat;
    file.label_numbers = names.numbers;
    for (const Document& n : names.items) file.label_numbers.push_back(n.as_number(0));
    return {};
  }
  file.label_type = CatboostFile::Label::kText;
  file.label_texts = names.texts();
  if (type == "Boolean")
    for (double v : names.numbers) file.label_texts.push_back(v != 0 ? "True" : "False");
  if (file.label_texts.empty()) return wrong("class_names are of a kind that is not known");
  return {};
}

Result<CatboostFile> read_catboost_json(std::string_view bytes) {
  TRY(Document root, parse_json_document(bytes));
  CatboostFile file;
  const Document& bias = root["scale_and_bias"];
  const Document &even = root["oblivious_trees"], &uneven = root["trees"];
  if (even.size() + uneven.size() == 0) return wrong("it has no trees: it is not a CatBoost model");
  if (bias.kind == Kind::kArray && bias.items.size() == 2) {
    file.scale = bias.items[0].as_number(1);
    file.bias = bias.items[1].numbers;
  } else if (bias.numbers.size() == 2) {
    file.scale = bias.numbers[0];
    file.bias = {bias.numbers[1]};
  }
  file.dimension = std::max<size_t>(file.bias.size(), 1);
  if (!even.items.empty() && !even.items[0]["leaf_values"].numbers.empty()) {
    const Document& first = even.items[0];
    file.dimension =
        first["leaf_values"].numbers.size() >> std::min<size_t>(first["splits"].size(), 24);
  }
  if (file.dimension == 0 || file.dimension > 1 << 20) return wrong("a bad number of outputs");
  if (file.bias.size() != file.dimension)
    file.bias.assign(file.dimension, file.bias.empty() ? 0 : file.bias[0]);
  TRY_STATUS(read_features(root["features_info"], file));
  TRY_STATUS(read_tables(root["ctr_data"], file));
  for (const Document& d : even.items) TRY_STATUS(read_symmetric(d, file));
  for (const Document& d : uneven.items) TRY_STATUS(read_uneven(d, file));
  const Document& info = root["model_info"];
  TRY_STATUS(read_catboost_parameters(info["class_params"], info["params"], file));
  TRY_STATUS(check_catboost(file));
  return file;
}

}  // namespace proa::engines::boosted
