// XGBoost's JSON and UBJSON (https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html).
#include "models/engines/boosted/documents/document.h"

#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/boosted/xgboost/file.h"

namespace proa::engines::boosted {
namespace {

Error wrong(std::string_view what) { return error(Code::kDataLoss, std::string(what)); }

// A count that is a number or the text of one.
Result<size_t> count(const Document& d, std::string_view name, size_t otherwise, size_t most) {
  if (d.kind == Document::Kind::kNull) return otherwise;
  double v = d.as_number(-1);
  if (!(v >= 0 && v <= static_cast<double>(most)) || v != std::floor(v))
    return wrong(str(name, " is not a number from 0 to ", most));
  return static_cast<size_t>(v);
}

// "5E-1", 0.5, or since 3.1 "[1E0,2E0]".
Result<std::vector<float>> base_score(const Document& d) {
  std::vector<float> out;
  if (d.kind == Document::Kind::kNumbers) {
    for (double v : d.numbers) out.push_back(static_cast<float>(v));
    return out;
  }
  if (d.kind != Document::Kind::kText) return std::vector{static_cast<float>(d.as_number(0.5))};
  std::string_view text = trim(d.text);
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  for (std::string_view part : split(text, ',')) {
    auto v = parse_double(trim(part));
    if (!v) return wrong(str("base_score is \"", shorten(d.text, 60), "\""));
    out.push_back(static_cast<float>(*v));
  }
  return out;
}

Status read_tree(const Document& d, uint32_t group, float scale, XgboostFile& file) {
  if (!d.is_object()) return wrong("a tree is not an object");
  XgboostTree t;
  t.left = d["left_children"].numbers;
  t.right = d["right_children"].numbers;
  t.feature = d["split_indices"].numbers;
  t.value = d["split_conditions"].numbers;
  t.default_left = d["default_left"].numbers;
  t.split_type = d["split_type"].numbers;
  t.categories = d["categories"].numbers;
  t.category_nodes = d["categories_nodes"].numbers;
  t.segments = d["categories_segments"].numbers;
  t.sizes = d["categories_sizes"].numbers;
  TRY(size_t width, count(d["tree_param"]["size_leaf_vector"], "size_leaf_vector", 1, 1 << 20));
  if (width > 1) {
    if (width != file.groups) return wrong("size_leaf_vector is not the number of outputs");
    t.width = width;
    t.weights_by_leaf = d.has("leaf_weights");
    t.leaf_weights = d[t.weights_by_leaf ? "leaf_weights" : "base_weights"].numbers;
  }
  if (file.forest.trees.empty()) file.forest.width = t.width;
  if (file.forest.width != t.width) return wrong("trees of one and of several outputs are mixed");
  return add_xgboost_tree(t, group, scale, file);
}

Status read_trees(const Document& model, const Document& weight_drop, XgboostFile& file) {
  const Document& list = model["trees"];
  const auto& info = model["tree_info"].numbers;
  size_t n = list.items.size();
  if (!model["gbtree_model_param"].is_object()) return wrong("gbtree_model_param is missing");
  TRY(size_t told, count(model["gbtree_model_param"]["num_trees"], "num_trees", n, 1 << 24));
  if (told != n) return wrong(str("num_trees is ", told, ", there are ", n));
  if (info.size() != n) return wrong("tree_info does not fit the trees");
  bool dart = weight_drop.kind != Document::Kind::kNull;
  if (dart && weight_drop.numbers.size() != n) return wrong("weight_drop does not fit the trees");
  for (size_t i = 0; i < n; ++i) {
    if (!(info[i] >= 0 && info[i] < static_cast<double>(file.groups)))
      return wrong("tree_info names an output that there is not");
    float scale = dart ? static_cast<float>(weight_drop.numbers[i]) : 1.0f;
    TRY_STATUS(read_tree(list.items[i], static_cast<uint32_t>(info[i]), scale, file)
                   .context(str("tree ", i)));
  }
  return {};
}

Status read_booster(const Document& booster, XgboostFile& file) {
  file.booster = booster["name"].text;
  if (file.booster == "gbtree") return read_trees(booster["model"], Document(), file);
  if (file.booster == "dart") {
    if (booster["weight_drop"].kind != Document::Kind::kNumbers)
      return wrong("weight_drop is missing");
    return read_trees(booster["gbtree"]["model"], booster["weight_drop"], file);
  }
  if (file.booster == "gblinear") {
    for (double w : booster["model"]["weights"].numbers)
      file.weights.push_back(static_cast<float>(w));
    return {};
  }
  return error(Code::kUnimplemented, str("the booster \"", shorten(file.booster, 60),
                                         "\" is not supported: gbtree, dart and "
                                         "gblinear are"));
}

}  // namespace

bool saved_by_classifier(std::string_view attribute) {
  auto document = parse_json_document(attribute);
  return document.ok() && (*document)["_estimator_type"].text == "classifier";
}

Result<XgboostFile> read_xgboost_document(std::string_view bytes, bool ubjson) {
  TRY(Document root, ubjson ? parse_ubjson(bytes) : parse_json_document(bytes));
  if (root.has("Config") || root.has("Model"))
    root = Document(ubjson ? root["Model"] : root["Model"]);
  const Document& learner = root["learner"];
  if (!learner.is_object()) return wrong("it has no \"learner\": it is not an XGBoost model");
  XgboostFile file;
  if (root["version"].numbers.size() > 3) return wrong("version has more than three numbers");
  for (double part : root["version"].numbers) {
    if (!(part >= 0 && part < 1e6)) return wrong("version is none");
    file.version += str(file.version.empty() ? "" : ".", static_cast<int64_t>(part));
  }
  const Document& param = learner["learner_model_param"];
  if (!param.is_object()) return wrong("learner_model_param is missing");
  TRY(file.features, count(param["num_feature"], "num_feature", 0, (1 << 24) - 1));
  TRY(size_t classes, count(param["num_class"], "num_class", 0, 1 << 20));
  TRY(size_t targets, count(param["num_target"], "num_target", 1, 1 << 20));
  file.groups = std::max<size_t>({classes, targets, 1});
  TRY(file.base_score, base_score(param["base_score"]));
  file.objective = learner["objective"]["name"].text;
  file.feature_names = learner["feature_names"].texts();
  file.feature_types = learner["feature_types"].texts();
  for (const auto* names : {&file.feature_names, &file.feature_types})
    if (!names->empty() && names->size() != file.features)
      return wrong("feature names or types do not fit num_feature");
  file.forest.features = file.features;
  file.classifier = saved_by_classifier(learner["attributes"]["scikit_learn"].text);
  TRY_STATUS(read_booster(learner["gradient_booster"], file));
  TRY_STATUS(finish_xgboost(file));
  return file;
}

}  // namespace proa::engines::boosted
