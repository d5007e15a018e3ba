#include "models/engines/openvino/api.h"

#include "foundation/base/strings.h"
#include "models/engines/library/library.h"

namespace proa::openvino {
namespace {

constexpr int kMismatch = -4, kBadArgument = -14;

// The last line of a message is what happened; those before it say where in the library. What
// extends OpenVINO is no help to those who serve a model.
std::string_view last_line(std::string_view text) {
  for (;;) {
    text = trim(text);
    size_t end = text.rfind('\n');
    if (end == std::string_view::npos) return text;
    std::string_view line = trim(text.substr(end + 1));
    if (!line.starts_with("To facilitate the conversion")) return line;
    text = text.substr(0, end);
  }
}

}  // namespace

Status Api::check(int status, const char* what) const {
  if (status == 0) [[likely]]
    return {};
  const char* text = ov_get_last_err_msg();
  Code code = status == kMismatch || status == kBadArgument ? Code::kInvalid : Code::kInternal;
  Error e = error(code, str(what, ": ", shorten(text && *text ? last_line(text) : "unknown", 500)));
  if (text) ov_free(text);
  return e;
}

Result<Api> load_api() {
  TRY(auto library, engines::Library::open("openvino", "libopenvino_c.so"));
  Api api;
#define PROA_OV_TAKE(name, result, arguments)                            \
  api.name = reinterpret_cast<result(*) arguments>(library.find(#name)); \
  if (!api.name) return error(Code::kUnavailable, str(library.path(), " has no function " #name));
  PROA_OV_FUNCTIONS(PROA_OV_TAKE)
#undef PROA_OV_TAKE
  OvVersion version{};
  TRY_STATUS(api.check(api.ov_get_openvino_version(&version), "OpenVINO's version"));
  api.version = version.build ? version.build : "";
  api.ov_version_free(&version);
  if (!api.version.starts_with(kReleases))
    return error(Code::kUnavailable, str(library.path(), " is of release ", api.version, "; ",
                                         kReleases, "x is needed: run ./dev engines"));
  return api;
}

}  // namespace proa::openvino
