// Models of an MLflow tracking server, for models/storage's resolve():
//
//   models:/NAME/VERSION   models:/NAME/STAGE   models:/NAME/latest   models:/NAME@ALIAS
//   models:/m-ID           runs:/RUN/PATH
//
// MLFLOW_TRACKING_URI says which server; MLFLOW_TRACKING_USERNAME with MLFLOW_TRACKING_PASSWORD, or
// MLFLOW_TRACKING_TOKEN, who asks. The server names where the artifacts are: an ordinary store,
// which `other` then resolves with its own credentials, or itself (mlflow-artifacts:).
#pragma once

#include "models/storage/transfer/source.h"

namespace proa::storage {

using ResolveOther = std::function<Result<Resolved>(const Uri& uri, const SourceOptions& options)>;
Result<Resolved> resolve_mlflow(const Uri& uri, const SourceOptions& options,
                                const ResolveOther& other);

// What a models:/ or runs:/ URI names. Pure.
struct MlflowName {
  enum class Kind { kVersion, kStage, kAlias, kLogged, kRun } kind = Kind::kVersion;
  std::string name;   // of the model; the run's or the logged model's id
  std::string which;  // version, stage or alias; a run's path
};
Result<MlflowName> parse_mlflow(std::string_view text);

// Where artifacts are, as the other stores know it: "wasbs://C@A.blob.core.windows.net/P" →
// "https://A.blob.core.windows.net/C/P". Pure.
std::string store_uri(std::string_view artifacts);

}  // namespace proa::storage
