#include "platform/node/log_access.h"

#include "foundation/base/strings.h"
#include "platform/node/logs/cri_log.h"
#include "platform/node/logs/log_stream.h"

namespace proa::node {

void LogAccess::read(const client::Object& pod, apiserver::PodLogOptions options,
                     std::shared_ptr<apiserver::LogSink> sink) {
  context_.loop.post([this, alive = std::weak_ptr<bool>(alive_), pod, options, sink] {
    if (alive.expired()) return sink->finish(error(Code::kUnavailable, "the node is stopping"));
    serve(pod, options, sink);
  });
}

void LogAccess::serve(const client::Object& pod, const apiserver::PodLogOptions& options,
                      const std::shared_ptr<apiserver::LogSink>& sink) {
  const std::string& name = (*pod)["metadata"]["name"].str();
  const PodWorker* worker = find_(*pod);
  const Container* container = worker ? worker->container(options.container) : nullptr;
  std::string dir = context_.log_dir(*pod, options.container);
  auto runs = log_runs(dir);
  LogQuery query;
  query.dir = dir;
  query.follow = options.follow && !options.previous;
  query.timestamps = options.timestamps;
  query.tail_lines = options.tail_lines;
  query.limit_bytes = options.limit_bytes;
  if (options.since_seconds)
    query.since = context_.loop.clock().wall() - std::chrono::seconds(*options.since_seconds);
  else if (!options.since_time.empty())
    query.since = parse_rfc3339(options.since_time);
  if (options.previous) {
    if (runs.size() < 2)
      return sink->finish(
          error(Code::kInvalid, str("previous terminated container \"", options.container,
                                    "\" in pod \"", name, "\" not found")));
    query.run = runs[runs.size() - 2];
  } else if (!runs.empty() && !(container && container->held())) {
    query.run = runs.back();
  } else if (container && container->platform()) {
    query.run = 0;  // written by the platform with the first request
  } else {
    std::string reason = container ? container->observed().reason : "ContainerCreating";
    return sink->finish(error(Code::kInvalid, str("container \"", options.container, "\" in pod \"",
                                                  name, "\" is waiting to start: ", reason)));
  }
  LogTarget target;
  target.write = [sink](std::string text) { sink->write(std::move(text)); };
  target.finish = [sink] { sink->finish(); };
  target.closed = [sink] { return sink->closed(); };
  target.buffered = [sink] { return sink->buffered(); };
  target.running = [this, alive = std::weak_ptr<bool>(alive_), pod,
                    container_name = options.container] {
    if (alive.expired()) return false;
    const PodWorker* w = find_(*pod);
    const Container* c = w ? w->container(container_name) : nullptr;
    return c && c->observed().state != ContainerObserved::State::kTerminated;
  };
  LogStream::start(context_.loop, std::move(query), std::move(target));
}

}  // namespace proa::node
