#include "foundation/grpc/proto.h"

#include <algorithm>
#include <map>

#include "foundation/base/strings.h"
#include "foundation/grpc/wire.h"

namespace proa::grpc {
namespace {

constexpr int kMostNesting = 16;

// FieldDescriptorProto.Type.
constexpr std::pair<std::string_view, int> kScalars[] = {
    {"double", 1},  {"float", 2},     {"int64", 3},     {"uint64", 4},  {"int32", 5},
    {"fixed64", 6}, {"fixed32", 7},   {"bool", 8},      {"string", 9},  {"bytes", 12},
    {"uint32", 13}, {"sfixed32", 15}, {"sfixed64", 16}, {"sint32", 17}, {"sint64", 18}};
constexpr int kMessageType = 11, kEnumType = 14;

struct Field {
  std::string name, type;
  int64_t number = 0;
  bool repeated = false;
  int oneof = -1;
};
struct Enum {
  std::string name;
  std::vector<std::pair<std::string, int64_t>> values;
};
struct Message {
  std::string name;
  std::vector<Field> fields;
  std::vector<std::string> oneofs;
  std::vector<Message> messages;
  std::vector<Enum> enums;
  bool map_entry = false;
};
struct Rpc {
  std::string name, input, output;
  bool client_streams = false, server_streams = false;
};
struct Service {
  std::string name;
  std::vector<Rpc> rpcs;
};
struct File {
  std::string package;
  std::vector<Message> messages;
  std::vector<Enum> enums;
  std::vector<Service> services;
};

// "some_name" → "someName"; with `first`, "SomeName".
std::string camel(std::string_view name, bool first) {
  std::string out;
  bool up = first;
  for (char c : name) {
    if (c == '_') {
      up = true;
      continue;
    }
    out += up && c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    up = false;
  }
  return out;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) { advance(); }

  Result<File> file() {
    File f;
    while (!token_.empty()) {
      std::string_view word = take();
      if (word == ";") continue;
      if (word == "syntax" || word == "option") {
        TRY_STATUS(skip_to_semicolon());
      } else if (word == "package") {
        f.package = take();
        TRY_STATUS(expect(";"));
      } else if (word == "message") {
        TRY(Message m, message(0));
        f.messages.push_back(std::move(m));
      } else if (word == "enum") {
        TRY(Enum e, enumeration());
        f.enums.push_back(std::move(e));
      } else if (word == "service") {
        TRY(Service s, service());
        f.services.push_back(std::move(s));
      } else {
        return wrong(str("\"", word, "\" is not taken at the top of a file"));
      }
    }
    return f;
  }

 private:
  static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.';
  }
  void skip_blanks() {
    while (at_ < text_.size()) {
      if (text_.substr(at_, 2) == "//") {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (text_.substr(at_, 2) == "/*") {
        size_t end = text_.find("*/", at_ + 2);
        at_ = end == text_.npos ? text_.size() : end + 2;
      } else if (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' ||
                 text_[at_] == '\r') {
        ++at_;
      } else {
        return;
      }
    }
  }
  void advance() {
    skip_blanks();
    size_t from = at_;
    if (at_ == text_.size()) {
      token_ = {};
    } else if (is_word(text_[at_])) {
      while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    } else if (text_[at_] == '"') {
      at_ = std::min(text_.find('"', at_ + 1), text_.size() - 1) + 1;
    } else {
      ++at_;
    }
    token_ = text_.substr(from, at_ - from);
  }
  std::string_view take() {
    std::string_view t = token_;
    advance();
    return t;
  }
  bool take_if(std::string_view t) {
    if (token_ != t) return false;
    advance();
    return true;
  }
  Error wrong(std::string what) const {
    auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<ptrdiff_t>(at_), '\n');
    return error(Code::kInvalid, str("line ", static_cast<int64_t>(line), ": ", what));
  }
  Status expect(std::string_view t) {
    if (take_if(t)) return {};
    return wrong(str("\"", t, "\" is missing before \"", token_, "\""));
  }
  Result<std::string> name() {
    if (token_.empty() || !is_word(token_[0])) return wrong(str("no name at \"", token_, "\""));
    return std::string(take());
  }
  Result<int64_t> integer() {
    bool minus = take_if("-");
    auto n = parse_int(take());
    if (!n) return wrong("no number");
    return minus ? -*n : *n;
  }
  Status skip_to_semicolon() {
    while (!token_.empty() && token_ != ";") advance();
    return expect(";");
  }
  Status skip_options() {
    if (!take_if("[")) return {};
    while (!token_.empty() && token_ != "]") advance();
    return expect("]");
  }

  Result<Enum> enumeration() {
    Enum e;
    TRY(e.name, name());
    TRY_STATUS(expect("{"));
    while (!take_if("}")) {
      if (token_ == "option" || token_ == "reserved") {
        TRY_STATUS(skip_to_semicolon());
        continue;
      }
      TRY(std::string value, name());
      TRY_STATUS(expect("="));
      TRY(int64_t number, integer());
      TRY_STATUS(skip_options());
      TRY_STATUS(expect(";"));
      e.values.emplace_back(std::move(value), number);
    }
    return e;
  }

  Result<Service> service() {
    Service s;
    TRY(s.name, name());
    TRY_STATUS(expect("{"));
    while (!take_if("}")) {
      TRY_STATUS(expect("rpc"));
      Rpc r;
      TRY(r.name, name());
      TRY_STATUS(expect("("));
      r.client_streams = take_if("stream");
      TRY(r.input, name());
      TRY_STATUS(expect(")"));
      TRY_STATUS(expect("returns"));
      TRY_STATUS(expect("("));
      r.server_streams = take_if("stream");
      TRY(r.output, name());
      TRY_STATUS(expect(")"));
      if (take_if("{")) TRY_STATUS(expect("}"));
      take_if(";");
      s.rpcs.push_back(std::move(r));
    }
    return s;
  }

  Result<Message> message(int depth) {
    if (depth > kMostNesting) return wrong("messages are nested too deep");
    Message m;
    TRY(m.name, name());
    TRY_STATUS(expect("{"));
    while (!take_if("}")) TRY_STATUS(member(m, depth));
    return m;
  }

  Status member(Message& m, int depth) {
    if (take_if(";")) return {};
    if (token_ == "option" || token_ == "reserved") return skip_to_semicolon();
    if (take_if("message")) {
      TRY(Message inner, message(depth + 1));
      m.messages.push_back(std::move(inner));
      return {};
    }
    if (take_if("enum")) {
      TRY(Enum e, enumeration());
      m.enums.push_back(std::move(e));
      return {};
    }
    if (take_if("oneof")) return one_of(m);
    if (take_if("map")) return map(m);
    return field(m, -1);
  }

  Status one_of(Message& m) {
    TRY(std::string oneof, name());
    m.oneofs.push_back(std::move(oneof));
    int index = static_cast<int>(m.oneofs.size()) - 1;
    TRY_STATUS(expect("{"));
    while (!take_if("}")) TRY_STATUS(field(m, index));
    return {};
  }

  Status field(Message& m, int oneof) {
    Field f;
    f.oneof = oneof;
    f.repeated = take_if("repeated");
    TRY(f.type, name());
    return rest_of_field(m, std::move(f));
  }

  Status rest_of_field(Message& m, Field f) {
    TRY(f.name, name());
    TRY_STATUS(expect("="));
    TRY(f.number, integer());
    TRY_STATUS(skip_options());
    TRY_STATUS(expect(";"));
    m.fields.push_back(std::move(f));
    return {};
  }

  Status map(Message& m) {
    Message entry;
    entry.map_entry = true;
    entry.fields.resize(2);
    entry.fields[0] = {"key", "", 1, false, -1};
    entry.fields[1] = {"value", "", 2, false, -1};
    TRY_STATUS(expect("<"));
    TRY(entry.fields[0].type, name());
    TRY_STATUS(expect(","));
    TRY(entry.fields[1].type, name());
    TRY_STATUS(expect(">"));
    entry.name = camel(token_, true) + "Entry";
    Field f;
    f.type = entry.name;
    f.repeated = true;
    m.messages.push_back(std::move(entry));
    return rest_of_field(m, std::move(f));
  }

  std::string_view text_, token_;
  size_t at_ = 0;
};

class Encoder {
 public:
  explicit Encoder(const File& file) : file_(file) {}

  Status encode(std::string_view name, ProtoFile& out) {
    for (const Enum& e : file_.enums) types_[qualified(file_.package, e.name)] = kEnumType;
    for (const Message& m : file_.messages) collect(file_.package, m);
    Writer w(out.descriptor);
    w.bytes(1, name);
    if (!file_.package.empty()) w.bytes(2, file_.package);
    for (const Message& m : file_.messages) TRY_STATUS(message(w, 4, file_.package, m));
    for (const Enum& e : file_.enums) enumeration(w, 5, e);
    for (const Service& s : file_.services) TRY_STATUS(service(w, s, out.symbols));
    w.bytes(12, "proto3");
    for (const auto& [type, kind] : types_) out.symbols.push_back(type);
    return {};
  }

 private:
  static std::string qualified(std::string_view scope, std::string_view name) {
    return scope.empty() ? std::string(name) : str(scope, ".", name);
  }
  void collect(const std::string& scope, const Message& m) {
    std::string full = qualified(scope, m.name);
    types_[full] = kMessageType;
    for (const Enum& e : m.enums) types_[qualified(full, e.name)] = kEnumType;
    for (const Message& inner : m.messages) collect(full, inner);
  }
  // The type that `name` means in `scope`: the innermost one wins.
  Result<std::pair<std::string, int>> resolve(std::string scope, const std::string& name) const {
    while (true) {
      auto it = types_.find(qualified(scope, name));
      if (it != types_.end()) return *it;
      if (scope.empty()) return error(Code::kInvalid, str("there is no type ", name));
      size_t dot = scope.rfind('.');
      scope.erase(dot == scope.npos ? 0 : dot);
    }
  }
  Status message(Writer& w, uint32_t number, const std::string& scope, const Message& m) {
    std::string full = qualified(scope, m.name);
    size_t mark = w.open(number);
    w.bytes(1, m.name);
    for (const Field& f : m.fields) TRY_STATUS(field(w, full, f));
    for (const Message& inner : m.messages) TRY_STATUS(message(w, 3, full, inner));
    for (const Enum& e : m.enums) enumeration(w, 4, e);
    for (const std::string& oneof : m.oneofs) {
      size_t one = w.open(8);
      w.bytes(1, oneof);
      w.close(one);
    }
    if (m.map_entry) {
      size_t options = w.open(7);
      w.boolean(7, true);
      w.close(options);
    }
    w.close(mark);
    return {};
  }
  Status field(Writer& w, const std::string& scope, const Field& f) {
    int type = 0;
    std::string type_name;
    for (const auto& [name, number] : kScalars) {
      if (name == f.type) type = number;
    }
    if (type == 0) {
      TRY(auto found, resolve(scope, f.type));
      type = found.second;
      type_name = "." + found.first;
    }
    size_t mark = w.open(2);
    w.bytes(1, f.name);
    w.number(3, static_cast<uint64_t>(f.number));
    w.number(4, f.repeated ? 3 : 1);
    w.number(5, static_cast<uint64_t>(type));
    if (!type_name.empty()) w.bytes(6, type_name);
    if (f.oneof >= 0) w.number(9, static_cast<uint64_t>(f.oneof));
    w.bytes(10, camel(f.name, false));
    w.close(mark);
    return {};
  }
  static void enumeration(Writer& w, uint32_t number, const Enum& e) {
    size_t mark = w.open(number);
    w.bytes(1, e.name);
    for (const auto& [name, value] : e.values) {
      size_t one = w.open(2);
      w.bytes(1, name);
      w.number(2, static_cast<uint64_t>(value));
      w.close(one);
    }
    w.close(mark);
  }
  Status service(Writer& w, const Service& s, std::vector<std::string>& symbols) {
    std::string full = qualified(file_.package, s.name);
    symbols.push_back(full);
    size_t mark = w.open(6);
    w.bytes(1, s.name);
    for (const Rpc& r : s.rpcs) {
      symbols.push_back(str(full, ".", r.name));
      TRY(auto input, resolve(file_.package, r.input));
      TRY(auto output, resolve(file_.package, r.output));
      size_t one = w.open(2);
      w.bytes(1, r.name);
      w.bytes(2, "." + input.first);
      w.bytes(3, "." + output.first);
      if (r.client_streams) w.boolean(5, true);
      if (r.server_streams) w.boolean(6, true);
      w.close(one);
    }
    w.close(mark);
    return {};
  }

  const File& file_;
  std::map<std::string, int> types_;
};

}  // namespace

Result<ProtoFile> compile_proto(std::string_view name, std::string_view source) {
  Parser parser(source);
  auto parsed = parser.file();
  if (!parsed.ok()) return std::move(parsed).error().with_context(name);
  ProtoFile out;
  out.name = name;
  auto encoded = Encoder(*parsed).encode(name, out);
  if (!encoded.ok()) return std::move(encoded).error().with_context(name);
  return out;
}

}  // namespace proa::grpc
