#include "platform/knative/objects/names.h"

#include <cstdint>

#include "foundation/base/strings.h"

namespace proa::knative {
namespace {

constexpr size_t kLongest = 63;

std::string digest(std::string_view text) {
  uint64_t h = 14695981039346656037ull;
  for (unsigned char c : text) h = (h ^ c) * 1099511628211ull;
  std::string bytes(8, '\0');
  for (char& c : bytes) {
    c = static_cast<char>(h);
    h >>= 8;
  }
  return hex(bytes);
}

}  // namespace

std::string child_name(std::string_view parent, std::string_view suffix) {
  if (parent.size() + suffix.size() <= kLongest) return str(parent, suffix);
  const std::string mark = digest(str(parent, suffix));
  std::string_view tail = suffix.substr(0, std::min(suffix.size(), kLongest - mark.size() - 2));
  std::string head(parent.substr(0, kLongest - mark.size() - tail.size()));
  return str(head, mark, tail);
}

std::string revision_name(std::string_view configuration, int64_t generation) {
  std::string number = str(generation);
  if (number.size() < 5) number.insert(0, 5 - number.size(), '0');
  return child_name(configuration, "-" + number);
}

}  // namespace proa::knative
