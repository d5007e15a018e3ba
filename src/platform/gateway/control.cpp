#include "platform/gateway/control.h"

#include <map>

#include "foundation/base/strings.h"

namespace proa::gateway {

namespace {
constexpr size_t kMostLogBytes = 16 << 20;  // handed over and not yet written
constexpr Duration kReport = std::chrono::seconds(1);
}  // namespace

Control::Control(ControlOptions options, std::unique_ptr<Configuration> configuration,
                 knative::DemandSink& demand, GatewayMetrics& metrics, Publish publish)
    : options_(std::move(options)),
      demand_(demand),
      metrics_(metrics),
      publish_(std::move(publish)),
      configuration_(std::move(configuration)) {}

Control::~Control() { stop(); }

void Control::start() {
  configuration_->start(loop_,
                        [this](std::shared_ptr<const Table> table, const Listeners* listeners) {
                          publish(std::move(table), listeners);
                        });
  loop_.after(kReport, [this] { report(); });
  thread_ = std::thread([this] { loop_.run(); });
}

void Control::freeze() { configuration_->stop(); }

void Control::stop() {
  if (!thread_.joinable()) return;
  configuration_->stop();  // no publish after this
  loop_.post([this] { loop_.stop(); });
  thread_.join();
}

void Control::publish(std::shared_ptr<const Table> table, const Listeners* listeners) {
  {
    std::lock_guard lock(mutex_);
    table_ = table;
  }
  publish_(std::move(table), listeners);
}

std::shared_ptr<const Table> Control::table() const {
  std::lock_guard lock(mutex_);
  return table_;
}

void Control::report() {
  loop_.after(kReport, [this] { report(); });
  const MonoTime now = loop_.clock().mono();
  const int64_t second = loop_.clock().wall().time_since_epoch().count() / 1'000'000'000;
  // Several ports of one Service count as one.
  struct Sum {
    double concurrency = 0, requests = 0;
    int cold = 0;
  };
  std::map<client::Key, Sum> sums;
  for (const auto& backend : configuration_->backends()) {
    if (!backend->is_revision()) continue;
    const Sample s = backend->sample(now);
    const bool busy = s.requests > 0 || s.concurrency > 0;
    if (!busy && !backend->reported) continue;
    Sum& sum = sums[backend->key()];
    backend->reported = busy;
    sum.concurrency += s.concurrency, sum.requests += static_cast<double>(s.requests);
    if (s.waiting > 0 && s.no_endpoints) sum.cold += s.waiting;
    backend->measures(metrics_.registry).queue->set(s.waiting);
  }
  for (const auto& [key, sum] : sums) {
    demand_.report(key, second, sum.concurrency, sum.requests);
    if (sum.cold > 0) demand_.waiting(key, sum.cold);
  }
}

void Control::post_ready(std::string pod_uid, bool ready) {
  loop_.post([this, uid = std::move(pod_uid), ready] { configuration_->pod_ready(uid, ready); });
}

void Control::post_opened(std::vector<ListenerState> states) {
  loop_.post([this, states = std::move(states)] { configuration_->opened(states); });
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
