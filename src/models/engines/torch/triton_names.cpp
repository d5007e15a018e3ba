#include "models/engines/torch/triton_names.h"

#include "foundation/base/file.h"
#include "foundation/base/strings.h"

namespace proa::torch {
namespace {

constexpr size_t kMostConfig = 1 << 20;
constexpr int64_t kMostIndex = 1000;

std::string parent(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

void add(std::vector<std::string>& names, std::string_view name) {
  size_t at = name.rfind("__");
  if (at == name.npos) return;
  auto index = parse_int(name.substr(at + 2));
  if (!index || *index < 0 || *index > kMostIndex) return;
  auto place = static_cast<size_t>(*index);
  if (names.size() <= place) names.resize(place + 1);
  names[place] = name;
}

}  // namespace

GivenNames given_names(std::string_view text) {
  GivenNames out;
  std::vector<std::string>* list = nullptr;  // of the block that the text is in
  std::string_view word;
  for (size_t at = 0; at < text.size();) {
    if (text[at] == '#') {
      at = std::min(text.find('\n', at), text.size());
    } else if (text[at] == '"') {
      size_t end = text.find('"', at + 1);
      if (end == text.npos) return out;
      if (list && word == "name") add(*list, text.substr(at + 1, end - at - 1));
      at = end + 1;
    } else if (is_word(text[at])) {
      size_t end = at;
      while (end < text.size() && is_word(text[end])) ++end;
      word = text.substr(at, end - at);
      if (word == "input") list = &out.inputs;
      if (word == "output") list = &out.outputs;
      at = end;
    } else {
      ++at;
    }
  }
  return out;
}

GivenNames given_names_beside(const std::string& file) {
  auto text = read_file(str(parent(parent(file)), "/config.pbtxt"), kMostConfig);
  return text.ok() ? given_names(*text) : GivenNames{};
}

}  // namespace proa::torch
