// CountVectorizer, TfidfVectorizer, TfidfTransformer and HashingVectorizer.
#include <cmath>
#include <unordered_map>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/features/text/analyzer.h"
#include "models/engines/sklearn/features/text/hash.h"
#include "models/engines/sklearn/features/text/hashing.h"
#include "models/engines/sklearn/features/text/makers.h"
#include "models/engines/sklearn/features/text/vocabulary.h"
#include "models/engines/sklearn/features/text/weighting.h"

namespace proa::engines {
namespace {

constexpr size_t kMostTerms = 50'000'000;  // of one request

// The text of a row of one column.
Result<std::string_view> text_at(const Table& in, size_t row) {
  Cell cell = cell_at(in, row, 0);
  if (cell.kind == Cell::Kind::kText) return cell.text;
  if (cell.kind == Cell::Kind::kNumber && std::isnan(cell.number))
    return error(Code::kInvalid, "np.nan is an invalid document, expected byte or unicode string.");
  return error(Code::kInvalid, str("row ", row, " is no text, but ",
                                   cell.kind == Cell::Kind::kNumber ? str(cell.number) : "null"));
}

class TextTransformer : public Transformer {
 public:
  Analyzer analyzer;
  bool refuse_nothing = true;  // no rows

 protected:
  // Calls `begin(row)` before and `end(row)` after the terms of each row are taken by `sink`.
  template <typename End>
  Status each_text(const Table& in, TermSink& sink, const Accumulator& all, End end) const {
    if (refuse_nothing) TRY_STATUS(need_rows(in, name));
    TRY_STATUS(one_column(in, *this));
    size_t terms = 0;
    for (size_t r = 0; r < in.rows; ++r) {
      TRY(std::string_view text, text_at(in, r));
      TRY_STATUS(analyzer.analyze(text, sink));
      terms += all.size();
      if (terms > kMostTerms)
        return error(Code::kInvalid, "these texts have too many terms; send them in parts");
      end();
    }
    return {};
  }
};

class CountVectorizer : public TextTransformer {
 public:
  Vocabulary vocabulary;
  bool binary = false, integers = false;
  std::optional<Weighting> weighting;

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    struct Sink : TermSink {
      const Vocabulary& words;
      Accumulator& all;
      Sink(const Vocabulary& w, Accumulator& a) : words(w), all(a) {}
      void take(std::string_view term) override {
        uint32_t i = words.find(term);
        if (i != Vocabulary::kUnknown) all.add(i, 1);
      }
    };
    Accumulator all(in.rows, vocabulary.size());
    Sink sink(vocabulary, all);
    TRY_STATUS(each_text(in, sink, all, [&] {
      all.end_row([&](const uint32_t* columns, double* values, size_t count) {
        if (binary) std::fill_n(values, count, 1.0);
        if (weighting) weighting->apply(columns, values, count);
      });
    }));
    all.show(work, out);
    if (integers) out.type = DataType::kInt64;
    return {};
  }
};

Result<std::unique_ptr<CountVectorizer>> make_counter(const Attributes& a) {
  auto c = std::make_unique<CountVectorizer>();
  TRY(c->analyzer, Analyzer::of(a));
  TRY(c->vocabulary, Vocabulary::of(a, a.has("vocabulary_") ? "vocabulary_" : "vocabulary"));
  TRY(c->binary, a.flag("binary", false));
  c->width = c->vocabulary.size();
  return c;
}

class TfidfTransformer : public Transformer {
 public:
  Weighting weighting;
  Status transform(const Table& in, Workspace& work, Table& out) const override {
    Table t;
    TRY_STATUS(numeric_input(in, *this, work, t));
    size_t expected = weighting.columns();
    if (expected != 0 && t.columns != expected)
      return error(Code::kInvalid, str("X has ", t.columns, " features, but ", name,
                                       " is expecting ", expected, " features as input."));
    size_t most = t.form == Table::Form::kSparse ? t.starts[t.rows] : t.rows * t.columns;
    SparseRows to(t.rows, t.columns, most, work);
    std::span<uint32_t> columns = work.take<uint32_t>(t.columns);
    for (size_t r = 0; r < t.rows; ++r) {
      size_t count = 0;
      each_entry(t, r, [&](uint32_t c, double v) {
        if (v == 0 && t.form == Table::Form::kDense) return;
        to.add(c, v);
        columns[count++] = c;
      });
      weighting.apply(columns.data(), to.row_values(), count);
      to.end_row();
    }
    to.show(out);
    return {};
  }
};

class HashingVectorizer : public TextTransformer {
 public:
  Hashing hashing;
  bool binary = false;
  RowNorm norm = RowNorm::kL2;

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    struct Sink : TermSink {
      const Hashing& hashing;
      Accumulator& all;
      Sink(const Hashing& h, Accumulator& a) : hashing(h), all(a) {}
      void take(std::string_view term) override { hashing.add(term, 1, all); }
    };
    Accumulator all(in.rows, hashing.columns);
    Sink sink(hashing, all);
    TRY_STATUS(each_text(in, sink, all, [&] {
      all.end_row([&](const uint32_t*, double* values, size_t count) {
        if (binary) std::fill_n(values, count, 1.0);
        scale_row(norm, values, count);
      });
    }));
    all.show(work, out);
    return {};
  }
};

}  // namespace

Result<std::unique_ptr<Estimator>> make_count_vectorizer(const Attributes& a, Maker&) {
  TRY(auto c, make_counter(a));
  c->refuse_nothing = false;
  c->integers = makes_integers(a);
  return c;
}

Result<std::unique_ptr<Estimator>> make_tfidf_vectorizer(const Attributes& a, Maker&) {
  TRY(auto c, make_counter(a));
  TRY(Attributes tfidf, a.object({"_tfidf"}));
  TRY(c->weighting, Weighting::of(tfidf));
  size_t columns = c->weighting->columns();
  if (columns != 0 && columns != c->vocabulary.size())
    return a.wrong("idf_ and vocabulary_ differ in size");
  return c;
}

Result<std::unique_ptr<Estimator>> make_tfidf_transformer(const Attributes& a, Maker&) {
  auto t = std::make_unique<TfidfTransformer>();
  TRY(t->weighting, Weighting::of(a));
  if (t->weighting.columns() != 0) TRY_STATUS(check_features(a, t->weighting.columns()));
  t->width = t->weighting.columns();
  return t;
}

Result<std::unique_ptr<Estimator>> make_hashing_vectorizer(const Attributes& a, Maker&) {
  auto h = std::make_unique<HashingVectorizer>();
  TRY(h->analyzer, Analyzer::of(a));
  TRY(h->hashing, Hashing::of(a));
  TRY(h->binary, a.flag("binary", false));
  TRY(h->norm, read_norm(a));
  h->width = h->hashing.columns;
  return h;
}

}  // namespace proa::engines
