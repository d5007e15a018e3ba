// What the pods of a node share: its client, loop, zygote, options, volumes, images, addresses.
//
// Owned by Node; every PodWorker and Container has a reference. Loop thread only.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "client/client.h"
#include "foundation/async/loop.h"
#include "foundation/http/http.h"
#include "platform/node/decisions/addresses.h"
#include "platform/node/decisions/images.h"
#include "platform/node/options.h"
#include "platform/node/volumes/volumes.h"
#include "platform/node/zygote/zygote.h"

namespace proa::node {

struct NodeContext {
  client::Client& client;
  async::Loop& loop;
  Zygote& zygote;
  NodeOptions options;
  http::Client http;
  Volumes volumes;
  ImageTable images;
  Addresses addresses;
  PodFacts facts;  // the node's part
  uint64_t next_id = 0;

  // A Kubernetes Event, written a little later: a start must not wait for it.
  void event(const client::Object& pod, const char* type, const char* reason, std::string message);
  void flush_events();

  struct PendingEvent {
    client::Object pod;
    const char* type;
    const char* reason;
    std::string message;
  };
  std::vector<PendingEvent> events;
  bool flush_planned = false;
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);

  std::string log_dir(const json::Value& pod, const std::string& container) const;
  std::string pod_log_dir(const json::Value& pod) const;
  std::string now() const { return rfc3339(loop.clock().wall()); }
};

}  // namespace proa::node
