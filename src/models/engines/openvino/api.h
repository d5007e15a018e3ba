// OpenVINO's C interface, as far as it is used here: functions by name.
// Private to this folder. Immutable once loaded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "foundation/base/result.h"

namespace proa::openvino {

struct OvCore;
struct OvModel;
struct OvCompiled;
struct OvRequest;
struct OvTensor;
struct OvPort;  // a constant one

struct OvVersion {
  const char *build, *description;
};
struct OvShape {
  int64_t rank;
  int64_t* dims;
};
struct OvDimension {
  int64_t min, max;
};
struct OvPartialShape {
  OvDimension rank;
  OvDimension* dims;
};

// X(function, type of result, arguments)
#define PROA_OV_FUNCTIONS(X)                                                                    \
  X(ov_get_openvino_version, int, (OvVersion*))                                                 \
  X(ov_version_free, void, (OvVersion*))                                                        \
  X(ov_get_last_err_msg, const char*, ())                                                       \
  X(ov_free, void, (const char*))                                                               \
  X(ov_core_create, int, (OvCore**))                                                            \
  X(ov_core_free, void, (OvCore*))                                                              \
  X(ov_core_read_model, int, (const OvCore*, const char* path, const char* weights, OvModel**)) \
  X(ov_core_compile_model, int,                                                                 \
    (const OvCore*, const OvModel*, const char* device, size_t arguments, OvCompiled**, ...))   \
  X(ov_model_free, void, (OvModel*))                                                            \
  X(ov_model_inputs_size, int, (const OvModel*, size_t*))                                       \
  X(ov_model_outputs_size, int, (const OvModel*, size_t*))                                      \
  X(ov_model_const_input_by_index, int, (const OvModel*, size_t, OvPort**))                     \
  X(ov_model_const_output_by_index, int, (const OvModel*, size_t, OvPort**))                    \
  X(ov_compiled_model_create_infer_request, int, (const OvCompiled*, OvRequest**))              \
  X(ov_compiled_model_free, void, (OvCompiled*))                                                \
  X(ov_port_get_any_name, int, (const OvPort*, char**))                                         \
  X(ov_port_get_partial_shape, int, (const OvPort*, OvPartialShape*))                           \
  X(ov_port_get_element_type, int, (const OvPort*, int*))                                       \
  X(ov_output_const_port_free, void, (OvPort*))                                                 \
  X(ov_partial_shape_free, void, (OvPartialShape*))                                             \
  X(ov_infer_request_set_input_tensor_by_index, int, (OvRequest*, size_t, const OvTensor*))     \
  X(ov_infer_request_get_output_tensor_by_index, int, (const OvRequest*, size_t, OvTensor**))   \
  X(ov_infer_request_infer, int, (OvRequest*))                                                  \
  X(ov_infer_request_free, void, (OvRequest*))                                                  \
  X(ov_tensor_create_from_host_ptr, int, (int type, OvShape, void* data, OvTensor**))           \
  X(ov_tensor_get_shape, int, (const OvTensor*, OvShape*))                                      \
  X(ov_tensor_get_element_type, int, (const OvTensor*, int*))                                   \
  X(ov_tensor_get_byte_size, int, (const OvTensor*, size_t*))                                   \
  X(ov_tensor_data, int, (const OvTensor*, void**))                                             \
  X(ov_tensor_free, void, (OvTensor*))                                                          \
  X(ov_shape_free, int, (OvShape*))

// Its element types, of the releases that kReleases names.
enum ElementType {
  kOvBoolean = 1,
  kOvBf16 = 2,
  kOvF16 = 3,
  kOvF32 = 4,
  kOvF64 = 5,
  kOvI8 = 7,
  kOvI16 = 8,
  kOvI32 = 9,
  kOvI64 = 10,
  kOvU8 = 16,
  kOvU16 = 17,
  kOvU32 = 18,
  kOvU64 = 19,
};
inline constexpr const char* kReleases = "2026.";

struct Api {
#define PROA_OV_MEMBER(name, result, arguments) result(*name) arguments = nullptr;
  PROA_OV_FUNCTIONS(PROA_OV_MEMBER)
#undef PROA_OV_MEMBER
  std::string version;  // "2026.4.1-22982-…"

  // `what` failed, unless `status` is 0, and why.
  Status check(int status, const char* what) const;
};

// Loads the library.
Result<Api> load_api();

}  // namespace proa::openvino
