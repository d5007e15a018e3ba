#include "models/engines/sklearn/features/text/weighting.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "foundation/base/strings.h"

namespace proa::engines {

Result<RowNorm> read_norm(const Attributes& a) {
  if (!a.has("norm")) return RowNorm::kNone;
  TRY(std::string norm, a.text({"norm"}));
  if (norm == "l1") return RowNorm::kL1;
  if (norm == "l2") return RowNorm::kL2;
  return a.unsupported(str("norm='", norm, "'"));
}

void scale_row(RowNorm norm, double* values, size_t count) {
  if (norm == RowNorm::kNone) return;
  double sum = 0;
  for (size_t i = 0; i < count; ++i)
    sum += norm == RowNorm::kL1 ? std::abs(values[i]) : values[i] * values[i];
  if (sum == 0) return;
  if (norm == RowNorm::kL2) sum = std::sqrt(sum);
  for (size_t i = 0; i < count; ++i) values[i] /= sum;
}

Result<Weighting> Weighting::of(const Attributes& a) {
  Weighting w;
  TRY(w.norm_, read_norm(a));
  TRY(w.sublinear_, a.flag("sublinear_tf", false));
  TRY(bool use_idf, a.flag("use_idf", true));
  if (!use_idf) return w;
  if (a.has("idf_")) {
    TRY(w.idf_, a.vector({"idf_"}));
  } else {  // up to 1.3 a diagonal matrix, of scipy's dia_matrix or csr_matrix
    TRY(Attributes diagonal, a.object({"_idf_diag"}));
    TRY(NdArray data, diagonal.array({"data"}));
    w.idf_ = std::move(data.values);
  }
  if (w.idf_.empty()) return a.wrong("idf_ is empty");
  return w;
}

void Weighting::apply(const uint32_t* columns, double* values, size_t count) const {
  if (sublinear_)
    for (size_t i = 0; i < count; ++i) values[i] = std::log(values[i]) + 1;
  if (!idf_.empty())
    for (size_t i = 0; i < count; ++i) values[i] *= idf_[columns[i]];
  scale_row(norm_, values, count);
}

size_t Accumulator::gather() {
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const Item& x, const Item& y) { return x.column < y.column; });
  size_t begin = indices_.size();
  for (const Item& item : entries_) {
    if (indices_.size() > begin && indices_.back() == item.column) {
      values_.back() += item.value;
      continue;
    }
    indices_.push_back(item.column);
    values_.push_back(item.value);
  }
  entries_.clear();
  return indices_.size() - begin;
}

void Accumulator::show(Workspace& work, Table& out) const {
  auto copy = [&work]<typename T>(const std::vector<T>& from) {
    std::span<T> to = work.take<T>(from.size());
    std::copy(from.begin(), from.end(), to.begin());
    return to.data();
  };
  out = Table{};
  out.form = Table::Form::kSparse;
  out.rows = starts_.size() - 1;
  out.columns = columns_;
  out.starts = copy(starts_);
  out.indices = copy(indices_);
  out.values = copy(values_);
}

Status fill_in(const Table& sparse, Workspace& work, Table& out) {
  Table from = sparse;
  TRY(std::span<double> to, sized_output(from.rows, from.columns, work, out));
  std::fill(to.begin(), to.end(), 0.0);
  for (size_t r = 0; r < from.rows; ++r)
    each_entry(from, r, [&](uint32_t c, double v) { to[r * from.columns + c] = v; });
  return {};
}

}  // namespace proa::engines
