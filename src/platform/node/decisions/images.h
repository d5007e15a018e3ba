// Which program a container image means on this node.
//
// There is no image registry here: the ConfigMap `native-images` in namespace `kserve` says it, one
// rule a line in any of its entries, the longest pattern that matches wins:
//
//   *kserve/sklearnserver => proa serve        a native program, started as a fork of the zygote
//   *openvino/model_server => proa serve --framework=openvino    with arguments before the pod's
//   *peterevans/vegeta => sandbox vegeta       the host's files read-only, with this tool in PATH
//   ubuntu => sandbox                          the same; the container's command says what runs
//   *knative*queue* => platform                no process: the platform does its work
//
// Patterns know '*' (any text) and are compared with the image without tag and digest, as written
// and with its defaults (docker.io/library/ubuntu). Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "foundation/json/value.h"

namespace proa::node {

struct ImageUse {
  enum class Kind { kUnknown, kNative, kSandbox, kPlatform };
  Kind kind = Kind::kUnknown;
  std::string program;            // kNative: "proa serve"; kSandbox: the tool, or ""
  std::vector<std::string> args;  // kNative: before the pod's
  std::string pattern;
};

bool glob_match(std::string_view pattern, std::string_view text);
std::string image_name(std::string_view image);       // "a/b:1@sha256:…" → "a/b"
std::string full_image_name(std::string_view image);  // "ubuntu:22.04" → "docker.io/library/ubuntu"

class ImageTable {
 public:
  // Lines that are no rules are skipped and described in problems().
  explicit ImageTable(const json::Value& data = default_data());
  ImageUse find(std::string_view image) const;
  const std::vector<std::string>& problems() const { return problems_; }
  static json::Value default_data();

 private:
  std::vector<ImageUse> rules_;
  std::vector<std::string> problems_;
};

}  // namespace proa::node
