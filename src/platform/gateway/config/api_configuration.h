// ApiConfiguration: the gateway's configuration from API objects: Knative's Routes and Revisions,
// Services and their endpoints, Istio's networking kinds, Gateway API and Ingress.
//
// Owned by Gateway (see platform/gateway/configuration.h for threads). Watches in; route tables,
// listeners and the objects' status out.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "client/client.h"
#include "platform/gateway/config/status_writer.h"
#include "platform/gateway/config/table_builder.h"
#include "platform/gateway/configuration.h"

namespace proa::gateway {

struct ApiConfigurationOptions {
  BuilderOptions table;
};

class ApiConfiguration final : public Configuration {
 public:
  ApiConfiguration(ApiConfigurationOptions options, client::Client& client);  // outlives this
  ~ApiConfiguration() override;
  void start(async::Loop& loop, Publish publish) override;
  void stop() override;
  void pod_ready(const std::string& pod_uid, bool ready) override;
  void opened(const std::vector<ListenerState>& states) override;
  std::vector<std::shared_ptr<Backend>> backends() const override;

 private:
  void on_event(const client::Kind& kind, const client::Event& event);
  void schedule_build();
  void build();
  void schedule_listeners();

  const ApiConfigurationOptions options_;
  client::Client& client_;
  async::Loop* loop_ = nullptr;
  Publish publish_;
  std::unique_ptr<TableBuilder> builder_;
  StatusWriter statuses_;
  std::vector<std::unique_ptr<client::Watch>> watches_;
  bool scheduled_ = false, listeners_scheduled_ = false, listeners_published_ = false;
  std::set<std::string> warned_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // false after stop(); loop thread
};

}  // namespace proa::gateway
