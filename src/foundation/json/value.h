// json::Value: one JSON document as a value. Objects keep their keys sorted, so that equal
// documents have equal text. Integers and doubles are kept apart, as Kubernetes needs it.
//
// Used by the API machinery and wherever speed does not decide (the data path parses by hand).
// Reading never creates: a missing key or a wrong type reads as null, "", 0 or false.
// Not synchronised; a const Value may be read by many threads.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "foundation/base/result.h"

namespace proa::json {

class Value;
using Array = std::vector<Value>;

// A map from text to Value in a sorted vector: small, cache-friendly, ordered.
class Object {
 public:
  using Member = std::pair<std::string, Value>;
  using const_iterator = std::vector<Member>::const_iterator;
  using iterator = std::vector<Member>::iterator;
  const Value* find(std::string_view key) const;  // nullptr if absent
  Value* find(std::string_view key);
  Value& operator[](std::string_view key);  // makes a null member if absent
  bool erase(std::string_view key);         // true if it was there
  bool contains(std::string_view key) const { return find(key) != nullptr; }
  size_t size() const;
  bool empty() const;
  const_iterator begin() const;
  const_iterator end() const;
  iterator begin();  // do not change keys
  iterator end();
  bool operator==(const Object& other) const;

 private:
  std::vector<Member> members_;
};

class Value {
 public:
  Value() = default;
  Value(std::nullptr_t) {}                           // NOLINT
  Value(bool v) : v_(v) {}                           // NOLINT
  Value(int v) : v_(int64_t{v}) {}                   // NOLINT
  Value(int64_t v) : v_(v) {}                        // NOLINT
  Value(long long v) : v_(int64_t{v}) {}             // NOLINT
  Value(size_t v) : v_(static_cast<int64_t>(v)) {}   // NOLINT
  Value(double v) : v_(v) {}                         // NOLINT
  Value(const char* v) : v_(std::string(v)) {}       // NOLINT
  Value(std::string_view v) : v_(std::string(v)) {}  // NOLINT
  Value(std::string v) : v_(std::move(v)) {}         // NOLINT
  Value(Array v) : v_(std::move(v)) {}               // NOLINT
  Value(Object v) : v_(std::move(v)) {}              // NOLINT

  bool is_null() const { return v_.index() == 0; }
  bool is_bool() const { return v_.index() == 1; }
  bool is_int() const { return v_.index() == 2; }
  bool is_double() const { return v_.index() == 3; }
  bool is_number() const { return is_int() || is_double(); }
  bool is_string() const { return v_.index() == 4; }
  bool is_array() const { return v_.index() == 5; }
  bool is_object() const { return v_.index() == 6; }
  const char* type_name() const;  // "null", "boolean", "integer", "number", "string", …

  bool boolean(bool otherwise = false) const;
  int64_t integer(int64_t otherwise = 0) const;  // a double without fraction counts
  double number(double otherwise = 0) const;
  const std::string& str() const;  // "" if it is no string
  std::string str_or(std::string_view otherwise) const;
  const Array& array() const;    // empty if it is none
  const Object& object() const;  // empty if it is none
  Array& make_array();           // becomes an empty array unless it is one
  Object& make_object();         // becomes an empty object unless it is one

  // Reading: never creates.
  const Value& operator[](std::string_view key) const;
  const Value& operator[](const char* key) const { return (*this)[std::string_view(key)]; }
  const Value& operator[](size_t index) const;
  const Value& operator[](int index) const { return (*this)[static_cast<size_t>(index)]; }
  bool has(std::string_view key) const { return is_object() && object().contains(key); }
  size_t size() const;  // of an array or object, else 0

  // Writing: makes what is missing. v.ref("spec", "replicas") = 3;
  Value& ref(std::string_view key) { return make_object()[key]; }
  template <typename... Keys>
  Value& ref(std::string_view key, std::string_view next, const Keys&... rest) {
    return ref(key).ref(next, rest...);
  }
  void set(std::string_view key, Value v) { make_object()[key] = std::move(v); }
  bool erase(std::string_view key) { return is_object() && make_object().erase(key); }
  void push(Value v) { make_array().push_back(std::move(v)); }

  bool operator==(const Value& other) const { return v_ == other.v_; }  // 1 == 1.0 is false

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string, Array, Object> v_;
};

// These need Value complete.
inline size_t Object::size() const { return members_.size(); }
inline bool Object::empty() const { return members_.empty(); }
inline Object::const_iterator Object::begin() const { return members_.begin(); }
inline Object::const_iterator Object::end() const { return members_.end(); }
inline Object::iterator Object::begin() { return members_.begin(); }
inline Object::iterator Object::end() { return members_.end(); }

// object({{"kind", "Pod"}, {"n", 1}})
Value object(std::initializer_list<std::pair<std::string_view, Value>> members);
Value array(std::initializer_list<Value> items);

struct Limits {
  size_t bytes = 16u << 20;
  int depth = 200;
};

// Errors: kInvalid with "line L, column C: what"; duplicate keys: the last one wins, as in Go.
Result<Value> parse(std::string_view text, Limits limits = {});

std::string dump(const Value& v);                        // compact
void dump(const Value& v, std::string& out);             // appended
std::string pretty(const Value& v);                      // two spaces
void dump_string(std::string_view s, std::string& out);  // quoted and escaped

// RFC 6901; nullptr if nothing is there.
const Value* pointer(const Value& root, std::string_view path);

}  // namespace proa::json
