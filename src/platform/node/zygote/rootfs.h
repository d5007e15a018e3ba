// The file system that a sandboxed program sees: a small tmpfs with the host's /usr in it, device
// nodes, /proc, and the launch's mounts. Called by sandbox.cpp in the child, with privileges.
#pragma once

#include "platform/node/zygote/launch.h"

namespace proa::node {

// What is mounted from here on in this mount namespace stays in it; what the host mounts later is
// seen. Works in a bare chroot too; `root` is any folder in it.
Status detach_mounts(const std::string& root);

// Mounts a tmpfs on `root` and fills in what every sandbox has. Needs a mount namespace of its own.
Status make_root(const std::string& root);

// Adds the launch's mounts, files and links below `root`.
Status furnish_root(const std::string& root, const Launch& launch);

// Makes `root` "/" and lets go of the old one, and of the chroot this may be in.
Status enter_root(const std::string& root);

}  // namespace proa::node
