#include "foundation/base/strings.h"
#include "models/storage/mlflow/mlflow.h"

namespace proa::storage {
namespace {

bool is_stage(std::string_view text) {
  for (std::string_view stage : {"none", "staging", "production", "archived", "latest"})
    if (iequals(text, stage)) return true;
  return false;
}

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= 256 &&
         text.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
             std::string_view::npos;
}

Error wrong(std::string_view text) {
  return error(
      Code::kInvalid,
      str("Invalid storage URI ", shorten(text, 200),
          ": models:/NAME/VERSION, models:/NAME/STAGE, models:/NAME@ALIAS, models:/m-ID or "
          "runs:/RUN/PATH is expected"));
}

Result<MlflowName> parse_model(std::string_view rest, std::string_view text) {
  MlflowName out;
  if (rest.starts_with("m-") && is_id(rest))
    return MlflowName{MlflowName::Kind::kLogged, std::string(rest), ""};
  size_t slash = rest.find('/'), at = rest.rfind('@');
  bool by_alias = at != rest.npos && slash == rest.npos;
  size_t cut = by_alias ? at : slash;
  if (cut == rest.npos || cut == 0 || cut > 256) return wrong(text);
  out.name = rest.substr(0, cut);
  out.which = rest.substr(cut + 1);
  auto n = parse_int(out.which);
  if (by_alias)
    out.kind = MlflowName::Kind::kAlias;
  else if (is_stage(out.which))
    out.kind = MlflowName::Kind::kStage;
  else if (!n || *n < 1)
    return wrong(text);
  if (out.which.empty() || out.which.size() > 256 || contains(out.which, "/")) return wrong(text);
  return out;
}

}  // namespace

Result<MlflowName> parse_mlflow(std::string_view text) {
  bool run = text.starts_with("runs:/");
  if (!run && !text.starts_with("models:/")) return wrong(text);
  auto rest = text.substr(run ? 6 : 8);
  while (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.empty() || rest.starts_with('/')) return wrong(text);
  if (!run) return parse_model(rest, text);
  size_t slash = rest.find('/');
  if (slash == rest.npos || !is_id(rest.substr(0, slash))) return wrong(text);
  MlflowName out{MlflowName::Kind::kRun, std::string(rest.substr(0, slash)), ""};
  TRY(out.which, safe_relative(rest.substr(slash + 1)).context(shorten(text, 200)));
  return out;
}

std::string store_uri(std::string_view artifacts) {
  bool wasb = artifacts.starts_with("wasbs://") || artifacts.starts_with("wasb://");
  bool abfs = artifacts.starts_with("abfss://") || artifacts.starts_with("abfs://");
  if (artifacts.starts_with("s3a://") || artifacts.starts_with("s3n://"))
    return str("s3", artifacts.substr(3));
  if (!wasb && !abfs) return std::string(artifacts);
  auto rest = artifacts.substr(artifacts.find("://") + 3);
  size_t at = rest.find('@'), slash = rest.find('/');
  if (at == rest.npos || slash == rest.npos || at > slash) return std::string(artifacts);
  std::string host(rest.substr(at + 1, slash - at - 1));
  if (abfs) host = replace_all(host, ".dfs.", ".blob.");
  return str("https://", host, "/", rest.substr(0, at), rest.substr(slash));
}

}  // namespace proa::storage
