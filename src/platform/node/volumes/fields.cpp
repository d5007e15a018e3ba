#include "platform/node/volumes/fields.h"

#include <cmath>

#include "foundation/base/strings.h"

namespace proa::node {

std::optional<double> parse_quantity(std::string_view text) {
  struct Suffix {
    std::string_view text;
    double factor;
  };
  static constexpr Suffix kSuffixes[] = {{"Ki", 1024.0},
                                         {"Mi", 1048576.0},
                                         {"Gi", 1073741824.0},
                                         {"Ti", 1099511627776.0},
                                         {"Pi", 1125899906842624.0},
                                         {"Ei", 1152921504606846976.0},
                                         {"n", 1e-9},
                                         {"u", 1e-6},
                                         {"m", 1e-3},
                                         {"k", 1e3},
                                         {"M", 1e6},
                                         {"G", 1e9},
                                         {"T", 1e12},
                                         {"P", 1e15},
                                         {"E", 1e18}};
  for (const Suffix& s : kSuffixes) {
    if (!text.ends_with(s.text)) continue;
    auto number = parse_double(text.substr(0, text.size() - s.text.size()));
    if (!number) return std::nullopt;
    return *number * s.factor;
  }
  return parse_double(text);
}

double quantity(const json::Value& v, double otherwise) {
  if (v.is_number()) return v.number();
  if (!v.is_string()) return otherwise;
  return parse_quantity(v.str()).value_or(otherwise);
}

namespace {
// "metadata.labels['a']" with prefix "metadata.labels" → "a".
std::optional<std::string_view> subscript(std::string_view path, std::string_view prefix) {
  if (!path.starts_with(prefix)) return std::nullopt;
  path.remove_prefix(prefix.size());
  if (!path.starts_with("['") || !path.ends_with("']")) return std::nullopt;
  return path.substr(2, path.size() - 4);
}

// As the downward API writes a map: name="value" lines, sorted.
std::string lines(const json::Value& map) {
  std::string out;
  for (const auto& [name, value] : map.object()) {
    if (!out.empty()) out += '\n';
    out += name + "=";
    json::dump_string(value.str(), out);
  }
  return out;
}
}  // namespace

Result<std::string> pod_field(const json::Value& pod, const PodFacts& facts,
                              std::string_view path) {
  const json::Value& meta = pod["metadata"];
  if (path == "metadata.name") return meta["name"].str();
  if (path == "metadata.namespace") return meta["namespace"].str();
  if (path == "metadata.uid") return meta["uid"].str();
  if (path == "metadata.labels") return lines(meta["labels"]);
  if (path == "metadata.annotations") return lines(meta["annotations"]);
  if (auto key = subscript(path, "metadata.labels")) return meta["labels"][*key].str();
  if (auto key = subscript(path, "metadata.annotations")) return meta["annotations"][*key].str();
  if (path == "spec.nodeName") return facts.node_name;
  if (path == "spec.serviceAccountName") return pod["spec"]["serviceAccountName"].str_or("default");
  if (path == "status.hostIP" || path == "status.hostIPs") return facts.host_ip;
  if (path == "status.podIP" || path == "status.podIPs") return facts.pod_ip;
  return error(Code::kInvalid, str("unsupported fieldPath: ", path));
}

Result<std::string> resource_field(const json::Value& container, const PodFacts& facts,
                                   const json::Value& ref) {
  std::string_view name = ref["resource"].str();
  size_t dot = name.find('.');
  if (dot == name.npos) return error(Code::kInvalid, str("unsupported container resource: ", name));
  std::string_view list = name.substr(0, dot), resource = name.substr(dot + 1);
  if (list != "limits" && list != "requests")
    return error(Code::kInvalid, str("unsupported container resource: ", name));
  const json::Value& resources = container["resources"];
  double value = quantity(resources[list][resource], -1);
  if (value < 0 && list == "requests") value = quantity(resources["limits"][resource], 0);
  if (value < 0)
    value = resource == "cpu" ? facts.cpu : resource == "memory" ? facts.memory_bytes : 0;
  double divisor = quantity(ref["divisor"], 1);
  if (divisor <= 0) divisor = 1;
  return str(static_cast<int64_t>(std::ceil(value / divisor - 1e-9)));
}

}  // namespace proa::node
