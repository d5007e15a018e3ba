#include "app/platform.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <future>
#include <thread>

#include "api/kinds.h"
#include "api/schema/schema.h"
#include "client/controller.h"
#include "foundation/async/loop.h"
#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "foundation/obs/log.h"
#include "models/engines/library/library.h"
#include "platform/apiserver/api_server.h"
#include "platform/autoscaling/horizontal.h"
#include "platform/dns/server.h"
#include "platform/gateway/config/api_configuration.h"
#include "platform/gateway/gateway.h"
#include "platform/knative/knative.h"
#include "platform/node/node.h"
#include "platform/workloads/workloads.h"
#include "serving/bootstrap.h"
#include "serving/controller.h"
#include "serving/pod_mutator.h"
#include "serving/spec/defaults.h"
#include "serving/spec/validate.h"

namespace proa::app {

namespace {
// Longer than a start from zero takes: the statuses that it changes are written after its answer.
constexpr Duration kControllerPause = std::chrono::milliseconds(25);


// An event loop on a thread of its own.
class LoopThread {
 public:
  ~LoopThread() { stop(); }
  async::Loop& loop() { return loop_; }
  void start() {
    thread_ = std::thread([this] { loop_.run(); });
  }
  void stop() {
    if (!thread_.joinable()) return;
    loop_.stop();
    thread_.join();
  }
  // Runs `task` on the loop and waits for it.
  template <typename F>
  auto call(F task) {
    std::packaged_task<decltype(task())()> packaged(std::move(task));
    auto result = packaged.get_future();
    if (thread_.joinable())
      loop_.post([&] { packaged(); });
    else
      packaged();
    return result.get();
  }

 private:
  async::Loop loop_;
  std::thread thread_;
};

// KServe's webhooks and Knative's, as admission. `client` is set once the store is open.
std::vector<apiserver::Admission> admissions(client::Client*& client) {
  auto config = [&client] {
    return client ? serving::current_config(*client) : Result<serving::Config>(serving::Config());
  };
  std::vector<apiserver::Admission> list = knative::admissions<apiserver::Admission>(client);
  list.push_back({api::kInferenceService,
                  [config](json::Value& isvc, const json::Value*) -> Result<void> {
                    TRY(serving::Config c, config());
                    serving::default_inference_service(isvc, c);
                    return {};
                  },
                  [](const json::Value& isvc, const json::Value* old) {
                    return serving::validate_inference_service(isvc, old);
                  }});
  list.push_back({api::kPod,
                  [&client, config](json::Value& pod, const json::Value* old) -> Result<void> {
                    if (old || !client || !pod["metadata"]["labels"].has(serving::kIsvcLabel))
                      return {};
                    TRY(serving::Config c, config());
                    return serving::mutate_pod(pod, *client, c);
                  },
                  {}});
  return list;
}

// The loopback networks of this instance, by their second bytes.
struct Networks {
  int pods = 10, services = 96;
  Fd claim;

  std::string service(std::string_view rest) const { return str("127.", services, rest); }
};

// Pods and Services share the host's loopback network, so each instance on a machine takes networks
// of its own: 127.10.0.0/16 and 127.96.0.0/16, or the next that nobody has. The claim is a name in
// the abstract socket namespace, which the kernel frees when this process ends, however it ends.
Networks claim_networks() {
  Networks networks;
  for (int n = 0; n < 80; ++n) {
    std::string name = str("proa-pods-127.", 10 + n);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path + 1, sizeof address.sun_path - 1);
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    if (!fd || ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), length) != 0) continue;
    networks.pods += n;
    networks.services += n;
    networks.claim = std::move(fd);
    break;
  }
  return networks;
}

Networks networks_of(std::optional<Estate>& inherited) {
  if (!inherited) return claim_networks();
  return {inherited->pods_network, inherited->services_network, std::move(inherited->claim)};
}

// What the storage initializer takes from this process's environment.
void pass_on(std::map<std::string, std::string>& env) {
  for (const char* name :
       {"STORAGE_EMULATOR_HOST", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy",
        "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "PROA_FETCH_ALLOW",
        "PROA_INSECURE_REGISTRIES", "PROA_MODEL_CACHE_BYTES", "PROA_MODEL_MOST_BYTES"})
    if (const char* value = ::getenv(name)) env[name] = value;
}

}  // namespace

struct Platform::Parts {
  Parts(const UpOptions& o, node::Zygote& z, std::optional<Estate> e)
      : options(o), zygote(z), inherited(std::move(e)), networks(networks_of(inherited)) {
    if (inherited) options.api_port = inherited->api_port;
  }

  UpOptions options;
  node::Zygote& zygote;
  std::optional<Estate> inherited;
  Networks networks;
  metrics::Registry metrics;
  std::unique_ptr<api::Catalog> catalog;
  client::Client* client = nullptr;

  node::UsageTable usage;  // what pods use, from the node to the autoscaler

  // Destroyed from the last to the first: whoever uses another comes after it.
  LoopThread api_loop, control_loop, node_loop, gateway_loop;
  std::unique_ptr<apiserver::ApiServer> api;
  std::unique_ptr<client::ControllerHost> controllers;
  std::unique_ptr<knative::Autoscaler> autoscaler;
  std::unique_ptr<autoscaling::Horizontal> horizontal;
  std::unique_ptr<dns::Server> dns;
  std::unique_ptr<node::Node> node;
  std::unique_ptr<gateway::Gateway> gateway;
  std::atomic<gateway::Gateway*> activator{nullptr};  // the gateway, once it runs
  bool started = false;

  Status open_api();
  Status start_controllers();
  Status start_node();
  Status start_gateway();
};

Status Platform::Parts::open_api() {
  TRY(catalog, api::Catalog::built_in());
  apiserver::ApiServerOptions o;
  o.data_dir = options.data_dir;
  o.bind = options.bind;
  o.port = options.api_port;
  o.kubeconfig = options.kubeconfig;
  o.catalog = catalog.get();
  o.metrics = &metrics;
  o.admissions = admissions(client);
  o.service_network = networks.service("");
  api = std::make_unique<apiserver::ApiServer>(api_loop.loop(), std::move(o));
  TRY_STATUS(api->open());
  client = &api->client();
  TRY_STATUS(serving::apply_bootstrap(*client, options.domain));
  TRY_STATUS(knative::apply_bootstrap(*client, options.domain));
  return {};
}

Status Platform::Parts::start_controllers() {
  async::Loop& loop = control_loop.loop();
  controllers = std::make_unique<client::ControllerHost>(*client, loop, kControllerPause);
  autoscaler = std::make_unique<knative::Autoscaler>(*client, loop, real_clock(), metrics);
  horizontal = std::make_unique<autoscaling::Horizontal>(*client, loop, real_clock(), usage);
  workloads::Options workload_options;
  for (const api::KindRef& kind : catalog->all()) workload_options.kinds.push_back(kind->kind);
  workload_options.volumes_dir = options.data_dir + "/volumes";
  for (auto& spec : workloads::controllers(*client, real_clock(), std::move(workload_options)))
    controllers->add(std::move(spec));
  for (auto& spec :
       knative::controllers(*client, real_clock(), knative::Options{.domain = options.domain}))
    controllers->add(std::move(spec));
  controllers->add(autoscaler->controller());
  controllers->add(horizontal->controller());
  controllers->add(serving::inference_service_controller(*client, real_clock()));
  controllers->start();
  autoscaler->start(*controllers);
  horizontal->start(*controllers);
  dns::ServerOptions names;
  names.address = networks.service(".0.10");
  dns = std::make_unique<dns::Server>(loop, *client, std::move(names));
  if (Status status = dns->start(); !status.ok()) log::warn("dns", status.error().message);
  control_loop.start();
  return {};
}

Status Platform::Parts::start_node() {
  node::NodeOptions o;
  o.data_dir = options.data_dir;
  o.pod_cidr = str("127.", networks.pods, ".0.0/16");
  o.dns_address = networks.service(".0.10");
  o.kubernetes_host = networks.service(".0.1");
  for (const auto& [prefix, folder] : options.mirrors) o.mirrors[prefix] = folder;
  pass_on(o.fetch_env);
  o.engines_dir = engines::engines_folder();
  if (const char* python = ::getenv("PROA_PYTHON")) o.python = python;
  o.usage = &usage;
  if (inherited) o.inherited = std::make_shared<node::Inheritance>(std::move(inherited->node));
  o.on_ready = [this](const std::string& pod_uid, bool ready) {
    if (gateway::Gateway* g = activator.load()) g->pod_ready(pod_uid, ready);
  };
  node = std::make_unique<node::Node>(*client, node_loop.loop(), zygote, std::move(o));
  TRY_STATUS(node->start());
  api->set_pod_logs(&node->pod_logs());
  node_loop.start();
  return {};
}

Status Platform::Parts::start_gateway() {
  auto try_port = [&](uint16_t port) {
    gateway::GatewayOptions o;
    o.bind = options.bind;
    o.http_port = port;
    if (inherited)
      o.inherited =
          std::make_shared<std::vector<gateway::NamedSocket>>(std::move(inherited->sockets));
    o.pod_log_root = options.data_dir + "/logs/pods";
    gateway::ApiConfigurationOptions c;
    c.table.domain = options.domain;
    gateway = std::make_unique<gateway::Gateway>(
        std::move(o), std::make_unique<gateway::ApiConfiguration>(std::move(c), *client),
        *autoscaler, metrics);
    return gateway->start({&gateway_loop.loop()});
  };
  Status status = try_port(options.http_port.value_or(80));
  if (!status.ok() && status.error().code == Code::kForbidden && !options.http_port)
    status = try_port(8080);
  if (!status.ok()) return std::move(status).context("gateway");
  activator = gateway.get();
  gateway_loop.start();
  return {};
}

Platform::Platform(const UpOptions& options, node::Zygote& zygote, std::optional<Estate> estate)
    : parts_(std::make_unique<Parts>(options, zygote, std::move(estate))) {}

Platform::~Platform() { stop(); }

Result<Endpoints> Platform::start() {
  Parts& p = *parts_;
  TRY_STATUS(p.open_api());
  p.started = true;
  TRY_STATUS(p.start_controllers());
  TRY_STATUS(p.start_node());
  TRY_STATUS(p.start_gateway());
  TRY([[maybe_unused]] uint16_t port, p.api->start());
  p.api_loop.start();
  return Endpoints{p.api->url(), str("http://", p.options.bind, ":", p.gateway->http_port()),
                   p.api->kubeconfig()};
}

void Platform::stop() {
  Parts& p = *parts_;
  if (!std::exchange(p.started, false)) return;
  if (p.gateway) p.gateway->stop(std::chrono::seconds(2));
  p.gateway_loop.stop();
  p.control_loop.stop();  // nothing makes new pods from here on
  if (p.node) p.node->stop();
  p.node_loop.stop();
  p.api_loop.stop();
  p.activator = nullptr;
  p.gateway.reset();
  p.node.reset();
  p.dns.reset();
  if (p.autoscaler) p.autoscaler->stop();
  if (p.horizontal) p.horizontal->stop();
  p.controllers.reset();
  p.autoscaler.reset();
  p.horizontal.reset();
  p.api.reset();
}

Result<Estate> Platform::estate() {
  Parts& p = *parts_;
  p.started = false;
  Estate out;
  out.pods_network = p.networks.pods, out.services_network = p.networks.services;
  out.api_port = p.api->port();
  p.control_loop.stop();
  p.node_loop.stop();
  TRY(out.node, p.node->hand_over());
  p.gateway->freeze();
  p.api_loop.stop();
  out.sockets = p.gateway->sockets();
  p.node.reset();
  p.dns.reset();
  p.autoscaler->stop();
  p.horizontal->stop();
  p.controllers.reset();
  p.horizontal.reset();
  p.api.reset();  // the store is closed
  out.claim = std::move(p.networks.claim);
  return out;
}

void Platform::retire(Duration most) {
  Parts& p = *parts_;
  p.gateway->retire(most);
  p.gateway_loop.stop();
  p.gateway.reset();
  p.autoscaler.reset();
}

void Platform::restart_gateway() { parts_->gateway->restart(); }

}  // namespace proa::app
