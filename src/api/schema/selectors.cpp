#include "api/schema/selectors.h"

#include <algorithm>

#include "foundation/base/strings.h"

namespace proa::api {
namespace {

constexpr size_t kMostTerms = 1000;

bool word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == '/';
}

// Reads the grammar of ?labelSelector= from left to right.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Result<std::vector<LabelSelector::Term>> all() {
    std::vector<LabelSelector::Term> terms;
    space();
    if (at_ == text_.size()) return terms;
    while (true) {
      if (terms.size() == kMostTerms) return bad("too many requirements");
      TRY(LabelSelector::Term term, one());
      terms.push_back(std::move(term));
      space();
      if (at_ == text_.size()) return terms;
      if (!take(",")) return bad("expected ','");
      space();
    }
  }

 private:
  using Op = LabelSelector::Op;

  Result<LabelSelector::Term> one() {
    space();
    bool absent = take("!");
    space();
    std::string key(word());
    if (key.empty()) return bad("expected a label key");
    if (absent) return LabelSelector::Term{key, Op::kAbsent, {}};
    space();
    if (at_ == text_.size() || text_[at_] == ',') return LabelSelector::Term{key, Op::kExists, {}};
    if (take("==") || (!peek("==") && take("="))) return value(key, Op::kIn);
    if (take("!=")) return value(key, Op::kNotIn);
    if (take(">")) return number(key, Op::kGreater);
    if (take("<")) return number(key, Op::kLess);
    std::string_view op = word();
    if (op == "in") return set(key, Op::kIn);
    if (op == "notin") return set(key, Op::kNotIn);
    return bad("expected an operator (=, ==, !=, in, notin, >, <)");
  }

  Result<LabelSelector::Term> value(std::string key, Op op) {
    space();
    return LabelSelector::Term{std::move(key), op, {std::string(word())}};
  }

  Result<LabelSelector::Term> number(std::string key, Op op) {
    space();
    std::string text(word());
    if (!parse_int(text)) return bad("expected a whole number");
    return LabelSelector::Term{std::move(key), op, {text}};
  }

  Result<LabelSelector::Term> set(std::string key, Op op) {
    space();
    if (!take("(")) return bad("expected '('");
    LabelSelector::Term term{std::move(key), op, {}};
    while (true) {
      space();
      term.values.emplace_back(word());
      space();
      if (take(")")) break;
      if (!take(",")) return bad("expected ',' or ')'");
    }
    std::sort(term.values.begin(), term.values.end());
    return term;
  }

  void space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) at_++;
  }
  std::string_view word() {
    size_t from = at_;
    while (at_ < text_.size() && word_char(text_[at_])) at_++;
    return text_.substr(from, at_ - from);
  }
  bool peek(std::string_view what) const { return text_.substr(at_).starts_with(what); }
  bool take(std::string_view what) {
    if (!peek(what)) return false;
    at_ += what.size();
    return true;
  }
  Error bad(std::string_view why) const {
    return error(Code::kInvalid, str("unable to parse label selector \"", shorten(text_, 200),
                                     "\" at ", at_, ": ", why));
  }

  std::string_view text_;
  size_t at_ = 0;
};

bool holds(const LabelSelector::Term& term, const json::Value& labels) {
  using Op = LabelSelector::Op;
  const json::Value* found = labels.object().find(term.key);
  auto listed = [&] {
    return std::find(term.values.begin(), term.values.end(), found->str()) != term.values.end();
  };
  switch (term.op) {
    case Op::kExists:
      return found;
    case Op::kAbsent:
      return !found;
    case Op::kIn:
      return found && listed();
    case Op::kNotIn:
      return !found || !listed();
    case Op::kGreater:
    case Op::kLess: {
      auto have = found ? parse_int(found->str()) : std::nullopt;
      auto want = parse_int(term.values.empty() ? "" : term.values[0]);
      if (!have || !want) return false;
      return term.op == Op::kGreater ? *have > *want : *have < *want;
    }
  }
  return false;
}

const json::Value* at_path(const json::Value& object, std::string_view path) {
  const json::Value* at = &object;
  for (std::string_view part : split(path, '.')) {
    at = at->object().find(part);
    if (!at) return nullptr;
  }
  return at;
}

// Kubernetes' field selectors read some fields that are absent by their default.
bool field_equals(const json::Value& object, const FieldSelector::Term& term) {
  const json::Value* found = at_path(object, term.field);
  if (!found)
    return term.value.empty() || (term.field == "spec.unschedulable" && term.value == "false");
  if (found->is_string()) return found->str() == term.value;
  return json::dump(*found) == term.value;
}

}  // namespace

Result<LabelSelector> LabelSelector::parse(std::string_view text) {
  LabelSelector out;
  TRY(out.terms_, Reader(text).all());
  return out;
}

Result<LabelSelector> LabelSelector::from(const json::Value& selector) {
  LabelSelector out;
  for (const auto& [key, value] : selector["matchLabels"].object())
    out.terms_.push_back({key, Op::kIn, {value.str()}});
  for (const json::Value& e : selector["matchExpressions"].array()) {
    const std::string& op = e["operator"].str();
    Term term{e["key"].str(), Op::kIn, {}};
    if (op == "In")
      term.op = Op::kIn;
    else if (op == "NotIn")
      term.op = Op::kNotIn;
    else if (op == "Exists")
      term.op = Op::kExists;
    else if (op == "DoesNotExist")
      term.op = Op::kAbsent;
    else
      return error(Code::kInvalid, str("\"", op, "\" is not a valid label selector operator"));
    for (const json::Value& v : e["values"].array()) term.values.push_back(v.str());
    out.terms_.push_back(std::move(term));
  }
  return out;
}

bool LabelSelector::matches(const json::Value& labels) const {
  for (const Term& term : terms_)
    if (!holds(term, labels)) return false;
  return true;
}

std::string LabelSelector::text() const {
  std::vector<std::string> parts;
  for (const Term& t : terms_) {
    switch (t.op) {
      case Op::kExists:
        parts.push_back(t.key);
        break;
      case Op::kAbsent:
        parts.push_back("!" + t.key);
        break;
      case Op::kGreater:
        parts.push_back(t.key + ">" + join(t.values, ","));
        break;
      case Op::kLess:
        parts.push_back(t.key + "<" + join(t.values, ","));
        break;
      case Op::kIn:
      case Op::kNotIn: {
        bool in = t.op == Op::kIn;
        if (t.values.size() == 1)
          parts.push_back(t.key + (in ? "=" : "!=") + t.values[0]);
        else
          parts.push_back(t.key + (in ? " in (" : " notin (") + join(t.values, ",") + ")");
      }
    }
  }
  return join(parts, ",");
}

Result<FieldSelector> FieldSelector::parse(std::string_view text) {
  FieldSelector out;
  // "\," "\=" and "\\" are escaped characters of a value.
  std::vector<std::string> parts(1);
  for (size_t i = 0; i < text.size(); i++) {
    if (text[i] == '\\' && i + 1 < text.size())
      parts.back() += text.substr(i++, 2);
    else if (text[i] == ',')
      parts.emplace_back();
    else
      parts.back() += text[i];
  }
  for (const std::string& part : parts) {
    if (trim(part).empty()) continue;
    if (out.terms_.size() == kMostTerms)
      return error(Code::kInvalid, "field selector has too many terms");
    size_t eq = part.find('=');
    if (eq == part.npos || eq == 0)
      return error(Code::kInvalid,
                   str("invalid field selector \"", shorten(part, 200),
                       "\": can't understand it, expected FIELD=VALUE or FIELD!=VALUE"));
    Term term;
    term.equal = part[eq - 1] != '!';
    term.field = std::string(trim(std::string_view(part).substr(0, term.equal ? eq : eq - 1)));
    size_t from = eq + 1;
    if (term.equal && from < part.size() && part[from] == '=') from++;
    for (size_t i = from; i < part.size(); i++) {
      if (part[i] == '\\' && i + 1 < part.size()) i++;
      term.value += part[i];
    }
    out.terms_.push_back(std::move(term));
  }
  return out;
}

bool FieldSelector::matches(const json::Value& object) const {
  for (const Term& term : terms_)
    if (field_equals(object, term) != term.equal) return false;
  return true;
}

const std::string* FieldSelector::required(std::string_view field) const {
  for (const Term& term : terms_)
    if (term.equal && term.field == field) return &term.value;
  return nullptr;
}

}  // namespace proa::api
