// ONNX Runtime's C interface, as far as it is used here: functions by their place in the table that
// OrtGetApiBase()->GetApi(version) gives. The table only ever grows at its end, so that a library
// of any later release has the same functions in the same places; api_test.cpp compares the places
// with the library's own header where that is installed.
//
// Private to this folder. Immutable once loaded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "foundation/base/result.h"

namespace proa::onnx {

inline constexpr uint32_t kApiVersion = 11;  // the least that has all of these

struct OrtStatus;
struct OrtEnv;
struct OrtSession;
struct OrtSessionOptions;
struct OrtValue;
struct OrtMemoryInfo;
struct OrtAllocator;
struct OrtTypeInfo;
struct OrtShapeInfo;  // OrtTensorTypeAndShapeInfo
struct OrtMapInfo;
struct OrtSequenceInfo;
struct OrtMetadata;

// X(member, place, type of result, arguments)
#define PROA_ORT_FUNCTIONS(X)                                                                     \
  X(GetErrorCode, 1, int, (const OrtStatus*))                                                     \
  X(GetErrorMessage, 2, const char*, (const OrtStatus*))                                          \
  X(CreateEnv, 3, OrtStatus*, (int level, const char* id, OrtEnv**))                              \
  X(CreateSession, 7, OrtStatus*,                                                                 \
    (const OrtEnv*, const char* path, const OrtSessionOptions*, OrtSession**))                    \
  X(Run, 9, OrtStatus*,                                                                           \
    (OrtSession*, const void* options, const char* const* names, const OrtValue* const* in,       \
     size_t count, const char* const* out_names, size_t out_count, OrtValue** out))               \
  X(CreateSessionOptions, 10, OrtStatus*, (OrtSessionOptions**))                                  \
  X(SetSessionGraphOptimizationLevel, 23, OrtStatus*, (OrtSessionOptions*, int))                  \
  X(SetIntraOpNumThreads, 24, OrtStatus*, (OrtSessionOptions*, int))                              \
  X(SetInterOpNumThreads, 25, OrtStatus*, (OrtSessionOptions*, int))                              \
  X(SessionGetInputCount, 30, OrtStatus*, (const OrtSession*, size_t*))                           \
  X(SessionGetOutputCount, 31, OrtStatus*, (const OrtSession*, size_t*))                          \
  X(SessionGetInputTypeInfo, 33, OrtStatus*, (const OrtSession*, size_t, OrtTypeInfo**))          \
  X(SessionGetOutputTypeInfo, 34, OrtStatus*, (const OrtSession*, size_t, OrtTypeInfo**))         \
  X(SessionGetInputName, 36, OrtStatus*, (const OrtSession*, size_t, OrtAllocator*, char**))      \
  X(SessionGetOutputName, 37, OrtStatus*, (const OrtSession*, size_t, OrtAllocator*, char**))     \
  X(CreateTensorAsOrtValue, 48, OrtStatus*,                                                       \
    (OrtAllocator*, const int64_t* shape, size_t rank, int type, OrtValue**))                     \
  X(CreateTensorWithDataAsOrtValue, 49, OrtStatus*,                                               \
    (const OrtMemoryInfo*, void* data, size_t bytes, const int64_t* shape, size_t rank, int type, \
     OrtValue**))                                                                                 \
  X(GetTensorMutableData, 51, OrtStatus*, (OrtValue*, void**))                                    \
  X(FillStringTensor, 52, OrtStatus*, (OrtValue*, const char* const*, size_t))                    \
  X(GetStringTensorDataLength, 53, OrtStatus*, (const OrtValue*, size_t*))                        \
  X(GetStringTensorContent, 54, OrtStatus*,                                                       \
    (const OrtValue*, void* text, size_t size, size_t* starts, size_t count))                     \
  X(CastTypeInfoToTensorInfo, 55, OrtStatus*, (const OrtTypeInfo*, const OrtShapeInfo**))         \
  X(GetOnnxTypeFromTypeInfo, 56, OrtStatus*, (const OrtTypeInfo*, int*))                          \
  X(GetTensorElementType, 60, OrtStatus*, (const OrtShapeInfo*, int*))                            \
  X(GetDimensionsCount, 61, OrtStatus*, (const OrtShapeInfo*, size_t*))                           \
  X(GetDimensions, 62, OrtStatus*, (const OrtShapeInfo*, int64_t*, size_t))                       \
  X(GetTensorShapeElementCount, 64, OrtStatus*, (const OrtShapeInfo*, size_t*))                   \
  X(GetTensorTypeAndShape, 65, OrtStatus*, (const OrtValue*, OrtShapeInfo**))                     \
  X(GetValueType, 67, OrtStatus*, (const OrtValue*, int*))                                        \
  X(CreateCpuMemoryInfo, 69, OrtStatus*, (int allocator, int memory, OrtMemoryInfo**))            \
  X(AllocatorFree, 76, OrtStatus*, (OrtAllocator*, void*))                                        \
  X(GetAllocatorWithDefaultOptions, 78, OrtStatus*, (OrtAllocator**))                             \
  X(GetValue, 80, OrtStatus*, (const OrtValue*, int, OrtAllocator*, OrtValue**))                  \
  X(GetValueCount, 81, OrtStatus*, (const OrtValue*, size_t*))                                    \
  X(ReleaseEnv, 92, void, (OrtEnv*))                                                              \
  X(ReleaseStatus, 93, void, (OrtStatus*))                                                        \
  X(ReleaseMemoryInfo, 94, void, (OrtMemoryInfo*))                                                \
  X(ReleaseSession, 95, void, (OrtSession*))                                                      \
  X(ReleaseValue, 96, void, (OrtValue*))                                                          \
  X(ReleaseTypeInfo, 98, void, (OrtTypeInfo*))                                                    \
  X(ReleaseTensorTypeAndShapeInfo, 99, void, (OrtShapeInfo*))                                     \
  X(ReleaseSessionOptions, 100, void, (OrtSessionOptions*))                                       \
  X(CastTypeInfoToMapTypeInfo, 103, OrtStatus*, (const OrtTypeInfo*, const OrtMapInfo**))         \
  X(CastTypeInfoToSequenceTypeInfo, 104, OrtStatus*,                                              \
    (const OrtTypeInfo*, const OrtSequenceInfo**))                                                \
  X(GetMapValueType, 106, OrtStatus*, (const OrtMapInfo*, OrtTypeInfo**))                         \
  X(GetSequenceElementType, 107, OrtStatus*, (const OrtSequenceInfo*, OrtTypeInfo**))             \
  X(SessionGetModelMetadata, 111, OrtStatus*, (const OrtSession*, OrtMetadata**))                 \
  X(ModelMetadataGetProducerName, 112, OrtStatus*, (const OrtMetadata*, OrtAllocator*, char**))   \
  X(ReleaseModelMetadata, 118, void, (OrtMetadata*))                                              \
  X(AddSessionConfigEntry, 130, OrtStatus*,                                                       \
    (OrtSessionOptions*, const char* key, const char* value))

// Values of its enumerations.
enum ValueKind { kTensorValue = 1, kSequenceValue = 2, kMapValue = 3 };
enum ElementType {
  kOrtFloat = 1,
  kOrtUint8,
  kOrtInt8,
  kOrtUint16,
  kOrtInt16,
  kOrtInt32,
  kOrtInt64,
  kOrtString,
  kOrtBool,
  kOrtFloat16,
  kOrtDouble,
  kOrtUint32,
  kOrtUint64,
  kOrtBfloat16 = 16,
};
inline constexpr int kInvalidArgument = 2;

struct Api {
#define PROA_ORT_MEMBER(name, place, result, arguments) result(*name) arguments = nullptr;
  PROA_ORT_FUNCTIONS(PROA_ORT_MEMBER)
#undef PROA_ORT_MEMBER
  std::string version;  // "1.32.0"

  // Frees the status; kInvalid for an argument that it refuses, else kInternal.
  Status check(OrtStatus* status) const;
};

// Loads the library.
Result<Api> load_api();

}  // namespace proa::onnx
