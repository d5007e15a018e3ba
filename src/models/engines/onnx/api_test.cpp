#include "models/engines/onnx/api.h"

#include <gtest/gtest.h>

#if __has_include(<onnxruntime_c_api.h>)
#include <onnxruntime_c_api.h>
#endif

namespace proa::onnx {
namespace {

TEST(OnnxApi, NoTwoFunctionsHaveOnePlace) {
  bool taken[256] = {};
#define PROA_ORT_PLACE(name, place, result, arguments) \
  EXPECT_FALSE(taken[place]) << #name;                 \
  taken[place] = true;
  PROA_ORT_FUNCTIONS(PROA_ORT_PLACE)
#undef PROA_ORT_PLACE
}

#if __has_include(<onnxruntime_c_api.h>)
TEST(OnnxApi, PlacesAreThoseOfTheLibrarysHeader) {
#define PROA_ORT_SAME(name, place, result, arguments) \
  EXPECT_EQ(offsetof(::OrtApi, name) / sizeof(void*), size_t{place}) << #name;
  PROA_ORT_FUNCTIONS(PROA_ORT_SAME)
#undef PROA_ORT_SAME
}
#endif

}  // namespace
}  // namespace proa::onnx
