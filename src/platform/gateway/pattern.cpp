#include "platform/gateway/pattern.h"

#include <re2/re2.h>

#include "foundation/base/strings.h"

namespace proa::gateway {

struct Pattern::Engine {
  explicit Engine(std::string_view expression, const RE2::Options& options)
      : re(re2::StringPiece(expression.data(), expression.size()), options) {}
  RE2 re;
};

Pattern::Pattern(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
Pattern::~Pattern() = default;

Result<std::shared_ptr<const Pattern>> Pattern::make(std::string_view expression) {
  if (expression.size() > 4096) return error(Code::kInvalid, "regex is longer than 4096 bytes");
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  auto engine = std::make_unique<Engine>(expression, options);
  if (!engine->re.ok())
    return error(Code::kInvalid,
                 str("regex \"", shorten(expression, 100), "\": ", engine->re.error()));
  return std::shared_ptr<const Pattern>(new Pattern(std::move(engine)));
}

bool Pattern::matches(std::string_view text) const {
  return RE2::FullMatch(re2::StringPiece(text.data(), text.size()), engine_->re);
}

std::optional<std::string> Pattern::replace(std::string_view text, std::string_view with) const {
  std::string out(text);
  if (!RE2::Replace(&out, engine_->re, re2::StringPiece(with.data(), with.size()))) return {};
  return out;
}

std::optional<std::string> plain_host_of(std::string_view expression) {
  constexpr std::string_view kTail = "(?::\\d{1,5})?$";
  if (expression.size() < kTail.size() + 2 || expression.front() != '^') return {};
  if (!expression.ends_with(kTail)) return {};
  expression = expression.substr(1, expression.size() - 1 - kTail.size());
  std::string host;
  for (size_t i = 0; i < expression.size(); ++i) {
    char c = expression[i];
    if (c == '\\' && i + 1 < expression.size()) {
      c = expression[++i];
      if (c != '.' && c != '-') return {};
    } else if (!(('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || ('0' <= c && c <= '9') ||
                 c == '-')) {
      return {};
    }
    host += c;
  }
  if (host.empty()) return {};
  return lower(host);
}

}  // namespace proa::gateway
