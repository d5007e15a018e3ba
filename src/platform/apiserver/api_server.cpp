#include "platform/apiserver/api_server.h"

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "foundation/http/http.h"
#include "platform/apiserver/core/embedded_client.h"
#include "platform/apiserver/pki/pki.h"
#include "platform/apiserver/rest/rest.h"

namespace proa::apiserver {

struct ApiServer::State {
  State(async::Loop& l, ApiServerOptions o) : loop(l), options(std::move(o)) {}

  // Where clients reach it: 0.0.0.0 is no address to connect to.
  std::string address() const {
    return options.bind.empty() || options.bind == "0.0.0.0" || options.bind == "::" ? "127.0.0.1"
                                                                                     : options.bind;
  }
  std::string host() const {
    std::string a = address();
    return contains(a, ":") ? str("[", a, "]") : a;
  }

  async::Loop& loop;
  ApiServerOptions options;
  std::string kubeconfig, url;
  uint16_t port = 0;
  Credentials credentials;
  std::unique_ptr<Store> store;
  std::unique_ptr<Core> core;
  std::unique_ptr<EmbeddedClient> client;
  std::unique_ptr<Rest> rest;
  std::unique_ptr<http::Server> server;
};

ApiServer::ApiServer(async::Loop& loop, ApiServerOptions options)
    : state_(std::make_unique<State>(loop, std::move(options))) {
  State& s = *state_;
  s.kubeconfig =
      s.options.kubeconfig.empty() ? s.options.data_dir + "/kubeconfig" : s.options.kubeconfig;
}

ApiServer::~ApiServer() = default;

Status ApiServer::open() {
  State& s = *state_;
  CHECK(s.options.catalog);
  TRY_STATUS(make_dirs(s.options.data_dir + "/store", 0700));
  TRY(auto log, SqliteLog::open(s.options.data_dir + "/store/state.db"));
  TRY(s.store, Store::open(std::move(log)));
  std::vector<std::string> names = s.options.more_names;
  names.push_back(s.address());
  names.push_back(s.options.service_network + ".0.1");
  TRY(s.credentials, ensure_credentials(s.options.data_dir + "/pki", names, s.loop.clock().wall()));
  CoreOptions core;
  core.admissions = s.options.admissions;
  core.root_ca = s.credentials.ca;
  core.api_address = s.address();
  core.api_port = s.options.port;
  core.service_network = s.options.service_network;
  s.core = std::make_unique<Core>(*s.options.catalog, *s.store, s.loop.clock(), std::move(core));
  s.client = std::make_unique<EmbeddedClient>(*s.core);
  return s.core->bootstrap().context("first objects");
}

Result<uint16_t> ApiServer::start() {
  State& s = *state_;
  if (!s.core) TRY_STATUS(open());
  s.rest = std::make_unique<Rest>(s.loop, *s.core, s.options.metrics, RestOptions{});
  s.rest->set_pod_logs(s.options.pod_logs);
  http::ServerOptions http;
  http.most_body_bytes = kMostBody * 2;  // above kMostBody Rest answers with a Status
  http.tls = std::make_shared<http::TlsOptions>(
      http::TlsOptions{s.credentials.server, s.credentials.server_key, s.credentials.ca});
  s.server = std::make_unique<http::Server>(
      s.loop, std::move(http),
      [rest = s.rest.get()](http::Request request, std::shared_ptr<http::Responder> responder) {
        rest->handle(std::move(request), std::move(responder));
      });
  TRY(uint16_t port, s.server->listen(s.options.bind, s.options.port));
  s.port = port;
  s.url = str("https://", s.host(), ":", port);
  s.rest->set_address(str(s.host(), ":", port));
  if (port != s.options.port) TRY_STATUS(s.core->announce(port));
  TRY_STATUS(write_file(s.kubeconfig, make_kubeconfig(s.credentials, s.url), 0600));
  return port;
}

void ApiServer::set_pod_logs(PodLogs* logs) {
  state_->options.pod_logs = logs;
  if (state_->rest) state_->rest->set_pod_logs(logs);
}

void ApiServer::drain(std::function<void()> done) {
  if (state_->rest) state_->rest->end_watches();
  if (!state_->server) return done();
  state_->server->drain(std::move(done));
}

client::Client& ApiServer::client() {
  CHECK(state_->client);
  return *state_->client;
}

const std::string& ApiServer::kubeconfig() const { return state_->kubeconfig; }
uint16_t ApiServer::port() const { return state_->port; }
std::string ApiServer::url() const { return state_->url; }

}  // namespace proa::apiserver
