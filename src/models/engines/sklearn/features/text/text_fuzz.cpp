// Any bytes as a pattern and a text: lower case, accents, tokens.
#include <cstddef>
#include <cstdint>

#include "models/engines/sklearn/features/text/pattern.h"
#include "models/engines/sklearn/features/text/unicode.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace proa::engines;
  if (size == 0 || size > 4096) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  size_t cut = data[0] % size;
  std::string_view source = bytes.substr(0, cut), text = bytes.substr(cut);
  static const AccentStripper kStripper(false);
  std::string lowered = lower_text(kStripper.strip(text));
  auto pattern = Pattern::compile(source);
  if (!pattern.ok()) return 0;
  std::vector<uint32_t> codes;
  for (size_t at = 0; at < lowered.size();) codes.push_back(next_code(lowered, at));
  std::vector<std::pair<size_t, size_t>> found;
  if (!pattern->find_all(codes, found).ok()) return 0;
  for (auto [begin, end] : found)
    if (begin > end || end > codes.size()) __builtin_trap();
  return 0;
}
