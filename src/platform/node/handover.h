// Inheritance: the running containers of a node, for the process that replaces it.
//
//   old: Node::hand_over() ──▶ zygotes' sockets, containers, their log pipes ──▶ new: Node::start()
//
// Plain values with descriptors; app/ carries them from one process to the other. A pod goes over
// whole or not at all: one that is just being started is ended, and started anew by the new node.
#pragma once

#include <string>
#include <vector>

#include "foundation/base/file.h"
#include "platform/node/zygote/launch.h"
#include "platform/node/zygote/sandbox.h"

namespace proa::node {

struct InheritedZygote {
  Fd socket;
  int pid = 0;
  Isolation isolation = Isolation::kPlain;
};

struct InheritedContainer {
  std::string pod_uid, name;
  std::string started_at, container_id;
  bool started = false, ready = false;
  int pid = 0;
  size_t zygote = 0;  // index into Inheritance::zygotes
  Launch launch;
  Fd out, err;  // what it writes; may be closed already
};

struct Inheritance {
  std::vector<InheritedZygote> zygotes;
  std::vector<InheritedContainer> containers;
  uint64_t next_id = 0;  // ids of launches go on from here
  int generation = 0;    // how often the node was handed over
};

// As JSON and descriptors beside it, in the order that the text counts them.
json::Value describe(const Inheritance& inheritance, std::vector<int>& fds);
Result<Inheritance> inheritance_from(const json::Value& text, std::vector<Fd>& fds);

}  // namespace proa::node
