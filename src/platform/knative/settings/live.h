// Live: a ConfigMap of knative-serving as it reads now. A change takes effect with the next get();
// one that cannot be read leaves the last good one in force, with a line in the log.
//
// Thread-safe. The client is passed with each call: admission is set up before there is one.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "api/kinds.h"
#include "client/client.h"
#include "foundation/obs/log.h"
#include "platform/knative/settings/settings.h"

namespace proa::knative {

template <typename T>
class Live {
 public:
  using Parse = Result<T> (*)(const json::Value& data);
  Live(const char* name, Parse parse)
      : name_(name), parse_(parse), value_(std::make_shared<const T>()) {}

  std::shared_ptr<const T> get(const client::Client* client) {
    if (!client) return std::make_shared<const T>();
    auto map = client->get(api::kConfigMap, kSystemNamespace, name_);
    std::lock_guard lock(mutex_);
    if (!map.ok()) return value_;
    const std::string& version = (**map)["metadata"]["resourceVersion"].str();
    if (version == version_) return value_;
    version_ = version;
    auto parsed = parse_((**map)["data"]);
    if (parsed.ok())
      value_ = std::make_shared<const T>(std::move(*parsed));
    else
      log::warn("knative", "the last good configuration stays in force",
                {{"config", name_}, {"error", parsed.error().message}});
    return value_;
  }

 private:
  const char* name_;
  const Parse parse_;
  std::mutex mutex_;
  std::string version_;
  std::shared_ptr<const T> value_;
};

// All of them together, for who needs several.
struct LiveSettings {
  Live<AutoscalerConfig> autoscaler{"config-autoscaler", parse_autoscaler_config};
  Live<Defaults> defaults{"config-defaults", parse_defaults};
  Live<DeploymentSettings> deployment{"config-deployment", parse_deployment};
  Live<Domains> domains{"config-domain", parse_domains};
  Live<Features> features{"config-features", parse_features};
  Live<GarbageSettings> garbage{"config-gc", parse_garbage};
  Live<Network> network{"config-network", parse_network};
};

}  // namespace proa::knative
