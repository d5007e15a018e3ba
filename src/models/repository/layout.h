// What models lie in a folder: one file, one model's folder, numbered versions of it, or a
// repository of several; with MLServer's model-settings.json where there is one.
//
//   model.joblib                      one model, no version
//   model/model.joblib                the same, in a folder with one model file
//   model/1/model.joblib model/2/…    versions of one model
//   model/config.pbtxt model/1/…      the same, as Triton has it
//   models/iris/… models/wine/…       a repository: each folder one of the above
//
// Reads folders and settings, no model file. Used by Repository. Blocking; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "foundation/base/result.h"
#include "models/inference/model.h"
#include "models/repository/ensemble.h"

namespace proa::repository {

using Engines = std::span<const inference::Engine* const>;

// Which of the numbered versions are loaded.
struct VersionPolicy {
  enum class Kind : uint8_t { kLatest, kAll, kSpecific } kind = Kind::kLatest;
  size_t count = 1;                   // kLatest
  std::vector<std::string> versions;  // kSpecific
};
// "latest", "latest:2", "all", "specific:1,3", "1,3".
Result<VersionPolicy> parse_policy(std::string_view text);

// What model-settings.json says, as far as it means something here.
struct Settings {
  std::string name, implementation, uri, version, content_type, platform;
  std::vector<std::string> versions;
  std::vector<inference::TensorInfo> inputs, outputs;
  size_t max_batch_size = 0;
  double max_batch_seconds = 0;
  // Of Triton's config.pbtxt: a request has at most max_batch_size rows, and goes at once where so
  // many are there, preferred_batch_size if it is not 0.
  bool triton = false, dynamic_batching = false;
  size_t preferred_batch_size = 0;
};
Result<Settings> parse_settings(std::string_view json);
bool has_settings(const std::string& folder);
Result<Settings> read_settings(const std::string& folder);
// "mlserver_sklearn.SKLearnModel" → "sklearn"; "" for one that is not served here.
std::string_view engine_of(std::string_view implementation);

struct VersionFile {
  std::string version;  // "" without versions
  std::string file;
};
struct Found {
  std::string name, folder;
  std::vector<VersionFile> versions;  // newest first, by the policy
  Settings settings;
  bool mlserver = false;                   // it has a model-settings.json
  std::optional<EnsembleConfig> ensemble;  // then no files
};

// The one model at `path`, a file or a folder. kNotFound says what was looked for and what is
// there.
Result<Found> find_model(const std::string& path, const std::string& name,
                         const VersionPolicy& policy, Engines engines);
// True if `path` is one model's, false if it is a folder of folders: perhaps a repository.
bool is_model(const std::string& path, Engines engines);
std::vector<std::string> folders_in(const std::string& path);  // names, sorted; no hidden ones

}  // namespace proa::repository
