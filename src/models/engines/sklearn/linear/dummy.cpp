// DummyClassifier and DummyRegressor: what they answer depends on the number of rows alone.
#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/linear/classifier.h"
#include "models/engines/sklearn/linear/guesses.h"
#include "models/engines/sklearn/linear/makers.h"

namespace proa::engines::linear {
namespace {

using pickle::Kind;
using pickle::Node;

struct DummyOutput {
  Labels classes;
  std::vector<double> shares;  // predict_proba of every row
  uint32_t answer = 0;         // predict
};

enum class Guess { kNever, kUniform, kStratified };

class DummyClassifier : public Estimator {
 public:
  std::vector<DummyOutput> outputs;
  Guess guess = Guess::kNever;
  bool seeded = false;  // random_state is a number: every prediction draws the same
  uint32_t seed = 0;

  bool has(Method m) const override {
    return m == Method::kPredict || m == Method::kPredictProba || m == Method::kPredictLogProba;
  }
  const Labels* labels() const override {
    return outputs.size() == 1 ? &outputs[0].classes : nullptr;
  }
  Status predict(Method method, const Table& in, Workspace& work, Output& out) const override {
    bool drawn =
        guess == Guess::kStratified || (guess == Guess::kUniform && method == Method::kPredict);
    std::span<uint32_t> which = work.take<uint32_t>(in.rows * outputs.size());
    if (drawn) draw(in.rows, which);
    if (method == Method::kPredict) {
      if (!drawn)
        for (size_t i = 0; i < which.size(); ++i) which[i] = outputs[i / in.rows].answer;
      return answer(in.rows, which, work, out);
    }
    std::span<Values> all = work.take<Values>(outputs.size());
    for (size_t k = 0; k < outputs.size(); ++k) {
      Scores s = shares(in.rows, outputs[k], drawn ? &which[k * in.rows] : nullptr, work);
      if (method == Method::kPredictLogProba) take_logs(s);
      all[k] = inference::matrix_of(s.values, s.rows, s.width);
    }
    out.first = all[0];
    out.rest = all.subspan(1);
    return {};
  }
  inference::TensorInfo output_info(Method method) const override {
    inference::TensorInfo info = Estimator::output_info(method);
    info.shape.clear();
    bool labels = method == Method::kPredict;
    info.type = labels ? outputs[0].classes.type : DataType::kFp64;
    if (!labels) info.shape = {static_cast<int64_t>(outputs[0].classes.size())};
    if (labels && outputs.size() > 1) info.shape = {static_cast<int64_t>(outputs.size())};
    return info;
  }

 private:
  // Output after output, the label of each row.
  void draw(size_t rows, std::span<uint32_t> which) const {
    Guesses guesses(seeded ? seed : Guesses::any_seed());
    for (size_t k = 0; k < outputs.size(); ++k) {
      std::span<uint32_t> mine = which.subspan(k * rows, rows);
      if (guess == Guess::kUniform)
        guesses.uniform(outputs[k].classes.size(), mine);
      else
        for (uint32_t& v : mine) v = guesses.multinomial(outputs[k].shares);
    }
  }

  static Scores shares(size_t rows, const DummyOutput& o, const uint32_t* which, Workspace& work) {
    Scores s = take_scores(rows, o.shares.size(), work);
    for (size_t r = 0; r < s.rows; ++r) {
      if (!which) {
        std::copy(o.shares.begin(), o.shares.end(), s.row(r));
        continue;
      }
      std::fill(s.row(r), s.row(r) + s.width, 0.0);
      s.row(r)[which[r]] = 1;
    }
    return s;
  }

  Status answer(size_t rows, std::span<const uint32_t> which, Workspace& work, Output& out) const {
    size_t n = outputs.size();
    if (n == 1) {
      out.first = outputs[0].classes.pick(which, work);
      return {};
    }
    Values v{outputs[0].classes.type, 2, {rows, n}, nullptr, nullptr, nullptr};
    if (v.type == DataType::kBytes) {
      v.texts = gather<std::string_view>(
          which, work, [](const Labels& l, uint32_t i) { return std::string_view(l.texts[i]); });
    } else if (inference::is_float(v.type)) {
      v.numbers =
          gather<double>(which, work, [](const Labels& l, uint32_t i) { return l.numbers[i]; });
    } else {
      v.integers =
          gather<int64_t>(which, work, [](const Labels& l, uint32_t i) { return l.integers[i]; });
    }
    out.first = v;
    return {};
  }

  template <typename T, typename Get>
  T* gather(std::span<const uint32_t> which, Workspace& work, Get get) const {
    size_t n = outputs.size(), rows = which.size() / n;
    std::span<T> all = work.take<T>(which.size());
    for (size_t k = 0; k < n; ++k)
      for (size_t r = 0; r < rows; ++r)
        all[r * n + k] = get(outputs[k].classes, which[k * rows + r]);
    return all.data();
  }
};

class DummyRegressor : public Estimator {
 public:
  std::vector<double> constant;
  bool flat = true;
  bool has(Method m) const override { return m == Method::kPredict; }
  Status predict(Method, const Table& in, Workspace& work, Output& out) const override {
    Scores s = take_scores(in.rows, constant.size(), work);
    for (size_t r = 0; r < s.rows; ++r) std::copy(constant.begin(), constant.end(), s.row(r));
    set_output(s, flat, out);
    return {};
  }
  inference::TensorInfo output_info(Method method) const override {
    inference::TensorInfo info = Estimator::output_info(method);
    if (!flat) info.shape = {static_cast<int64_t>(constant.size())};
    return info;
  }
};

// Where the constant stands among the labels.
Result<uint32_t> index_of(const Attributes& a, const Labels& labels, const Node& constant) {
  size_t n = labels.size();
  for (size_t i = 0; i < n; ++i) {
    if (labels.type == DataType::kBytes) {
      if (constant.kind == Kind::kStr && constant.text == labels.texts[i])
        return static_cast<uint32_t>(i);
      continue;
    }
    TRY(double v, pickle::as_double(constant).context("constant"));
    double label = inference::is_float(labels.type) ? labels.numbers[i]
                                                    : static_cast<double>(labels.integers[i]);
    if (v == label) return static_cast<uint32_t>(i);
  }
  return a.wrong("constant is none of the classes");
}

// constant of output k of n: itself, or an item of a list or an array.
Result<uint32_t> constant_index(const Attributes& a, const Labels& labels, size_t k, size_t n) {
  const Node* node = a.find("constant");
  if (!node) return a.wrong("constant is missing");
  bool is_list = node->kind == Kind::kList || node->kind == Kind::kTuple;
  if (is_list && node->items.size() == n) return index_of(a, labels, *node->items[k]);
  if (labels.type != DataType::kBytes) {
    TRY(NdArray all, a.array({"constant"}));
    if (all.values.size() != n) return a.wrong("constant does not have one value an output");
    Node one;
    one.kind = Kind::kFloat;
    one.number = all.values[k];
    return index_of(a, labels, one);
  }
  if (n == 1 && node->kind == Kind::kStr) return index_of(a, labels, *node);
  TRY(std::vector<std::string> texts, a.texts({"constant"}));
  if (texts.size() != n) return a.wrong("constant does not have one value an output");
  Node one;
  one.kind = Kind::kStr;
  one.text = texts[k];
  return index_of(a, labels, one);
}

Result<std::vector<std::vector<double>>> read_priors(const Attributes& a, size_t outputs) {
  std::vector<std::vector<double>> out;
  if (outputs == 1) {
    TRY(std::vector<double> one, a.vector({"class_prior_"}));
    out.push_back(std::move(one));
    return out;
  }
  TRY(auto items, a.list({"class_prior_"}));
  for (const Node* item : items) {
    if (!item->array) return a.wrong("class_prior_ is no list of arrays");
    TRY(std::vector<double> one, pickle::doubles(*item->array).context("class_prior_"));
    out.push_back(std::move(one));
  }
  return out;
}

Status fill_output(const Attributes& a, const std::string& strategy, size_t k, size_t n,
                   const std::vector<double>& prior, DummyOutput& o) {
  size_t classes = o.classes.size();
  if (classes == 0 || prior.size() != classes)
    return a.wrong(str("class_prior_ has ", prior.size(), " numbers for ", classes, " classes"));
  o.answer = largest(prior.data(), classes);
  if (strategy == "prior" || strategy == "stratified") {
    o.shares = prior;
    return {};
  }
  if (strategy == "uniform") {
    o.shares.assign(classes, 1.0 / static_cast<double>(classes));
    return {};
  }
  if (strategy == "constant") {
    TRY(o.answer, constant_index(a, o.classes, k, n));
  }
  o.shares.assign(classes, 0.0);
  o.shares[o.answer] = 1;
  return {};
}

// A generator in the file is none that the next prediction would find: it draws anew, as None does.
Status read_seed(const Attributes& a, DummyClassifier& out) {
  const Node* node = a.find("random_state");
  if (!node || (node->kind != Kind::kInt && !node->array)) return {};
  TRY(int64_t seed, pickle::as_int(*node).context("random_state"));
  if (seed < 0 || seed > int64_t{UINT32_MAX}) return a.wrong("random_state is out of range");
  out.seed = static_cast<uint32_t>(seed);
  out.seeded = true;
  return {};
}

}  // namespace

Made make_dummy_classifier(const Attributes& a, Maker&) {
  auto out = std::make_unique<DummyClassifier>();
  TRY(std::string strategy, a.text({"_strategy", "strategy"}));
  if (strategy == "uniform")
    out->guess = Guess::kUniform;
  else if (strategy == "stratified")
    out->guess = Guess::kStratified;
  else if (strategy != "most_frequent" && strategy != "prior" && strategy != "constant")
    return a.wrong(str("strategy '", shorten(strategy, 30), "' is not known"));
  TRY_STATUS(read_seed(a, *out));
  TRY(auto sets, a.label_sets("classes_"));
  size_t n = sets.size();
  if (n == 0) return a.wrong("it has no outputs");
  TRY(auto priors, read_priors(a, n));
  if (priors.size() != n) return a.wrong("class_prior_ and classes_ differ in length");
  for (size_t k = 0; k < n; ++k) {
    if (sets[k].type != sets[0].type) return a.unsupported("outputs of several types");
    DummyOutput o;
    o.classes = std::move(sets[k]);
    TRY_STATUS(fill_output(a, strategy, k, n, priors[k], o));
    out->outputs.push_back(std::move(o));
  }
  return std::unique_ptr<Estimator>(std::move(out));
}

Made make_dummy_regressor(const Attributes& a, Maker&) {
  auto out = std::make_unique<DummyRegressor>();
  TRY(NdArray constant, a.array({"constant_"}));
  out->constant = std::move(constant.values);
  if (out->constant.empty()) return a.wrong("constant_ is empty");
  TRY(bool matrix, a.flag("output_2d_", false));
  out->flat = out->constant.size() == 1 && !matrix;
  return std::unique_ptr<Estimator>(std::move(out));
}

}  // namespace proa::engines::linear
