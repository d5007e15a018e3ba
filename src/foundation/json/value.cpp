#include "foundation/json/value.h"

#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"

namespace proa::json {

namespace {
const Value kNull;
const std::string kEmptyString;
const Array kEmptyArray;
const Object kEmptyObject;

template <typename Members>
auto lower_bound(Members& members, std::string_view key) {
  return std::lower_bound(members.begin(), members.end(), key,
                          [](const auto& m, std::string_view k) { return m.first < k; });
}
}  // namespace

const Value* Object::find(std::string_view key) const {
  auto it = lower_bound(members_, key);
  return it != members_.end() && it->first == key ? &it->second : nullptr;
}

Value* Object::find(std::string_view key) {
  return const_cast<Value*>(std::as_const(*this).find(key));
}

Value& Object::operator[](std::string_view key) {
  if (members_.empty() || members_.back().first < key)
    return members_.emplace_back(std::string(key), Value()).second;
  auto it = lower_bound(members_, key);
  if (it != members_.end() && it->first == key) return it->second;
  return members_.emplace(it, std::string(key), Value())->second;
}

bool Object::erase(std::string_view key) {
  auto it = lower_bound(members_, key);
  if (it == members_.end() || it->first != key) return false;
  members_.erase(it);
  return true;
}

bool Object::operator==(const Object& other) const { return members_ == other.members_; }

const char* Value::type_name() const {
  static const char* const kNames[] = {"null",   "boolean", "integer", "number",
                                       "string", "array",   "object"};
  return kNames[v_.index()];
}

bool Value::boolean(bool otherwise) const {
  auto* v = std::get_if<bool>(&v_);
  return v ? *v : otherwise;
}

int64_t Value::integer(int64_t otherwise) const {
  if (auto* v = std::get_if<int64_t>(&v_)) return *v;
  if (auto* v = std::get_if<double>(&v_))
    if (std::abs(*v) < 9e18 && std::trunc(*v) == *v) return static_cast<int64_t>(*v);
  return otherwise;
}

double Value::number(double otherwise) const {
  if (auto* v = std::get_if<int64_t>(&v_)) return static_cast<double>(*v);
  auto* v = std::get_if<double>(&v_);
  return v ? *v : otherwise;
}

const std::string& Value::str() const {
  auto* v = std::get_if<std::string>(&v_);
  return v ? *v : kEmptyString;
}

std::string Value::str_or(std::string_view otherwise) const {
  auto* v = std::get_if<std::string>(&v_);
  return v ? *v : std::string(otherwise);
}

const Array& Value::array() const {
  auto* v = std::get_if<Array>(&v_);
  return v ? *v : kEmptyArray;
}

const Object& Value::object() const {
  auto* v = std::get_if<Object>(&v_);
  return v ? *v : kEmptyObject;
}

Array& Value::make_array() {
  if (!is_array()) v_ = Array();
  return std::get<Array>(v_);
}

Object& Value::make_object() {
  if (!is_object()) v_ = Object();
  return std::get<Object>(v_);
}

const Value& Value::operator[](std::string_view key) const {
  const Value* found = object().find(key);
  return found ? *found : kNull;
}

const Value& Value::operator[](size_t index) const {
  const Array& items = array();
  return index < items.size() ? items[index] : kNull;
}

size_t Value::size() const { return is_array() ? array().size() : object().size(); }

Value object(std::initializer_list<std::pair<std::string_view, Value>> members) {
  Object out;
  for (const auto& [key, value] : members) out[key] = value;
  return out;
}

Value array(std::initializer_list<Value> items) { return Array(items); }

const Value* pointer(const Value& root, std::string_view path) {
  const Value* at = &root;
  if (path.empty()) return at;
  if (path[0] != '/') return nullptr;
  for (std::string_view part : split(path.substr(1), '/')) {
    std::string key = replace_all(replace_all(part, "~1", "/"), "~0", "~");
    if (at->is_object()) {
      at = at->object().find(key);
      if (!at) return nullptr;
    } else if (at->is_array()) {
      auto index = parse_int(key);
      if (!index || *index < 0 || static_cast<size_t>(*index) >= at->size()) return nullptr;
      at = &at->array()[static_cast<size_t>(*index)];
    } else {
      return nullptr;
    }
  }
  return at;
}

}  // namespace proa::json
