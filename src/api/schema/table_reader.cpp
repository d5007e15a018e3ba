#include "api/schema/table_reader.h"

#include <algorithm>

#include "foundation/base/strings.h"

namespace proa::api {
namespace {

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::string_view word : split(text, ' '))
    if (!word.empty()) out.push_back(word);
  return out;
}

std::vector<std::string_view> list_of(std::string_view text) {
  if (text == "-" || text.empty()) return {};
  return split(text, ',');
}

const std::pair<std::string_view, Base> kScalars[] = {
    {"string", Base::kString},     {"int32", Base::kInt32},
    {"int64", Base::kInt64},       {"double", Base::kDouble},
    {"bool", Base::kBool},         {"bytes", Base::kBytes},
    {"quantity", Base::kQuantity}, {"intOrString", Base::kIntOrString},
    {"time", Base::kTime},         {"microTime", Base::kMicroTime},
    {"duration", Base::kDuration}, {"any", Base::kAny},
};

}  // namespace

Error TableReader::broken(const Line& line, std::string_view what) {
  return error(Code::kInternal,
               str(line.file, ":", line.number, ": ", what, " in `", line.text, "`"));
}

Status TableReader::read(const std::vector<KindTable>& tables) {
  for (const KindTable& table : tables) TRY_STATUS(scan(table));
  for (auto& [name, message] : messages_) TRY_STATUS(fill(message));
  for (KindDef& kind : kinds)
    if (!kind.type) return error(Code::kInternal, str("no type of kind ", kind.kind.kind));
  return {};
}

Status TableReader::scan(const KindTable& table) {
  current_ = nullptr;
  open_ = nullptr;
  int number = 0;
  for (std::string_view text : split(table.text, '\n')) {
    Line line{text, current_, table.file, ++number};
    if (text.empty() || text[0] == '#') continue;
    if (text[0] == '%') {
      TRY_STATUS(directive(line));
    } else if (!current_) {
      return broken(line, "no package yet");
    } else if (text[0] == '@') {
      size_t note = text.find(" -- ");
      auto words = words_of(text.substr(1, note == text.npos ? note : note - 1));
      open_ = &messages_[str(current_->alias, ".", words[0])];
      if (!open_->type) open_->type = &store_.make();
      open_->package = current_;
      open_->type->base = Base::kStruct;
      if (note != text.npos) open_->type->description = text.substr(note + 4);
      store_.name(str(current_->full, ".", words[0]), *open_->type);
      for (size_t i = 1; i < words.size(); i++) {
        if (words[i] == "atomic")
          open_->type->atomic = true;
        else if (words[i] == "open")
          open_->type->open = true;
        else if (words[i] == "embedded")
          open_->type->embedded = true;
        else
          return broken(line, "unknown word");
      }
    } else if (!open_) {
      return broken(line, "a field outside a message");
    } else {
      open_->lines.push_back(line);
    }
  }
  return {};
}

Status TableReader::directive(const Line& line) {
  auto words = words_of(line.text);
  if (words[0] == "%package" && words.size() == 4) {
    size_t slash = words[3].find('/');
    bool core = slash == std::string_view::npos;
    Package& p = packages_[words[1]];
    p = {words[1], words[2], core ? "" : words[3].substr(0, slash),
         core ? words[3] : words[3].substr(slash + 1)};
    current_ = &p;
    open_ = nullptr;
    packages.emplace_back(words[3], words[2]);
    return {};
  }
  if (words[0] == "%kind" && words.size() >= 7) return add_kind(line, words);
  if (words[0] == "%scale" && words.size() == 4 && !kinds.empty()) {
    kinds.back().scale = {words[1], words[2], words[3]};
    return {};
  }
  if (words[0] == "%col" && !kinds.empty()) {
    // The path itself may hold a bar only within quotes, which no table needs.
    auto parts = split(line.text.substr(5), '|');
    if (parts.size() < 3) return broken(line, "a column needs name, type, path");
    Column c{parts[0], parts[1], parts[1] == "date" ? "" : "", parts[2], ""};
    if (parts.size() > 3) c.priority = static_cast<int>(parse_int(parts[3]).value_or(0));
    kinds.back().columns.push_back(c);
    return {};
  }
  if (words[0] == "%set" && words.size() >= 4) {
    Message& m = messages_[std::string(words[1])];
    m.lines.push_back(line);
    return {};
  }
  return broken(line, "unknown directive");
}

Status TableReader::add_kind(const Line& line, const std::vector<std::string_view>& words) {
  KindDef def;
  def.kind = {current_->group, current_->version, words[1], words[2], words[4] == "ns"};
  def.singular = words[3];
  def.list_kind = store_.keep(str(words[1], "List"));
  def.short_names = list_of(words[5]);
  for (std::string_view sub : list_of(words[6])) {
    if (sub == "status")
      def.has_status = true;
    else if (sub != "scale")
      return broken(line, "unknown subresource");
  }
  for (size_t i = 7; i < words.size(); i++) {
    if (words[i] == "crd")
      def.crd = true;
    else if (words[i].starts_with("categories="))
      def.categories = list_of(words[i].substr(11));
    else if (words[i] == "served-only")
      def.storage = false;
    else
      return broken(line, "unknown word");
  }
  Message& message = messages_[str(current_->alias, ".", words[1])];
  if (!message.type) message.type = &store_.make();
  def.type = message.type;
  kinds.push_back(std::move(def));
  return {};
}

Result<TableReader::Message*> TableReader::message_of(std::string_view name, const Line& line) {
  std::string key = contains(name, ".") ? std::string(name) : str(line.package->alias, ".", name);
  auto it = messages_.find(key);
  if (it == messages_.end() || !it->second.type) return broken(line, str("no message ", key));
  return &it->second;
}

Status TableReader::fill(Message& message) {
  if (message.state == 2) return {};
  if (!message.type || message.lines.empty())
    return message.type ? Status() : Status(error(Code::kInternal, "%set of an unknown message"));
  if (message.state == 1) return broken(message.lines[0], "inlined within itself");
  message.state = 1;
  for (bool sets : {false, true})  // what %set adds to may come later in the tables
    for (const Line& line : message.lines)
      if (line.text.starts_with("%set") == sets) TRY_STATUS(add_field(message, line));
  auto& fields = message.type->fields;
  // Later lines of one name win.
  std::stable_sort(fields.begin(), fields.end(),
                   [](const Field& a, const Field& b) { return a.name < b.name; });
  std::vector<Field> kept;
  kept.reserve(fields.size());
  for (Field& f : fields) {
    if (!kept.empty() && kept.back().name == f.name)
      kept.back() = f;
    else
      kept.push_back(f);
  }
  fields = std::move(kept);
  message.state = 2;
  return {};
}

Status TableReader::inline_fields(Message& message, const Line& line,
                                  const std::vector<std::string_view>& words) {
  if (words.size() != 3) return broken(line, "<< needs a number and a message");
  TRY(Message * from, message_of(words[2], line));
  TRY_STATUS(fill(*from));
  auto number = static_cast<uint16_t>(parse_int(words[1]).value_or(0));
  if (number) message.type->inlined.emplace_back(number, from->type);
  for (Field f : from->type->fields) {
    f.inlined = true;
    message.type->fields.push_back(f);
  }
  return {};
}

Status TableReader::add_field(Message& message, const Line& line) {
  size_t note = line.text.find(" -- ");
  auto words = words_of(line.text.substr(0, note));
  if (words[0] == "<<") return inline_fields(message, line, words);
  if (words[0] == "%set") {
    for (Field& f : message.type->fields) {
      if (f.name != words[2]) continue;
      Rules rules = f.rules ? *f.rules : Rules();
      bool ruled = false;
      for (size_t i = 3; i < words.size(); i++) {
        TRY_STATUS(flag(f, rules, ruled, words[i], line));
        if (words[i].starts_with("d=")) f.builtin_fallback = true;
      }
      if (ruled) f.rules = &(store_.make_rules() = std::move(rules));
      return {};
    }
    return broken(line, "no such field");
  }
  if (words.size() < 3) return broken(line, "a field needs name, number, type");
  Field f;
  f.name = words[0];
  f.number = static_cast<uint16_t>(parse_int(words[1]).value_or(0));
  TRY(Type * type, type_of(words[2], line));
  f.type = type;
  if (note != line.text.npos) f.description = line.text.substr(note + 4);
  Rules rules;
  bool ruled = false;
  for (size_t i = 3; i < words.size(); i++) {
    if (words[i].starts_with("l=")) {
      std::string_view kind = words[i].substr(2);
      if (type->base != Base::kList) return broken(line, "l= on what is no list");
      if (kind == "set")
        type->list_type = ListType::kSet;
      else if (kind.starts_with("map:")) {
        type->list_type = ListType::kMap;
        type->keys = split(kind.substr(4), ',');
      } else {
        return broken(line, "unknown list type");
      }
    } else {
      TRY_STATUS(flag(f, rules, ruled, words[i], line));
    }
  }
  if (ruled) f.rules = &(store_.make_rules() = std::move(rules));
  message.type->fields.push_back(f);
  return {};
}

Status TableReader::flag(Field& f, Rules& rules, bool& ruled, std::string_view word,
                         const Line& line) {
  if (word == "!") {
    f.required = true;
    return {};
  }
  if (word == "opt") {
    f.required = false;
    return {};
  }
  if (word == "z") {
    f.omit_zero = true;
    return {};
  }
  if (word == "a") {
    f.atomic = true;
    return {};
  }
  if (word == "m") {
    f.merge = true;
    return {};
  }
  if (word == "rk") {
    f.retain_keys = true;
    return {};
  }
  if (word == "n") {
    f.nullable = true;
    return {};
  }
  size_t eq = word.find('=');
  if (eq == word.npos) return broken(line, str("unknown flag ", word));
  std::string_view key = word.substr(0, eq), value = word.substr(eq + 1);
  if (key == "k") {
    f.merge_key = value;
    return {};
  }
  if (key == "d") {
    auto parsed = json::parse(value);
    if (!parsed.ok()) return broken(line, "default is no JSON");
    f.fallback = store_.make_value(std::move(parsed).value());
    return {};
  }
  ruled = true;
  if (key == "e")
    rules.one_of = split(value, '|');
  else if (key == "min")
    rules.min = parse_double(value);
  else if (key == "max")
    rules.max = parse_double(value);
  else if (key == "minlen")
    rules.min_length = parse_int(value);
  else if (key == "maxlen")
    rules.max_length = parse_int(value);
  else if (key == "re")
    rules.pattern = value;
  else if (key == "f")
    rules.format = value;
  else
    return broken(line, str("unknown flag ", word));
  return {};
}

Result<Type*> TableReader::type_of(std::string_view text, const Line& line) {
  if (text.starts_with("[]") || text.starts_with("{}")) {
    TRY(Type * item, type_of(text.substr(2), line));
    Type& made = store_.make();
    made.base = text[0] == '[' ? Base::kList : Base::kMap;
    made.item = item;
    return &made;
  }
  for (const auto& [name, base] : kScalars)
    if (text == name) return const_cast<Type*>(store_.scalar(base));
  TRY(Message * message, message_of(text, line));
  return message->type;
}

}  // namespace proa::api
