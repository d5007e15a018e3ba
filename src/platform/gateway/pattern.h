// Pattern: a regular expression over request text, matched in linear time (RE2), whole text.
//
// Used by the route table. Immutable after make(); any thread may match.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "foundation/base/result.h"

namespace proa::gateway {

class Pattern {
 public:
  // kInvalid with RE2's reason if it is no expression, or if its program would be too large.
  static Result<std::shared_ptr<const Pattern>> make(std::string_view expression);
  ~Pattern();
  bool matches(std::string_view text) const;
  // The first match replaced, \1 … for groups; nullopt if nothing matched.
  std::optional<std::string> replace(std::string_view text, std::string_view with) const;

 private:
  struct Engine;
  explicit Pattern(std::unique_ptr<Engine> engine);
  std::unique_ptr<Engine> engine_;
};

// `^a\.b\.c(?::\d{1,5})?$`, as KServe writes authorities → "a.b.c"; nullopt for any other form.
std::optional<std::string> plain_host_of(std::string_view expression);

}  // namespace proa::gateway
