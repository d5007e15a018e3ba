// For tests: the InferenceService controller and KServe's admission over the API server in process,
// without a disk and without other controllers.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "api/kinds.h"
#include "client/controller.h"
#include "foundation/async/loop.h"
#include "foundation/base/strings.h"
#include "foundation/json/yaml.h"
#include "platform/apiserver/core/embedded_client.h"
#include "platform/apiserver/store/no_disk.h"
#include "serving/bootstrap.h"
#include "serving/controller.h"
#include "serving/pod_mutator.h"
#include "serving/spec/defaults.h"
#include "serving/spec/validate.h"

namespace proa::serving {

class ControllerFixture : public testing::Test {
 protected:
  void SetUp() override {
    auto catalog = api::Catalog::built_in();
    ASSERT_TRUE(catalog.ok()) << catalog.error().message;
    catalog_ = std::move(*catalog);
    auto store = apiserver::Store::open(std::make_unique<apiserver::NoDisk>(100));
    ASSERT_TRUE(store.ok());
    store_ = std::move(*store);
    apiserver::CoreOptions options;
    options.root_ca = "PEM";
    options.admissions.push_back({api::kInferenceService,
                                  [this](json::Value& isvc, const json::Value*) -> Result<void> {
                                    TRY(auto c, serving::current_config(*client_));
                                    serving::default_inference_service(isvc, c);
                                    return {};
                                  },
                                  [](const json::Value& isvc, const json::Value* old) {
                                    return serving::validate_inference_service(isvc, old);
                                  }});
    options.admissions.push_back({api::kPod,
                                  [this](json::Value& pod, const json::Value* old) -> Result<void> {
                                    if (old) return {};
                                    TRY(auto c, serving::current_config(*client_));
                                    return serving::mutate_pod(pod, *client_, c);
                                  },
                                  {}});
    core_ = std::make_unique<apiserver::Core>(*catalog_, *store_, clock_, std::move(options));
    client_ = std::make_unique<apiserver::EmbeddedClient>(*core_);
    auto done = core_->bootstrap();
    ASSERT_TRUE(done.ok()) << done.error().message;
    done = serving::apply_bootstrap(*client_, "example.com");
    ASSERT_TRUE(done.ok()) << done.error().message;
    host_ = std::make_unique<client::ControllerHost>(*client_, loop_);
    host_->add(serving::inference_service_controller(*client_, clock_));
    host_->start();
    settle();
  }
  // Until nothing has happened for some turns of the loop.
  void settle() {
    for (int i = 0, quiet = 0; i < 200 && quiet < 8; ++i) {
      loop_.run_once(std::chrono::milliseconds(1));
      quiet = host_->idle() ? quiet + 1 : 0;
    }
  }
  json::Value yaml(std::string_view text) {
    auto v = json::parse_yaml(text);
    CHECK(v.ok());
    return *v;
  }
  void apply(std::string_view text) {
    auto v = yaml(text);
    auto done = client_->apply(api::kInferenceService, std::move(v), {"kubectl"});
    ASSERT_TRUE(done.ok()) << done.error().message;
    settle();
  }
  json::Value get(const client::Kind& kind, std::string_view name) {
    auto o = client_->get(kind, "default", name);
    return o.ok() ? **o : json::Value();
  }
  FakeClock clock_;
  std::unique_ptr<api::Catalog> catalog_;
  std::unique_ptr<apiserver::Store> store_;
  std::unique_ptr<apiserver::Core> core_;
  std::unique_ptr<apiserver::EmbeddedClient> client_;
  async::Loop loop_;
  std::unique_ptr<client::ControllerHost> host_;
};

}  // namespace proa::serving
