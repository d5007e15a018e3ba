// Garbage collector: removes what has lost its last owner, and carries out foreground and orphan
// deletion. It watches every kind and keeps a graph of who owns whom by uid.
//
//   owner gone            → dependents removed in the background (one with another living owner
//   only
//                           loses the reference)
//   foregroundDeletion    → dependents first, then the finalizer
//   orphan                → references taken out of the dependents, then the finalizer
//
// The graph is thread-safe (watch callbacks fill it); reconciling happens on the controllers' loop.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "client/controller.h"
#include "platform/workloads/objects/common.h"

namespace proa::workloads {

inline constexpr std::string_view kForegroundFinalizer = "foregroundDeletion";
inline constexpr std::string_view kOrphanFinalizer = "orphan";

class OwnerGraph {
 public:
  struct Node {
    size_t kind = 0;  // index in the list of kinds
    client::Key key;
  };
  // Takes an event in; returns the uids to look at.
  std::vector<std::string> note(size_t kind, const client::Event& event);
  std::optional<Node> find(const std::string& uid) const;
  std::vector<std::string> dependents(const std::string& owner_uid) const;

 private:
  struct Entry {
    Node node;
    std::vector<std::string> owners;
  };
  void forget(const std::string& uid);
  mutable std::mutex mutex_;
  std::map<std::string, Entry> nodes_;                     // those that own, are owned, or wait
  std::map<std::string, std::set<std::string>> children_;  // owner uid → uids
};

// What is known of one owner reference.
enum class OwnerState { kSolid, kGone, kWaiting, kUnknown };  // kWaiting: in foreground deletion

enum class Verdict { kKeep, kRemove, kRemoveForeground, kDropReferences };

// Pure: by the states of its owners, in order. kUnknown (a kind that is not served) keeps the
// object.
Verdict judge(const std::vector<OwnerState>& owners, bool blocks_owner);

client::ControllerSpec garbage_controller(client::Client& client, std::vector<client::Kind> kinds);

}  // namespace proa::workloads
