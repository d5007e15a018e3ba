// PolynomialFeatures: products of columns.
#include "foundation/base/strings.h"
#include "models/engines/sklearn/preprocessing/makers.h"
#include "models/engines/sklearn/transform/transformer.h"

namespace proa::engines {
namespace {

constexpr size_t kMostColumns = size_t{1} << 22;

// A product: an earlier one times a column. Earlier ones that are not asked for are kept aside.
struct Product {
  uint32_t before, column;
};

class PolynomialFeatures : public Transformer {
 public:
  std::vector<Product> products;  // the first `inputs` are the columns themselves
  size_t inputs = 0, hidden = 0;  // the first `hidden` do not come out
  bool bias = true;

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    TRY(const double* x, dense_input(in, *this, work));
    if (in.columns != inputs)
      return error(Code::kInvalid, str("X has ", in.columns, " features, but ", name,
                                       " is expecting ", inputs, " features as input."));
    TRY(std::span<double> to, sized_output(in.rows, width, work, out));
    Workspace::Mark mark = work.mark();
    std::span<double> all = work.take<double>(products.size() + 1);
    for (size_t r = 0; r < in.rows; ++r) {
      for (size_t i = 0; i < products.size(); ++i) {
        double v = x[r * inputs + products[i].column];
        all[i] = i < inputs ? v : all[products[i].before] * v;
      }
      double* at = to.data() + r * width;
      if (bias) *at++ = 1;
      for (size_t i = hidden; i < products.size(); ++i) *at++ = all[i];
    }
    work.release(mark);
    return {};
  }
};

struct Degrees {
  size_t low = 0, high = 0;
};

Result<Degrees> degrees_of(const Attributes& a) {
  TRY(std::vector<int64_t> d, a.integers({"degree"}));
  if (d.empty() || d.size() > 2 || d[0] < 0 || d.back() < 0 || d.back() > 1000)
    return a.wrong("degree is no number or pair");
  Degrees out;
  out.high = static_cast<size_t>(d.back());
  if (d.size() == 2) out.low = static_cast<size_t>(d[0]);
  return out;
}

// All products of `degree` columns from all those of one less, in lexicographic order.
Status extend(const Attributes& a, std::vector<Product>& all, size_t from, size_t inputs,
              bool interaction_only) {
  size_t end = all.size();
  for (size_t i = from; i < end; ++i) {
    size_t first = all[i].column + (interaction_only ? 1 : 0);
    for (size_t c = first; c < inputs; ++c) {
      if (all.size() >= kMostColumns) return a.unsupported("more than 4 million output columns");
      all.push_back({static_cast<uint32_t>(i), static_cast<uint32_t>(c)});
    }
  }
  return {};
}

}  // namespace

Made make_polynomial_features(const Attributes& a, Maker&) {
  auto p = std::make_unique<PolynomialFeatures>();
  TRY(Degrees degrees, degrees_of(a));
  TRY(int64_t inputs, a.integer({"n_features_in_", "n_input_features_", "_n_features_in"}));
  if (inputs <= 0 || inputs > 1'000'000) return a.wrong("the number of features is not possible");
  p->inputs = static_cast<size_t>(inputs);
  TRY(bool interaction_only, a.flag("interaction_only", false));
  TRY(p->bias, a.flag("include_bias", true));
  for (size_t c = 0; c < p->inputs; ++c) p->products.push_back({0, static_cast<uint32_t>(c)});
  size_t from = 0;
  if (degrees.high == 0 || degrees.low > 1) p->hidden = p->inputs;
  for (size_t d = 2; d <= degrees.high; ++d) {
    size_t end = p->products.size();
    TRY_STATUS(extend(a, p->products, from, p->inputs, interaction_only));
    if (d < degrees.low) p->hidden = p->products.size();
    from = end;
  }
  p->width = p->products.size() - p->hidden + (p->bias ? 1 : 0);
  if (a.has("n_output_features_")) {
    TRY(int64_t outputs, a.integer({"n_output_features_"}));
    if (outputs != static_cast<int64_t>(p->width)) return a.wrong("n_output_features_ disagrees");
  }
  return p;
}

}  // namespace proa::engines
