#include "models/engines/onnx/api.h"

#include "foundation/base/strings.h"
#include "models/engines/library/library.h"

namespace proa::onnx {
namespace {

struct ApiBase {
  const void* const* (*get_api)(uint32_t version);
  const char* (*version)();
};

}  // namespace

Status Api::check(OrtStatus* status) const {
  if (!status) [[likely]]
    return {};
  Code code = GetErrorCode(status) == kInvalidArgument ? Code::kInvalid : Code::kInternal;
  Error e = error(code, std::string(shorten(trim(GetErrorMessage(status)), 600)));
  ReleaseStatus(status);
  return e;
}

Result<Api> load_api() {
  TRY(auto library, engines::Library::open("onnxruntime", "libonnxruntime.so"));
  auto* get_base = reinterpret_cast<const ApiBase* (*)()>(library.find("OrtGetApiBase"));
  if (!get_base)
    return error(Code::kUnavailable, str(library.path(), " is no ONNX Runtime: no OrtGetApiBase"));
  const ApiBase* base = get_base();
  const void* const* table = base->get_api(kApiVersion);
  if (!table)
    return error(Code::kUnavailable,
                 str(library.path(), ": release ", base->version(), " is too old; 1.11 or later"));
  Api api;
#define PROA_ORT_TAKE(name, place, result, arguments) \
  api.name = reinterpret_cast<result(*) arguments>(const_cast<void*>(table[place]));
  PROA_ORT_FUNCTIONS(PROA_ORT_TAKE)
#undef PROA_ORT_TAKE
  api.version = base->version();
  return api;
}

}  // namespace proa::onnx
