// Pipeline and FeatureUnion.
#include <optional>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/meta/common.h"
#include "models/engines/sklearn/meta/makers.h"
#include "models/engines/sklearn/meta/tables.h"

namespace proa::engines::meta {
namespace {

using pickle::Kind;
using pickle::Node;

constexpr size_t kMostSteps = 10000;

bool is_pass(const Node* n) { return n->kind == Kind::kNone || is_text(n, "passthrough"); }

// (name, estimator, …) of a list of steps.
Result<const Node*> second(const Attributes& a, const Node* step) {
  bool pair = (step->kind == Kind::kTuple || step->kind == Kind::kList) && step->items.size() >= 2;
  if (!pair) return a.wrong("a step is not a pair of a name and an estimator");
  return step->items[1];
}

class Pipeline : public Estimator {
 public:
  std::vector<Part> steps;  // without those that change nothing
  bool last_passes = false;

  bool has(Method method) const override {
    if (steps.empty() || last_passes) return method == Method::kTransform;
    return steps.back()->has(method);
  }
  const Labels* labels() const override {
    return steps.empty() || last_passes ? nullptr : steps.back()->labels();
  }
  std::vector<std::string> output_names() const override {
    return steps.empty() ? std::vector<std::string>() : steps.back()->output_names();
  }
  inference::TensorInfo output_info(Method method) const override {
    return steps.empty() || last_passes ? Estimator::output_info(method)
                                        : steps.back()->output_info(method);
  }
  bool has_inverse() const override {
    for (const Part& p : steps)
      if (!p->has_inverse()) return false;
    return true;
  }

  Status predict(Method method, const Table& in, Workspace& work, Output& out) const override {
    Table rows = in;
    TRY_STATUS(run(rows, steps.size() - 1, work));
    return steps.back()->predict(method, rows, work, out);
  }
  Status transform(const Table& in, Workspace& work, Table& out) const override {
    Table rows = in;
    TRY_STATUS(run(rows, steps.size(), work));
    out = rows;
    return {};
  }
  Status inverse_transform(const Table& in, Workspace& work, Table& out) const override {
    Table rows = in;
    for (size_t i = steps.size(); i > 0; --i) {
      Table next;
      TRY_STATUS(steps[i - 1]->inverse_transform(rows, work, next));
      rows = next;
    }
    out = rows;
    return {};
  }

 private:
  Status run(Table& rows, size_t count, Workspace& work) const {
    for (size_t i = 0; i < count; ++i) {
      Table next;
      TRY_STATUS(steps[i]->transform(rows, work, next));
      rows = next;
    }
    return {};
  }
};

class FeatureUnion : public Estimator {
 public:
  struct Member {
    Part part;  // none: passes the rows on
    double weight = 1;
  };
  std::vector<Member> members;

  bool has(Method method) const override { return method == Method::kTransform; }

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    std::span<Table> blocks = work.take<Table>(members.size());
    bool sparse = false;
    for (size_t i = 0; i < members.size(); ++i) {
      Table made = in;
      if (members[i].part) TRY_STATUS(members[i].part->transform(in, work, made));
      TRY_STATUS(scale(members[i].weight, work, made));
      blocks[i] = made;
      sparse = sparse || made.form == Table::Form::kSparse;
    }
    return side_by_side(blocks, in.rows, sparse, work, out);
  }
};

}  // namespace

Result<double> weight_of(const Attributes& a, std::string_view name) {
  if (!a.has("transformer_weights")) return 1.0;
  const Node* weight = a.find("transformer_weights")->get(name);
  if (!weight || weight->kind == Kind::kNone) return 1.0;
  return pickle::as_double(*weight).context(str(a.class_name(), ": transformer_weights"));
}

Result<std::unique_ptr<Estimator>> make_pipeline(const Attributes& a, Maker& maker) {
  auto out = std::make_unique<Pipeline>();
  TRY(std::vector<const Node*> steps, a.list({"steps"}));
  if (steps.empty() || steps.size() > kMostSteps) return a.wrong("it has no steps, or too many");
  for (const Node* step : steps) {
    TRY(const Node* node, second(a, step));
    out->last_passes = is_pass(node);
    if (is_pass(node)) continue;
    TRY(Part part, maker.make(node));
    if (step != steps.back() && !part->has(Method::kTransform))
      return a.wrong(str("its step ", part->name, " has no transform, and is not the last"));
    out->steps.push_back(std::move(part));
  }
  if (out->last_passes)
    for (const Part& p : out->steps)
      if (!p->has(Method::kTransform)) return a.wrong(str(p->name, " has no transform"));
  if (!out->steps.empty()) {
    out->features = out->steps[0]->features;
    out->feature_names = out->steps[0]->feature_names;
  }
  return out;
}

Result<std::unique_ptr<Estimator>> make_feature_union(const Attributes& a, Maker& maker) {
  auto out = std::make_unique<FeatureUnion>();
  TRY(std::vector<const Node*> list, a.list({"transformer_list"}));
  if (list.size() > kMostSteps) return a.wrong("it has too many transformers");
  for (const Node* item : list) {
    TRY(const Node* node, second(a, item));
    if (node->kind == Kind::kNone || is_text(node, "drop")) continue;
    FeatureUnion::Member member;
    if (!is_text(node, "passthrough")) {
      TRY(member.part, maker.make(node));
      if (!member.part->has(Method::kTransform))
        return a.wrong(str("its part ", member.part->name, " has no transform"));
      if (out->features == 0) {
        out->features = member.part->features;
        out->feature_names = member.part->feature_names;
      }
    }
    if (item->items[0]->kind == Kind::kStr) {
      TRY(member.weight, weight_of(a, item->items[0]->text));
    }
    out->members.push_back(std::move(member));
  }
  return out;
}

}  // namespace proa::engines::meta
