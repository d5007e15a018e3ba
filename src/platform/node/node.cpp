#include "platform/node/node.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <set>

#include "api/kinds.h"
#include "foundation/base/strings.h"
#include "foundation/obs/log.h"
#include "platform/node/leftovers.h"
#include "platform/node/log_access.h"
#include "platform/node/pins.h"
#include "platform/node/pod_worker.h"
#include "platform/node/registration.h"

namespace proa::node {

namespace {
constexpr const char* kImagesNamespace = "kserve";
constexpr const char* kImagesName = "native-images";
constexpr Duration kLeasePeriod = std::chrono::seconds(10);
constexpr Duration kPinDelay = std::chrono::seconds(2);  // pods often go several at a time
constexpr int kLeasesBetweenPinChecks = 6;
}  // namespace

struct Node::Core : std::enable_shared_from_this<Node::Core> {
  Core(client::Client& client, async::Loop& loop, Zygote& zygote, NodeOptions o)
      : context{client,
                loop,
                zygote,
                o,
                http::Client(loop),
                Volumes(client, o.data_dir),
                ImageTable(),
                Addresses(),
                PodFacts()} {}

  NodeContext context;
  std::vector<std::unique_ptr<Zygote>> adopted;  // of earlier owners; gone when nothing runs there
  std::map<std::string, std::unique_ptr<PodWorker>> workers;  // by uid
  std::vector<std::unique_ptr<client::Watch>> watches;
  std::unique_ptr<LogAccess> logs;
  CgroupTree cgroups;
  std::string cgroup_name;
  int generation = 0;  // Inheritance::generation
  Machine machine;
  async::TimerId lease_timer = 0, refresh_timer = 0, pin_timer = 0;
  int leases = 0;
  std::function<void()> stopped;

  Status start();
  Status attach_zygote();
  void open_watches();
  void on_pod(const client::Event& event);
  void add(const client::Object& pod, const PodWorker::Running* running = nullptr);
  void record() const;
  void adopt();
  void bury_adopted();
  Result<Inheritance> hand_over();
  void drop(const std::string& uid);
  void load_images(const json::Value* config_map);
  void plan_refresh();
  void plan_pin_check();
  void renew();
  void begin_stop(std::function<void()> done);
  void check_stopped(int turns);
  void remove_stale_folders();
  const PodWorker* find(const json::Value& pod) const {
    auto it = workers.find(client::uid_of(pod));
    return it == workers.end() ? nullptr : it->second.get();
  }
};

Status Node::Core::start() {
  TRY(context.addresses, Addresses::make(context.options.pod_cidr));
  const std::string& data = context.options.data_dir;
  for (const char* dir : {"/pods", "/volumes", "/models", "/logs/pods", "/run/rootfs"})
    TRY_STATUS(make_dirs(data + dir));
  machine = read_machine();
  context.facts.node_name = context.options.name;
  context.facts.host_ip = context.options.host_ip;
  context.facts.cpu = context.options.cpu > 0 ? context.options.cpu : machine.cpus;
  context.facts.memory_bytes = static_cast<double>(
      context.options.memory_bytes ? context.options.memory_bytes : machine.memory_bytes);
  logs = std::make_unique<LogAccess>(context, [this](const json::Value& pod) { return find(pod); });
  if (!context.options.inherited) clean_leftovers(data + "/run");
  TRY_STATUS(attach_zygote());
  load_images(nullptr);
  adopt();
  register_node(context, machine, cgroups.description);
  remove_stale_folders();
  open_watches();
  lease_timer = context.loop.after(kLeasePeriod, [this] { renew(); });
  plan_pin_check();
  log::info(
      "node", "ready",
      {{"isolation", to_string(context.zygote.isolation())}, {"limits", cgroups.description}});
  return {};
}

Status Node::Core::attach_zygote() {
  uint64_t hash = std::hash<std::string>{}(context.options.data_dir);
  cgroup_name = str("proa-", hash % 1000000007);
  if (context.options.inherited) generation = context.options.inherited->generation;
  if (context.zygote.isolation() == Isolation::kRoot) {
    // What runs on has its limits in the folders of the generation that started it.
    cgroups = find_cgroups(generation ? str(cgroup_name, "-", generation) : cgroup_name);
    clean_cgroups(cgroups);
    if (generation == 0) clean_cgroups_beside(cgroups, cgroup_name);
  } else {
    cgroups.description = "rlimits";
  }
  ZygoteConfig config{context.options.data_dir + "/run/rootfs", cgroups.parents, cgroups.v2,
                      context.options.spares};
  return context.zygote.attach(context.loop, config, [] {
    log::error("node", "without its zygote this node starts no container: restart proa");
  });
}

// A table that an earlier release wrote gets the entries that this one has more. Those that are
// there stay as they are, empty ones too.
static client::Object with_new_images(client::Client& client, client::Object there) {
  json::Value added{json::Object{}};
  const json::Value defaults = ImageTable::default_data();
  for (const auto& [entry, rules] : defaults.object())
    if (!(*there)["data"].has(entry)) added.set(entry, rules);
  if (added.object().empty()) return there;
  auto changed = client.patch(api::kConfigMap, kImagesNamespace, kImagesName,
                              json::object({{"data", std::move(added)}}));
  return changed.ok() ? *changed : there;
}

// The table of images; written down with its defaults the first time, so that people can change it.
void Node::Core::load_images(const json::Value* config_map) {
  client::Object found;
  if (!config_map) {
    auto there = context.client.get(api::kConfigMap, kImagesNamespace, kImagesName);
    if (there.ok())
      found = with_new_images(context.client, *there);
    else if (there.error().code == Code::kNotFound) {
      json::Value ns = json::object({{"apiVersion", "v1"}, {"kind", "Namespace"}});
      ns.set("metadata", json::object({{"name", kImagesNamespace}}));
      if (!context.client.get(api::kNamespace, "", kImagesNamespace).ok())
        (void)context.client.create(api::kNamespace, std::move(ns));
      json::Value map = json::object(
          {{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"data", ImageTable::default_data()}});
      map.set("metadata", json::object({{"name", kImagesName}, {"namespace", kImagesNamespace}}));
      auto made = context.client.create(api::kConfigMap, std::move(map));
      if (made.ok())
        found = *made;
      else
        log::warn("node", "table of native images not written", {{"error", made.error().message}});
    }
    config_map = found.get();
  }
  context.images = config_map ? ImageTable((*config_map)["data"]) : ImageTable();
  for (const auto& problem : context.images.problems())
    log::warn("node", "native-images: line skipped", {{"line", problem}});
  for (const auto& [uid, worker] : workers) worker->image_table_changed();
}

// Folders of pods that were removed while no node ran.
void Node::Core::remove_stale_folders() {
  auto pods = context.client.list(api::kPod, {});
  if (!pods.ok()) return;
  std::set<std::string> uids, log_dirs;
  for (const auto& pod : *pods) {
    uids.insert(client::uid_of(*pod));
    std::string dir = context.pod_log_dir(*pod);
    log_dirs.insert(dir.substr(dir.find_last_of('/') + 1));
  }
  auto clean = [](const std::string& folder, const std::set<std::string>& keep) {
    for (const auto& name : list_dir(folder).value_or({}))
      if (!keep.count(name))
        if (auto s = remove_tree(str(folder, "/", name)); !s.ok())
          log::warn("node", s.error().message);
  };
  clean(context.options.data_dir + "/pods", uids);
  clean(context.options.data_dir + "/logs/pods", log_dirs);
}

void Node::Core::open_watches() {
  std::weak_ptr<Core> weak = weak_from_this();
  async::Loop& loop = context.loop;
  watches.push_back(context.client.watch(api::kPod, "", [weak, &loop](const client::Event& e) {
    loop.post([weak, e] {
      if (auto self = weak.lock()) self->on_pod(e);
    });
  }));
  watches.push_back(
      context.client.watch(api::kConfigMap, "", [weak, &loop](const client::Event& e) {
        if (e.type != client::Event::kModified) return;
        loop.post([weak, e] {
          auto self = weak.lock();
          if (!self) return;
          const json::Value& meta = (*e.object)["metadata"];
          if (meta["name"].str() == kImagesName && meta["namespace"].str() == kImagesNamespace)
            self->load_images(e.object.get());
          self->plan_refresh();
        });
      }));
  watches.push_back(context.client.watch(api::kSecret, "", [weak, &loop](const client::Event& e) {
    if (e.type != client::Event::kModified) return;
    loop.post([weak] {
      if (auto self = weak.lock()) self->plan_refresh();
    });
  }));
}

void Node::Core::plan_refresh() {
  if (refresh_timer || stopped) return;
  refresh_timer = context.loop.after(std::chrono::milliseconds(200), [this] {
    refresh_timer = 0;
    for (const auto& [uid, worker] : workers) worker->refresh_volumes();
  });
}

// The model cache keeps what revisions need, no longer what those needed that are gone.
void Node::Core::plan_pin_check() {
  if (pin_timer || stopped) return;
  pin_timer = context.loop.after(kPinDelay, [this] {
    pin_timer = 0;
    if (int n = release_pins(context.options.data_dir + "/models", context.client); n > 0)
      log::info("node", "the model cache need not keep what gone revisions used", {{"pins", n}});
  });
}

void Node::Core::on_pod(const client::Event& event) {
  if (stopped) return;
  const std::string& uid = client::uid_of(*event.object);
  auto it = workers.find(uid);
  if (event.type == client::Event::kDeleted) {
    if (it != workers.end()) it->second->gone();
    return;
  }
  if ((*event.object)["spec"]["nodeName"].str() != context.options.name) return;
  if (it == workers.end()) return add(event.object);
  it->second->update(event.object);
}

void Node::Core::add(const client::Object& pod, const PodWorker::Running* running) {
  const std::string& uid = client::uid_of(*pod);
  std::string ip = context.options.host_ip;
  if (!(*pod)["spec"]["hostNetwork"].boolean()) {
    auto taken = context.addresses.take((*pod)["status"]["podIP"].str());
    if (!taken) {
      context.event(pod, "Warning", "FailedCreatePodSandBox",
                    str("no free pod address in ", context.options.pod_cidr));
      return;
    }
    ip = *taken;
  }
  auto ended = [this, uid] {
    context.loop.post([weak = weak_from_this(), uid] {
      if (auto self = weak.lock()) self->drop(uid);
    });
  };
  auto worker = std::make_unique<PodWorker>(context, pod, ip, ended, running);
  PodWorker& ref = *worker;
  workers[uid] = std::move(worker);
  ref.start();
}

void Node::Core::record() const {
  std::vector<pid_t> pids{context.zygote.pid()};
  for (const auto& zygote : adopted) pids.push_back(zygote->pid());
  record_processes(context.options.data_dir + "/run", pids);
}

// The pods that an earlier process handed over go on, before the zygotes may say what came of them.
void Node::Core::adopt() {
  std::shared_ptr<Inheritance> from = std::move(context.options.inherited);
  if (!from) return record();
  context.next_id = from->next_id;
  for (InheritedZygote& z : from->zygotes)
    adopted.push_back(Zygote::adopt(std::move(z.socket), z.pid, z.isolation));
  record();
  std::map<std::string, PodWorker::Running> by_pod;
  for (InheritedContainer& c : from->containers)
    by_pod[c.pod_uid].emplace_back(&c, adopted[c.zygote].get());
  auto pods = context.client.list(api::kPod, {});
  for (const auto& pod : pods.ok() ? *pods : std::vector<client::Object>()) {
    auto found = by_pod.find(client::uid_of(*pod));
    if (found == by_pod.end()) continue;
    add(pod, &found->second);
    by_pod.erase(found);
  }
  for (auto& [uid, running] : by_pod)  // removed by force meanwhile
    for (auto& [container, zygote] : running) {
      zygote->adopt_launch(container->launch.id, container->pid, {});
      zygote->kill(container->launch.id, SIGKILL);
    }
  for (const auto& zygote : adopted)
    zygote->resume(context.loop, [] { log::error("node", "an adopted zygote has died"); });
  log::info("node", "pods taken over", {{"pods", static_cast<int64_t>(workers.size())}});
}

void Node::Core::bury_adopted() {
  size_t before = adopted.size();
  std::erase_if(adopted, [&](const std::unique_ptr<Zygote>& zygote) {
    for (const auto& [uid, worker] : workers)
      if (worker->uses(*zygote)) return false;
    return zygote->idle();
  });
  if (adopted.size() != before) record();
}

Result<Inheritance> Node::Core::hand_over() {
  stopped = [] {};
  watches.clear();
  if (lease_timer) context.loop.cancel(lease_timer);
  if (refresh_timer) context.loop.cancel(refresh_timer);
  if (pin_timer) context.loop.cancel(pin_timer);
  context.flush_events();
  std::vector<Zygote*> zygotes{&context.zygote};
  for (const auto& zygote : adopted) zygotes.push_back(zygote.get());
  Inheritance out;
  out.next_id = context.next_id;
  out.generation = generation + 1;
  for (const auto& [uid, worker] : workers)
    for (auto& [container, zygote] : worker->go()) {
      auto place = std::find(zygotes.begin(), zygotes.end(), zygote);
      container.zygote = static_cast<size_t>(place - zygotes.begin());
      out.containers.push_back(std::move(container));
    }
  for (Zygote* zygote : zygotes) {
    InheritedZygote z;
    z.pid = zygote->pid(), z.isolation = zygote->isolation();
    TRY(z.socket, zygote->hand_over());
    out.zygotes.push_back(std::move(z));
  }
  return out;
}

void Node::Core::drop(const std::string& uid) {
  auto it = workers.find(uid);
  if (it == workers.end()) return;
  context.addresses.give_back(it->second->ip());
  workers.erase(it);
  plan_pin_check();
}

void Node::Core::renew() {
  renew_lease(context);
  bury_adopted();
  if (++leases % kLeasesBetweenPinChecks == 0) plan_pin_check();
  lease_timer = context.loop.after(kLeasePeriod, [this] { renew(); });
}

void Node::Core::begin_stop(std::function<void()> done) {
  stopped = std::move(done);
  watches.clear();
  if (lease_timer) context.loop.cancel(lease_timer);
  if (refresh_timer) context.loop.cancel(refresh_timer);
  if (pin_timer) context.loop.cancel(pin_timer);
  for (const auto& [uid, worker] : workers) worker->shut_down();
  check_stopped(0);
}

void Node::Core::check_stopped(int turns) {
  bool busy = false;
  for (const auto& [uid, worker] : workers) busy |= worker->has_processes();
  if (busy && turns < 400) {
    context.loop.after(std::chrono::milliseconds(10), [weak = weak_from_this(), turns] {
      if (auto self = weak.lock()) self->check_stopped(turns + 1);
    });
    return;
  }
  context.flush_events();
  workers.clear();
  context.zygote.detach();
  clean_cgroups(cgroups);
  adopted.clear();
  clean_cgroups_beside(cgroups, cgroup_name);
  for (const auto& parent : cgroups.parents) ::rmdir(parent.c_str());
  forget_processes(context.options.data_dir + "/run");
  stopped();
}

Node::Node(client::Client& client, async::Loop& loop, Zygote& zygote, NodeOptions options)
    : core_(std::make_shared<Core>(client, loop, zygote, std::move(options))) {}

Node::~Node() = default;

Status Node::start() { return core_->start(); }

Result<Inheritance> Node::hand_over() { return core_->hand_over(); }

void Node::stop() {
  if (core_->stopped) return;
  auto done = std::make_shared<std::promise<void>>();
  auto waiting = done->get_future();
  core_->context.loop.post(
      [core = core_, done] { core->begin_stop([done] { done->set_value(); }); });
  waiting.wait_for(std::chrono::seconds(6));
}

apiserver::PodLogs& Node::pod_logs() { return *core_->logs; }

}  // namespace proa::node
