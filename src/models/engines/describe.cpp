#include "models/engines/describe.h"

#include <algorithm>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/attributes.h"

namespace proa::engines {
namespace {

using pickle::Kind;
using pickle::Node;

constexpr int kMostDepth = 8;

bool is_class(const Node& n, std::string_view name) {
  std::string_view type = n.type_name();
  return type.substr(type.rfind('.') + 1) == name;
}

bool is_pair(const Node& n, size_t size) {
  return (n.kind == Kind::kTuple || n.kind == Kind::kList) && n.items.size() == size;
}

// The estimators of a Pipeline's steps, None and "passthrough" left out.
std::vector<const Node*> steps_of(const Node& pipeline) {
  std::vector<const Node*> out;
  const Node* steps = pipeline.get("steps");
  if (!steps || steps->kind != Kind::kList) return out;
  for (const Node* step : steps->items)
    if (is_pair(*step, 2) && step->items[1]->kind == Kind::kObject) out.push_back(step->items[1]);
  return out;
}

bool holds_texts(const Node* array) {
  if (!array || array->kind != Kind::kArray) return false;
  if (array->array->dtype.kind == 'U') return true;
  const auto& objects = array->array->objects;
  return std::any_of(objects.begin(), objects.end(),
                     [](const Node* n) { return n->kind == Kind::kStr; });
}

// Which of its columns an encoder or imputer learnt as texts.
std::vector<bool> texts_of(const Node& n, int depth) {
  std::vector<bool> out;
  if (depth > kMostDepth) return out;
  if (is_class(n, "Pipeline")) {
    auto steps = steps_of(n);
    return steps.empty() ? out : texts_of(*steps[0], depth + 1);
  }
  if (const Node* categories = n.get("categories_"); categories && categories->kind == Kind::kList)
    for (const Node* c : categories->items) out.push_back(holds_texts(c));
  const Node* statistics = n.get("statistics_");
  if (holds_texts(statistics)) out.assign(statistics->array->count(), true);
  if (is_class(n, "TargetEncoder") && out.empty()) out.push_back(false);
  return out;
}

bool takes_documents(const Node& n, int depth) {
  if (depth > kMostDepth) return false;
  if (is_class(n, "Pipeline")) {
    auto steps = steps_of(n);
    return !steps.empty() && takes_documents(*steps[0], depth + 1);
  }
  return is_class(n, "CountVectorizer") || is_class(n, "TfidfVectorizer") ||
         is_class(n, "HashingVectorizer");
}

// The places of a ColumnTransformer's columns: names or numbers in a list; anything else is none.
std::vector<size_t> places(const Node& columns, const std::vector<std::string>& names) {
  std::vector<size_t> out;
  auto take = [&](const Node& n) {
    if (n.kind == Kind::kInt && n.integer >= 0) out.push_back(static_cast<size_t>(n.integer));
    if (n.kind != Kind::kStr) return;
    auto at = std::find(names.begin(), names.end(), n.text);
    if (at != names.end()) out.push_back(static_cast<size_t>(at - names.begin()));
  };
  take(columns);
  if (columns.kind == Kind::kList)
    for (const Node* c : columns.items) take(*c);
  if (columns.kind == Kind::kArray && columns.array->dtype.kind == 'O')
    for (const Node* c : columns.array->objects) take(*c);
  return out;
}

void mark(InputKind& kind, const Node& transformer, const Node& columns,
          const std::vector<std::string>& names) {
  auto at = places(columns, names);
  auto texts = texts_of(transformer, 0);
  bool all = takes_documents(transformer, 0);
  for (size_t i = 0; i < at.size(); ++i)
    if (at[i] < kind.texts.size() && (all || (i < texts.size() && texts[i])))
      kind.texts[at[i]] = true;
}

void walk(InputKind& kind, const Node& n, const std::vector<std::string>& names, int depth) {
  if (depth > kMostDepth) return;
  if (is_class(n, "Pipeline")) {
    auto steps = steps_of(n);
    if (!steps.empty()) walk(kind, *steps[0], names, depth + 1);
    return;
  }
  if (const Node* best = n.get("best_estimator_"); best && best->kind == Kind::kObject)
    return walk(kind, *best, names, depth + 1);
  kind.documents = takes_documents(n, 0);
  const Node* transformers = n.get("transformers_");
  if (is_class(n, "ColumnTransformer") && transformers && transformers->kind == Kind::kList) {
    kind.by_name = true;
    for (const Node* t : transformers->items)
      if (is_pair(*t, 3) && t->items[1]->kind == Kind::kObject)
        mark(kind, *t->items[1], *t->items[2], names);
    return;
  }
  auto texts = texts_of(n, 0);
  for (size_t i = 0; i < texts.size() && i < kind.texts.size(); ++i) kind.texts[i] = texts[i];
}

}  // namespace

std::string type_text(const Node& root) {
  if (!is_class(root, "Pipeline")) return std::string(root.type_name());
  std::vector<std::string> names;
  for (const Node* step : steps_of(root)) names.emplace_back(Attributes(*step).class_name());
  return str("Pipeline(", shorten(join(names, ", "), 1000), ")");
}

InputKind input_kind(const Node& root, const std::vector<std::string>& names, size_t features) {
  InputKind kind;
  kind.texts.assign(std::min<size_t>(features, 100'000), false);
  walk(kind, root, names, 0);
  return kind;
}

}  // namespace proa::engines
