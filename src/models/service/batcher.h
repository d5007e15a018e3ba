// Batcher: requests of one model that wait are predicted in one call.
//
//   configured (max_batch_size, max_latency): as KServe's batcher: a batch goes when it has that
//     many rows, or when its first request has waited that long
//   adaptive: what has arrived in one turn of the loop is joined; nothing waits
//
// Requests to models of tensors are joined along the first axis. Requests of different width,
// column names, inner shapes, wanted outputs, method or version are not joined. If the joint call
// fails, each request is predicted alone, so that a bad one harms no other. The queue is bounded.
// Loop thread only.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <vector>

#include "foundation/async/loop.h"
#include "models/protocols/service.h"
#include "models/service/predict.h"
#include "models/service/tensor_batch.h"

namespace proa::service {

struct BatchOptions {
  size_t max_rows = 0;      // a batch of so many goes at once; 0: adaptive
  size_t limit_rows = 0;    // no batch of several requests has more; 0: none such
  Duration max_latency{};   // of the first request of a batch
  size_t max_queue = 1000;  // requests that may wait, of all models
  bool adaptive = true;     // where max_rows is 0
};

// A request on its way, its rows and what answers it.
struct Waiting {
  std::unique_ptr<protocols::Call> call;
  std::shared_ptr<const repository::Entry> entry;
  const repository::Version* version = nullptr;  // of `entry`
  Flavor flavor = Flavor::kKServe;
  inference::Table table;
  Plan plan;
  const inference::TensorModel* model = nullptr;  // of tensors: then these instead of the above
  Tensors in;
  std::span<const size_t> wanted;
  size_t rows() const { return model ? rows_of(in) : table.rows; }
  MonoTime since{};
};

class Batcher {
 public:
  // Predicts one request alone and answers it.
  using Alone = std::function<void(Waiting)>;
  // Makes the answer of a request of a batch from its part of the outputs, and answers it.
  using Answer = std::function<void(Waiting&, std::span<const inference::Output>)>;
  using AnswerTensors = std::function<void(Waiting&, Tensors)>;

  Batcher(async::Loop& loop, Alone alone, Answer answer, AnswerTensors answer_tensors);
  ~Batcher();
  // `options` of this request's model. False: the queue is full; `waiting` is left as it was.
  bool add(Waiting& waiting, const BatchOptions& options);
  void flush_all();
  size_t size() const { return waiting_.load(std::memory_order_relaxed); }  // thread-safe

 private:
  struct Batch {
    std::vector<Waiting> requests;
    size_t rows = 0, most_rows = 0;
    async::TimerId timer = 0;
    bool timed = false;
  };
  using Batches = std::list<Batch>;

  Batches::iterator batch_for(const Waiting& waiting);
  void arm(Batches::iterator batch, const BatchOptions& options);
  void flush(Batches::iterator batch);
  void flush_untimed();
  void predict(std::vector<Waiting>& requests, size_t rows);
  void predict_tensors(std::vector<Waiting>& requests, size_t rows);
  Status ask_tensors(std::vector<Waiting>& requests, size_t rows, inference::Workspace& work,
                     std::span<inference::Tensor> out);
  void answer_parts(std::vector<Waiting>& requests, const inference::Output& whole);

  async::Loop& loop_;
  Alone alone_;
  Answer answer_;
  AnswerTensors answer_tensors_;
  Batches batches_;
  std::atomic<size_t> waiting_ = 0;
  bool flush_posted_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  inference::Workspace work_;
};

}  // namespace proa::service
