// StackingClassifier and StackingRegressor: the answers of the parts are the features of the last.
#include <algorithm>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/meta/common.h"
#include "models/engines/sklearn/meta/makers.h"
#include "models/engines/sklearn/meta/tables.h"

namespace proa::engines::meta {
namespace {

class Stacking : public Estimator {
 public:
  std::vector<Part> parts;
  std::vector<Method> methods;  // one a part
  Part last;
  std::vector<Labels> classes;  // of each output; none of a regressor
  bool passthrough = false;

  const Labels* labels() const override { return classes.size() == 1 ? &classes[0] : nullptr; }
  bool has(Method m) const override {
    if (m == Method::kTransform) return true;
    bool known =
        m == Method::kPredict ||
        (!classes.empty() && (m == Method::kPredictProba || m == Method::kDecisionFunction));
    return known && last->has(m);
  }
  inference::TensorInfo output_info(Method m) const override {
    inference::TensorInfo info = last->output_info(m);
    if (m == Method::kPredict && !classes.empty()) info.type = classes[0].type;
    return info;
  }

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    std::vector<Table> blocks;  // a part with several outputs makes several
    for (size_t i = 0; i < parts.size(); ++i) TRY_STATUS(add(i, in, work, blocks));
    if (passthrough) {
      blocks.push_back(in);
      blocks.back().names = {};
    }
    bool sparse = passthrough && in.form == Table::Form::kSparse;
    return side_by_side(blocks, in.rows, sparse, work, out);
  }

  Status predict(Method m, const Table& in, Workspace& work, Output& out) const override {
    Table rows;
    TRY_STATUS(transform(in, work, rows));
    TRY_STATUS(last->predict(m, rows, work, out));
    if (m != Method::kPredict || classes.empty()) return {};
    if (out.count() != 1) return error(Code::kUnimplemented, str(name, ": several outputs"));
    return decode(in.rows, work, out);
  }

 private:
  // `columns` numbers a row, less the first column if `less_first`.
  static void block(const double* from, size_t rows, size_t columns, bool less_first,
                    Workspace& work, std::vector<Table>& blocks) {
    Table& b = blocks.emplace_back();
    b.rows = rows;
    if (!less_first) {
      b.columns = columns, b.dense = from;
      return;
    }
    b.columns = columns - 1;
    std::span<double> cells = work.take<double>(rows * b.columns);
    for (size_t r = 0; r < rows; ++r)
      std::copy_n(from + r * columns + 1, b.columns, cells.data() + r * b.columns);
    b.dense = cells.data();
  }

  // Of probabilities of two classes, one column says all.
  Status add(size_t i, const Table& in, Workspace& work, std::vector<Table>& blocks) const {
    Output out;
    TRY_STATUS(parts[i]->predict(methods[i], in, work, out));
    size_t kinds = classes.size() == 1 ? classes[0].size() : classes.size();
    for (size_t o = 0; o < out.count(); ++o) {
      const Values& v = out.at(o);
      if (v.rank > 2 || v.shape[0] != in.rows)
        return error(Code::kInvalid, str(parts[i]->name, ": its answer has another shape"));
      TRY(const double* from, numbers(v, work));
      bool several = out.count() > 1;
      bool drop = v.rank == 2 && v.shape[1] > 0 &&
                  (several || (methods[i] == Method::kPredictProba && kinds == 2));
      block(from, in.rows, v.rank == 2 ? v.shape[1] : 1, drop, work, blocks);
      blocks.back().type = v.type;
    }
    return {};
  }

  // The last part was fitted with the places of the classes.
  Status decode(size_t rows, Workspace& work, Output& out) const {
    const Values v = out.first;
    size_t k = classes.size();
    if (v.count() != rows * k)
      return error(Code::kInvalid, str(name, ": its last part has another number of outputs"));
    TRY(const double* from, numbers(v, work));
    std::span<Values> columns = work.take<Values>(k);
    std::span<uint32_t> places = work.take<uint32_t>(rows);
    for (size_t c = 0; c < k; ++c) {
      for (size_t r = 0; r < rows; ++r) {
        double p = from[r * k + c];
        if (!(p >= 0 && p < static_cast<double>(classes[c].size())))
          return error(Code::kInvalid, str(name, ": its last part predicts no class of it"));
        places[r] = static_cast<uint32_t>(p);
      }
      columns[c] = classes[c].pick(places, work);
    }
    if (k == 1) {
      out.first = columns[0];
      return {};
    }
    TRY(out.first, beside(columns, rows, work));
    return {};
  }
};

Result<std::unique_ptr<Stacking>> make_stacking(const Attributes& a, Maker& maker) {
  auto out = std::make_unique<Stacking>();
  TRY(out->parts, make_parts(a, {"estimators_"}, maker));
  TRY(out->last, make_part(a, {"final_estimator_"}, maker, Method::kPredict));
  TRY(out->passthrough, a.flag("passthrough", false));
  TRY(std::vector<const pickle::Node*> methods, a.list({"stack_method_"}));
  for (const pickle::Node* n : methods) {
    if (n->kind == pickle::Kind::kNone) continue;  // of a dropped part
    std::optional<Method> m;
    if (n->kind == pickle::Kind::kStr) m = inference::method(n->text);
    if (!m) return a.unsupported("its stack_method_");
    out->methods.push_back(*m);
  }
  if (out->methods.size() != out->parts.size())
    return a.wrong("stack_method_ is not as long as estimators_");
  for (size_t i = 0; i < out->parts.size(); ++i)
    if (!out->parts[i]->has(out->methods[i]))
      return a.wrong(
          str("its part ", out->parts[i]->name, " has no ", inference::to_string(out->methods[i])));
  out->features = width_of(out->parts);
  return out;
}

}  // namespace

Result<std::unique_ptr<Estimator>> make_stacking_classifier(const Attributes& a, Maker& maker) {
  TRY(std::unique_ptr<Stacking> out, make_stacking(a, maker));
  TRY(out->classes, a.label_sets("classes_"));
  if (out->classes.empty()) return a.wrong("it has no classes");
  return out;
}

Result<std::unique_ptr<Estimator>> make_stacking_regressor(const Attributes& a, Maker& maker) {
  TRY(std::unique_ptr<Stacking> out, make_stacking(a, maker));
  return out;
}

}  // namespace proa::engines::meta
