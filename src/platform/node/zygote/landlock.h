// Landlock: where there are no namespaces, the kernel's own way for an ordinary process to give up
// access to files. Used by sandbox.cpp in isolation kPlain.
#pragma once

#include "platform/node/zygote/launch.h"

namespace proa::node {

bool landlock_available();

// From here on the process sees the system's folders and the launch's mounts (by host path), and
// writes only into those that are not read-only. No effect, and no error, without Landlock.
Status restrict_files(const Launch& launch);

}  // namespace proa::node
