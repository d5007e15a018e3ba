#include "models/engines/sklearn/neighbors/search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "foundation/base/strings.h"

namespace proa::engines::neighbors {
namespace {

constexpr size_t kBlock = 256;
constexpr size_t kMostLevels = 40;

}  // namespace

// The k smallest so far, the largest of them on top. A value that equals the top does not enter, so
// that of equal values the earlier ones stay.
class Search::Heap {
 public:
  Heap(std::span<double> values, std::span<uint32_t> places) : values_(values), places_(places) {
    std::fill(values.begin(), values.end(), std::numeric_limits<double>::infinity());
    std::fill(places.begin(), places.end(), 0u);
  }
  double top() const { return values_[0]; }
  void push(double value, uint32_t place) {
    if (!(value < values_[0])) return;
    size_t at = 0, n = values_.size();
    for (;;) {
      size_t child = 2 * at + 1;
      if (child >= n) break;
      if (child + 1 < n && values_[child + 1] > values_[child]) ++child;
      if (!(values_[child] > value)) break;
      values_[at] = values_[child];
      places_[at] = places_[child];
      at = child;
    }
    values_[at] = value;
    places_[at] = place;
  }

 private:
  std::span<double> values_;
  std::span<uint32_t> places_;
};

struct Search::Query {
  const double* row;
  Heap heap;
  std::span<double> scratch;  // of one block
};

struct Search::Near {
  const double* row;
  double radius, reduced;
  std::span<uint32_t> places;
  std::span<double> distances;
  std::span<double> scratch;
  size_t count = 0;
};

Result<Search> Search::make(const Attributes& a) {
  Search s;
  TRY(std::string name, a.text({"effective_metric_"}));
  bool precomputed = name == "precomputed";
  TRY(Matrix rows, a.matrix({"_fit_X"}, name == "nan_euclidean" ? Attributes::Finite::kNanAllowed
                                                                : Attributes::Finite::kYes));
  if (rows.rows == 0 || rows.columns == 0) return a.wrong("_fit_X is empty");
  if (rows.rows > UINT32_MAX) return a.unsupported("so many training rows");
  TRY(s.metric_, Metric::make(a, name, a.find("effective_metric_params_"), rows.columns));
  s.size_ = rows.rows;
  s.width_ = rows.columns;
  if (precomputed) {
    if (rows.rows != rows.columns) return a.wrong("_fit_X is not square");
    return s;
  }
  std::string method = "brute";
  if (a.has("_fit_method")) {
    TRY(method, a.text({"_fit_method"}));
  }
  if (a.has("_tree") && (method == "kd_tree" || method == "ball_tree")) {
    TRY_STATUS(s.read_tree(a, rows, *a.find("_tree"), method == "ball_tree"));
    return s;
  }
  if (s.metric_.kind() == Metric::Kind::kMahalanobis &&
      !a.find("effective_metric_params_")->get("VI"))
    return a.unsupported("the metric mahalanobis without VI, except by a ball tree: that");
  s.order_.resize(s.size_);
  std::iota(s.order_.begin(), s.order_.end(), 0u);
  std::vector<size_t> ends;
  for (size_t at = 0; at < s.size_; at += kBlock) ends.push_back(std::min(at + kBlock, s.size_));
  s.points_.lay_out(rows, s.order_, std::move(ends), s.metric_);
  return s;
}

// The state of a tree: data, the order of the rows, nodes, their bounds, leaf size, levels, nodes…
// Only the order is taken; all else follows from it.
Status Search::read_tree(const Attributes& a, const Matrix& rows, const pickle::Node& tree,
                         bool ball) {
  const pickle::Node* state = tree.state;
  if (!state || state->kind != pickle::Kind::kTuple || state->items.size() < 7 ||
      state->items[1]->kind != pickle::Kind::kArray)
    return a.wrong("its tree is malformed");
  TRY(std::vector<int64_t> order, pickle::integers(*state->items[1]->array).context("its tree"));
  TRY(int64_t levels, pickle::as_int(*state->items[5]).context("its tree"));
  if (order.size() != size_ || levels < 1 || levels > static_cast<int64_t>(kMostLevels) ||
      (size_t{1} << (levels - 1)) > size_)
    return a.wrong("its tree does not agree with its rows");
  std::vector<bool> seen(size_);
  for (int64_t i : order) {
    if (i < 0 || i >= static_cast<int64_t>(size_) || seen[static_cast<size_t>(i)])
      return a.wrong("its tree does not hold each row once");
    seen[static_cast<size_t>(i)] = true;
    order_.push_back(static_cast<uint32_t>(i));
  }
  nodes_.ball = ball;
  nodes_.count = (size_t{1} << levels) - 1;
  nodes_.block.resize(nodes_.count);
  nodes_.lower.resize(nodes_.count * width_);
  nodes_.upper.resize(ball ? 0 : nodes_.count * width_);
  nodes_.radius.resize(ball ? nodes_.count : 0);
  std::vector<std::pair<size_t, size_t>> ranges(nodes_.count);
  std::vector<size_t> ends;
  ranges[0] = {0, size_};
  for (size_t n = 0; n < nodes_.count; ++n) {
    auto [begin, end] = ranges[n];
    bound_node(rows, n, begin, end);
    size_t middle = begin + (end - begin) / 2;
    if (2 * n + 2 < nodes_.count) {
      ranges[2 * n + 1] = {begin, middle};
      ranges[2 * n + 2] = {middle, end};
    } else {
      nodes_.block[n] = static_cast<uint32_t>(ends.size());
      ends.push_back(end);
    }
  }
  points_.lay_out(rows, order_, std::move(ends), metric_);
  return {};
}

void Search::bound_node(const Matrix& rows, size_t node, size_t begin, size_t end) {
  double* lower = nodes_.lower.data() + node * width_;
  double infinity = std::numeric_limits<double>::infinity();
  if (nodes_.ball) {
    for (size_t i = begin; i < end; ++i)
      for (size_t f = 0; f < width_; ++f) lower[f] += rows.at(order_[i], f);
    for (size_t f = 0; f < width_ && end > begin; ++f) lower[f] /= static_cast<double>(end - begin);
    double most = 0;
    for (size_t i = begin; i < end; ++i)
      most = std::max(most, metric_.reduced(lower, rows.row(order_[i]), width_));
    nodes_.radius[node] = metric_.distance(most);
    return;
  }
  double* upper = nodes_.upper.data() + node * width_;
  std::fill_n(lower, width_, infinity);
  std::fill_n(upper, width_, -infinity);
  for (size_t i = begin; i < end; ++i)
    for (size_t f = 0; f < width_; ++f) {
      lower[f] = std::min(lower[f], rows.at(order_[i], f));
      upper[f] = std::max(upper[f], rows.at(order_[i], f));
    }
}

double Search::least(const double* query, size_t node) const {
  const double* lower = nodes_.lower.data() + node * width_;
  if (!nodes_.ball)
    return metric_.to_box(query, lower, nodes_.upper.data() + node * width_, width_);
  double d = metric_.distance(metric_.reduced(query, lower, width_)) - nodes_.radius[node];
  return d > 0 ? metric_.reduce(d) : 0;
}

// The nearer child first, the left one of two equally near; recursion is as deep as the tree.
void Search::descend(size_t node, double least_reduced, Query& q) const {
  if (least_reduced > q.heap.top()) return;
  size_t left = 2 * node + 1, right = left + 1;
  if (right >= nodes_.count) {
    size_t block = nodes_.block[node], begin = points_.begin(block), end = points_.end(block);
    points_.reduced(q.row, block, metric_, q.scratch.data());
    for (size_t i = begin; i < end; ++i) q.heap.push(q.scratch[i - begin], order_[i]);
    return;
  }
  double a = least(q.row, left), b = least(q.row, right);
  if (a <= b) {
    descend(left, a, q);
    descend(right, b, q);
  } else {
    descend(right, b, q);
    descend(left, a, q);
  }
}

void Search::scan(Query& q) const {
  for (size_t block = 0; block < points_.blocks(); ++block) {
    size_t begin = points_.begin(block), count = points_.end(block) - begin;
    points_.reduced(q.row, block, metric_, q.scratch.data());
    for (size_t i = 0; i < count; ++i)
      if (q.scratch[i] < q.heap.top()) q.heap.push(q.scratch[i], static_cast<uint32_t>(begin + i));
  }
}

Search::Found Search::nearest(const double* queries, size_t rows, size_t k, Workspace& work) const {
  Found out{work.take<uint32_t>(rows * k), work.take<double>(rows * k)};
  Workspace::Mark mark = work.mark();
  std::span<double> scratch = work.take<double>(points_.largest_block());
  std::span<double> row = work.take<double>(width_), values = work.take<double>(k);
  std::span<uint32_t> places = work.take<uint32_t>(k), by = work.take<uint32_t>(k);
  for (size_t r = 0; r < rows; ++r) {
    std::copy_n(queries + r * width_, width_, row.data());
    metric_.prepare(row.data(), width_);
    Query q{row.data(), Heap(values, places), scratch};
    if (metric_.kind() == Metric::Kind::kPrecomputed)
      for (size_t i = 0; i < size_; ++i) q.heap.push(row[i], static_cast<uint32_t>(i));
    else if (nodes_.count != 0)
      descend(0, least(q.row, 0), q);
    else
      scan(q);
    std::iota(by.begin(), by.end(), 0u);
    std::sort(by.begin(), by.end(), [&](uint32_t a, uint32_t b) {
      return values[a] != values[b] ? values[a] < values[b] : places[a] < places[b];
    });
    for (size_t i = 0; i < k; ++i) {
      out.places[r * k + i] = places[by[i]];
      out.distances[r * k + i] = metric_.distance(values[by[i]]);
    }
  }
  work.release(mark);
  return out;
}

void Search::collect(size_t node, Near& near) const {
  if (metric_.distance(least(near.row, node)) > near.radius * (1 + 1e-12)) return;
  size_t left = 2 * node + 1, right = left + 1;
  if (right < nodes_.count) {
    collect(left, near);
    collect(right, near);
    return;
  }
  size_t block = nodes_.block[node], begin = points_.begin(block), end = points_.end(block);
  points_.reduced(near.row, block, metric_, near.scratch.data());
  for (size_t i = begin; i < end; ++i) {
    if (!(near.scratch[i - begin] <= near.reduced)) continue;
    near.places[near.count] = order_[i];
    near.distances[near.count++] = metric_.distance(near.scratch[i - begin]);
  }
}

size_t Search::within(const double* query, double radius, std::span<uint32_t> places,
                      std::span<double> distances, Workspace& work) const {
  Workspace::Mark mark = work.mark();
  std::span<double> row = work.take<double>(width_);
  std::copy_n(query, width_, row.data());
  metric_.prepare(row.data(), width_);
  Near near{row.data(), radius,    metric_.reduce(radius),
            places,     distances, work.take<double>(points_.largest_block())};
  if (metric_.kind() == Metric::Kind::kPrecomputed) {
    for (size_t i = 0; i < size_; ++i) {
      if (!(row[i] <= radius)) continue;
      places[near.count] = static_cast<uint32_t>(i);
      distances[near.count++] = row[i];
    }
  } else if (nodes_.count != 0) {
    collect(0, near);
  } else {
    for (size_t block = 0; block < points_.blocks(); ++block) {
      size_t begin = points_.begin(block), count = points_.end(block) - begin;
      points_.reduced(near.row, block, metric_, near.scratch.data());
      for (size_t i = 0; i < count; ++i) {
        if (!(near.scratch[i] <= near.reduced)) continue;
        places[near.count] = static_cast<uint32_t>(begin + i);
        distances[near.count++] = metric_.distance(near.scratch[i]);
      }
    }
  }
  work.release(mark);
  return near.count;
}

}  // namespace proa::engines::neighbors
