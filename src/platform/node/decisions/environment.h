// A container's environment, command and arguments as the kubelet makes them: envFrom, env with
// valueFrom, $(NAME) references. Pure but for the lookup of ConfigMaps and Secrets.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "foundation/json/value.h"
#include "platform/node/volumes/payload.h"

namespace proa::node {

using Environment = std::vector<std::pair<std::string, std::string>>;

// "$(A)-$$(B)" → "1-$(B)"; references to unknown names stay as they are.
std::string expand_references(std::string_view text,
                              const std::map<std::string, std::string>& values);

// `base` first, then envFrom, then env; a later value of the same name wins in place of the first.
// Errors are what CreateContainerConfigError shows: configmap "x" not found, couldn't find key k in
// …
Result<Environment> container_environment(const json::Value& pod, const json::Value& container,
                                          const PodFacts& facts, const Environment& base,
                                          const Lookup& lookup);

// A list of strings with its references expanded.
std::vector<std::string> expand_list(const json::Value& list, const Environment& environment);

}  // namespace proa::node
