// FeatureHasher and DictVectorizer: rows as objects.
#include "models/engines/sklearn/features/text/hashing.h"

#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/features/text/hash.h"
#include "models/engines/sklearn/features/text/makers.h"
#include "models/engines/sklearn/features/text/vocabulary.h"

namespace proa::engines {

Result<Hashing> Hashing::of(const Attributes& a) {
  Hashing h;
  TRY(int64_t columns, a.integer({"n_features"}));
  if (columns < 1 || columns > INT32_MAX) return a.wrong("n_features is not possible");
  h.columns = static_cast<size_t>(columns);
  if (a.find("non_negative")) {
    TRY(bool non_negative, a.flag("non_negative", false));
    if (non_negative) return a.unsupported("non_negative=True");
  }
  TRY(h.alternate_sign, a.flag("alternate_sign", true));
  return h;
}

void Hashing::add(std::string_view feature, double value, Accumulator& all) const {
  if (value == 0) return;
  int32_t h = murmur3(feature);
  int64_t n = static_cast<int64_t>(columns);
  int64_t column = h == INT32_MIN ? (int64_t{INT32_MAX} - (n - 1)) % n : std::abs(int64_t{h}) % n;
  all.add(static_cast<uint32_t>(column), alternate_sign && h < 0 ? -value : value);
}

namespace {

Status need_names(const Table& in, const Estimator& e) {
  if (in.names.size() == in.columns) return {};
  return error(Code::kInvalid, str(e.name, " takes rows as objects: {\"name\": value, …}"));
}

class FeatureHasher : public Transformer {
 public:
  Hashing hashing;
  bool of_texts = false;

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    TRY_STATUS(need_rows(in, name));
    if (!of_texts) TRY_STATUS(need_names(in, *this));
    Accumulator all(in.rows, hashing.columns);
    std::string feature;
    for (size_t r = 0; r < in.rows; ++r) {
      for (size_t c = 0; c < in.columns; ++c) {
        Cell cell = cell_at(in, r, c);
        if (cell.kind == Cell::Kind::kAbsent) continue;
        if (of_texts) {
          if (cell.kind == Cell::Kind::kText) hashing.add(cell.text, 1, all);
        } else if (cell.kind == Cell::Kind::kText) {
          feature = str(in.names[c], "=", cell.text);
          hashing.add(feature, 1, all);
        } else if (cell.kind == Cell::Kind::kNumber) {
          hashing.add(in.names[c], cell.number, all);
        } else {
          return error(Code::kInvalid,
                       str(in.names[c], " is null, which ", name, " does not take"));
        }
      }
      all.end_row([](const uint32_t*, double*, size_t) {});
    }
    all.show(work, out);
    return {};
  }
};

class DictVectorizer : public Transformer {
 public:
  Vocabulary vocabulary;
  std::string separator;
  bool sparse = true;
  bool takes_none = false;  // no rows at all

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    if (in.rows == 0 && takes_none) {
      dense_output(0, vocabulary.size(), work, out);
      return {};
    }
    TRY_STATUS(need_rows(in, name));
    TRY_STATUS(need_names(in, *this));
    Accumulator all(in.rows, vocabulary.size());
    std::string feature;
    for (size_t r = 0; r < in.rows; ++r) {
      for (size_t c = 0; c < in.columns; ++c) {
        Cell cell = cell_at(in, r, c);
        if (cell.kind == Cell::Kind::kAbsent) continue;
        bool text = cell.kind == Cell::Kind::kText;
        if (text) feature = str(in.names[c], separator, cell.text);
        uint32_t i = vocabulary.find(text ? std::string_view(feature) : in.names[c]);
        double value = text ? 1 : cell.kind == Cell::Kind::kNumber ? cell.number : NAN;
        if (i != Vocabulary::kUnknown) all.add(i, value);
      }
      all.end_row([](const uint32_t*, double*, size_t) {});
    }
    all.show(work, out);
    return sparse ? Status{} : fill_in(out, work, out);
  }
};

}  // namespace

Result<std::unique_ptr<Estimator>> make_feature_hasher(const Attributes& a, Maker&) {
  auto h = std::make_unique<FeatureHasher>();
  TRY(h->hashing, Hashing::of(a));
  TRY(std::string type, a.text({"input_type"}));
  if (type != "dict" && type != "string") return a.unsupported(str("input_type='", type, "'"));
  h->of_texts = type == "string";
  h->width = h->hashing.columns;
  return h;
}

Result<std::unique_ptr<Estimator>> make_dict_vectorizer(const Attributes& a, Maker& maker) {
  auto d = std::make_unique<DictVectorizer>();
  TRY(d->vocabulary, Vocabulary::of(a, "vocabulary_"));
  TRY(d->separator, a.text({"separator"}));
  TRY(d->sparse, a.flag("sparse", true));
  bool old = maker.release() != Maker::Release{} && maker.release() < Maker::Release{1, 0};
  d->takes_none = old && !d->sparse;
  d->width = d->vocabulary.size();
  return d;
}

}  // namespace proa::engines
