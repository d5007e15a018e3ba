// Repository: the models that are served, loaded from files, swapped whole.
//
// Readers take a Snapshot, which never changes; load and unload publish a new one, and a model
// lives as long as some snapshot or request holds it, so that no request fails by a reload.
// Thread-safe. load() and unload() block for as long as reading the file takes; load_later() does
// it on a thread of the repository.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "foundation/base/result.h"
#include "foundation/obs/metrics.h"
#include "models/protocols/request.h"
#include "models/repository/layout.h"

namespace proa::repository {

// One loaded version of a model.
struct Version {
  std::string version;
  std::unique_ptr<const inference::Model> model;
  mutable std::atomic<int64_t> predict_ns{0};  // of a call, smoothed: batching decides by it
};

struct ModelMetrics {
  protocols::StageMetrics stages;
  metrics::Histogram *queue = nullptr, *batch = nullptr;  // seconds; rows
  metrics::Counter* failures = nullptr;
  metrics::Counter* refused = nullptr;  // full queue
};

struct Entry {
  std::string name;
  std::vector<std::shared_ptr<const Version>> versions;  // newest first: the first is the default
  Settings settings;
  bool mlserver = false;
  std::optional<EnsembleConfig> ensemble;  // what its one version was made of
  ModelMetrics metrics;
  const Version* find(std::string_view version) const;  // "": the first; null if there is none
};

struct Snapshot {
  std::vector<std::shared_ptr<const Entry>> entries;  // by name
  const std::shared_ptr<const Entry>* find(std::string_view name) const;
};

struct Options {
  std::string path;                  // a file, a model's folder or a repository
  std::string model_name = "model";  // for a single model
  bool name_given = false;           // then it wins over the settings' name
  VersionPolicy policy;
  inference::LoadOptions load;
  std::string engine;  // only this one, "": by extension and content
  bool load_at_start = true;
  std::vector<std::string> load_models;  // without load_at_start: only these of a repository
  // Where the path is a store of model files: the name and the file of each.
  std::vector<std::pair<std::string, std::string>> named;
};

struct State {
  std::string name, version, state, reason;
};

class Repository {
 public:
  // Engines and registry must outlive it.
  Repository(Options options, Engines engines, metrics::Registry& registry);
  ~Repository();
  void stop();  // waits for a load that is under way; no done is called after it

  // What is at the path. Fails if a single model cannot be loaded, or nothing of a repository.
  Status load_all();
  Status load(const std::string& name);    // or again; the old one serves until the new is there
  Status unload(const std::string& name);  // kNotFound
  using Done = std::function<void(Status)>;
  void load_later(std::string name, Done done);  // done: on the repository's thread

  std::shared_ptr<const Snapshot> snapshot() const;
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
  bool all_loaded() const { return failed_.load(std::memory_order_relaxed) == 0; }
  std::vector<State> index() const;

 private:
  Result<Found> find(const std::string& name);
  Result<Found> find_named(const std::string& name);
  std::vector<std::string> names() const;  // of all there are, as folders
  Result<Found> find_in(const std::string& folder, const std::string& name);
  Result<std::unique_ptr<inference::Model>> load_file(const std::string& file,
                                                      std::string_view engine) const;
  Result<std::shared_ptr<const Entry>> make(Found found);
  void load_ensembles(std::vector<Found> left, std::vector<std::string>& errors);
  ModelMetrics metrics_of(const std::string& name);
  Status load_found(Found found);
  void publish(std::shared_ptr<const Entry> entry, const std::string& removed);
  void note(const std::string& name, std::string state, std::string reason);
  void run();

  Options options_;
  Engines engines_;
  metrics::Registry& registry_;
  bool is_single_ = false;
  std::string single_name_;

  std::mutex control_;                          // one load or unload at a time
  std::map<std::string, std::string> folders_;  // by name, where settings name it otherwise
  mutable std::mutex mutex_;
  std::shared_ptr<const Snapshot> snapshot_;  // guarded by mutex_
  std::map<std::string, State> states_;       // guarded by mutex_
  std::atomic<uint64_t> generation_{1};
  std::atomic<int> failed_{0};

  std::mutex work_mutex_;
  std::condition_variable work_ready_;
  std::deque<std::pair<std::string, Done>> work_;  // guarded by work_mutex_, at most kMostWork
  bool stopping_ = false;                          // guarded by work_mutex_
  std::thread thread_;                             // starts with the first load_later
};

}  // namespace proa::repository
