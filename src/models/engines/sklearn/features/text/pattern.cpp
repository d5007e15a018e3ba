#include "models/engines/sklearn/features/text/pattern.h"

#include <tuple>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/features/text/unicode.h"

namespace proa::engines {
namespace {

constexpr size_t kMostSteps = 4000;       // of a compiled pattern
constexpr size_t kMostDepth = 50;         // of groups
constexpr size_t kStepsACharacter = 200;  // of a search, on average
constexpr uint32_t kEndless = UINT32_MAX;

bool escape_has(char escape, uint32_t c) {
  switch (escape) {
    case 'w':
      return is_word(c);
    case 'W':
      return !is_word(c);
    case 'd':
      return is_decimal(c);
    case 'D':
      return !is_decimal(c);
    case 's':
      return is_space(c);
    default:
      return !is_space(c);
  }
}

}  // namespace

bool Pattern::Class::has(uint32_t c) const {
  bool in = false;
  for (const auto& [first, last] : ranges) in |= c >= first && c <= last;
  for (char e : escapes) in |= escape_has(e, c);
  return in != negated;
}

// Recursive descent. A part's steps are appended to the program; a repeated part is copied.
class PatternCompiler {
 public:
  using Op = Pattern::Op;
  PatternCompiler(std::string_view source, Pattern& out) : source_(source), out_(out) {
    for (size_t at = 0; at < source.size();) codes_.push_back(next_code(source, at));
  }

  Status run() {
    if (starts_with("(?u)")) at_ += 4;
    TRY(bool nullable, alternatives(0));
    (void)nullable;
    if (at_ != codes_.size()) return unknown("an unbalanced )");
    if (out_.groups_ > 1) return unknown("more than one capturing group");
    return {};
  }

 private:
  bool starts_with(std::string_view what) const {
    for (size_t i = 0; i < what.size(); ++i)
      if (at_ + i >= codes_.size() || codes_[at_ + i] != static_cast<unsigned char>(what[i]))
        return false;
    return true;
  }
  bool next_is(char c) const { return at_ < codes_.size() && codes_[at_] == uint32_t(c); }
  Error unknown(std::string_view what) const {
    return error(Code::kUnimplemented, str("token_pattern '", shorten(source_, 200), "': ", what,
                                           " is not supported; use the default pattern, or tokens "
                                           "made beforehand"));
  }
  uint32_t here() const { return static_cast<uint32_t>(out_.steps_.size()); }
  Status add(Op op, uint32_t a = 0, uint32_t b = 0) {
    if (out_.steps_.size() >= kMostSteps) return unknown("a pattern of this size");
    out_.steps_.push_back({op, a, b});
    return {};
  }

  // Each gives whether what it read may match nothing.
  Result<bool> alternatives(size_t depth) {
    if (depth > kMostDepth) return unknown("nesting this deep");
    uint32_t start = here();
    TRY(bool nullable, sequence(depth));
    std::vector<uint32_t> ends;
    while (next_is('|')) {
      ++at_;
      TRY_STATUS(shift(start));
      out_.steps_[start] = {Op::kSplit, start + 1, here() + 1};
      ends.push_back(here());
      TRY_STATUS(add(Op::kJump));
      start = here();
      TRY(bool other, sequence(depth));
      nullable |= other;
    }
    for (uint32_t end : ends) out_.steps_[end].a = here();
    return nullable;
  }

  // Makes room for one step at `from`.
  Status shift(uint32_t from) {
    TRY_STATUS(add(Op::kJump));
    for (uint32_t i = here() - 1; i > from; --i) out_.steps_[i] = out_.steps_[i - 1];
    for (uint32_t i = from + 1; i < here(); ++i) move(out_.steps_[i], from, 1);
    return {};
  }
  static void move(Pattern::Step& s, uint32_t from, uint32_t by) {
    bool jumps = s.op == Op::kSplit || s.op == Op::kJump;
    if (jumps && s.a >= from) s.a += by;
    if (s.op == Op::kSplit && s.b >= from) s.b += by;
  }

  Result<bool> sequence(size_t depth) {
    bool nullable = true;
    while (at_ < codes_.size() && !next_is('|') && !next_is(')')) {
      uint32_t start = here();
      TRY(bool part, atom(depth));
      TRY(bool repeated, repeat(start, part));
      nullable &= repeated;
    }
    return nullable;
  }

  Result<bool> atom(size_t depth) {
    uint32_t c = codes_[at_++];
    switch (c) {
      case '(':
        return group(depth);
      case '[':
        return char_class();
      case '\\':
        return escape();
      case '.':
        TRY_STATUS(add(Op::kAny));
        return false;
      case '^':
        TRY_STATUS(add(Op::kBegin));
        return true;
      case '$':
        TRY_STATUS(add(Op::kEnd));
        return true;
      case '*':
      case '+':
      case '?':
        return unknown("a quantifier with nothing before it");
      default:
        TRY_STATUS(add(Op::kCode, c));
        return false;
    }
  }

  Result<bool> group(size_t depth) {
    bool captured = true;
    if (next_is('?')) {
      if (!starts_with("?:")) return unknown("a group that begins with (?");
      captured = false;
      at_ += 2;
    }
    if (captured) {
      ++out_.groups_;
      TRY_STATUS(add(Op::kSave, 0));
    }
    TRY(bool nullable, alternatives(depth + 1));
    if (!next_is(')')) return unknown("a group without an end");
    ++at_;
    if (captured) TRY_STATUS(add(Op::kSave, 1));
    return nullable;
  }

  // What a letter after a backslash stands for, where it is one character.
  Result<uint32_t> escaped(uint32_t c) const {
    switch (c) {
      case 'n':
        return uint32_t{'\n'};
      case 't':
        return uint32_t{'\t'};
      case 'r':
        return uint32_t{'\r'};
      case 'f':
        return uint32_t{'\f'};
      case 'v':
        return uint32_t{'\v'};
      default:
        if (c < 0x80 && is_word(c) && c != '_') return unknown(str("\\", static_cast<char>(c)));
        return c;
    }
  }

  Result<bool> escape() {
    if (at_ == codes_.size()) return unknown("a backslash at the end");
    uint32_t c = codes_[at_++];
    if (c == 'b' || c == 'B') {
      TRY_STATUS(add(c == 'b' ? Op::kEdge : Op::kNoEdge));
      return true;
    }
    if (c < 0x80 && std::string_view("wWdDsS").find(static_cast<char>(c)) != std::string::npos) {
      out_.classes_.push_back({false, {}, std::string(1, static_cast<char>(c))});
      TRY_STATUS(add(Op::kClass, static_cast<uint32_t>(out_.classes_.size() - 1)));
      return false;
    }
    TRY(uint32_t code, escaped(c));
    TRY_STATUS(add(Op::kCode, code));
    return false;
  }

  Result<bool> char_class() {
    Pattern::Class out;
    if (next_is('^')) {
      out.negated = true;
      ++at_;
    }
    for (bool first = true; first || !next_is(']'); first = false) {
      if (at_ >= codes_.size()) return unknown("a class without an end");
      uint32_t c = codes_[at_++];
      if (c == '\\') {
        if (at_ >= codes_.size()) return unknown("a class without an end");
        uint32_t e = codes_[at_++];
        if (e < 0x80 &&
            std::string_view("wWdDsS").find(static_cast<char>(e)) != std::string::npos) {
          out.escapes += static_cast<char>(e);
          continue;
        }
        TRY(c, escaped(e));
      }
      uint32_t last = c;
      if (next_is('-') && at_ + 1 < codes_.size() && codes_[at_ + 1] != ']') {
        last = codes_[at_ + 1];
        at_ += 2;
        if (last == '\\') {
          if (at_ >= codes_.size()) return unknown("a class without an end");
          TRY(last, escaped(codes_[at_++]));
        }
        if (last < c) return unknown("a range that descends");
      }
      out.ranges.emplace_back(c, last);
    }
    ++at_;
    out_.classes_.push_back(std::move(out));
    TRY_STATUS(add(Op::kClass, static_cast<uint32_t>(out_.classes_.size() - 1)));
    return false;
  }

  std::pair<uint32_t, uint32_t> counts() {  // of {m,n}; {1, 1} if it is none
    size_t at = at_ + 1;
    auto number = [&](uint32_t otherwise) {
      uint64_t v = 0;
      size_t begin = at;
      for (; at < codes_.size() && codes_[at] >= '0' && codes_[at] <= '9' && v < 100000; ++at)
        v = v * 10 + codes_[at] - '0';
      return at == begin ? otherwise : static_cast<uint32_t>(v);
    };
    uint32_t least = number(0), most = least;
    if (at < codes_.size() && codes_[at] == ',') {
      ++at;
      most = number(kEndless);
    }
    if (at >= codes_.size() || codes_[at] != '}' || at == at_ + 1) return {1, 1};
    at_ = at + 1;
    return {least, most};
  }

  Result<bool> repeat(uint32_t start, bool nullable) {
    uint32_t least = 1, most = 1;
    if (next_is('*') || next_is('+') || next_is('?')) {
      least = next_is('+') ? 1 : 0;
      most = next_is('?') ? 1 : kEndless;
      ++at_;
    } else if (next_is('{')) {
      size_t before = at_;
      std::tie(least, most) = counts();
      if (before == at_) return unknown("a { that is no count");
    } else {
      return nullable;
    }
    bool lazy = next_is('?');
    if (lazy) ++at_;
    if (next_is('*') || next_is('+') || next_is('{')) return unknown("a repeated quantifier");
    if (most < least) return unknown("a count that descends");
    if (most == kEndless && nullable) return unknown("endless repetition of what may be empty");
    std::vector<Pattern::Step> part(out_.steps_.begin() + start, out_.steps_.end());
    out_.steps_.resize(start);
    auto copy = [&]() -> Status {
      uint32_t by = here() - start;
      for (Pattern::Step s : part) {
        move(s, 0, by);
        TRY_STATUS(add(s.op, s.a, s.b));
      }
      return {};
    };
    for (uint32_t i = 0; i < least; ++i) TRY_STATUS(copy());
    if (most == kEndless) return endless(copy, lazy, least == 0);
    return optional(copy, most - least, lazy, nullable || least == 0);
  }

  template <typename Copy>
  Result<bool> endless(Copy copy, bool lazy, bool nullable) {
    uint32_t split = here();
    TRY_STATUS(add(Op::kSplit));
    TRY_STATUS(copy());
    TRY_STATUS(add(Op::kJump, split));
    set_split(split, split + 1, here(), lazy);
    return nullable;
  }

  template <typename Copy>
  Result<bool> optional(Copy copy, uint32_t count, bool lazy, bool nullable) {
    std::vector<uint32_t> splits;
    for (uint32_t i = 0; i < count; ++i) {
      splits.push_back(here());
      TRY_STATUS(add(Op::kSplit));
      TRY_STATUS(copy());
    }
    for (uint32_t s : splits) set_split(s, s + 1, here(), lazy);
    return nullable;
  }

  void set_split(uint32_t at, uint32_t in, uint32_t past, bool lazy) {
    out_.steps_[at].a = lazy ? past : in;
    out_.steps_[at].b = lazy ? in : past;
  }

  std::string_view source_;
  Pattern& out_;
  std::vector<uint32_t> codes_;
  size_t at_ = 0;
};

Result<Pattern> Pattern::compile(std::string_view source) {
  if (source.size() > 1000)
    return error(Code::kUnimplemented, "a token_pattern of more than 1000 bytes is not supported");
  Pattern out;
  PatternCompiler compiler(source, out);
  TRY_STATUS(compiler.run());
  return out;
}

Result<bool> Pattern::match(std::span<const uint32_t> text, size_t begin, size_t& budget,
                            Match& out) const {
  struct State {
    uint32_t step;
    size_t at, group_begin, group_end;
  };
  auto word = [&](size_t i) { return i < text.size() && is_word(text[i]); };
  std::vector<State> waiting{{0, begin, begin, begin}};
  while (!waiting.empty()) {
    State s = waiting.back();
    waiting.pop_back();
    for (bool alive = true; alive;) {
      if (budget-- == 0)
        return error(Code::kInvalid, "the model's token_pattern takes too many steps on a text");
      if (s.step == steps_.size()) {
        out = {begin, s.at, s.group_begin, s.group_end};
        return true;
      }
      const Step& step = steps_[s.step++];
      bool edge = (s.at > 0 && word(s.at - 1)) != word(s.at);
      switch (step.op) {
        case Op::kCode:
          alive = s.at < text.size() && text[s.at++] == step.a;
          break;
        case Op::kAny:
          alive = s.at < text.size() && text[s.at++] != '\n';
          break;
        case Op::kClass:
          alive = s.at < text.size() && classes_[step.a].has(text[s.at++]);
          break;
        case Op::kSplit:
          waiting.push_back({step.b, s.at, s.group_begin, s.group_end});
          s.step = step.a;
          break;
        case Op::kJump:
          s.step = step.a;
          break;
        case Op::kSave:
          (step.a == 0 ? s.group_begin : s.group_end) = s.at;
          break;
        case Op::kEdge:
          alive = edge;
          break;
        case Op::kNoEdge:
          alive = !edge;
          break;
        case Op::kBegin:
          alive = s.at == 0;
          break;
        case Op::kEnd:
          alive = s.at == text.size() || (s.at + 1 == text.size() && text[s.at] == '\n');
          break;
      }
    }
  }
  return false;
}

Status Pattern::find_all(std::span<const uint32_t> text,
                         std::vector<std::pair<size_t, size_t>>& found) const {
  found.clear();
  size_t budget = 10000 + kStepsACharacter * text.size();
  for (size_t at = 0; at <= text.size();) {
    Match m{};
    TRY(bool matched, match(text, at, budget, m));
    if (!matched) {
      ++at;
      continue;
    }
    bool grouped = groups_ != 0;
    found.emplace_back(grouped ? m.group_begin : m.begin, grouped ? m.group_end : m.end);
    at = m.end > at ? m.end : at + 1;
  }
  return {};
}

}  // namespace proa::engines
