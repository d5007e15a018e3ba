#include <gtest/gtest.h>

#include "foundation/base/strings.h"
#include "models/engines/openvino/openvino_engine.h"

namespace proa::engines {
namespace {

TEST(OpenvinoEngine, AKerasFileIsRefusedWithTheWayOut) {
  auto model = openvino_engine().load("/models/model.keras", {});
  ASSERT_FALSE(model.ok());
  EXPECT_TRUE(contains(model.error().message, "SavedModel"));
}

}  // namespace
}  // namespace proa::engines
