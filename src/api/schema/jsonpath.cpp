#include "api/schema/jsonpath.h"

#include "foundation/base/strings.h"

namespace proa::api {
namespace {

constexpr size_t kMostSteps = 64;

class PathReader {
 public:
  explicit PathReader(std::string_view text) : text_(trim(text)) {
    if (text_.size() >= 2 && text_.front() == '{' && text_.back() == '}')
      text_ = trim(text_.substr(1, text_.size() - 2));
    if (!text_.empty() && text_[0] == '$') text_.remove_prefix(1);
  }

  Result<std::vector<JsonPath::Step>> all() {
    std::vector<JsonPath::Step> steps;
    while (at_ < text_.size()) {
      if (steps.size() == kMostSteps) return bad("too long");
      if (text_[at_] == '[') {
        TRY(JsonPath::Step step, bracket());
        steps.push_back(std::move(step));
        continue;
      }
      if (text_[at_] == '.')
        at_++;
      else if (!steps.empty())
        return bad("expected '.' or '['");
      if (at_ < text_.size() && text_[at_] == '[') continue;
      if (at_ == text_.size()) break;
      if (text_[at_] == '.') return bad("recursive descent is not supported");
      JsonPath::Step step;
      if (text_[at_] == '*') {
        at_++;
        step.kind = JsonPath::Step::kAll;
      } else {
        step.key = name(".[");
        if (step.key.empty()) return bad("expected a field name");
      }
      steps.push_back(std::move(step));
    }
    return steps;
  }

 private:
  // A name up to one of `ends`; a backslash keeps the next character.
  std::string name(std::string_view ends) {
    std::string out;
    for (; at_ < text_.size() && !contains(ends, text_.substr(at_, 1)); at_++) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) at_++;
      out += text_[at_];
    }
    return out;
  }

  void space() {
    while (at_ < text_.size() && text_[at_] == ' ') at_++;
  }

  bool take(std::string_view what) {
    if (!text_.substr(at_).starts_with(what)) return false;
    at_ += what.size();
    return true;
  }

  Result<JsonPath::Step> bracket() {
    JsonPath::Step step;
    at_++;
    space();
    if (take("?(")) {
      step.kind = JsonPath::Step::kFilter;
      TRY_STATUS(tests(step));
    } else if (take("*")) {
      step.kind = JsonPath::Step::kAll;
    } else if (at_ < text_.size() && (text_[at_] == '\'' || text_[at_] == '"')) {
      char quote = text_[at_++];
      step.key = name(std::string_view(&quote, 1));
      if (!take(std::string_view(&quote, 1))) return bad("a quote is not closed");
    } else {
      TRY_STATUS(index(step));
    }
    space();
    if (!take("]")) return bad("expected ']'");
    return step;
  }

  Status index(JsonPath::Step& step) {
    std::string first = name(":]");
    step.kind = JsonPath::Step::kIndex;
    if (!trim(first).empty()) {
      auto v = parse_int(trim(first));
      if (!v) return bad("expected an index");
      step.from = *v;
    } else if (at_ == text_.size() || text_[at_] != ':') {
      return bad("expected an index");
    }
    if (!take(":")) return {};
    step.kind = JsonPath::Step::kSlice;
    std::string second = name("]");
    if (trim(second).empty()) return {};
    auto v = parse_int(trim(second));
    if (!v) return bad("expected an index");
    step.to = *v;
    step.open_end = false;
    return {};
  }

  Status tests(JsonPath::Step& step) {
    while (true) {
      JsonPath::Step::Test test;
      space();
      if (!take("@")) return bad("a filter begins with @");
      while (take(".")) {
        test.path.push_back(name(". =!<>)&["));
        if (test.path.back().empty()) return bad("expected a field name");
      }
      space();
      for (std::string_view op : {"==", "!=", "<=", ">=", "<", ">"})
        if (take(op)) {
          test.op = op;
          break;
        }
      if (!test.op.empty()) TRY_STATUS(literal(test.value));
      step.tests.push_back(std::move(test));
      space();
      if (take("&&")) continue;
      if (take(")")) return {};
      return bad("expected ')'");
    }
  }

  Status literal(json::Value& out) {
    space();
    if (at_ < text_.size() && (text_[at_] == '\'' || text_[at_] == '"')) {
      char quote = text_[at_++];
      out = name(std::string_view(&quote, 1));
      if (!take(std::string_view(&quote, 1))) return bad("a quote is not closed");
      return {};
    }
    std::string word = name(" )&");
    auto parsed = json::parse(word);
    if (!parsed.ok()) return bad("expected a value");
    out = std::move(parsed).value();
    return {};
  }

  Error bad(std::string_view why) const {
    return error(Code::kInvalid,
                 str("JSON path \"", shorten(text_, 200), "\" at ", at_, ": ", why));
  }

  std::string_view text_;
  size_t at_ = 0;
};

bool compare(const json::Value& have, const std::string& op, const json::Value& want) {
  if (op == "==" || op == "!=") {
    bool same =
        have.is_number() && want.is_number() ? have.number() == want.number() : have == want;
    return same == (op == "==");
  }
  auto by = [&](const auto& a, const auto& b) {
    if (op == "<") return a < b;
    if (op == "<=") return a <= b;
    if (op == ">") return a > b;
    return a >= b;
  };
  if (have.is_number() && want.is_number()) return by(have.number(), want.number());
  if (have.is_string() && want.is_string()) return by(have.str(), want.str());
  return false;
}

bool passes(const JsonPath::Step& step, const json::Value& item) {
  for (const auto& test : step.tests) {
    const json::Value* at = &item;
    for (const std::string& key : test.path) {
      at = at->object().find(key);
      if (!at) return false;
    }
    if (!test.op.empty() && !compare(*at, test.op, test.value)) return false;
  }
  return true;
}

void follow(const JsonPath::Step& step, const json::Value& at,
            std::vector<const json::Value*>& out) {
  auto size = static_cast<int64_t>(at.array().size());
  auto bounded = [&](int64_t i) { return i < 0 ? i + size : i; };
  switch (step.kind) {
    case JsonPath::Step::kKey:
      if (const json::Value* found = at.object().find(step.key)) out.push_back(found);
      break;
    case JsonPath::Step::kIndex: {
      int64_t i = bounded(step.from);
      if (i >= 0 && i < size) out.push_back(&at.array()[static_cast<size_t>(i)]);
      break;
    }
    case JsonPath::Step::kSlice: {
      int64_t to = step.open_end ? size : std::min(bounded(step.to), size);
      for (int64_t i = std::max<int64_t>(0, bounded(step.from)); i < to; i++)
        out.push_back(&at.array()[static_cast<size_t>(i)]);
      break;
    }
    case JsonPath::Step::kAll:
    case JsonPath::Step::kFilter:
      for (const json::Value& item : at.array())
        if (step.kind == JsonPath::Step::kAll || passes(step, item)) out.push_back(&item);
      for (const auto& [key, item] : at.object())
        if (step.kind == JsonPath::Step::kAll || passes(step, item)) out.push_back(&item);
      break;
  }
}

}  // namespace

Result<JsonPath> JsonPath::parse(std::string_view text) {
  JsonPath out;
  TRY(out.steps_, PathReader(text).all());
  return out;
}

std::vector<const json::Value*> JsonPath::find(const json::Value& root, size_t most) const {
  std::vector<const json::Value*> at{&root}, next;
  for (const Step& step : steps_) {
    next.clear();
    for (const json::Value* v : at) {
      follow(step, *v, next);
      if (next.size() >= most) break;
    }
    if (next.size() > most) next.resize(most);
    at.swap(next);
  }
  return at;
}

}  // namespace proa::api
