// GET /api/v1/namespaces/NS/pods/NAME/log: which container, and the answer as a stream.
#include <atomic>
#include <mutex>

#include "foundation/base/strings.h"
#include "platform/apiserver/rest/rest_call.h"

namespace proa::apiserver {
namespace {

// Holds the head back until the first text, so that an early error still is a Status.
class ResponderSink : public LogSink {
 public:
  explicit ResponderSink(std::shared_ptr<http::Responder> responder)
      : responder_(std::move(responder)) {}
  ~ResponderSink() override {
    if (!done_) finish({});
  }

  void write(std::string text) override {
    std::lock_guard lock(mutex_);
    if (done_ || text.empty()) return;
    begin();
    responder_->write(std::move(text));
  }

  void finish(Status status) override {
    std::lock_guard lock(mutex_);
    if (std::exchange(done_, true)) return;
    if (!status.ok() && !begun_) return responder_->send(failure_response(Failure(status.error())));
    begin();
    responder_->finish();
  }

  bool closed() const override { return responder_->closed(); }
  size_t buffered() const override { return responder_->buffered(); }

 private:
  void begin() {
    if (std::exchange(begun_, true)) return;
    responder_->start(200,
                      {{"content-type", "text/plain"}, {"cache-control", "no-cache, private"}});
  }

  const std::shared_ptr<http::Responder> responder_;
  std::mutex mutex_;
  bool begun_ = false, done_ = false;
};

std::vector<std::string> containers_of(const json::Value& pod) {
  std::vector<std::string> names;
  for (const char* list : {"containers", "initContainers", "ephemeralContainers"})
    for (const json::Value& container : pod["spec"][list].array())
      names.push_back(container["name"].str());
  return names;
}

// The one asked for, the one annotated as default, or the only one.
Result<std::string> choose_container(const json::Value& pod, const std::string& asked) {
  const std::string& name = pod["metadata"]["name"].str();
  std::vector<std::string> names = containers_of(pod);
  if (!asked.empty()) {
    for (const std::string& one : names)
      if (one == asked) return asked;
    return error(Code::kInvalid, str("container ", asked, " is not valid for pod ", name));
  }
  const json::Array& main = pod["spec"]["containers"].array();
  if (main.size() == 1) return main[0]["name"].str();
  const std::string& preferred =
      pod["metadata"]["annotations"]["kubectl.kubernetes.io/default-container"].str();
  if (!preferred.empty()) return preferred;
  std::vector<std::string> choice, init;
  for (const json::Value& c : main) choice.push_back(c["name"].str());
  for (const json::Value& c : pod["spec"]["initContainers"].array())
    init.push_back(c["name"].str());
  std::string text = str("a container name must be specified for pod ", name, ", choose one of: [",
                         join(choice, " "), "]");
  if (!init.empty()) text += str(" or one of the init containers: [", join(init, " "), "]");
  return error(Code::kInvalid, std::move(text));
}

}  // namespace

void Rest::logs(Call& call) {
  call.verb = "logs";
  auto item = core_.get(*call.kind, call.target.ns, call.target.name);
  if (!item.ok()) return refuse(call, item.error());
  auto container = choose_container((*item)->value, call.query.get("container"));
  if (!container.ok()) return refuse(call, std::move(container).error());
  if (!logs_)
    return refuse(call, failure(503, "ServiceUnavailable", "no node is there to read logs"));
  PodLogOptions options;
  options.container = std::move(*container);
  options.follow = call.query.flag("follow");
  options.previous = call.query.flag("previous");
  options.timestamps = call.query.flag("timestamps");
  options.since_time = call.query.get("sinceTime");
  struct Number {
    const char* name;
    std::optional<int64_t>* to;
  } numbers[] = {{"tailLines", &options.tail_lines},
                 {"sinceSeconds", &options.since_seconds},
                 {"limitBytes", &options.limit_bytes}};
  for (const Number& number : numbers) {
    auto value = call.query.number(number.name);
    if (!value.ok()) return refuse(call, std::move(value).error());
    if (*value && **value < 0)
      return refuse(call, bad_request(str(number.name, " must not be negative")));
    *number.to = *value;
  }
  client::Object pod(*item, &(*item)->value);
  logs_->read(pod, std::move(options), std::make_shared<ResponderSink>(call.responder));
}

}  // namespace proa::apiserver
