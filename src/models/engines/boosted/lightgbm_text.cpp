#include "models/engines/boosted/lightgbm_text.h"

#include <charconv>
#include <limits>

#include "foundation/base/strings.h"

namespace proa::engines {
namespace {

constexpr size_t kMostLines = 4096;  // of one section

template <typename T>
Result<std::vector<T>> list(std::string_view key, std::string_view text, size_t expected) {
  // A number takes two characters at least, so a short line cannot ask for much memory.
  if (expected > text.size() / 2 + 1)
    return error(Code::kDataLoss,
                 str("LightGBM model: ", key, " has fewer than its ", expected, " values"));
  std::vector<T> out;
  out.reserve(expected);
  for (std::string_view word = next_word(text); !word.empty(); word = next_word(text)) {
    if (word[0] == '+') word.remove_prefix(1);
    T value{};
    auto [end, code] = std::from_chars(word.data(), word.data() + word.size(), value);
    if constexpr (std::is_floating_point_v<T>) {
      // Too small for a double is 0 as strtod has it; too large stays an error.
      if (code == std::errc::result_out_of_range && word.find("e-") != std::string_view::npos) {
        value = 0;
        code = std::errc();
      }
    }
    if (code != std::errc() || end != word.data() + word.size())
      return error(Code::kDataLoss,
                   str("LightGBM model: ", key, " holds '", shorten(word, 30), "'"));
    if (out.size() == expected)
      return error(Code::kDataLoss,
                   str("LightGBM model: ", key, " has more than its ", expected, " values"));
    out.push_back(value);
  }
  if (out.size() != expected)
    return error(Code::kDataLoss,
                 str("LightGBM model: ", key, " has ", out.size(), " values, not ", expected));
  return out;
}

}  // namespace

std::string_view next_word(std::string_view& text) {
  size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return text = {};
  size_t end = std::min(text.find_first_of(" \t", begin), text.size());
  std::string_view word = text.substr(begin, end - begin);
  text.remove_prefix(end);
  return word;
}

std::optional<std::string_view> LightgbmLines::next() {
  if (rest_.empty()) return std::nullopt;
  ++number_;
  size_t end = rest_.find('\n');
  std::string_view line = rest_.substr(0, end);
  rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

Status LightgbmSection::add(std::string_view line) {
  size_t equal = line.find('=');
  if (lines_.size() == kMostLines)
    return error(Code::kDataLoss, "LightGBM model: a section has too many lines");
  if (equal == std::string_view::npos)
    lines_.emplace_back(line, "");
  else
    lines_.emplace_back(line.substr(0, equal), line.substr(equal + 1));
  return {};
}

bool LightgbmSection::has(std::string_view key) const {
  for (const auto& [k, v] : lines_)
    if (k == key) return true;
  return false;
}

std::string_view LightgbmSection::get(std::string_view key) const {
  for (size_t i = lines_.size(); i-- > 0;)
    if (lines_[i].first == key) return lines_[i].second;
  return {};
}

Result<size_t> LightgbmSection::count(std::string_view key, size_t most) const {
  if (!has(key)) return error(Code::kDataLoss, str("LightGBM model: it has no ", key));
  auto value = parse_int(trim(get(key)));
  if (!value || *value < 0 || static_cast<size_t>(*value) > most)
    return error(Code::kDataLoss,
                 str("LightGBM model: ", key, " is '", shorten(get(key), 30), "'"));
  return static_cast<size_t>(*value);
}

Result<std::vector<double>> LightgbmSection::numbers(std::string_view key, size_t expected) const {
  return list<double>(key, get(key), expected);
}

Result<std::vector<int32_t>> LightgbmSection::integers(std::string_view key,
                                                       size_t expected) const {
  return list<int32_t>(key, get(key), expected);
}

Result<std::vector<uint32_t>> LightgbmSection::unsigned_integers(std::string_view key,
                                                                 size_t expected) const {
  return list<uint32_t>(key, get(key), expected);
}

}  // namespace proa::engines
