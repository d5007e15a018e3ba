#include "app/take_over.h"

#include <fcntl.h>
#include <unistd.h>

#include "foundation/base/memory_file.h"
#include "foundation/base/strings.h"

namespace proa::app {

namespace {
constexpr Duration kPatience = std::chrono::seconds(10);
constexpr Duration kMostQuiesce = std::chrono::seconds(60);
constexpr size_t kMostText = 256u << 20;

// A Unix socket's path is short; this one is, however deep the folder lies.
std::string point_in(const Fd& folder) {
  return str("/proc/self/fd/", folder.get(), "/gateway.sock");
}

Result<Fd> open_folder(const std::string& dir) {
  Fd folder(::open(dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return errno_error(str("data folder ", dir));
  return folder;
}

Fd duplicate(int fd) { return Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 0)); }
}  // namespace

Result<HandoverPoint> HandoverPoint::open(const std::string& data_dir) {
  HandoverPoint point;
  TRY(point.folder_, open_folder(data_dir));
  TRY(point.listening_, gateway::bind_handover(point_in(point.folder_)));
  return point;
}

Result<Fd> HandoverPoint::accept() { return gateway::accept_taker(listening_.get(), kPatience); }

// "@state" is the description, "@fd N" the descriptors that it counts.
Status hand_over(int to, Estate estate) {
  std::vector<int> fds;
  json::Value text = json::object({{"podsNetwork", estate.pods_network},
                                   {"servicesNetwork", estate.services_network},
                                   {"apiPort", static_cast<int>(estate.api_port)}});
  text.set("node", node::describe(estate.node, fds));
  std::vector<gateway::NamedSocket> all = std::move(estate.sockets);
  auto add = [&](const char* name, size_t number, Fd fd) {
    all.push_back({name, static_cast<uint16_t>(number), 0, std::move(fd)});
  };
  add("@lock", 0, std::move(estate.lock));
  if (estate.claim) add("@claim", 0, std::move(estate.claim));
  if (fds.size() > UINT16_MAX) return error(Code::kTooLarge, "handover: too many containers");
  for (size_t i = 0; i < fds.size(); ++i) add("@fd", i, duplicate(fds[i]));
  TRY(Fd file, memory_file("estate", json::dump(text)));
  add("@state", 0, std::move(file));
  return gateway::send_sockets(to, all, kPatience);
}

Result<std::optional<Estate>> take_over(const std::string& data_dir) {
  if (!exists(data_dir)) return std::optional<Estate>();
  TRY(Fd folder, open_folder(data_dir));
  TRY(auto all, gateway::take_sockets(point_in(folder), kMostQuiesce));
  if (all.empty()) return std::optional<Estate>();
  Estate estate;
  std::vector<Fd> fds;
  Fd state;
  for (gateway::NamedSocket& one : all) {
    if (one.address == "@lock") {
      estate.lock = std::move(one.fd);
    } else if (one.address == "@claim") {
      estate.claim = std::move(one.fd);
    } else if (one.address == "@state") {
      state = std::move(one.fd);
    } else if (one.address == "@fd") {
      if (fds.size() <= one.port) fds.resize(one.port + size_t{1});
      fds[one.port] = std::move(one.fd);
    } else {
      estate.sockets.push_back(std::move(one));
    }
  }
  if (!state || !estate.lock) return error(Code::kInvalid, "handover: not all has come");
  TRY(std::string text, read_memory_file(state.get(), kMostText, "handover: the description is"));
  TRY(json::Value v, json::parse(text));
  estate.pods_network = static_cast<int>(v["podsNetwork"].integer());
  estate.services_network = static_cast<int>(v["servicesNetwork"].integer());
  estate.api_port = static_cast<uint16_t>(v["apiPort"].integer());
  TRY(estate.node, node::inheritance_from(v["node"], fds));
  return std::optional<Estate>(std::move(estate));
}

}  // namespace proa::app
