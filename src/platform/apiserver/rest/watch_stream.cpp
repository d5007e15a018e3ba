#include "platform/apiserver/rest/watch_stream.h"

#include "foundation/base/strings.h"
#include "platform/apiserver/rest/reply.h"

namespace proa::apiserver {
namespace {

constexpr size_t kMostQueued = 20000;                 // changes the loop has not got to
constexpr size_t kMostUnsent = 32u << 20;             // bytes the client has not taken
constexpr Duration kTick = std::chrono::seconds(50);  // between bookmarks

std::string error_event(std::string message) {
  Failure failure = expired(std::move(message));
  return str("{\"type\":\"ERROR\",\"object\":", json::dump(failure.status), "}\n");
}

}  // namespace

WatchStream::WatchStream(Core& core, async::Loop& loop, WatchRequest request,
                         std::shared_ptr<http::Responder> responder)
    : core_(core), loop_(loop), request_(std::move(request)), responder_(std::move(responder)) {}

WatchStream::~WatchStream() = default;

Status WatchStream::start(std::function<void()> ended) {
  Store::WatchOptions options;
  if (!request_.kind->kind.namespaced)
    options.prefix = "/";
  else if (!request_.ns.empty())
    options.prefix = request_.ns + "/";
  options.initial = request_.from == 0;
  options.from = request_.from;
  options.most_queued = size_t{1} << 20;
  initial_end_due_ = request_.initial_end;
  auto subscription = core_.watch(*request_.kind, std::move(options),
                                  [weak = weak_from_this()](const ChangePtr& change) {
                                    if (auto self = weak.lock()) self->queue(change);
                                  });
  const bool too_old = !subscription.ok() && subscription.error().code == Code::kGone;
  if (!subscription.ok() && !too_old) return std::move(subscription).error();
  ended_ = std::move(ended);
  responder_->start(200,
                    {{"content-type", "application/json"}, {"cache-control", "no-cache, private"}});
  if (too_old) {
    responder_->write(error_event(subscription.error().message));
    end();
    return {};
  }
  subscription_ = std::move(*subscription);
  if (request_.initial_end) subscription_->bookmark();
  responder_->on_close([weak = weak_from_this(), &loop = loop_] {
    loop.post([weak] {
      if (auto self = weak.lock()) self->end();
    });
  });
  timeout_ = loop_.after(request_.timeout, [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->end();
  });
  ticker_ = loop_.after(kTick, [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->tick();
  });
  return {};
}

void WatchStream::end() {
  if (!ended_) return;
  auto self = shared_from_this();
  loop_.cancel(timeout_);
  loop_.cancel(ticker_);
  subscription_.reset();
  drain();  // what came before the end still goes out
  responder_->finish();
  std::exchange(ended_, nullptr)();
}

void WatchStream::tick() {
  ticker_ = loop_.after(kTick, [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->tick();
  });
  if (request_.bookmarks && subscription_) subscription_->bookmark();
}

void WatchStream::queue(const ChangePtr& change) {
  bool wake;
  {
    std::lock_guard lock(mutex_);
    if (overflowed_) return;
    if (!change || queue_.size() >= kMostQueued + (request_.from == 0 ? 1u << 20 : 0)) {
      overflowed_ = true;
      queue_.push_back(nullptr);
    } else {
      queue_.push_back(change);
    }
    wake = !std::exchange(scheduled_, true);
  }
  if (wake)
    loop_.post([weak = weak_from_this()] {
      if (auto self = weak.lock()) self->drain();
    });
}

void WatchStream::drain() {
  std::deque<ChangePtr> changes;
  {
    std::lock_guard lock(mutex_);
    changes.swap(queue_);
    scheduled_ = false;
  }
  std::string out;
  bool lost = false;
  for (const ChangePtr& change : changes) {
    if (!change) {
      out += error_event("too many changes wait for this watch; list again");
      lost = true;
      break;
    }
    encode(change, out);
  }
  if (!out.empty()) responder_->write(std::move(out));
  if (lost || responder_->buffered() > kMostUnsent) end();
}

void WatchStream::event(std::string_view type, const std::string& object, std::string& out) {
  out += "{\"type\":\"";
  out += type;
  out += "\",\"object\":";
  out += object;
  out += "}\n";
}

std::string WatchStream::bookmark_text(int64_t revision, bool initial_end) const {
  json::Value object = json::object({{"kind", request_.kind->kind.kind},
                                     {"apiVersion", request_.kind->kind.api_version()},
                                     {"metadata", json::object({{"resourceVersion", str(revision)},
                                                                {"creationTimestamp", nullptr}})}});
  if (request_.how.form == Form::kMetadata) {
    object.set("kind", "PartialObjectMetadata");
    object.set("apiVersion", "meta.k8s.io/v1");
  }
  if (initial_end) object.ref("metadata", "annotations", "k8s.io/initial-events-end") = "true";
  return json::dump(object);
}

void WatchStream::encode(const ChangePtr& change, std::string& out) {
  if (change->type == Change::kBookmark) {
    event("BOOKMARK", bookmark_text(change->revision, std::exchange(initial_end_due_, false)), out);
    return;
  }
  auto matches = [&](const Item& item) {
    return item && (request_.labels.empty() || request_.labels.matches_object(item->value)) &&
           (request_.fields.empty() || request_.fields.matches(item->value));
  };
  const bool deleted = change->type == Change::kDeleted;
  const bool now = !deleted && matches(change->now);
  const bool before = matches(change->old);
  if (!now && !before) return;
  std::string_view type = now && before ? "MODIFIED" : now ? "ADDED" : "DELETED";
  Item shown = change->now;
  if (!now && !deleted) {  // it went out of the selection: its last state inside, at this revision
    json::Value last = change->old->value;
    last.ref("metadata").set("resourceVersion", str(change->revision));
    auto record = std::make_shared<Record>();
    json::dump(last, record->text);
    record->value = std::move(last);
    record->revision = change->revision;
    shown = record;
  }
  shown = core_.as_version(*request_.kind, shown);
  event(type,
        object_text(*request_.kind, shown, request_.how, core_.clock().wall(),
                    !std::exchange(defined_, true)),
        out);
}

}  // namespace proa::apiserver
