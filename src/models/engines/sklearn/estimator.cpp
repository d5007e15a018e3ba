#include "models/engines/sklearn/estimator.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>

#include "foundation/base/strings.h"

namespace proa::engines {
namespace {

constexpr size_t kMostDense = size_t{1} << 28;  // numbers of a sparse request made dense: 2 GiB

// NaN and infinity have all bits of the exponent set; a sum of zeros that is zero has met neither.
Status check_finite(const double* values, size_t count, Missing missing) {
  if (missing == Missing::kAllowed) return {};
  double sum = 0;
  for (size_t i = 0; i < count; ++i) sum += values[i] * 0;
  if (sum == 0) return {};
  bool infinite = false, nan = false;
  for (size_t i = 0; i < count; ++i) {
    infinite = infinite || std::isinf(values[i]);
    nan = nan || std::isnan(values[i]);
  }
  if (nan && missing == Missing::kRefused) return error(Code::kInvalid, "Input X contains NaN.");
  if (infinite)
    return error(Code::kInvalid,
                 "Input X contains infinity or a value too large for dtype('float64').");
  return {};
}

Error no_number(std::string_view text) {
  return error(Code::kInvalid,
               str("could not convert string to float: '", shorten(text, 100), "'"));
}

// A number as Python's float() reads it: blanks around, a sign, digits with single underscores
// between them, inf, infinity and nan in any case.
std::optional<double> python_float(std::string_view text) {
  constexpr std::string_view kBlank = " \t\n\r\v\f";
  size_t from = text.find_first_not_of(kBlank);
  if (from == std::string_view::npos) return std::nullopt;
  text = text.substr(from, text.find_last_not_of(kBlank) - from + 1);
  std::string plain;
  if (text.find('_') != std::string_view::npos) {
    auto digit = [&](size_t i) { return i < text.size() && text[i] >= '0' && text[i] <= '9'; };
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '_')
        plain += text[i];
      else if (i == 0 || !digit(i - 1) || !digit(i + 1))
        return std::nullopt;
    }
    text = plain;
  }
  bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty() || text[0] == '-' || text[0] == '+' || contains(text, "(")) return std::nullopt;
  double v = 0;
  auto [end, err] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (end != text.data() + text.size()) return std::nullopt;
  if (err == std::errc::result_out_of_range) {  // 1e999 is infinity, 1e-999 is zero
    size_t e = text.find_first_of("eE");
    bool tiny = (e != std::string_view::npos && e + 1 < text.size() && text[e + 1] == '-') ||
                (e == std::string_view::npos && text.starts_with("0."));
    v = tiny ? 0 : INFINITY;
  } else if (err != std::errc()) {
    return std::nullopt;
  }
  return negative ? -v : v;
}

Status convert_cells(const Table& in, double* to) {
  for (size_t i = 0, n = in.rows * in.columns; i < n; ++i) {
    const Cell& c = in.cells[i];
    if (c.kind == Cell::Kind::kNumber) {
      to[i] = c.number;
    } else if (c.kind == Cell::Kind::kText) {
      auto v = python_float(c.text);
      if (!v) return no_number(c.text);
      to[i] = *v;
    } else {
      to[i] = NAN;
    }
  }
  return {};
}

void scatter(const Table& in, double* to) {
  for (size_t r = 0; r < in.rows; ++r)
    for (size_t i = in.starts[r]; i < in.starts[r + 1]; ++i)
      to[r * in.columns + in.indices[i]] = in.values[i];
}

}  // namespace

Status Estimator::predict(Method method, const Table&, Workspace&, Output&) const {
  return error(Code::kUnimplemented, str(name, " has no ", inference::to_string(method)));
}

Status Estimator::transform(const Table&, Workspace&, Table&) const {
  return error(Code::kUnimplemented, str(name, " has no transform"));
}

inference::TensorInfo Estimator::output_info(Method method) const {
  inference::TensorInfo out;
  const Labels* l = labels();
  if (l && method == Method::kPredict) out.type = l->type;
  bool wide = method == Method::kPredictProba || method == Method::kPredictLogProba;
  if (l && wide) out.shape.push_back(static_cast<int64_t>(l->size()));
  return out;
}

Status check_width(const Table& in, const Estimator& e) {
  if (e.features == 0 || in.columns == e.features) return {};
  return error(Code::kInvalid, str("X has ", in.columns, " features, but ", e.name,
                                   " is expecting ", e.features, " features as input."));
}

Result<const double*> dense_input(const Table& in, const Estimator& e, Workspace& work,
                                  Missing missing) {
  if (in.flat)
    return error(Code::kInvalid,
                 "Expected 2D array, got 1D array instead; send each row as a list of its own");
  if (in.rows == 0)
    return error(Code::kInvalid, str("Found array with 0 sample(s) (shape=(0, ", in.columns,
                                     ")) while a minimum of 1 is required by ", e.name, "."));
  TRY_STATUS(check_width(in, e));
  size_t count = 0;
  if (__builtin_mul_overflow(in.rows, in.columns, &count))
    return error(Code::kTooLarge, "the request has too many values");
  const double* out = in.dense;
  if (in.form == Table::Form::kCells) {
    auto to = work.take<double>(count);
    TRY_STATUS(convert_cells(in, to.data()));
    out = to.data();
  } else if (in.form == Table::Form::kSparse) {
    if (count > kMostDense)
      return error(Code::kTooLarge,
                   str("a sparse input of ", in.rows, " × ", in.columns,
                       " values is too large for ", e.name, "; send fewer rows at once"));
    auto to = work.zeros<double>(count);
    scatter(in, to.data());
    out = to.data();
  }
  TRY_STATUS(check_finite(out, count, missing));
  return out;
}

std::span<double> dense_output(size_t rows, size_t columns, Workspace& work, Table& out) {
  auto to = work.take<double>(rows * columns);
  out = Table{};
  out.rows = rows;
  out.columns = columns;
  out.dense = to.data();
  return to;
}

}  // namespace proa::engines
