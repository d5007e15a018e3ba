#include "models/inference/tensor.h"

#include <gtest/gtest.h>

namespace proa::inference {
namespace {

TensorInfo info_of(std::vector<int64_t> shape, bool any = false) {
  TensorInfo t;
  t.name = "x";
  t.shape = std::move(shape);
  t.any_shape = any;
  return t;
}

TEST(TensorShape, FitsWhereEveryKnownDimensionIsTheSame) {
  int64_t shape[] = {2, 4};
  EXPECT_TRUE(fits(shape, info_of({-1, 4})));
  EXPECT_TRUE(fits(shape, info_of({2, 4})));
  EXPECT_FALSE(fits(shape, info_of({-1, 5})));
  EXPECT_FALSE(fits(shape, info_of({-1, 4, 1})));
  EXPECT_TRUE(fits(shape, info_of({}, true)));
  EXPECT_FALSE(fits(shape, info_of({})));
}

TEST(TensorShape, AnErrorNamesTheInputAndBothShapes) {
  int64_t shape[] = {2, 3};
  Status s = check_shape(shape, info_of({-1, 4}));
  ASSERT_FALSE(s.ok());
  EXPECT_EQ(s.error().message, "input 'x': unexpected shape [2, 3]; the model takes [-1, 4]");
}

}  // namespace
}  // namespace proa::inference
