#include "models/service/batcher.h"

#include <algorithm>
#include <cstring>

namespace proa::service {
namespace {

using inference::Output;
using inference::Table;
using inference::Values;

constexpr size_t kMostAdaptiveRows = 4096;
constexpr size_t kLargeRows = 256;  // to join so many costs more than it saves, unless asked for

bool same_names(const Table& a, const Table& b) {
  return std::equal(a.names.begin(), a.names.end(), b.names.begin(), b.names.end());
}

bool joinable(const Waiting& a, const Waiting& b) {
  if (a.version != b.version || a.model != b.model) return false;
  if (a.model)
    return same_but_rows(a.in, b.in) &&
           std::equal(a.wanted.begin(), a.wanted.end(), b.wanted.begin(), b.wanted.end());
  return a.plan.methods[0] == b.plan.methods[0] && a.table.form == b.table.form &&
         a.table.columns == b.table.columns && a.table.flat == b.table.flat &&
         a.table.type == b.table.type && same_names(a.table, b.table);
}

// The rows of all requests, one below the other.
Table join_rows(const std::vector<Waiting>& requests, size_t rows, inference::Workspace& work) {
  Table all = requests[0].table;
  all.rows = rows;
  size_t at = 0;
  if (all.form == Table::Form::kDense) {
    auto to = work.take<double>(std::max<size_t>(rows * all.columns, 1));
    for (const Waiting& w : requests) {
      size_t n = w.table.rows * all.columns;
      if (n != 0) std::memcpy(to.data() + at, w.table.dense, n * sizeof(double));
      at += n;
    }
    all.dense = to.data();
  } else {
    auto to = work.take<inference::Cell>(std::max<size_t>(rows * all.columns, 1));
    for (const Waiting& w : requests) {
      size_t n = w.table.rows * all.columns;
      std::copy(w.table.cells, w.table.cells + n, to.data() + at);
      at += n;
    }
    all.cells = to.data();
  }
  return all;
}

Values part_of(const Values& v, size_t from, size_t rows) {
  Values part = v;
  size_t skip = from * v.row_size();
  part.shape[0] = rows;
  if (part.numbers) part.numbers += skip;
  if (part.integers) part.integers += skip;
  if (part.texts) part.texts += skip;
  return part;
}

bool is_per_row(const Output& o, size_t rows) {
  for (size_t i = 0; i < o.count(); ++i)
    if (o.at(i).rank == 0 || o.at(i).shape[0] != rows) return false;
  return true;
}

}  // namespace

Batcher::Batcher(async::Loop& loop, Alone alone, Answer answer, AnswerTensors answer_tensors)
    : loop_(loop),
      alone_(std::move(alone)),
      answer_(std::move(answer)),
      answer_tensors_(std::move(answer_tensors)) {}

Batcher::~Batcher() {
  *alive_ = false;
  for (Batch& b : batches_)
    if (b.timed) loop_.cancel(b.timer);
}

Batcher::Batches::iterator Batcher::batch_for(const Waiting& waiting) {
  return std::find_if(batches_.begin(), batches_.end(),
                      [&](const Batch& b) { return joinable(b.requests[0], waiting); });
}

void Batcher::arm(Batches::iterator batch, const BatchOptions& options) {
  if (options.max_rows != 0 && options.max_latency > Duration::zero()) {
    batch->timed = true;
    batch->timer = loop_.after(options.max_latency, [this, batch] {
      batch->timed = false;
      flush(batch);
    });
    return;
  }
  if (std::exchange(flush_posted_, true)) return;
  loop_.post([this, alive = alive_] {
    if (!*alive) return;
    flush_posted_ = false;
    flush_untimed();
  });
}

// An answer may let in the next request, and so change the list: it is looked through anew.
void Batcher::flush_untimed() {
  for (;;) {
    auto at =
        std::find_if(batches_.begin(), batches_.end(), [](const Batch& b) { return !b.timed; });
    if (at == batches_.end()) return;
    flush(at);
  }
}

bool Batcher::add(Waiting& waiting, const BatchOptions& options) {
  if (size() >= options.max_queue) {
    if (options.max_rows != 0) return false;
    flush_untimed();  // nothing need wait: there is no reason to refuse
  }
  bool sparse = waiting.table.form == Table::Form::kSparse;
  size_t rows = waiting.rows();
  bool large = options.max_rows == 0 && rows >= kLargeRows;
  if (waiting.plan.count != 1 || rows == 0 || sparse || large) {
    alone_(std::move(waiting));
    return true;
  }
  size_t most = options.max_rows != 0 ? options.max_rows : kMostAdaptiveRows;
  size_t limit = options.max_rows == 0 ? most : options.limit_rows;
  auto batch = batch_for(waiting);
  if (batch != batches_.end() && limit != 0 && batch->rows + rows > limit) {
    flush(batch);
    batch = batches_.end();
  }
  if (batch == batches_.end()) {
    batch = batches_.emplace(batches_.end());
    batch->most_rows = most;
    batch->requests.push_back(std::move(waiting));
    if (rows < most) arm(batch, options);
  } else {
    batch->requests.push_back(std::move(waiting));
  }
  ++waiting_;
  batch->rows += rows;
  if (batch->rows >= batch->most_rows) flush(batch);
  return true;
}

void Batcher::flush(Batches::iterator batch) {
  if (batch->timed) loop_.cancel(batch->timer);
  Batch taken = std::move(*batch);
  batches_.erase(batch);
  waiting_ -= taken.requests.size();
  std::erase_if(taken.requests, [&](Waiting& w) {
    if (!w.call->abandoned()) return false;
    taken.rows -= w.rows();
    return true;
  });
  if (taken.requests.empty()) return;
  MonoTime now = loop_.clock().mono();
  for (Waiting& w : taken.requests) w.entry->metrics.queue->observe(seconds(now - w.since));
  taken.requests[0].entry->metrics.batch->observe(static_cast<double>(taken.rows));
  if (taken.requests.size() == 1) return alone_(std::move(taken.requests[0]));
  predict(taken.requests, taken.rows);
}

void Batcher::flush_all() {
  while (!batches_.empty()) flush(batches_.begin());
}

Status Batcher::ask_tensors(std::vector<Waiting>& requests, size_t rows, inference::Workspace& work,
                            std::span<inference::Tensor> out) {
  auto parts = work.take<Tensors>(requests.size());
  for (size_t i = 0; i < requests.size(); ++i) parts[i] = requests[i].in;
  Tensors all = join(parts, rows, work);
  TRY_STATUS(requests[0].model->infer(all, requests[0].wanted, work, out));
  if (rows_of(out) != rows) return error(Code::kInternal, "its outputs have no row for each");
  return {};
}

void Batcher::predict_tensors(std::vector<Waiting>& requests, size_t rows) {
  inference::Workspace work;  // answering may lead to the next batch
  std::swap(work, work_);
  work.reset();
  auto out =
      work.take<inference::Tensor>(requests[0].wanted.size() + 1).first(requests[0].wanted.size());
  MonoTime start = loop_.clock().mono();
  Status s = ask_tensors(requests, rows, work, out);
  Duration took = loop_.clock().mono() - start;
  size_t from = 0;
  for (Waiting& w : requests) {
    w.entry->metrics.stages.predict->observe(seconds(took));
    if (!s.ok()) {
      alone_(std::move(w));
      continue;
    }
    auto mine = w.call->work.take<inference::Tensor>(out.size() + 1).first(out.size());
    size_t mine_rows = w.rows();
    part(out, from, mine_rows, rows, w.call->work, mine);
    from += mine_rows;
    answer_tensors_(w, mine);
  }
  work.trim(1 << 20);
  std::swap(work, work_);
}

void Batcher::predict(std::vector<Waiting>& requests, size_t rows) {
  if (requests[0].model) return predict_tensors(requests, rows);
  inference::Workspace work;  // answering may lead to the next batch
  std::swap(work, work_);
  work.reset();
  Waiting& first = requests[0];
  Table all = join_rows(requests, rows, work);
  Output out;
  MonoTime start = loop_.clock().mono();
  Status s = service::predict(*first.version, first.flavor, all, first.plan.methods[0], work, out);
  Duration took = loop_.clock().mono() - start;
  for (Waiting& w : requests) w.entry->metrics.stages.predict->observe(seconds(took));
  if (s.ok() && is_per_row(out, rows))
    answer_parts(requests, out);
  else
    for (Waiting& w : requests) alone_(std::move(w));
  work.trim(1 << 20);
  std::swap(work, work_);
}

void Batcher::answer_parts(std::vector<Waiting>& requests, const Output& whole) {
  size_t from = 0;
  for (Waiting& w : requests) {
    size_t rows = w.table.rows;
    Output part;
    part.first = part_of(whole.first, from, rows);
    part.names = whole.names;
    auto rest = w.call->work.take<Values>(whole.rest.size());
    for (size_t i = 0; i < rest.size(); ++i) rest[i] = part_of(whole.rest[i], from, rows);
    part.rest = rest;
    from += rows;
    answer_(w, {&part, 1});
  }
}

}  // namespace proa::service
