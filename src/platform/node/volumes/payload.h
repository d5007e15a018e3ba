// Payload: the files of a configMap, secret, downwardAPI or projected volume, and how they get onto
// the disk: all at once, as the kubelet does it, so that a reader never sees half an update.
//
//   DIR/..data → ..2026_11_01T10_00_00.000000001/     replaced by one rename
//   DIR/name   → ..data/name
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "client/client.h"
#include "platform/node/volumes/fields.h"

namespace proa::node {

struct PayloadFile {
  std::string content;
  unsigned mode = 0644;
  bool operator==(const PayloadFile&) const = default;
};
using Payload = std::map<std::string, PayloadFile>;  // path relative to the volume

// Reads ConfigMaps and Secrets: kNotFound with the kubelet's words.
using Lookup = std::function<Result<client::Object>(const client::Kind&, const std::string& name)>;

struct PayloadContext {
  const json::Value& pod;
  const PodFacts& facts;
  Lookup lookup;
  std::function<void(std::string)> warn;  // what is left out, for an event
};

// `volume` is one of spec.volumes with one of the four sources. Errors: kNotFound, kInvalid.
Result<Payload> volume_payload(const PayloadContext& context, const json::Value& volume);
bool is_payload_volume(const json::Value& volume);

// Nothing is written if `dir` already holds exactly this. Returns whether something changed.
Result<bool> write_payload(const std::string& dir, const Payload& payload);

}  // namespace proa::node
