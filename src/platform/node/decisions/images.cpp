#include "platform/node/decisions/images.h"

#include <algorithm>

#include "foundation/base/strings.h"

namespace proa::node {

bool glob_match(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0, star = pattern.npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != pattern.npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::string image_name(std::string_view image) {
  image = image.substr(0, image.find('@'));
  size_t slash = image.find_last_of('/');
  size_t colon = image.find(':', slash == image.npos ? 0 : slash);
  return std::string(image.substr(0, colon));
}

std::string full_image_name(std::string_view image) {
  std::string name = image_name(image);
  size_t slash = name.find('/');
  if (slash == name.npos) return "docker.io/library/" + name;
  std::string_view host = std::string_view(name).substr(0, slash);
  bool registry = host == "localhost" || host.find_first_of(".:") != host.npos;
  return registry ? name : "docker.io/" + name;
}

namespace {
// "proa serve --framework=pmml": the program's name has no dash.
void set_native(ImageUse& rule, std::string_view what) {
  rule.kind = ImageUse::Kind::kNative;
  for (std::string_view word : split(what, ' ')) {
    if (word.empty()) continue;
    if (!rule.args.empty() || word.starts_with('-'))
      rule.args.emplace_back(word);
    else
      rule.program += str(rule.program.empty() ? "" : " ", word);
  }
}
}  // namespace

ImageTable::ImageTable(const json::Value& data) {
  for (const auto& [entry, text] : data.object()) {
    for (auto line : split(text.str(), '\n')) {
      line = trim(line.substr(0, line.find('#')));
      if (line.empty()) continue;
      size_t arrow = line.find("=>");
      std::string_view what = arrow == line.npos ? "" : trim(line.substr(arrow + 2));
      ImageUse rule;
      rule.pattern = arrow == line.npos ? "" : std::string(trim(line.substr(0, arrow)));
      if (what == "platform") {
        rule.kind = ImageUse::Kind::kPlatform;
      } else if (what == "sandbox" || what.starts_with("sandbox ")) {
        rule.kind = ImageUse::Kind::kSandbox;
        rule.program = std::string(trim(what.substr(7)));
      } else if (!what.empty()) {
        set_native(rule, what);
      }
      if (rule.pattern.empty() || what.empty())
        problems_.push_back(str(entry, ": \"", shorten(line, 80), "\" is no rule PATTERN => WHAT"));
      else
        rules_.push_back(std::move(rule));
    }
  }
  std::stable_sort(rules_.begin(), rules_.end(), [](const ImageUse& a, const ImageUse& b) {
    return a.pattern.size() > b.pattern.size();
  });
}

ImageUse ImageTable::find(std::string_view image) const {
  std::string name = image_name(image), full = full_image_name(image);
  for (const ImageUse& rule : rules_)
    if (glob_match(rule.pattern, name) || glob_match(rule.pattern, full)) return rule;
  return {};
}

json::Value ImageTable::default_data() {
  return json::object(
      {{"serving",
        "*kserve/sklearnserver => proa serve\n"
        "*kserve/xgbserver => proa serve\n"
        "*kserve/lgbserver => proa serve\n"
        "*kserve/predictiveserver => proa serve\n"
        "*seldonio/mlserver => proa serve\n"
        "*seldonio/mlserver-slim => proa serve\n"
        "*kserve/agent => platform\n"
        "*kserve/storage-initializer => proa fetch\n"
        "*knative*queue* => platform\n"
        "queue-proxy => platform\n"},
       {"formats",
        "*kserve/pmmlserver => proa serve --framework=pmml\n"
        "*kserve/paddleserver => proa serve --framework=openvino\n"
        "*kserve/huggingfaceserver => proa serve --framework=huggingface\n"
        "*kserve/autogluonserver => proa serve --framework=autogluon\n"
        "*vllm/vllm-openai => proa serve --framework=vllm\n"
        "*nvidia/tritonserver => proa serve\n"
        "*tensorflow/serving => proa serve\n"
        "*openvino/model_server => proa serve --framework=openvino\n"
        "*pytorch/torchserve => proa serve --framework=torch\n"
        "*pytorch/torchserve-kfs => proa serve --framework=torch\n"},
       {"load", "*peterevans/vegeta => sandbox vegeta\n"},
       {"general",
        "ubuntu => sandbox\ndebian => sandbox\nalpine => sandbox\nbusybox => sandbox\n"
        "fedora => sandbox\npython => sandbox\nbash => sandbox\nperl => sandbox\n"
        "curlimages/curl => sandbox\n*library/ubuntu => sandbox\n*library/debian => sandbox\n"
        "*library/alpine => sandbox\n*library/busybox => sandbox\n*library/python => sandbox\n"
        "*/e2e-test-images/busybox => sandbox\n"}});
}

}  // namespace proa::node
