#include "models/protocols/rest/route.h"

namespace proa::protocols {
namespace {

// The text up to the next '/', and the rest behind it.
std::string_view next_part(std::string_view& rest) {
  size_t slash = rest.find('/');
  std::string_view part = rest.substr(0, slash);
  rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  return part;
}

// M:predict, and M/versions/V:predict as TensorFlow Serving has it.
Route v1_model(std::string_view rest) {
  std::string_view version, name = rest;
  if (size_t slash = rest.find('/'); slash != std::string_view::npos) {
    constexpr std::string_view kVersions = "/versions/";
    if (!rest.substr(slash).starts_with(kVersions)) return {};
    version = rest.substr(slash + kVersions.size());
    name = rest.substr(0, slash);
    if (version.empty() || version.find('/') != std::string_view::npos) return {};
  }
  if (name.empty()) return {};
  std::string_view& last = version.empty() ? name : version;
  size_t colon = last.rfind(':');
  if (colon != std::string_view::npos && colon != 0) {
    std::string_view verb = last.substr(colon + 1), whole = last;
    last = last.substr(0, colon);
    if (verb == "predict") return {Endpoint::kV1Predict, true, name, version};
    if (verb == "explain") return {Endpoint::kV1Explain, true, name, version};
    last = whole;
  }
  return {Endpoint::kV1Model, false, name, version};
}

Route v2_model(std::string_view rest) {
  bool ends_in_slash = rest.ends_with('/');
  Route r;
  r.model = next_part(rest);
  if (r.model.empty() || ends_in_slash) return {};
  std::string_view part = next_part(rest);
  if (part == "versions") {
    r.version = next_part(rest);
    if (r.version.empty()) return {};
    part = next_part(rest);
  }
  if (!rest.empty()) return {};
  if (part.empty())
    r.endpoint = Endpoint::kModel;
  else if (part == "ready")
    r.endpoint = Endpoint::kModelReady;
  else if (part == "infer")
    r.endpoint = Endpoint::kInfer, r.post = true;
  else
    return {};
  return r;
}

Route repository(std::string_view rest) {
  if (rest == "index") return {Endpoint::kIndex, true, {}, {}};
  if (!rest.starts_with("models/")) return {};
  rest.remove_prefix(7);
  Route r{Endpoint::kNone, true, next_part(rest), {}};
  if (r.model.empty()) return {};
  if (rest == "load") r.endpoint = Endpoint::kLoad;
  if (rest == "unload") r.endpoint = Endpoint::kUnload;
  return r;
}

}  // namespace

Route route(std::string_view path) {
  if (path.starts_with("/v1/models/")) return v1_model(path.substr(11));
  if (path.starts_with("/v2/models/")) return v2_model(path.substr(11));
  if (path.starts_with("/v2/repository/")) return repository(path.substr(15));
  if (path == "/") return {Endpoint::kAlive, false, {}, {}};
  if (path == "/metrics") return {Endpoint::kMetrics, false, {}, {}};
  if (path == "/v1/models") return {Endpoint::kV1Models, false, {}, {}};
  if (path == "/v2" || path == "/v2/") return {Endpoint::kServer, false, {}, {}};
  if (path == "/v2/models") return {Endpoint::kV2Models, false, {}, {}};
  if (path == "/v2/health/live") return {Endpoint::kLive, false, {}, {}};
  if (path == "/v2/health/ready") return {Endpoint::kReady, false, {}, {}};
  return {};
}

}  // namespace proa::protocols
