// Protobuf's text form, as config.pbtxt has it.
#include <algorithm>

#include "foundation/base/strings.h"
#include "models/repository/triton.h"

namespace proa::repository {
namespace {

constexpr int kMostDepth = 32;

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '-' || c == '+';
}

class TextReader {
 public:
  explicit TextReader(std::string_view text) : text_(text) {}

  // Fields up to `close`, or to the end.
  Result<json::Value> message(char close, int depth) {
    if (depth > kMostDepth) return wrong("nested too deeply");
    json::Object out;
    for (;;) {
      space();
      if (close == '\0' ? at_ == text_.size() : take(close)) return json::Value(std::move(out));
      std::string name = word();
      if (name.empty()) return wrong("a field's name is missing");
      space();
      take(':');
      TRY(json::Value value, value_of(depth));
      add(out, name, std::move(value));
      space();
      if (!take(',')) take(';');
    }
  }

 private:
  Error wrong(std::string_view what) const {
    auto line = std::count(text_.begin(), text_.begin() + static_cast<ptrdiff_t>(at_), '\n') + 1;
    return error(Code::kInvalid, str("line ", int64_t{line}, ": ", what));
  }
  void space() {
    while (at_ < text_.size()) {
      char c = text_[at_];
      if (c == '#')
        at_ = std::min(text_.find('\n', at_), text_.size());
      else if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
        ++at_;
      else
        return;
    }
  }
  bool take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::string word() {
    size_t from = at_;
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    return std::string(text_.substr(from, at_ - from));
  }
  // What comes again makes a list of what was there.
  static void add(json::Object& out, const std::string& name, json::Value value) {
    if (!out.contains(name)) {
      out[name] = std::move(value);
      return;
    }
    json::Value& there = out[name];
    json::Array all;
    if (there.is_array())
      for (const json::Value& v : there.array()) all.push_back(v);
    else
      all.push_back(there);
    if (value.is_array())
      for (const json::Value& v : value.array()) all.push_back(v);
    else
      all.push_back(std::move(value));
    there = json::Value(std::move(all));
  }
  Result<json::Value> quoted(char quote) {
    std::string out;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      out += text_[at_++];
    }
    if (!take(quote)) return wrong("a text does not end");
    return json::Value(std::move(out));
  }
  Result<json::Value> list(int depth) {
    json::Array all;
    space();
    while (!take(']')) {
      TRY(json::Value v, value_of(depth + 1));
      all.push_back(std::move(v));
      space();
      take(',');
      space();
      if (at_ == text_.size()) return wrong("a list does not end");
    }
    return json::Value(std::move(all));
  }
  Result<json::Value> value_of(int depth) {
    if (depth > kMostDepth) return wrong("nested too deeply");
    space();
    if (take('{')) return message('}', depth + 1);
    if (take('<')) return message('>', depth + 1);
    if (take('[')) return list(depth);
    for (char quote : {'"', '\''})
      if (take(quote)) return quoted(quote);
    std::string text = word();
    if (text.empty()) return wrong("a value is missing");
    if (auto n = parse_int(text)) return json::Value(*n);
    return json::Value(std::move(text));
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Result<json::Value> parse_text_message(std::string_view text) {
  return TextReader(text).message('\0', 0);
}

}  // namespace proa::repository
