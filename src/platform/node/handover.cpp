#include "platform/node/handover.h"

#include "foundation/base/strings.h"

namespace proa::node {

namespace {
json::Value put(const Fd& fd, std::vector<int>& fds) {
  if (!fd) return -1;
  fds.push_back(fd.get());
  return static_cast<int64_t>(fds.size() - 1);
}

Fd take(const json::Value& index, std::vector<Fd>& fds) {
  int64_t i = index.integer(-1);
  if (i < 0 || static_cast<size_t>(i) >= fds.size()) return Fd();
  return std::move(fds[static_cast<size_t>(i)]);
}
}  // namespace

json::Value describe(const Inheritance& from, std::vector<int>& fds) {
  json::Array zygotes, containers;
  for (const InheritedZygote& z : from.zygotes)
    zygotes.push_back(json::object({{"socket", put(z.socket, fds)},
                                    {"pid", z.pid},
                                    {"isolation", static_cast<int>(z.isolation)}}));
  for (const InheritedContainer& c : from.containers)
    containers.push_back(json::object({{"pod", c.pod_uid},
                                       {"name", c.name},
                                       {"startedAt", c.started_at},
                                       {"containerID", c.container_id},
                                       {"started", c.started},
                                       {"ready", c.ready},
                                       {"pid", c.pid},
                                       {"zygote", static_cast<int64_t>(c.zygote)},
                                       {"launch", to_json(c.launch)},
                                       {"out", put(c.out, fds)},
                                       {"err", put(c.err, fds)}}));
  return json::object({{"zygotes", std::move(zygotes)},
                       {"containers", std::move(containers)},
                       {"nextId", static_cast<int64_t>(from.next_id)},
                       {"generation", from.generation}});
}

Result<Inheritance> inheritance_from(const json::Value& text, std::vector<Fd>& fds) {
  Inheritance out;
  out.next_id = static_cast<uint64_t>(text["nextId"].integer());
  out.generation = static_cast<int>(text["generation"].integer());
  for (const auto& z : text["zygotes"].array()) {
    InheritedZygote zygote{take(z["socket"], fds), static_cast<int>(z["pid"].integer()),
                           static_cast<Isolation>(z["isolation"].integer())};
    if (!zygote.socket) return error(Code::kInvalid, "handover: a zygote without its socket");
    out.zygotes.push_back(std::move(zygote));
  }
  for (const auto& c : text["containers"].array()) {
    InheritedContainer one;
    one.pod_uid = c["pod"].str(), one.name = c["name"].str();
    one.started_at = c["startedAt"].str(), one.container_id = c["containerID"].str();
    one.started = c["started"].boolean(), one.ready = c["ready"].boolean();
    one.pid = static_cast<int>(c["pid"].integer());
    one.zygote = static_cast<size_t>(c["zygote"].integer());
    TRY(one.launch, launch_from_json(json::dump(c["launch"])));
    one.out = take(c["out"], fds), one.err = take(c["err"], fds);
    if (one.zygote >= out.zygotes.size())
      return error(Code::kInvalid, str("handover: container ", one.name, " of no zygote"));
    out.containers.push_back(std::move(one));
  }
  return out;
}

}  // namespace proa::node
