// The node against the real API server in process: pods in, processes and status out.
#include "platform/node/node.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "api/kinds.h"
#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "foundation/json/yaml.h"
#include "platform/apiserver/core/embedded_client.h"
#include "platform/apiserver/store/no_disk.h"

namespace proa::node {
namespace {

// A server on POD_IP:8080; ends on SIGTERM.
int serve_program(int argc, char** argv) {
  std::signal(SIGTERM, [](int) { ::_exit(0); });
  int fd = ::socket(AF_INET, SOCK_STREAM, 0), one = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(8080);
  ::inet_pton(AF_INET, ::getenv("POD_IP"), &at.sin_addr);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 || ::listen(fd, 16) != 0)
    return 9;
  dprintf(1, "serving %s\n", argc > 1 ? argv[1] : "");
  for (;;) {
    int c = ::accept(fd, nullptr, nullptr);
    char buffer[1024];
    if (::read(c, buffer, sizeof buffer) > 0)
      dprintf(c, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
    ::close(c);
  }
}

int fetch_program(int argc, char** argv) {
  if (argc < 3) return 2;
  std::string file = str(argv[2], "/model.txt");
  FILE* f = ::fopen(file.c_str(), "w");
  if (!f) return 3;
  ::fprintf(f, "%s from %s, mirrors %s, pin %s", argv[1], ::getenv("PROA_MODEL_CACHE"),
            ::getenv("PROA_MIRRORS"), ::getenv("PROA_MODEL_PIN"));
  ::fclose(f);
  dprintf(1, "fetched %s\n", argv[1]);
  std::string mark = str(::getenv("PROA_MODEL_CACHE"), "/mark");
  f = ::fopen(mark.c_str(), "w");
  return f ? ::fclose(f) : 4;
}

class CollectSink : public apiserver::LogSink {
 public:
  void write(std::string t) override { text += t; }
  void finish(Status s) override { done = true, status = std::move(s); }
  bool closed() const override { return false; }
  size_t buffered() const override { return 0; }
  std::string text;
  Status status;
  bool done = false;
};

class NodeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/proa-node-XXXXXX";
    dir_ = ::mkdtemp(name);
    ::chmod(dir_.c_str(), 0755);
    start_zygote();
    catalog_ = std::move(api::Catalog::built_in()).value();
    store_ = std::move(apiserver::Store::open(std::make_unique<apiserver::NoDisk>(100))).value();
    core_ = std::make_unique<apiserver::Core>(*catalog_, *store_, real_clock(),
                                              apiserver::CoreOptions{});
    client_ = std::make_unique<apiserver::EmbeddedClient>(*core_);
    ASSERT_TRUE(core_->bootstrap().ok());
    start_node();
    if (zygote_->isolation() == Isolation::kPlain) GTEST_SKIP() << "no namespaces here";
  }
  void TearDown() override {
    stop_node();
    zygote_.reset();
    client_.reset();
    core_.reset();
    store_.reset();
    (void)remove_tree(dir_);
  }
  void start_zygote() {
    auto z = Zygote::start({{"proa serve", serve_program}, {"proa fetch", fetch_program}});
    ASSERT_TRUE(z.ok()) << z.error().message;
    zygote_ = std::move(z).value();
  }
  void start_node() {
    NodeOptions o;
    o.data_dir = dir_;
    // A network of its own: other instances may run on this machine.
    o.pod_cidr = str("127.", 20 + ::getpid() % 60, ".", ::getpid() / 60 % 250, ".0/24");
    o.mirrors = {{"gs://b", "/srv"}};
    o.backoff_first = std::chrono::milliseconds(100);
    loop_ = std::make_unique<async::Loop>();
    node_ = std::make_unique<Node>(*client_, *loop_, *zygote_, o);
    Status s = node_->start();
    ASSERT_TRUE(s.ok()) << s.error().message;
  }
  void stop_node() {
    if (!node_) return;
    std::thread runner([this] { loop_->run(); });
    node_->stop();
    loop_->stop();
    runner.join();
    node_.reset();
    loop_.reset();
  }
  bool until(const std::function<bool()>& condition, int seconds = 15) {
    MonoTime end = real_clock().mono() + std::chrono::seconds(seconds);
    while (!condition()) {
      if (real_clock().mono() > end) return false;
      loop_->run_once(std::chrono::milliseconds(20));
    }
    return true;
  }
  void create(const client::Kind& kind, std::string_view text) {
    auto v = json::parse_yaml(text);
    ASSERT_TRUE(v.ok()) << v.error().message;
    v->ref("metadata", "namespace") = "default";
    auto made = client_->create(kind, *v);
    ASSERT_TRUE(made.ok()) << made.error().message;
  }
  json::Value pod(const char* name = "p") {
    auto found = client_->get(api::kPod, "default", name);
    return found.ok() ? **found : json::Value();
  }
  std::string phase() { return pod()["status"]["phase"].str(); }
  std::string explain() { return json::pretty(pod()["status"]); }
  bool ready() { return client::condition_is(pod(), "Ready", "True"); }
  std::string logs(const std::string& container, bool previous = false) {
    auto sink = std::make_shared<CollectSink>();
    apiserver::PodLogOptions o;
    o.container = container;
    o.previous = previous;
    node_->pod_logs().read(std::make_shared<const json::Value>(pod()), o, sink);
    until([&] { return sink->done; });
    return sink->status.ok() ? sink->text : sink->status.error().message;
  }
  bool event(const std::string& reason, const std::string& part) {
    auto list = client_->list(api::kEvent, {});
    for (const auto& e : list.value_or({}))
      if ((*e)["reason"].str() == reason && contains((*e)["message"].str(), part)) return true;
    return false;
  }
  std::string dir_;
  std::unique_ptr<Zygote> zygote_;
  std::unique_ptr<api::Catalog> catalog_;
  std::unique_ptr<apiserver::Store> store_;
  std::unique_ptr<apiserver::Core> core_;
  std::unique_ptr<apiserver::EmbeddedClient> client_;
  std::unique_ptr<async::Loop> loop_;
  std::unique_ptr<Node> node_;
};

constexpr const char* kServing = R"(
metadata: {name: p, labels: {serving.knative.dev/revision: r1}}
spec:
  nodeName: proa
  terminationGracePeriodSeconds: 5
  initContainers:
  - {name: storage-initializer, image: kserve/storage-initializer:v0.15,
     args: ["gs://b/iris", /mnt/models], volumeMounts: [{name: models, mountPath: /mnt/models}]}
  containers:
  - name: kserve-container
    image: docker.io/kserve/sklearnserver:v0.15@sha256:abc
    args: ["--model_dir=/mnt/models"]
    ports: [{containerPort: 8080}]
    volumeMounts: [{name: models, mountPath: /mnt/models, readOnly: true}]
    resources: {limits: {memory: 256Mi, cpu: "1"}}
  - {name: queue-proxy, image: gcr.io/knative-releases/knative.dev/serving/cmd/queue:v1}
  volumes: [{name: models, emptyDir: {}}]
)";

TEST_F(NodeTest, RegistersItselfWithALease) {
  auto node = client_->get(api::kNode, "", "proa");
  ASSERT_TRUE(node.ok()) << node.error().message;
  EXPECT_TRUE(client::condition_is(**node, "Ready", "True"));
  EXPECT_FALSE((**node)["status"]["capacity"]["memory"].str().empty());
  EXPECT_TRUE(client_->get(api::kLease, "kube-node-lease", "proa").ok());
  auto images = client_->get(api::kConfigMap, "kserve", "native-images");
  ASSERT_TRUE(images.ok());
  EXPECT_TRUE(contains((**images)["data"]["serving"].str(), "proa serve"));
}

TEST_F(NodeTest, ServesAModelPodWithItsQueueProxy) {
  create(api::kPod, kServing);
  ASSERT_TRUE(until([&] { return ready(); })) << explain();
  json::Value status = pod()["status"];
  EXPECT_EQ(status["phase"].str(), "Running");
  EXPECT_EQ(status["containerStatuses"].size(), 2u);
  for (const auto& c : status["containerStatuses"].array())
    EXPECT_TRUE(c["ready"].boolean()) << json::dump(c);
  EXPECT_EQ(status["initContainerStatuses"][0]["state"]["terminated"]["reason"].str(), "Completed");
  EXPECT_TRUE(status["podIP"].str().starts_with("127.")) << status["podIP"].str();
  EXPECT_TRUE(until([&] { return logs("storage-initializer") == "fetched gs://b/iris\n"; }))
      << logs("storage-initializer") << explain();
  EXPECT_TRUE(
      until([&] { return logs("kserve-container") == "serving --model_dir=/mnt/models\n"; }));
  std::string uid = pod()["metadata"]["uid"].str();
  EXPECT_EQ(read_file(dir_ + "/pods/" + uid + "/volumes/models/model.txt").value_or(""),
            str("gs://b/iris from ", kModelCachePath, ", mirrors gs://b=/srv, pin default/r1"));
  EXPECT_TRUE(exists(dir_ + "/models/mark"));
  ASSERT_TRUE(until([&] { return event("Started", "kserve-container"); }));

  ASSERT_TRUE(client_->remove(api::kPod, "default", "p", {}).ok());
  ASSERT_TRUE(until([&] { return pod().is_null(); }));
  EXPECT_TRUE(until([&] { return !exists(dir_ + "/pods/" + uid); }));
}

TEST_F(NodeTest, StartsAKilledContainerAgain) {
  create(api::kPod, kServing);
  ASSERT_TRUE(until([&] { return ready(); })) << explain();
  // The only process of this user id is the server; it is found as a person would find it.
  std::string ip = pod()["status"]["podIP"].str();
  pid_t victim = 0;
  for (const auto& name : list_dir("/proc").value_or({}))
    if (auto pid = parse_int(name))
      if (auto env = read_file(str("/proc/", name, "/cmdline"));
          env.ok() && contains(*env, "proa serve --model_dir"))
        victim = static_cast<pid_t>(*pid);
  ASSERT_GT(victim, 0) << "ps must show a native program's command line";
  ::kill(victim, SIGKILL);
  ASSERT_TRUE(until([&] {
    return pod()["status"]["containerStatuses"][0]["restartCount"].integer() == 1 && ready();
  })) << explain();
  const json::Value status = pod()["status"]["containerStatuses"][0];
  EXPECT_EQ(status["lastState"]["terminated"]["exitCode"].integer(), 137);
  EXPECT_EQ(logs("kserve-container", true), "serving --model_dir=/mnt/models\n");
}

TEST_F(NodeTest, RunsACommandOverTheHostsFilesWithVolumesAndEnvironment) {
  create(api::kConfigMap, "{metadata: {name: cm}, data: {cfg: hello, other: x}}");
  create(api::kSecret, "{metadata: {name: s}, data: {key: c2VjcmV0}}");
  create(api::kPod, R"Y(
metadata: {name: p, labels: {a: b}}
spec:
  nodeName: proa
  restartPolicy: Never
  containers:
  - name: main
    image: ubuntu:22.04
    command: [sh, -c]
    args: ['cat /cfg/cfg /one; echo; echo $(WHO) $SECRET $NODE;
        cat /etc/resolv.conf | head -2; echo done > /dev/termination-log;
        ls /cfg/..data >/dev/null; exit 3']
    env:
    - {name: ME, value: pod}
    - {name: WHO, value: "$(ME)-$(POD_IP)"}
    - {name: SECRET, valueFrom: {secretKeyRef: {name: s, key: key}}}
    - {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
    volumeMounts: [{name: cfg, mountPath: /cfg}, {name: cfg, mountPath: /one, subPath: other}]
  volumes: [{name: cfg, configMap: {name: cm}}]
)Y");
  ASSERT_TRUE(until([&] { return phase() == "Failed"; })) << explain();
  std::string ip = pod()["status"]["podIP"].str();
  EXPECT_EQ(logs("main"),
            str("hellox\npod-", ip,
                " secret proa\nnameserver 127.96.0.10\nsearch default.svc.cluster.local "
                "svc.cluster.local cluster.local\n"));
  const json::Value t = pod()["status"]["containerStatuses"][0]["state"]["terminated"];
  EXPECT_EQ(t["exitCode"].integer(), 3);
  EXPECT_EQ(t["reason"].str(), "Error");
  EXPECT_EQ(t["message"].str(), "done\n");
}

TEST_F(NodeTest, WaitsForAMissingConfigMap) {
  create(api::kPod, R"(
metadata: {name: p}
spec:
  nodeName: proa
  restartPolicy: Never
  containers: [{name: main, image: busybox, command: ["true"], volumeMounts: [{name: v, mountPath: /v}]}]
  volumes: [{name: v, configMap: {name: late}}]
)");
  ASSERT_TRUE(until([&] { return event("FailedMount", "configmap \"late\" not found"); }));
  EXPECT_EQ(phase(), "Pending");
  create(api::kConfigMap, "{metadata: {name: late}, data: {a: b}}");
  EXPECT_TRUE(until([&] { return phase() == "Succeeded"; })) << explain();
}

TEST_F(NodeTest, SaysWhatItTriedForAnUnknownImageAndHealsWithTheTable) {
  create(api::kPod, R"(
metadata: {name: p}
spec: {nodeName: proa, restartPolicy: Never,
       containers: [{name: main, image: "acme/tool:1", command: ["true"]}]}
)");
  ASSERT_TRUE(until([&] { return contains(explain(), "ErrImagePull"); })) << explain();
  EXPECT_TRUE(contains(explain(), "native image table")) << explain();
  ASSERT_TRUE(until([&] { return event("Failed", "ErrImagePull"); }));
  ASSERT_TRUE(client_
                  ->patch(api::kConfigMap, "kserve", "native-images",
                          json::parse(R"({"data":{"mine":"acme/tool => sandbox"}})").value(), "")
                  .ok());
  EXPECT_TRUE(until([&] { return phase() == "Succeeded"; })) << explain();
}

TEST_F(NodeTest, BacksOffFromACrashingContainer) {
  create(api::kPod, R"(
metadata: {name: p}
spec: {nodeName: proa, containers: [{name: main, image: busybox, command: [sh, -c, "exit 1"]}]}
)");
  ASSERT_TRUE(until([&] {
    return pod()["status"]["containerStatuses"][0]["restartCount"].integer() >= 3;
  })) << explain();
  ASSERT_TRUE(until([&] { return contains(explain(), "CrashLoopBackOff"); }));
  EXPECT_TRUE(until([&] { return event("BackOff", "Back-off restarting failed container main"); }));
}

TEST_F(NodeTest, ProbesByHttpAndByCommand) {
  create(api::kPod, R"(
metadata: {name: p}
spec:
  nodeName: proa
  terminationGracePeriodSeconds: 1
  containers:
  - name: web
    image: kserve/sklearnserver
    readinessProbe: {httpGet: {path: /, port: 8080}}
  - name: shell
    image: ubuntu
    command: [sh, -c, "touch /tmp/up; exec sleep 1000"]
    readinessProbe: {exec: {command: [test, -f, /tmp/up]}, periodSeconds: 1}
    livenessProbe: {exec: {command: [test, -f, /tmp/never]},
                    periodSeconds: 1, failureThreshold: 1, initialDelaySeconds: 1}
)");
  ASSERT_TRUE(until([&] { return ready(); })) << explain();
  ASSERT_TRUE(until([&] { return event("Unhealthy", "Liveness probe failed"); }));
  EXPECT_TRUE(until([&] {
    return pod()["status"]["containerStatuses"][1]["restartCount"].integer() >= 1;
  })) << explain();
}

TEST_F(NodeTest, ReportsAKillForLackOfMemory) {
  if (!contains((*client_->get(api::kNode, "", "proa")
                      .value())["metadata"]["annotations"]["proa.dev/resource-limits"]
                    .str(),
                "memory"))
    GTEST_SKIP() << "no memory cgroup";
  create(api::kPod, R"Y(
metadata: {name: p}
spec:
  nodeName: proa
  restartPolicy: Never
  containers: [{name: main, image: ubuntu,
                command: [sh, -c, "x=$(tr '\\0' a < /dev/zero | head -c 100000000)"],
                resources: {limits: {memory: 32Mi}}}]
)Y");
  ASSERT_TRUE(until([&] { return phase() == "Failed"; })) << explain();
  EXPECT_EQ(pod()["status"]["containerStatuses"][0]["state"]["terminated"]["reason"].str(),
            "OOMKilled")
      << explain();
}

TEST_F(NodeTest, RunsItsPodsAgainAfterARestart) {
  create(api::kPod, kServing);
  ASSERT_TRUE(until([&] { return ready(); })) << explain();
  stop_node();
  zygote_.reset();
  EXPECT_TRUE(ready()) << "a stop writes nothing";
  start_zygote();
  start_node();
  ASSERT_TRUE(until([&] {
    return pod()["status"]["containerStatuses"][0]["restartCount"].integer() == 1 && ready();
  })) << explain();
}

TEST_F(NodeTest, EndsAPodThatWasRemovedByForce) {
  create(api::kPod, kServing);
  ASSERT_TRUE(until([&] { return ready(); })) << explain();
  std::string uid = pod()["metadata"]["uid"].str();
  client::DeleteOptions now;
  now.grace_period_seconds = 0;
  ASSERT_TRUE(client_->remove(api::kPod, "default", "p", now).ok());
  EXPECT_TRUE(until([&] { return !exists(dir_ + "/pods/" + uid); }));
}

TEST_F(NodeTest, APinOfTheModelCacheGoesWhenNothingStartsPodsOfItsRevision) {
  create(api::kPod, kServing);
  ASSERT_TRUE(until([&] { return ready(); })) << explain();
  const std::string pins = dir_ + "/models/uri/pins/";
  ASSERT_TRUE(make_dirs(pins).ok());
  for (auto name : {"default%2Fr1", "default%2Fgone", "by-hand"})
    ASSERT_TRUE(write_file(pins + name, "v-1").ok());
  stop_node();
  start_node();
  ASSERT_TRUE(until([&] { return !exists(pins + "default%2Fgone"); }));
  EXPECT_TRUE(exists(pins + "default%2Fr1"));
  ASSERT_TRUE(client_->remove(api::kPod, "default", "p", {}).ok());
  ASSERT_TRUE(until([&] { return !exists(pins + "default%2Fr1"); }));
  EXPECT_TRUE(exists(pins + "by-hand"));
}

}  // namespace
}  // namespace proa::node
