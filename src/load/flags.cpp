#include "load/flags.h"

#include "foundation/base/strings.h"

namespace proa::load {

Result<size_t> Flags::parse(const std::vector<std::string>& args, size_t at) {
  for (; at < args.size(); ++at) {
    std::string_view arg = args[at];
    if (arg.size() < 2 || arg[0] != '-') return at;
    if (arg == "--") return at + 1;
    arg.remove_prefix(arg[1] == '-' ? 2 : 1);
    size_t equals = arg.find('=');
    std::string name(arg.substr(0, equals));
    if (name == "h" || name == "help") {
      help_ = true;
      return at + 1;
    }
    auto known = values_.find(name);
    if (known == values_.end())
      return error(Code::kInvalid, str("unknown flag -", name, "; see -help"));
    bool boolean = known->second == "true" || known->second == "false";
    std::string value;
    if (equals != std::string_view::npos)
      value = arg.substr(equals + 1);
    else if (boolean)
      value = "true";
    else if (at + 1 < args.size())
      value = args[++at];
    else
      return error(Code::kInvalid, str("flag -", name, " needs a value"));
    if (boolean && value != "true" && value != "false")
      return error(Code::kInvalid, str("flag -", name, " is true or false, not \"", value, "\""));
    if (name == "header")
      headers_.push_back(value);
    else
      known->second = value;
  }
  return at;
}

Result<Duration> Flags::duration(const std::string& name) const {
  auto d = parse_duration(values_.at(name));
  if (!d || d->count() < 0)
    return error(Code::kInvalid, str("flag -", name, ": \"", values_.at(name),
                                     "\" is no duration; e.g. 500ms, 1m30s"));
  return *d;
}

Result<int64_t> Flags::integer(const std::string& name) const {
  auto n = parse_int(values_.at(name));
  if (!n || *n < 0)
    return error(Code::kInvalid, str("flag -", name, ": \"", values_.at(name), "\" is no number"));
  return *n;
}

Result<double> parse_rate(std::string_view text) {
  auto wrong = [&] {
    return error(Code::kInvalid,
                 str("rate \"", text, "\": expected N or N/DURATION above 0, e.g. 500 or 500/1s"));
  };
  size_t slash = text.find('/');
  auto count = parse_double(text.substr(0, slash));
  Duration per = std::chrono::seconds(1);
  if (slash != std::string_view::npos) {
    std::string unit(text.substr(slash + 1));
    if (!unit.empty() && (unit[0] < '0' || unit[0] > '9')) unit = "1" + unit;  // 500/s
    auto d = parse_duration(unit);
    if (!d || d->count() <= 0) return wrong();
    per = *d;
  }
  if (!count || !(*count > 0)) return wrong();
  double rate = *count / seconds(per);
  if (rate > 1e6)
    return error(Code::kInvalid, str("rate \"", text, "\": at most 1,000,000 a second"));
  return rate;
}

}  // namespace proa::load
