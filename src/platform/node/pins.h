// The pins of the model cache: each keeps the version of a model that one revision serves, so that
// its later pods need no request. A pin goes when nothing can start a pod of that revision again.
//
// The cache is DIR/URI/pins/PIN, PIN percent-encoded (models/storage writes it, docs/STORAGE.md
// says how). Used by Node, on its loop; level-based: what is there is compared with what is needed.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "client/client.h"

namespace proa::node {

struct PinUsers {
  std::vector<client::Object> pods, revisions, replica_sets;
};

// "NAMESPACE/REVISION" of every pod, of every Knative Revision that is not put aside (routing state
// "reserve"), and of every ReplicaSet that has pods or is its Deployment's newest. Pure.
std::set<std::string> needed_pins(const PinUsers& users);

// Takes away the pins below `cache` that nobody needs; returns how many. A pin without "/" was made
// by a person and stays.
int release_pins(const std::string& cache, client::Client& client);

}  // namespace proa::node
