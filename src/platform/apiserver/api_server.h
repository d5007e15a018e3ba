// ApiServer: the whole Kubernetes-compatible API server: store, core, REST face, keys, kubeconfig.
//
// Made by app/. start() opens the store (so a damaged one or a second instance shows here), makes
// the keys below DATA/pki, and listens with TLS on the given loop, whose thread does all REST work.
// client() is for the controllers and works on any thread.
//
//   DATA/store/state.db   DATA/pki/{ca,server,admin}.{crt,key}
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "api/schema/schema.h"
#include "client/client.h"
#include "foundation/async/loop.h"
#include "foundation/obs/metrics.h"
#include "platform/apiserver/core/admission.h"
#include "platform/apiserver/pod_logs.h"

namespace proa::apiserver {

struct ApiServerOptions {
  std::string data_dir;
  std::string bind = "127.0.0.1";
  uint16_t port = 6443;             // 0: any free one
  std::string kubeconfig;           // written by start(); "": DATA/kubeconfig
  api::Catalog* catalog = nullptr;  // all three must outlive the ApiServer
  metrics::Registry* metrics = nullptr;
  PodLogs* pod_logs = nullptr;  // null: set later, or logs are refused
  std::vector<Admission> admissions;
  std::vector<std::string> more_names;  // DNS names or addresses for the certificate
  std::string service_network = "127.96";  // first two bytes of the Services' addresses
};

class ApiServer {
 public:
  ApiServer(async::Loop& loop, ApiServerOptions options);  // the loop must outlive this
  ~ApiServer();

  // In two steps, since controllers may want the client before anybody outside can connect:
  Status open();             // store, catalog, bootstrap objects: client() works after it
  Result<uint16_t> start();  // open() if not done, keys, kubeconfig, listening; returns the port
  void set_pod_logs(PodLogs* logs);        // before the first request, or on the loop thread
  void drain(std::function<void()> done);  // loop thread: takes no new connections, ends watches

  client::Client& client();
  const std::string& kubeconfig() const;  // path
  uint16_t port() const;                // 0 before start()
  std::string url() const;                // https://ADDRESS:PORT

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace proa::apiserver
