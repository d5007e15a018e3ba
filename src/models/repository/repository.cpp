#include "models/repository/repository.h"

#include <sys/stat.h>

#include <algorithm>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "foundation/obs/log.h"

namespace proa::repository {
namespace {

constexpr size_t kMostWork = 64;   // loads that wait
constexpr size_t kMostNested = 8;  // ensembles in ensembles

size_t size_of(const std::string& file) {
  struct stat info {};
  return ::stat(file.c_str(), &info) == 0 ? static_cast<size_t>(info.st_size) : 0;
}

bool is_plain_name(std::string_view name) {
  return !name.empty() && name.size() <= 253 && !name.starts_with('.') &&
         name.find_first_of("/\\") == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

VersionOf version_of(const Snapshot& snapshot) {
  return [&snapshot](const std::string& model,
                     const std::string& version) -> std::shared_ptr<const Version> {
    const auto* entry = snapshot.find(model);
    if (!entry) return nullptr;
    for (const auto& v : (*entry)->versions)
      if (version.empty() || v->version == version) return v;
    return nullptr;
  };
}

// An ensemble of models that were loaded again is made of what they are now. One that does not fit
// them any more stays as it was.
bool relink(Snapshot& snapshot) {
  bool changed = false;
  for (auto& entry : snapshot.entries) {
    if (!entry->ensemble) continue;
    const auto& old = static_cast<const Ensemble&>(*entry->versions[0]->model);
    if (old.is_made_of(version_of(snapshot))) continue;
    auto made = Ensemble::make(entry->name, *entry->ensemble, version_of(snapshot));
    if (!made.ok()) {
      log::warn("serve", str("model ", entry->name, " stays as it was: ", made.error().message));
      continue;
    }
    auto version = std::make_shared<Version>();
    version->version = entry->versions[0]->version;
    version->model = std::move(*made);
    auto next = std::make_shared<Entry>(*entry);
    next->versions = {std::move(version)};
    entry = std::move(next);
    changed = true;
  }
  return changed;
}

Error unknown(std::string_view name) {
  return error(Code::kNotFound, str("Model with name ", shorten(name, 200), " does not exist."));
}

}  // namespace

const Version* Entry::find(std::string_view version) const {
  if (version.empty()) return versions.empty() ? nullptr : versions[0].get();
  for (const auto& v : versions)
    if (v->version == version) return v.get();
  return nullptr;
}

const std::shared_ptr<const Entry>* Snapshot::find(std::string_view name) const {
  auto at = std::lower_bound(entries.begin(), entries.end(), name,
                             [](const auto& e, std::string_view n) { return e->name < n; });
  return at != entries.end() && (*at)->name == name ? &*at : nullptr;
}

Repository::Repository(Options options, Engines engines, metrics::Registry& registry)
    : options_(std::move(options)),
      engines_(engines),
      registry_(registry),
      snapshot_(std::make_shared<Snapshot>()) {}

Repository::~Repository() { stop(); }

void Repository::stop() {
  {
    std::lock_guard lock(work_mutex_);
    stopping_ = true;
  }
  work_ready_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::shared_ptr<const Snapshot> Repository::snapshot() const {
  std::lock_guard lock(mutex_);
  return snapshot_;
}

ModelMetrics Repository::metrics_of(const std::string& name) {
  static const std::vector<double> kStages = {.005, .01, .025, .05, .075, .1,  .25,
                                              .5,   .75, 1,    2.5, 5,    7.5, 10};
  auto stage = [&](const char* stage_name, const char* help) {
    return &registry_.histogram(stage_name, help, {{"model_name", name}}, kStages);
  };
  ModelMetrics m;
  m.stages.preprocess = stage("request_preprocess_seconds", "pre-process request latency");
  m.stages.predict = stage("request_predict_seconds", "predict request latency");
  m.stages.postprocess = stage("request_postprocess_seconds", "post-process request latency");
  m.stages.explain = stage("request_explain_seconds", "explain request latency");
  m.queue = &registry_.histogram("request_queue_seconds", "time that requests waited to be batched",
                                 {{"model_name", name}});
  m.batch = &registry_.histogram("request_batch_size", "rows that were predicted in one call",
                                 {{"model_name", name}},
                                 {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, 16384});
  m.failures = &registry_.counter("request_failures_total", "requests that could not be predicted",
                                  {{"model_name", name}});
  m.refused = &registry_.counter("request_refused_total", "requests refused by a full queue",
                                 {{"model_name", name}});
  return m;
}

// The engine that the extension and the content choose: the first that can load the file.
Result<std::unique_ptr<inference::Model>> Repository::load_file(const std::string& file,
                                                                std::string_view only) const {
  size_t limit = options_.load.memory_limit, bytes = size_of(file);
  if (limit != 0 && bytes > limit)
    return error(Code::kTooLarge,
                 str("model file ", file, " has ", bytes, " bytes, more than the memory limit of ",
                     limit, " bytes; raise resources.limits.memory"));
  std::vector<std::pair<std::string, Error>> errors;
  for (const inference::Engine* e : engines_) {
    auto extensions = e->extensions();
    bool takes = std::any_of(extensions.begin(), extensions.end(),
                             [&](std::string_view x) { return file.ends_with(x); });
    if (only.empty() ? !takes : e->name() != only) continue;
    auto model = e->load(file, options_.load);
    if (model.ok()) return model;
    errors.emplace_back(e->name(), std::move(model).error());
  }
  if (errors.empty())
    return error(Code::kInvalid, str("load ", file, ": no engine takes this extension",
                                     only.empty() ? "" : " and this implementation"));
  if (errors.size() == 1) return std::move(errors[0].second).with_context(str("load ", file));
  std::string all;
  for (auto& [name, e] : errors) all += str(all.empty() ? "" : "; ", "as ", name, ": ", e.message);
  return error(errors[0].second.code, str("load ", file, ": ", all));
}

Result<std::shared_ptr<const Entry>> Repository::make(Found found) {
  auto entry = std::make_shared<Entry>();
  entry->name = found.name;
  entry->mlserver = found.mlserver;
  std::string_view engine = options_.engine;
  if (engine.empty()) engine = engine_of(found.settings.implementation);
  double memory = 0;
  if (found.ensemble) {
    auto version = std::make_shared<Version>();
    version->version = found.versions[0].version;
    auto now = snapshot();
    TRY(version->model, Ensemble::make(found.name, *found.ensemble, version_of(*now)));
    entry->versions.push_back(std::move(version));
    entry->ensemble = std::move(found.ensemble);
    found.versions.clear();
  }
  for (VersionFile& v : found.versions) {
    auto version = std::make_shared<Version>();
    version->version = std::move(v.version);
    TRY(version->model, load_file(v.file, engine));
    memory += static_cast<double>(version->model->info().memory_bytes);
    entry->versions.push_back(std::move(version));
  }
  if (entry->versions.empty()) return error(Code::kNotFound, "no version of it is to be loaded");
  entry->settings = std::move(found.settings);
  entry->metrics = metrics_of(entry->name);
  registry_
      .gauge("model_memory_bytes", "memory of the loaded parameters, about",
             {{"model_name", entry->name}})
      .set(memory);
  return std::shared_ptr<const Entry>(std::move(entry));
}

void Repository::publish(std::shared_ptr<const Entry> entry, const std::string& removed) {
  std::shared_ptr<const Snapshot> old;
  std::lock_guard lock(mutex_);
  auto next = std::make_shared<Snapshot>(*snapshot_);
  std::erase_if(next->entries, [&](const auto& e) {
    return e->name == removed || (entry && e->name == entry->name);
  });
  if (entry) next->entries.push_back(std::move(entry));
  std::sort(next->entries.begin(), next->entries.end(),
            [](const auto& a, const auto& b) { return a->name < b->name; });
  for (size_t i = 0; i < kMostNested && relink(*next);) ++i;
  old = std::exchange(snapshot_, std::move(next));
  generation_.fetch_add(1, std::memory_order_release);
}

void Repository::note(const std::string& name, std::string state, std::string reason) {
  std::lock_guard lock(mutex_);
  State& s = states_[name];
  s.name = name;
  s.state = std::move(state);
  s.reason = std::move(reason);
  failed_ = static_cast<int>(std::count_if(states_.begin(), states_.end(), [](const auto& item) {
    return item.second.state != "READY" && item.second.reason != "unloaded";
  }));
}

Status Repository::load_found(Found found) {
  std::string name = found.name;
  registry_.counter("model_loads_total", "models loaded, or tried", {{"model_name", name}}).add();
  auto entry = make(std::move(found));
  if (!entry.ok()) {
    registry_
        .counter("model_load_failures_total", "models that could not be loaded",
                 {{"model_name", name}})
        .add();
    bool serving = snapshot()->find(name) != nullptr;
    note(name, serving ? "READY" : "UNAVAILABLE", entry.error().message);
    return std::move(entry).error();
  }
  publish(*entry, "");
  note(name, "READY", "");
  return {};
}

// The model in a folder of the repository, by the name that its settings give it.
Result<Found> Repository::find_in(const std::string& folder, const std::string& name) {
  TRY(Found found, find_model(str(options_.path, "/", folder), name, options_.policy, engines_));
  if (!found.settings.name.empty()) found.name = found.settings.name;
  if (found.name != folder) folders_[found.name] = folder;
  return found;
}

Result<Found> Repository::find_named(const std::string& name) {
  for (const auto& [known, file] : options_.named)
    if (known == name)
      return find_model(str(options_.path, "/", file), name, options_.policy, engines_);
  return unknown(name);
}

std::vector<std::string> Repository::names() const {
  if (options_.named.empty()) return folders_in(options_.path);
  std::vector<std::string> all;
  for (const auto& item : options_.named) all.push_back(item.first);
  return all;
}

Result<Found> Repository::find(const std::string& name) {
  if (!options_.named.empty()) return find_named(name);
  if (is_single_) {
    if (name != single_name_) return unknown(name);
    TRY(Found found, find_model(options_.path, name, options_.policy, engines_));
    return found;
  }
  if (!is_plain_name(name)) return unknown(name);
  if (auto at = folders_.find(name); at != folders_.end()) return find_in(at->second, name);
  struct stat info {};
  if (::stat(str(options_.path, "/", name).c_str(), &info) == 0) return find_in(name, name);
  for (const std::string& folder : folders_in(options_.path))  // of one that came later
    if (auto found = find_in(folder, folder); found.ok() && found->name == name) return found;
  return unknown(name);
}

Status Repository::load_all() {
  std::lock_guard control(control_);
  bool empty = folders_in(options_.path).empty();
  is_single_ = options_.named.empty() &&
               (is_model(options_.path, engines_) || (empty && options_.load_at_start));
  if (is_single_) {
    single_name_ = options_.model_name;
    if (!options_.load_at_start) {
      note(single_name_, "UNAVAILABLE", "unloaded");
      return {};
    }
    TRY(Found found, find_model(options_.path, options_.model_name, options_.policy, engines_));
    if (!options_.name_given && !found.settings.name.empty()) found.name = found.settings.name;
    single_name_ = found.name;
    return load_found(std::move(found));
  }
  if (!options_.load_at_start && options_.load_models.empty()) return {};
  std::vector<std::string> errors;
  std::vector<Found> ensembles;
  const auto& some = options_.load_models;
  bool all = options_.load_at_start || std::find(some.begin(), some.end(), "*") != some.end();
  for (const std::string& name : all ? names() : some) {
    auto found = options_.named.empty() ? find_in(name, name) : find_named(name);
    if (found.ok() && found->ensemble) {
      ensembles.push_back(std::move(*found));
      continue;
    }
    Status s = found.ok() ? load_found(std::move(*found)) : Status(found.error());
    if (!found.ok()) note(name, "UNAVAILABLE", s.error().message);
    if (!s.ok()) errors.push_back(str("model ", name, ": ", s.error().message));
  }
  load_ensembles(std::move(ensembles), errors);
  for (const std::string& e : errors) log::error("serve", e);
  if (snapshot()->entries.empty()) return error(Code::kNotFound, shorten(join(errors, "; "), 2000));
  return {};
}

// After the models that they are made of; those of ensembles after these.
void Repository::load_ensembles(std::vector<Found> left, std::vector<std::string>& errors) {
  for (bool more = true; more && !left.empty();) {
    more = false;
    std::vector<Found> waiting;
    auto now = snapshot();
    for (Found& found : left) {
      bool ready = std::all_of(found.ensemble->steps.begin(), found.ensemble->steps.end(),
                               [&](const EnsembleStep& s) { return now->find(s.model); });
      if (!ready) {
        waiting.push_back(std::move(found));
        continue;
      }
      more = true;
      std::string name = found.name;
      if (Status s = load_found(std::move(found)); !s.ok())
        errors.push_back(str("model ", name, ": ", s.error().message));
    }
    left = std::move(waiting);
  }
  for (Found& found : left) {
    std::string name = found.name;
    Status s = load_found(std::move(found));
    if (!s.ok()) errors.push_back(str("model ", name, ": ", s.error().message));
  }
}

Status Repository::load(const std::string& name) {
  std::lock_guard control(control_);
  auto found = find(name);
  if (!found.ok()) return std::move(found).error();
  TRY_STATUS(load_found(std::move(*found)));
  log::info("serve", str("model ", name, " is loaded"));
  return {};
}

Status Repository::unload(const std::string& name) {
  std::lock_guard control(control_);
  if (!snapshot()->find(name)) return unknown(name);
  publish(nullptr, name);
  note(name, "UNAVAILABLE", "unloaded");
  registry_
      .gauge("model_memory_bytes", "memory of the loaded parameters, about", {{"model_name", name}})
      .set(0);
  log::info("serve", str("model ", name, " is unloaded"));
  return {};
}

void Repository::load_later(std::string name, Done done) {
  {
    std::lock_guard lock(work_mutex_);
    if (!stopping_ && work_.size() < kMostWork) {
      work_.emplace_back(std::move(name), std::move(done));
      if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
      work_ready_.notify_one();
      return;
    }
  }
  done(error(Code::kUnavailable, str(kMostWork, " loads wait already; try again later")));
}

void Repository::run() {
  for (;;) {
    std::unique_lock lock(work_mutex_);
    work_ready_.wait(lock, [this] { return stopping_ || !work_.empty(); });
    if (stopping_) return;
    auto [name, done] = std::move(work_.front());
    work_.pop_front();
    lock.unlock();
    done(load(name));
  }
}

std::vector<State> Repository::index() const {
  auto now = snapshot();
  std::map<std::string, State> known;
  {
    std::lock_guard lock(mutex_);
    known = states_;
  }
  if (!is_single_)
    for (const std::string& name : names())
      if (!has_settings(str(options_.path, "/", name)))
        known.emplace(name, State{name, "", "UNAVAILABLE", "not loaded"});
  std::vector<State> all;
  for (auto& [name, state] : known) {
    const auto* entry = now->find(name);
    if (!entry) {
      all.push_back(state);
      continue;
    }
    for (const auto& v : (*entry)->versions)
      all.push_back({name, v->version, "READY", state.reason});
  }
  return all;
}

}  // namespace proa::repository
