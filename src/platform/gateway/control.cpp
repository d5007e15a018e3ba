#include "platform/gateway/control.h"

#include "api/kinds.h"
#include "foundation/base/strings.h"
#include "foundation/obs/log.h"

namespace proa::gateway {

namespace {
constexpr size_t kMostLogBytes = 16 << 20;  // handed over and not yet written
constexpr Duration kReport = std::chrono::seconds(1);
}  // namespace

Control::Control(ControlOptions options, client::Client& client, knative::DemandSink& demand,
                 GatewayMetrics& metrics, Publish publish)
    : options_(std::move(options)),
      client_(client),
      demand_(demand),
      metrics_(metrics),
      publish_(std::move(publish)),
      builder_(options_.table, loop_.clock()) {}

Control::~Control() { stop(); }

void Control::start() {
  open_watches();
  schedule_build();
  loop_.after(kReport, [this] { report(); });
  thread_ = std::thread([this] { loop_.run(); });
}

void Control::stop() {
  watches_.clear();  // no callback after this
  if (!thread_.joinable()) return;
  loop_.post([this] { loop_.stop(); });
  thread_.join();
}

// Order matters little: a table is built when all that has come is read.
void Control::open_watches() {
  for (const client::Kind* kind : {&api::kService, &api::kEndpointSlice, &api::kRevision,
                                   &api::kRoute, &api::kGateway, &api::kVirtualService}) {
    watches_.push_back(client_.watch(*kind, "", [this, kind](const client::Event& event) {
      loop_.post([this, kind, event] { on_event(*kind, event); });
    }));
  }
}

void Control::on_event(const client::Kind& kind, const client::Event& event) {
  const bool dropped = event.type == client::Event::kDeleted;
  const bool changed = dropped ? builder_.drop(kind, client::key_of(*event.object))
                               : builder_.put(kind, *event.object);
  if (changed) schedule_build();
}

// At once when tables are quick to build, else so that building takes at most a tenth of the time.
void Control::schedule_build() {
  if (std::exchange(scheduled_, true)) return;
  auto task = [this] {
    scheduled_ = false;
    build();
  };
  if (last_build_ < std::chrono::milliseconds(1))
    loop_.post(task);
  else
    loop_.after(std::min<Duration>(last_build_ * 10, std::chrono::seconds(1)), task);
}

void Control::build() {
  const MonoTime began = loop_.clock().mono();
  auto table = builder_.build();
  last_build_ = loop_.clock().mono() - began;
  for (const std::string& warning : table->warnings)
    if (warned_.size() < 10000 && warned_.insert(warning).second) log::warn("gateway", warning);
  {
    std::lock_guard lock(mutex_);
    table_ = table;
  }
  publish_(std::move(table), builder_.listeners());
}

std::shared_ptr<const Table> Control::table() const {
  std::lock_guard lock(mutex_);
  return table_;
}

void Control::report() {
  loop_.after(kReport, [this] { report(); });
  const MonoTime now = loop_.clock().mono();
  const int64_t second = loop_.clock().wall().time_since_epoch().count() / 1'000'000'000;
  for (const auto& backend : builder_.backends()) {
    if (!backend->is_revision()) continue;
    const Sample s = backend->sample(now);
    const bool busy = s.requests > 0 || s.concurrency > 0;
    if (!busy && !backend->reported) continue;
    backend->reported = busy;
    demand_.report(backend->key(), second, s.concurrency, static_cast<double>(s.requests));
    if (s.waiting > 0 && s.no_endpoints) demand_.waiting(backend->key(), s.waiting);
    backend->measures(metrics_.registry).queue->set(s.waiting);
  }
}

void Control::post_ready(std::string pod_uid, bool ready) {
  loop_.post([this, uid = std::move(pod_uid), ready] { builder_.pod_ready(uid, ready); });
}

void Control::post_logs(LogBatch batch) {
  size_t bytes = batch.access.size();
  for (const auto& [endpoint, lines] : batch.pods) bytes += lines.text.size();
  if (log_bytes_.load() + bytes > kMostLogBytes) return metrics_.lines_left_out.add();
  log_bytes_ += bytes;
  auto shared = std::make_shared<LogBatch>(std::move(batch));
  loop_.post([this, shared, bytes] {
    write_logs(*shared);
    log_bytes_ -= bytes;
  });
}

void Control::write_logs(const LogBatch& batch) {
  if (!batch.access.empty() && !options_.access_log.empty())
    files_.append(options_.access_log, batch.access);
  if (options_.pod_log_root.empty()) return;
  for (const auto& [key, lines] : batch.pods) {
    std::string text = lines.text;
    if (lines.left_out)
      text += str(rfc3339(loop_.clock().wall(), true), " stderr F ", lines.left_out,
                  " more requests were not written down\n");
    files_.append(pod_log_path(options_.pod_log_root, *lines.endpoint), text);
  }
}

}  // namespace proa::gateway
