// Rest: the Kubernetes REST API over Core: one handler for http::Server.
//
//   authenticate → non-resource paths (discovery, OpenAPI, health, …) → reviews → verb on an object
//
// Everything runs on the loop's thread but the acknowledgement of a durable write, which the
// store's committer sends. Answers are JSON (or YAML, if asked for); every error is a
// metav1.Status.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "foundation/async/loop.h"
#include "foundation/http/http.h"
#include "foundation/obs/metrics.h"
#include "platform/apiserver/core/core.h"
#include "platform/apiserver/pod_logs.h"
#include "platform/apiserver/rest/request.h"
#include "platform/apiserver/rest/watch_stream.h"

namespace proa::apiserver {

inline constexpr size_t kMostBody = 3u << 20;  // larger: 413, as kube-apiserver

struct RestOptions {
  bool require_certificate = true;  // false only in tests without TLS
  std::string address;              // HOST:PORT, for GET /api
  std::string product_version = "0.1.0";
};

class Rest {
 public:
  Rest(async::Loop& loop, Core& core, metrics::Registry* metrics,
       RestOptions options);  // all outlive this
  ~Rest();
  void handle(http::Request request, std::shared_ptr<http::Responder> responder);
  void set_pod_logs(PodLogs* logs) { logs_ = logs; }
  void set_address(std::string address) { options_.address = std::move(address); }
  void end_watches();
  size_t watches() const { return streams_.size(); }

 private:
  struct Call;  // one request on its way
  void dispatch(Call& call);
  bool non_resource(Call& call);
  bool openapi(Call& call, std::string_view path);
  bool discovery(Call& call, std::string_view path);
  bool review(Call& call);
  void read(Call& call);
  void list(Call& call);
  void watch(Call& call);
  void create(Call& call);
  void update(Call& call);
  void patch(Call& call);
  void remove(Call& call);
  void remove_all(Call& call);
  void logs(Call& call);
  Answer<ListQuery> list_query(Call& call);
  Answer<RemoveOptions> remove_options(Call& call);
  Answer<WriteContext> write_context(Call& call);
  void written(Call& call, const Answer<Written>& result, const WriteContext& context);
  void acknowledge(Call& call, int64_t revision, http::Response response);
  void send(Call& call, http::Response response);
  void refuse(Call& call, const Failure& failure);

  async::Loop& loop_;
  Core& core_;
  metrics::Registry* metrics_;
  RestOptions options_;
  PodLogs* logs_ = nullptr;
  std::set<std::shared_ptr<WatchStream>> streams_;
};

}  // namespace proa::apiserver
