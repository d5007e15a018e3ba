// Command-line flags as Go writes them: -name=value, -name value, --name, booleans without a value.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/clock.h"
#include "foundation/base/result.h"

namespace proa::load {

class Flags {
 public:
  // name → default; a flag whose default is "true" or "false" is a boolean. "header" may come
  // often.
  explicit Flags(std::map<std::string, std::string> defaults) : values_(std::move(defaults)) {}

  // Reads args[at…] until the first that is no flag; returns where that is. Unknown flags are
  // errors.
  Result<size_t> parse(const std::vector<std::string>& args, size_t at);

  const std::string& text(const std::string& name) const { return values_.at(name); }
  bool truth(const std::string& name) const { return values_.at(name) != "false"; }
  Result<Duration> duration(const std::string& name) const;
  Result<int64_t> integer(const std::string& name) const;
  const std::vector<std::string>& headers() const { return headers_; }
  bool help() const { return help_; }

 private:
  std::map<std::string, std::string> values_;
  std::vector<std::string> headers_;
  bool help_ = false;
};

// "500", "500/1s", "50/100ms" → requests a second; "0" and "infinity" are refused.
Result<double> parse_rate(std::string_view text);

}  // namespace proa::load
