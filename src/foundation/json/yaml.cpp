#include "foundation/json/yaml.h"

#include <yaml.h>

#include <cmath>
#include <map>

#include "foundation/base/strings.h"

namespace proa::json {

namespace {

constexpr size_t kMostNodes = 2'000'000;  // aliases expanded: an "alias bomb" ends here

Value scalar(std::string_view text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return {};
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  std::string_view digits = text[0] == '+' ? text.substr(1) : text;
  if (!digits.empty() && digits[0] != '+') {
    if (auto i = parse_int(digits)) return *i;
    bool number_like = digits.find_first_not_of("0123456789+-.eE") == std::string_view::npos &&
                       digits.find_first_of("0123456789") != std::string_view::npos;
    if (number_like)
      if (auto d = parse_double(digits); d && std::isfinite(*d)) return *d;
  }
  return text;
}

class Reader {
 public:
  Reader(std::string_view text, Limits limits) : limits_(limits) {
    yaml_parser_initialize(&parser_);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
  }
  ~Reader() {
    drop();
    yaml_parser_delete(&parser_);
  }

  Result<std::vector<Value>> stream() {
    std::vector<Value> documents;
    for (;;) {
      if (!next()) return failure();
      if (event_.type == YAML_STREAM_END_EVENT) return documents;
      if (event_.type != YAML_DOCUMENT_START_EVENT) continue;
      anchors_.clear();
      Value v;
      if (!next() || !node(v, 0)) return failure();
      documents.push_back(std::move(v));
    }
  }

 private:
  void drop() {
    if (have_) yaml_event_delete(&event_);
    have_ = false;
  }

  bool next() {
    drop();
    if (!yaml_parser_parse(&parser_, &event_)) {
      what_ = parser_.problem ? parser_.problem : "not YAML";
      line_ = parser_.problem_mark.line;
      column_ = parser_.problem_mark.column;
      return false;
    }
    have_ = true;
    return true;
  }

  bool fail(std::string what) {
    what_ = std::move(what);
    line_ = event_.start_mark.line;
    column_ = event_.start_mark.column;
    return false;
  }

  Error failure() const {
    return error(Code::kInvalid, str("line ", line_ + 1, ", column ", column_ + 1, ": ", what_));
  }

  static size_t count(const Value& v) {
    size_t n = 1;
    for (const Value& item : v.array()) n += count(item);
    for (const auto& member : v.object()) n += count(member.second);
    return n;
  }

  void remember(const unsigned char* anchor, const Value& v) {
    if (anchor) anchors_[reinterpret_cast<const char*>(anchor)] = v;
  }

  // Reads the node whose first event is event_.
  bool node(Value& out, int depth) {
    if (depth > limits_.depth) return fail("nested too deep");
    if (++nodes_ > kMostNodes) return fail("too many nodes");
    switch (event_.type) {
      case YAML_SCALAR_EVENT: {
        const auto& s = event_.data.scalar;
        std::string_view text(reinterpret_cast<const char*>(s.value), s.length);
        out = s.style == YAML_PLAIN_SCALAR_STYLE && s.plain_implicit ? scalar(text) : Value(text);
        remember(s.anchor, out);
        return true;
      }
      case YAML_ALIAS_EVENT: {
        auto it = anchors_.find(reinterpret_cast<const char*>(event_.data.alias.anchor));
        if (it == anchors_.end()) return fail("unknown anchor");
        nodes_ += count(it->second);
        if (nodes_ > kMostNodes) return fail("aliases expand to too many nodes");
        out = it->second;
        return true;
      }
      case YAML_SEQUENCE_START_EVENT:
        return sequence(out, depth);
      case YAML_MAPPING_START_EVENT:
        return mapping(out, depth);
      default:
        return fail("unexpected event");
    }
  }

  std::string anchor_name(const unsigned char* anchor) {
    return anchor ? reinterpret_cast<const char*>(anchor) : "";
  }

  bool sequence(Value& out, int depth) {
    std::string anchor = anchor_name(event_.data.sequence_start.anchor);
    Array& items = out.make_array();
    for (;;) {
      if (!next()) return false;
      if (event_.type == YAML_SEQUENCE_END_EVENT) break;
      Value item;
      if (!node(item, depth + 1)) return false;
      items.push_back(std::move(item));
    }
    if (!anchor.empty()) anchors_[anchor] = out;
    return true;
  }

  bool mapping(Value& out, int depth) {
    std::string anchor = anchor_name(event_.data.mapping_start.anchor);
    Object& members = out.make_object();
    for (;;) {
      if (!next()) return false;
      if (event_.type == YAML_MAPPING_END_EVENT) break;
      if (event_.type != YAML_SCALAR_EVENT) return fail("a key must be a scalar");
      std::string key(reinterpret_cast<const char*>(event_.data.scalar.value),
                      event_.data.scalar.length);
      if (!is_utf8(key)) return fail("not UTF-8");
      if (key != "<<" && members.contains(key)) return fail(str("key \"", key, "\" stands twice"));
      Value v;
      if (!next() || !node(v, depth + 1)) return false;
      if (key == "<<") {
        for (const auto& [k, inherited] : v.object())
          if (!members.contains(k)) members[k] = inherited;
      } else {
        members[key] = std::move(v);
      }
    }
    if (!anchor.empty()) anchors_[anchor] = out;
    return true;
  }

  yaml_parser_t parser_{};
  yaml_event_t event_{};
  bool have_ = false;
  Limits limits_;
  size_t nodes_ = 0;
  std::map<std::string, Value> anchors_;
  std::string what_ = "not YAML";
  size_t line_ = 0, column_ = 0;
};

bool plain(const std::string& s) {
  if (s.empty() || !scalar(s).is_string()) return false;
  if (s == "yes" || s == "no" || s == "on" || s == "off" || s == "y" || s == "n") return false;
  if (s.front() == ' ' || s.back() == ' ' || s.front() == '-' || s.back() == ':') return false;
  if (s.find(": ") != std::string::npos || s.find(" #") != std::string::npos) return false;
  for (unsigned char c : s)
    if (c < 0x20 || c == 0x7f) return false;
  return std::string_view("!&*?|>@`\"'%#{}[],=").find(s.front()) == std::string_view::npos;
}

void write_yaml(const Value& v, std::string& out, int level, bool in_list) {
  std::string pad(static_cast<size_t>(level) * 2, ' ');
  bool first = in_list;
  if (v.is_object() && v.size()) {
    for (const auto& [key, member] : v.object()) {
      if (!first) out += pad;
      first = false;
      if (plain(key))
        out += key;
      else
        dump_string(key, out);
      out += ':';
      if (member.size()) {
        out += '\n';
        write_yaml(member, out, level + (member.is_object() ? 1 : 0), false);
      } else {
        out += ' ';
        write_yaml(member, out, 0, false);
      }
    }
  } else if (v.is_array() && v.size()) {
    for (const Value& item : v.array()) {
      if (!first) out += pad;
      first = false;
      out += "- ";
      write_yaml(item, out, level + 1, true);
    }
  } else if (v.is_string() && plain(v.str())) {
    out += v.str() + "\n";
  } else {
    dump(v, out);
    out += '\n';
  }
}

}  // namespace

Result<std::vector<Value>> parse_yaml_stream(std::string_view text, Limits limits) {
  if (text.size() > limits.bytes)
    return error(Code::kTooLarge,
                 str("YAML of ", text.size(), " bytes: at most ", limits.bytes, " are taken"));
  return Reader(text, limits).stream();
}

Result<Value> parse_yaml(std::string_view text, Limits limits) {
  TRY(auto documents, parse_yaml_stream(text, limits));
  if (documents.size() > 1) return error(Code::kInvalid, "more than one YAML document");
  return documents.empty() ? Value() : std::move(documents[0]);
}

std::string dump_yaml(const Value& v) {
  std::string out;
  write_yaml(v, out, 0, false);
  return out;
}

}  // namespace proa::json
