#include "models/protocols/rest/route.h"

#include <utility>

namespace proa::protocols {
namespace {

// The text up to the next '/', and the rest behind it.
std::string_view next_part(std::string_view& rest) {
  size_t slash = rest.find('/');
  std::string_view part = rest.substr(0, slash);
  rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  return part;
}

Endpoint v1_verb(std::string_view verb) {
  if (verb == "predict") return Endpoint::kV1Predict;
  if (verb == "explain") return Endpoint::kV1Explain;
  if (verb == "classify") return Endpoint::kV1Classify;
  if (verb == "regress") return Endpoint::kV1Regress;
  return Endpoint::kNone;
}

// M:predict; M/versions/V:predict, M/labels/L:predict and …/metadata as TensorFlow Serving has it.
Route v1_model(std::string_view rest) {
  Route r;
  bool metadata = rest.ends_with("/metadata");
  if (metadata) rest.remove_suffix(9);
  r.model = rest;
  std::string_view* last = &r.model;
  if (size_t slash = rest.find('/'); slash != std::string_view::npos) {
    r.model = rest.substr(0, slash);
    rest.remove_prefix(slash);
    for (auto [prefix, to] : {std::pair(std::string_view("/versions/"), &r.version),
                              std::pair(std::string_view("/labels/"), &r.label)})
      if (rest.starts_with(prefix)) *(last = to) = rest.substr(prefix.size());
    if (last->empty() || last == &r.model || last->find('/') != std::string_view::npos) return {};
  }
  if (r.model.empty()) return {};
  r.endpoint = metadata ? Endpoint::kV1Metadata : Endpoint::kV1Model;
  size_t colon = last->rfind(':');
  if (metadata || colon == std::string_view::npos || colon == 0) return r;
  if (Endpoint verb = v1_verb(last->substr(colon + 1)); verb != Endpoint::kNone) {
    r.endpoint = verb;
    r.post = true;
    *last = last->substr(0, colon);
  }
  return r;
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
  if (rest == "index") return {Endpoint::kIndex, true, {}, {}, {}};
  if (!rest.starts_with("models/")) return {};
  rest.remove_prefix(7);
  Route r{Endpoint::kNone, true, next_part(rest), {}, {}};
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
  if (path == "/") return {Endpoint::kAlive, false, {}, {}, {}};
  if (path == "/metrics") return {Endpoint::kMetrics, false, {}, {}, {}};
  if (path == "/v1/models") return {Endpoint::kV1Models, false, {}, {}, {}};
  if (path == "/v2" || path == "/v2/") return {Endpoint::kServer, false, {}, {}, {}};
  if (path == "/v2/models") return {Endpoint::kV2Models, false, {}, {}, {}};
  if (path == "/v2/health/live") return {Endpoint::kLive, false, {}, {}, {}};
  if (path == "/v2/health/ready") return {Endpoint::kReady, false, {}, {}, {}};
  return {};
}

}  // namespace proa::protocols
