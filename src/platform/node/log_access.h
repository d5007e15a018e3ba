// Pod logs for the API server: finds the files of a container's run and streams them.
#pragma once

#include <functional>

#include "platform/apiserver/pod_logs.h"
#include "platform/node/pod_worker.h"

namespace proa::node {

class LogAccess : public apiserver::PodLogs {
 public:
  using Find = std::function<const PodWorker*(const json::Value& pod)>;
  LogAccess(NodeContext& context, Find find) : context_(context), find_(std::move(find)) {}
  void read(const client::Object& pod, apiserver::PodLogOptions options,
            std::shared_ptr<apiserver::LogSink> sink) override;

 private:
  void serve(const client::Object& pod, const apiserver::PodLogOptions& options,
             const std::shared_ptr<apiserver::LogSink>& sink);
  NodeContext& context_;
  Find find_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace proa::node
