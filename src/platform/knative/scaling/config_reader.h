// ConfigReader: values of a ConfigMap's data, as text that must read as what is asked for. The
// first one that does not is the error. For the parsers of config-*; pure.
#pragma once

#include <cmath>
#include <optional>
#include <string>

#include "foundation/base/clock.h"
#include "foundation/base/strings.h"
#include "foundation/json/value.h"

namespace proa::knative {

class ConfigReader {
 public:
  explicit ConfigReader(const json::Value& data) : data_(data) {}

  void number(const char* key, double& out) {
    if (auto text = get(key)) {
      if (auto v = parse_double(trim(*text)); v && std::isfinite(*v))
        out = *v;
      else
        refuse(key, "is no number", *text);
    }
  }
  void whole(const char* key, int64_t& out) {
    if (auto text = get(key)) {
      if (auto v = parse_int(trim(*text)))
        out = *v;
      else
        refuse(key, "is no whole number", *text);
    }
  }
  void flag(const char* key, bool& out) {
    if (auto text = get(key)) {
      if (iequals(*text, "true"))
        out = true;
      else if (iequals(*text, "false"))
        out = false;
      else
        refuse(key, "is neither true nor false", *text);
    }
  }
  void period(const char* key, Duration& out) {
    if (auto text = get(key)) {
      if (auto v = parse_duration(trim(*text)))
        out = *v;
      else
        refuse(key, "is no duration such as 90s", *text);
    }
  }
  void text(const char* key, std::string& out) {
    if (auto text = get(key)) out = *text;
  }
  std::optional<std::string> get(const char* key) const {
    if (!data_.has(key)) return std::nullopt;
    return data_[key].str();
  }
  void refuse(const char* key, std::string_view why, std::string_view text) {
    if (refused_.empty())
      refused_ = str("failed to parse \"", key, "\": \"", shorten(text, 80), "\" ", why);
  }
  // Says `message` unless `holds`; the first message counts.
  void require(bool holds, std::string message) {
    if (!holds && refused_.empty()) refused_ = std::move(message);
  }
  Status done() const {
    return refused_.empty() ? Status() : error(Code::kUnprocessable, refused_);
  }

 private:
  const json::Value& data_;
  std::string refused_;
};

}  // namespace proa::knative
