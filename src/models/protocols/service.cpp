#include "models/protocols/service.h"

#include "foundation/base/strings.h"

namespace proa::protocols {

Result<std::vector<VersionState>> Service::version_states(std::string_view model,
                                                          std::string_view version) {
  TRY(bool yes, model_ready(model, version));
  TRY(ModelMetadata m, model_metadata(model, version));
  std::vector<VersionState> all;
  if (!version.empty() || m.versions.empty()) m.versions = {m.version};
  for (std::string& v : m.versions)
    all.push_back({std::move(v), yes, yes ? "" : "the server is draining"});
  return all;
}

Result<std::string> Service::version_of(std::string_view, std::string_view label) {
  return error(Code::kNotFound, str("Unrecognized servable version label: ", shorten(label, 100)));
}

}  // namespace proa::protocols
