// Where we are in an object, kept on the stack and written out only for an error.
//
// Used by pruning and validation. Frames point at their parents: never keep one.
#pragma once

#include <string>
#include <string_view>

#include "foundation/base/strings.h"

namespace proa::api {

struct FieldPath {
  const FieldPath* parent = nullptr;
  std::string_view name;
  int64_t index = -1;
  bool key = false;  // an entry of a map: spec.labels[a.b/c]

  FieldPath child(std::string_view n) const { return {this, n, -1, false}; }
  FieldPath entry(std::string_view n) const { return {this, n, -1, true}; }
  FieldPath item(size_t i) const { return {this, {}, static_cast<int64_t>(i), false}; }

  std::string text() const {
    std::string out;
    write(out);
    return out;
  }
  void write(std::string& out) const {
    if (parent) parent->write(out);
    if (index >= 0) {
      out += '[';
      append_number(out, index);
      out += ']';
    } else if (!name.empty()) {
      if (!out.empty()) out += '.';
      out += name;
    }
  }
};

}  // namespace proa::api
