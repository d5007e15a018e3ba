// client::ControllerHost over the real Core.
#include "client/controller.h"

#include <gtest/gtest.h>

#include <map>

#include "api/kinds.h"
#include "foundation/base/strings.h"
#include "platform/apiserver/core/embedded_client.h"
#include "platform/apiserver/store/no_disk.h"

namespace proa::apiserver {
namespace {

class ControllerTest : public testing::Test {
 protected:
  void SetUp() override {
    catalog_ = std::move(*api::Catalog::built_in());
    store_ = std::move(*Store::open(std::make_unique<NoDisk>()));
    core_ = std::make_unique<Core>(*catalog_, *store_, clock_, CoreOptions{});
    ASSERT_TRUE(core_->bootstrap().ok());
    client_ = std::make_unique<EmbeddedClient>(*core_);
  }
  void make(std::string_view name) {
    json::Value map =
        json::object({{"metadata", json::object({{"name", name},
                                                 {"namespace", "default"},
                                                 {"labels", json::object({{"app", "x"}})}})}});
    ASSERT_TRUE(client_->create(api::kConfigMap, std::move(map)).ok());
  }
  // Turns until nothing is queued and no more tasks are posted.
  void settle(client::ControllerHost& host) {
    for (int i = 0; i < 20 || !host.idle(); ++i) loop_.run_once(Duration(0));
  }

  FakeClock clock_;
  async::Loop loop_{clock_};
  std::unique_ptr<api::Catalog> catalog_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Core> core_;
  std::unique_ptr<EmbeddedClient> client_;
};

TEST_F(ControllerTest, ReconcilesWhatIsThereAndWhatComesAndMergesRepeatedKeys) {
  make("before");
  std::map<std::string, int> seen;
  client::ControllerHost host(*client_, loop_);
  host.add({"test",
            {{api::kConfigMap, client::self()}},
            [&](const client::Key& key) -> Result<client::Outcome> {
              ++seen[key.name];
              return client::Outcome{};
            }});
  host.start();
  settle(host);
  EXPECT_EQ(seen["before"], 1);
  make("after");
  for (int i = 0; i < 10; ++i) host.enqueue("test", {"default", "after"});
  settle(host);
  EXPECT_EQ(seen["after"], 1);
}

TEST_F(ControllerTest, AnErrorIsRetriedWithBackOff) {
  int calls = 0;
  client::ControllerHost host(*client_, loop_);
  host.add({"test", {}, [&](const client::Key&) -> Result<client::Outcome> {
              if (++calls < 3) return error(Code::kUnavailable, "not yet");
              return client::Outcome{};
            }});
  host.start();
  host.enqueue("test", {"", "a"});
  settle(host);
  EXPECT_EQ(calls, 1);
  clock_.advance(std::chrono::milliseconds(6));
  settle(host);
  EXPECT_EQ(calls, 2);
  clock_.advance(std::chrono::milliseconds(6));
  settle(host);
  EXPECT_EQ(calls, 2);
  clock_.advance(std::chrono::milliseconds(6));
  settle(host);
  EXPECT_EQ(calls, 3);
}

TEST_F(ControllerTest, RequeueAfterComesBackEvenWithoutAnEvent) {
  int calls = 0;
  client::ControllerHost host(*client_, loop_);
  host.add({"test", {}, [&](const client::Key&) -> Result<client::Outcome> {
              ++calls;
              return client::Outcome{std::chrono::seconds(5)};
            }});
  host.start();
  host.enqueue("test", {"", "a"});
  settle(host);
  clock_.advance(std::chrono::seconds(4));
  settle(host);
  EXPECT_EQ(calls, 1);
  clock_.advance(std::chrono::seconds(2));
  settle(host);
  EXPECT_EQ(calls, 2);
}

TEST_F(ControllerTest, TheFirstChangeIsActedOnAtOnceAndThoseThatFollowAreTakenTogether) {
  std::map<std::string, int> calls;
  client::ControllerHost host(*client_, loop_, std::chrono::milliseconds(25));
  for (bool at_once : {false, true}) {
    std::string name = at_once ? "at once" : "paused";
    host.add({name,
              {},
              [&calls, name](const client::Key&) -> Result<client::Outcome> {
                ++calls[name];
                return client::Outcome{std::chrono::hours(1)};
              },
              at_once});
  }
  host.start();
  auto change = [&] {
    for (const char* name : {"paused", "at once"}) host.enqueue(name, {"", "a"});
    settle(host);
  };
  change();
  EXPECT_EQ(calls["paused"], 1);
  for (int i = 0; i < 3; ++i) change();
  EXPECT_EQ(calls["paused"], 1);
  EXPECT_EQ(calls["at once"], 4);
  clock_.advance(std::chrono::milliseconds(26));
  settle(host);
  EXPECT_EQ(calls["paused"], 2);
  clock_.advance(std::chrono::milliseconds(26));
  change();
  EXPECT_EQ(calls["paused"], 3);
}

TEST_F(ControllerTest, MapsByLabelAndByOwner) {
  make("labelled");
  std::vector<client::Key> seen;
  client::ControllerHost host(*client_, loop_);
  host.add({"test",
            {{api::kConfigMap, client::label("app")}},
            [&](const client::Key& key) -> Result<client::Outcome> {
              seen.push_back(key);
              return client::Outcome{};
            }});
  host.start();
  settle(host);
  EXPECT_EQ(seen, (std::vector<client::Key>{{"default", "x"}}));
}

}  // namespace
}  // namespace proa::apiserver
