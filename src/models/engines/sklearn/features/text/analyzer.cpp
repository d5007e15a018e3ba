#include "models/engines/sklearn/features/text/analyzer.h"

#include <algorithm>

#include "foundation/base/strings.h"

namespace proa::engines {
namespace {

constexpr char kDefaultPattern[] = "(?u)\\b\\w\\w+\\b";
constexpr size_t kMostTermBytes = size_t{1} << 28;  // of one text

Status refuse_functions(const Attributes& a) {
  for (const char* name : {"tokenizer", "preprocessor"})
    if (a.has(name)) return a.unsupported(str("a ", name, " of one's own"));
  const pickle::Node* analyzer = a.find("analyzer");
  if (!analyzer || analyzer->kind != pickle::Kind::kStr)
    return a.unsupported("an analyzer of one's own");
  if (a.has("input")) {
    TRY(std::string input, a.text({"input"}));
    if (input != "content") return a.unsupported(str("input='", input, "'"));
  }
  return {};
}

Result<std::unordered_set<std::string>> read_stop_words(const Attributes& a) {
  std::unordered_set<std::string> out;
  const pickle::Node* node = a.find("stop_words");
  if (!node || node->kind == pickle::Kind::kNone) return out;
  if (node->kind == pickle::Kind::kStr) {
    if (node->text != "english") return a.unsupported("this list of stop words");
    for (std::string_view w : split(english_stop_words(), ' ')) out.emplace(w);
    return out;
  }
  if (node->kind == pickle::Kind::kArray) {
    TRY(std::vector<std::string> words, a.texts({"stop_words"}));
    return std::unordered_set<std::string>(words.begin(), words.end());
  }
  for (const pickle::Node* item : node->items) {
    if (item->kind != pickle::Kind::kStr) return a.wrong("a stop word is no text");
    out.emplace(item->text);
  }
  return out;
}

// Where the code points of a text begin, and its end.
std::vector<size_t> starts_of(std::string_view text, std::vector<uint32_t>* codes = nullptr) {
  std::vector<size_t> out;
  for (size_t at = 0; at < text.size();) {
    out.push_back(at);
    uint32_t c = next_code(text, at);
    if (codes) codes->push_back(c);
  }
  out.push_back(text.size());
  return out;
}

// Runs of two or more word characters.
void default_tokens(std::string_view text, std::vector<std::string_view>& out) {
  size_t begin = 0, letters = 0;
  for (size_t at = 0; at < text.size();) {
    size_t before = at;
    if (is_word(next_code(text, at))) {
      if (letters++ == 0) begin = before;
      continue;
    }
    if (letters > 1) out.push_back(text.substr(begin, before - begin));
    letters = 0;
  }
  if (letters > 1) out.push_back(text.substr(begin));
}

std::string join_spaces(std::string_view text) {  // two spaces and more are one blank
  std::string out, run;
  size_t spaces = 0;
  auto flush = [&] {
    out += spaces > 1 ? " " : run;
    run.clear();
    spaces = 0;
  };
  for (size_t at = 0; at < text.size();) {
    size_t before = at;
    bool space = is_space(next_code(text, at));
    if (!space) flush();
    (space ? run : out) += text.substr(before, at - before);
    if (space) ++spaces;
  }
  flush();
  return out;
}

}  // namespace

Result<Analyzer> Analyzer::of(const Attributes& a) {
  TRY_STATUS(refuse_functions(a));
  Analyzer out;
  TRY(std::string unit, a.text({"analyzer"}));
  if (unit != "word" && unit != "char" && unit != "char_wb")
    return a.unsupported(str("analyzer='", unit, "'"));
  out.unit_ = unit == "word" ? Unit::kWord : unit == "char" ? Unit::kChar : Unit::kCharInWords;
  TRY(std::vector<int64_t> range, a.integers({"ngram_range"}));
  if (range.size() != 2 || range[0] < 1 || range[1] < range[0] || range[1] > 1000)
    return a.wrong("ngram_range is not possible");
  out.low_ = static_cast<size_t>(range[0]);
  out.high_ = static_cast<size_t>(range[1]);
  TRY(out.lowercase_, a.flag("lowercase", true));
  if (a.has("strip_accents")) {
    const pickle::Node* node = a.find("strip_accents");
    if (node->text != "ascii" && node->text != "unicode")
      return a.unsupported("a strip_accents of one's own");
    out.accents_ = std::make_shared<AccentStripper>(node->text == "ascii");
  }
  if (out.unit_ != Unit::kWord) return out;
  TRY(out.stop_words_, read_stop_words(a));
  TRY(std::string pattern, a.text({"token_pattern"}));
  if (pattern != kDefaultPattern) {
    TRY(out.pattern_, Pattern::compile(pattern));
  }
  return out;
}

Status Analyzer::analyze(std::string_view text, TermSink& sink) const {
  std::string lowered, stripped;
  if (lowercase_) {
    lowered = lower_text(text);
    text = lowered;
  }
  if (accents_) {
    stripped = accents_->strip(text);
    text = stripped;
  }
  return unit_ == Unit::kWord ? words(text, sink) : characters(text, sink);
}

Status Analyzer::tokens(std::string_view text, std::vector<std::string_view>& out) const {
  if (!pattern_) {
    default_tokens(text, out);
  } else {
    std::vector<uint32_t> codes;
    std::vector<size_t> starts = starts_of(text, &codes);
    std::vector<std::pair<size_t, size_t>> found;
    TRY_STATUS(pattern_->find_all(codes, found));
    for (const auto& [begin, end] : found)
      out.push_back(text.substr(starts[begin], starts[end] - starts[begin]));
  }
  if (stop_words_.empty()) return {};
  std::erase_if(out, [&](std::string_view t) { return stop_words_.contains(std::string(t)); });
  return {};
}

Status Analyzer::words(std::string_view text, TermSink& sink) const {
  std::vector<std::string_view> found;
  TRY_STATUS(tokens(text, found));
  std::string term;
  size_t budget = kMostTermBytes;
  for (size_t n = low_; n <= high_ && n <= found.size(); ++n)
    for (size_t i = 0; i + n <= found.size(); ++i) {
      if (n == 1) {
        sink.take(found[i]);
        continue;
      }
      term = found[i];
      for (size_t k = 1; k < n; ++k) (term += ' ') += found[i + k];
      if (budget < term.size())
        return error(Code::kInvalid, "a text makes too many n-grams; send it in parts");
      budget -= term.size();
      sink.take(term);
    }
  return {};
}

Status Analyzer::characters(std::string_view text, TermSink& sink) const {
  size_t sum = 0;
  for (size_t n = low_; n <= high_ && n <= text.size(); ++n) sum += n;
  if (sum != 0 && text.size() > kMostTermBytes / sum)
    return error(Code::kInvalid, "a text makes too many n-grams; send it in parts");
  std::string joined = join_spaces(text);
  unit_ == Unit::kChar ? char_grams(joined, sink) : char_grams_in_words(joined, sink);
  return {};
}

void Analyzer::char_grams(std::string_view text, TermSink& sink) const {
  std::vector<size_t> starts = starts_of(text);
  size_t letters = starts.size() - 1;
  for (size_t n = low_; n <= high_ && n <= letters; ++n)
    for (size_t i = 0; i + n <= letters; ++i)
      sink.take(text.substr(starts[i], starts[i + n] - starts[i]));
}

// Each word between blanks; one that is shorter than n counts once, for the smallest such n.
void Analyzer::char_grams_in_words(std::string_view text, TermSink& sink) const {
  for (size_t at = 0; at < text.size();) {
    std::string word = " ";
    while (at < text.size()) {
      size_t before = at;
      if (is_space(next_code(text, at))) break;
      word += text.substr(before, at - before);
    }
    if (word.size() == 1) continue;
    word += ' ';
    std::vector<size_t> starts = starts_of(word);
    size_t letters = starts.size() - 1;
    for (size_t n = low_; n <= high_; ++n) {
      size_t length = std::min(n, letters);
      for (size_t i = 0; i + length <= letters; ++i)
        sink.take(std::string_view(word).substr(starts[i], starts[i + length] - starts[i]));
      if (n >= letters) break;
    }
  }
}

}  // namespace proa::engines
