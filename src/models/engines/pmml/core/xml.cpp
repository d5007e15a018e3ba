#include "models/engines/pmml/core/xml.h"

#include <algorithm>

#include "foundation/base/strings.h"

namespace proa::pmml {
namespace {

constexpr int kMostDepth = 512;
constexpr size_t kMostElements = size_t{1} << 24;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

void append_utf8(std::string& out, uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 63));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xe0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 63));
    out += static_cast<char>(0x80 | (c & 63));
  } else {
    out += static_cast<char>(0xf0 | c >> 18);
    out += static_cast<char>(0x80 | (c >> 12 & 63));
    out += static_cast<char>(0x80 | (c >> 6 & 63));
    out += static_cast<char>(0x80 | (c & 63));
  }
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<std::unique_ptr<Element>> document() {
    if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;
    TRY_STATUS(between());
    if (!take("<")) return wrong("no element");
    auto root = std::make_unique<Element>();
    TRY_STATUS(element(*root, 0));
    TRY_STATUS(between());
    if (at_ != text_.size()) return wrong("something follows the document's element");
    return root;
  }

 private:
  Error wrong(std::string_view what) const {
    auto line = std::count(text_.begin(), text_.begin() + static_cast<ptrdiff_t>(at_), '\n') + 1;
    return error(Code::kInvalid, str("no well-formed XML: line ", int64_t{line}, ": ", what));
  }
  bool take(std::string_view what) {
    if (text_.substr(at_, what.size()) != what) return false;
    at_ += what.size();
    return true;
  }
  void space() {
    while (at_ < text_.size() && is_space(text_[at_])) {
      if (text_[at_] == '\n') ++line_;
      ++at_;
    }
  }
  // Past the next `end`.
  Status skip_past(std::string_view end, const char* what) {
    size_t found = text_.find(end, at_);
    if (found == std::string_view::npos) return wrong(str(what, " does not end"));
    line_ += static_cast<int>(std::count(text_.begin() + static_cast<ptrdiff_t>(at_),
                                         text_.begin() + static_cast<ptrdiff_t>(found), '\n'));
    at_ = found + end.size();
    return {};
  }
  // Blanks, comments and instructions between elements.
  Status between() {
    for (;;) {
      space();
      if (take("<!--"))
        TRY_STATUS(skip_past("-->", "a comment"));
      else if (take("<?"))
        TRY_STATUS(skip_past("?>", "an instruction"));
      else if (text_.substr(at_, 2) == "<!")
        return wrong("a document type (DTD) is not taken");
      else
        return {};
    }
  }
  Result<std::string> name() {
    size_t from = at_;
    while (at_ < text_.size() && !is_space(text_[at_]) &&
           std::string_view("=/><\"'").find(text_[at_]) == std::string_view::npos)
      ++at_;
    if (at_ == from) return wrong("a name is missing");
    std::string_view whole = text_.substr(from, at_ - from);
    size_t colon = whole.find(':');
    return std::string(colon == std::string_view::npos ? whole : whole.substr(colon + 1));
  }
  Status entity(std::string& out) {  // behind '&'
    size_t end = text_.find(';', at_);
    if (end == std::string_view::npos || end - at_ > 10) return wrong("an '&' without its ';'");
    std::string_view word = text_.substr(at_, end - at_);
    at_ = end + 1;
    static constexpr std::pair<std::string_view, char> kNamed[] = {
        {"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}};
    for (auto [known, c] : kNamed)
      if (word == known) {
        out += c;
        return {};
      }
    if (!word.starts_with('#')) return wrong(str("the entity &", word, "; is not known"));
    uint32_t code = 0, base = word.starts_with("#x") ? 16 : 10;
    for (char c : word.substr(base == 16 ? 2 : 1)) {
      uint32_t digit = c >= '0' && c <= '9' ? static_cast<uint32_t>(c - '0')
                       : (c | 32) >= 'a' && (c | 32) <= 'f'
                           ? static_cast<uint32_t>((c | 32) - 'a') + 10
                           : 99;
      if (digit >= base || code > 0x10ffff) return wrong("a character by no number");
      code = code * base + digit;
    }
    if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
      return wrong("a character that there is not");
    append_utf8(out, code);
    return {};
  }
  Status attribute(Element& e) {
    TRY(std::string key, name());
    space();
    if (!take("=")) return wrong(str("the attribute ", key, " has no value"));
    space();
    char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '"' && quote != '\'') return wrong(str("the value of ", key, " is not quoted"));
    ++at_;
    std::string value;
    while (at_ < text_.size() && text_[at_] != quote) {
      char c = text_[at_++];
      if (c == '<') return wrong("a '<' in an attribute");
      if (c == '&')
        TRY_STATUS(entity(value));
      else
        value += is_space(c) ? ' ' : c;
      if (c == '\n') ++line_;
    }
    if (!take(std::string_view(&quote, 1))) return wrong("an attribute does not end");
    for (const auto& [known, other] : e.attributes)
      if (known == key && key != "xmlns")
        return wrong(str("the attribute ", key, " is there twice"));
    e.attributes.emplace_back(std::move(key), std::move(value));
    return {};
  }
  // Behind '<'.
  Status element(Element& e, int depth) {
    if (depth > kMostDepth) return wrong("nested too deeply");
    if (++count_ > kMostElements) return wrong("too many elements");
    e.line = line_;
    TRY(e.name, name());
    for (;;) {
      space();
      if (take("/>")) return {};
      if (take(">")) return content(e, depth);
      if (e.attributes.size() > 1000) return wrong("too many attributes");
      TRY_STATUS(attribute(e));
    }
  }
  Status content(Element& e, int depth) {
    for (;;) {
      if (at_ >= text_.size()) return wrong(str("the element ", e.name, " does not end"));
      char c = text_[at_];
      if (c == '&') {
        ++at_;
        TRY_STATUS(entity(e.text));
      } else if (c != '<') {
        if (c == '\n') ++line_;
        e.text += c;
        ++at_;
      } else if (take("<!--")) {
        TRY_STATUS(skip_past("-->", "a comment"));
      } else if (take("<![CDATA[")) {
        size_t from = at_;
        TRY_STATUS(skip_past("]]>", "a CDATA section"));
        e.text += text_.substr(from, at_ - 3 - from);
      } else if (take("<?")) {
        TRY_STATUS(skip_past("?>", "an instruction"));
      } else if (take("</")) {
        TRY(std::string end, name());
        space();
        if (end != e.name || !take(">"))
          return wrong(str("the element ", e.name, " is ended by ", shorten(end, 40)));
        return {};
      } else {
        ++at_;
        e.children.push_back(std::make_unique<Element>());
        TRY_STATUS(element(*e.children.back(), depth + 1));
      }
    }
  }

  std::string_view text_;
  size_t at_ = 0, count_ = 0;
  int line_ = 1;
};

}  // namespace

const std::string* Element::find(std::string_view attribute) const {
  for (const auto& [key, value] : attributes)
    if (key == attribute) return &value;
  return nullptr;
}

std::string_view Element::get(std::string_view attribute, std::string_view other) const {
  const std::string* found = find(attribute);
  return found ? std::string_view(*found) : other;
}

const Element* Element::child(std::string_view child_name) const {
  for (const auto& c : children)
    if (c->name == child_name) return c.get();
  return nullptr;
}

std::vector<const Element*> Element::all(std::string_view child_name) const {
  std::vector<const Element*> out;
  for (const auto& c : children)
    if (c->name == child_name) out.push_back(c.get());
  return out;
}

Error Element::wrong(std::string_view what) const {
  return error(Code::kInvalid, str(name, " (line ", line, "): ", what));
}

Result<double> Element::number(std::string_view attribute) const {
  TRY(std::string_view text, required(attribute));
  auto v = parse_double(trim(text));
  if (!v) return wrong(str(attribute, "=\"", shorten(text, 40), "\" is no number"));
  return *v;
}

Result<double> Element::number(std::string_view attribute, double other) const {
  if (!find(attribute)) return other;
  return number(attribute);
}

Result<std::string_view> Element::required(std::string_view attribute) const {
  const std::string* found = find(attribute);
  if (!found) return wrong(str("the attribute ", attribute, " is missing"));
  return std::string_view(*found);
}

Result<const Element*> Element::required_child(std::string_view child_name) const {
  const Element* c = child(child_name);
  if (!c) return wrong(str("the element ", child_name, " is missing"));
  return c;
}

Result<std::unique_ptr<Element>> parse_xml(std::string_view text) {
  return Parser(text).document();
}

std::vector<std::string> array_words(std::string_view text) {
  std::vector<std::string> out;
  for (size_t i = 0; i < text.size();) {
    if (is_space(text[i])) {
      ++i;
      continue;
    }
    std::string word;
    if (text[i] == '"') {
      for (++i; i < text.size() && text[i] != '"'; ++i) {
        if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\'))
          ++i;
        word += text[i];
      }
      ++i;
    } else {
      while (i < text.size() && !is_space(text[i])) word += text[i++];
    }
    out.push_back(std::move(word));
  }
  return out;
}

}  // namespace proa::pmml
