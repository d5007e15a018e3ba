#include "models/storage/transfer/xml.h"

#include "foundation/base/strings.h"

namespace proa::storage {
namespace {

bool space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == ':' || static_cast<unsigned char>(c) >= 0x80;
}

void append_utf8(std::string& out, uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xe0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | c >> 18);
    out += static_cast<char>(0x80 | (c >> 12 & 0x3f));
    out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  }
}

class Reader {
 public:
  Reader(std::string_view text, XmlLimits limits) : text_(text), limits_(limits) {}

  Result<XmlNode> document() {
    if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;
    TRY_STATUS(misc());
    XmlNode root;
    TRY_STATUS(element(root, 0));
    TRY_STATUS(misc());
    if (at_ != text_.size()) return bad("text after the end");
    return root;
  }

 private:
  Error bad(std::string_view what) const {
    return error(Code::kInvalid, str("XML, byte ", at_, ": ", what));
  }
  bool eat(std::string_view what) {
    if (!text_.substr(at_).starts_with(what)) return false;
    at_ += what.size();
    return true;
  }
  void skip_space() {
    while (at_ < text_.size() && space(text_[at_])) ++at_;
  }
  Status skip_past(std::string_view end) {
    const auto to = text_.find(end, at_);
    if (to == text_.npos) return bad(str("no ", end));
    at_ = to + end.size();
    return {};
  }

  // Blanks, comments and processing instructions.
  Status misc() {
    for (;;) {
      skip_space();
      if (eat("<!--"))
        TRY_STATUS(skip_past("-->"));
      else if (eat("<?"))
        TRY_STATUS(skip_past("?>"));
      else if (text_.substr(at_).starts_with("<!"))
        return bad("a document type is not allowed");
      else
        return {};
    }
  }

  Result<std::string_view> name() {
    const size_t from = at_;
    while (at_ < text_.size() && name_char(text_[at_])) ++at_;
    if (at_ == from || at_ - from > 200) return bad("a name is missing");
    return text_.substr(from, at_ - from);
  }

  // Past the attributes; true if the element ends here ("/>").
  Result<bool> attributes() {
    for (;;) {
      skip_space();
      if (eat("/>")) return true;
      if (eat(">")) return false;
      TRY_STATUS(attribute());
    }
  }

  Status attribute() {
    TRY([[maybe_unused]] const auto key, name());
    skip_space();
    if (!eat("=")) return bad("an attribute has no value");
    skip_space();
    const char quote = at_ < text_.size() ? text_[at_] : ' ';
    if (quote != '"' && quote != '\'') return bad("an attribute's value is not quoted");
    ++at_;
    return skip_past(std::string_view(&quote, 1));
  }

  Status element(XmlNode& out, int depth) {
    if (depth >= limits_.depth) return bad("nested too deep");
    if (++nodes_ > limits_.nodes) return bad("too many elements");
    if (!eat("<")) return bad("an element is missing");
    TRY(const auto full, name());
    out.name = full.substr(full.find(':') == full.npos ? 0 : full.find(':') + 1);
    TRY(const bool empty, attributes());
    return empty ? Status{} : content(out, full, depth);
  }

  Status content(XmlNode& out, std::string_view full, int depth) {
    for (;;) {
      if (at_ >= text_.size()) return bad("an element does not end");
      if (eat("</")) {
        TRY(const auto end, name());
        if (end != full) return bad("an end tag is not that of its element");
        skip_space();
        return eat(">") ? Status{} : bad("an end tag does not end");
      }
      if (eat("<!--")) {
        TRY_STATUS(skip_past("-->"));
      } else if (eat("<![CDATA[")) {
        const size_t from = at_;
        TRY_STATUS(skip_past("]]>"));
        out.text += text_.substr(from, at_ - 3 - from);
      } else if (eat("<?")) {
        TRY_STATUS(skip_past("?>"));
      } else if (text_[at_] == '<') {
        TRY_STATUS(element(out.children.emplace_back(), depth + 1));
      } else {
        TRY_STATUS(characters(out.text));
      }
    }
  }

  Status characters(std::string& out) {
    while (at_ < text_.size() && text_[at_] != '<') {
      if (text_[at_] == '&')
        TRY_STATUS(reference(out));
      else
        out += text_[at_++];
    }
    return {};
  }

  Status reference(std::string& out) {
    static constexpr std::pair<std::string_view, char> kNamed[] = {
        {"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}};
    for (const auto& [entity, c] : kNamed)
      if (eat(entity)) {
        out += c;
        return {};
      }
    if (!eat("&#")) return bad("an unknown entity");
    const bool sixteen = eat("x");
    uint32_t value = 0;
    const size_t from = at_;
    for (; at_ < text_.size() && text_[at_] != ';' && at_ - from < 8; ++at_) {
      const char c = text_[at_];
      const int digit = c >= '0' && c <= '9'              ? c - '0'
                        : sixteen && c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : sixteen && c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                          : -1;
      if (digit < 0) return bad("a bad character reference");
      value = value * (sixteen ? 16 : 10) + static_cast<uint32_t>(digit);
    }
    const bool good = at_ > from && value > 0 && value < 0x110000 &&
                      (value < 0xd800 || value > 0xdfff) && eat(";");
    if (!good) return bad("a bad character reference");
    append_utf8(out, value);
    return {};
  }

  std::string_view text_;
  XmlLimits limits_;
  size_t at_ = 0, nodes_ = 0;
};

}  // namespace

const XmlNode* XmlNode::find(std::string_view child) const {
  for (const auto& c : children)
    if (c.name == child) return &c;
  return nullptr;
}

const std::string& XmlNode::operator[](std::string_view child) const {
  static const std::string none;
  const XmlNode* c = find(child);
  return c ? c->text : none;
}

Result<XmlNode> parse_xml(std::string_view text, XmlLimits limits) {
  return Reader(text, limits).document();
}

}  // namespace proa::storage
