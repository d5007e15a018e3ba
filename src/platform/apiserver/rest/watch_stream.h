// WatchStream: one client's watch: changes filtered by its selectors and written as JSON lines.
//
//   any writing thread: queue (bounded) ──post──► loop thread: filter, encode, Responder::write
//
// Made by Rest, which keeps it until it ends by itself (timeout, slow client, connection gone).
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "foundation/async/loop.h"
#include "foundation/http/http.h"
#include "platform/apiserver/core/core.h"
#include "platform/apiserver/rest/request.h"

namespace proa::apiserver {

struct WatchRequest {
  api::KindRef kind;
  std::string ns;
  api::LabelSelector labels;
  api::FieldSelector fields;
  Answering how;
  int64_t from = 0;  // 0: first all there is
  bool bookmarks = false;
  bool initial_end = false;  // sendInitialEvents: a bookmark marks the end of what there is
  Duration timeout{};
};

class WatchStream : public std::enable_shared_from_this<WatchStream> {
 public:
  WatchStream(Core& core, async::Loop& loop, WatchRequest request,
              std::shared_ptr<http::Responder> responder);
  ~WatchStream();
  // Loop thread. kDeadline: the revision is in the future (nothing was sent). A revision that is
  // too old is told in the stream. `ended` is called once, on the loop thread.
  Status start(std::function<void()> ended);
  void end();  // loop thread

 private:
  void queue(const ChangePtr& change);
  void drain();
  void encode(const ChangePtr& change, std::string& out);
  void event(std::string_view type, const std::string& object, std::string& out);
  std::string bookmark_text(int64_t revision, bool initial_end) const;
  void tick();

  Core& core_;
  async::Loop& loop_;
  const WatchRequest request_;
  const std::shared_ptr<http::Responder> responder_;
  std::unique_ptr<Store::Subscription> subscription_;
  std::function<void()> ended_;
  async::TimerId timeout_ = 0, ticker_ = 0;
  bool defined_ = false;  // a Table's columns were sent
  bool initial_end_due_ = false;

  std::mutex mutex_;  // guards the following
  std::deque<ChangePtr> queue_;
  bool scheduled_ = false, overflowed_ = false;
};

}  // namespace proa::apiserver
