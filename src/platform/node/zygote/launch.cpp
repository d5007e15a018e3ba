#include "platform/node/zygote/launch.h"

namespace proa::node {

namespace {
json::Value strings(const std::vector<std::string>& list) {
  json::Array out;
  for (const auto& s : list) out.emplace_back(s);
  return out;
}

std::vector<std::string> strings(const json::Value& v) {
  std::vector<std::string> out;
  for (const auto& s : v.array()) out.push_back(s.str());
  return out;
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

json::Value pairs(const Pairs& list) {
  json::Array out;
  for (const auto& [a, b] : list) out.push_back(json::array({a, b}));
  return out;
}

Pairs pairs(const json::Value& v) {
  Pairs out;
  for (const auto& p : v.array()) out.emplace_back(p[0].str(), p[1].str());
  return out;
}

json::Value number(uint64_t v) { return static_cast<int64_t>(v); }
uint64_t number(const json::Value& v) { return static_cast<uint64_t>(v.integer()); }
}  // namespace

json::Value to_json(const Launch& l) {
  json::Array mounts;
  for (const Mount& m : l.mounts)
    mounts.push_back(json::object({{"tmpfs", m.kind == Mount::Kind::kTmpfs},
                                   {"source", m.source},
                                   {"subPath", m.sub_path},
                                   {"target", m.target},
                                   {"readOnly", m.read_only},
                                   {"size", number(m.size_bytes)}}));
  json::Array groups;
  for (uint32_t g : l.groups) groups.emplace_back(static_cast<int64_t>(g));
  return json::object({{"id", l.id},
                       {"join", l.join},
                       {"native", l.native},
                       {"argv", strings(l.argv)},
                       {"env", strings(l.env)},
                       {"cwd", l.cwd},
                       {"hostname", l.hostname},
                       {"mounts", std::move(mounts)},
                       {"files", pairs(l.files)},
                       {"links", pairs(l.links)},
                       {"uid", static_cast<int64_t>(l.uid)},
                       {"gid", static_cast<int64_t>(l.gid)},
                       {"groups", std::move(groups)},
                       {"rootInside", l.root_inside},
                       {"readAll", l.read_all},
                       {"hostRoot", l.host_root},
                       {"mayExecute", l.may_execute},
                       {"held", l.held},
                       {"tellsEnd", l.tells_end},
                       {"memory", number(l.memory_bytes)},
                       {"cpu", number(l.cpu_millis)},
                       {"cpuShares", number(l.cpu_shares_millis)},
                       {"pids", number(l.pids)},
                       {"openFiles", number(l.open_files)}});
}

Result<Launch> launch_from_json(std::string_view text) {
  TRY(json::Value v, json::parse(text));
  Launch l;
  l.id = v["id"].str();
  l.join = v["join"].str();
  l.native = v["native"].str();
  l.argv = strings(v["argv"]);
  l.env = strings(v["env"]);
  l.cwd = v["cwd"].str();
  l.hostname = v["hostname"].str();
  for (const auto& m : v["mounts"].array())
    l.mounts.push_back({m["tmpfs"].boolean() ? Mount::Kind::kTmpfs : Mount::Kind::kBind,
                        m["source"].str(), m["subPath"].str(), m["target"].str(),
                        m["readOnly"].boolean(), number(m["size"])});
  l.files = pairs(v["files"]);
  l.links = pairs(v["links"]);
  l.uid = static_cast<uint32_t>(v["uid"].integer());
  l.gid = static_cast<uint32_t>(v["gid"].integer());
  for (const auto& g : v["groups"].array()) l.groups.push_back(static_cast<uint32_t>(g.integer()));
  l.root_inside = v["rootInside"].boolean();
  l.read_all = v["readAll"].boolean();
  l.host_root = v["hostRoot"].boolean();
  l.may_execute = v["mayExecute"].boolean();
  l.held = v["held"].boolean();
  l.tells_end = v["tellsEnd"].boolean();
  l.memory_bytes = number(v["memory"]);
  l.cpu_millis = number(v["cpu"]);
  l.cpu_shares_millis = number(v["cpuShares"]);
  l.pids = number(v["pids"]);
  l.open_files = number(v["openFiles"]);
  if (l.id.empty()) return error(Code::kInvalid, "launch without an id");
  if (l.native.empty() && l.argv.empty()) return error(Code::kInvalid, "launch without a program");
  return l;
}

json::Value to_json(const ZygoteConfig& c) {
  return json::object({{"rootDir", c.root_dir},
                       {"cgroups", strings(c.cgroup_parents)},
                       {"v2", c.cgroup_v2},
                       {"spares", c.spares}});
}

Result<ZygoteConfig> zygote_config_from_json(std::string_view text) {
  TRY(json::Value v, json::parse(text));
  ZygoteConfig c;
  c.root_dir = v["rootDir"].str();
  c.cgroup_parents = strings(v["cgroups"]);
  c.cgroup_v2 = v["v2"].boolean();
  c.spares = static_cast<int>(v["spares"].integer());
  return c;
}

}  // namespace proa::node
