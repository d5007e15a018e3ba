#include "models/inference/model.h"

#include <array>

namespace proa::inference {
namespace {

constexpr std::array<const char*, 10> kNames = {"",
                                                "predict",
                                                "predict_proba",
                                                "predict_log_proba",
                                                "decision_function",
                                                "score_samples",
                                                "transform",
                                                "apply",
                                                "contributions",
                                                "raw"};

}  // namespace

const char* to_string(Method method) { return kNames[static_cast<size_t>(method)]; }

std::optional<Method> method(std::string_view name) {
  for (size_t i = 0; i < kNames.size(); ++i)
    if (name == kNames[i]) return static_cast<Method>(i);
  return std::nullopt;
}

}  // namespace proa::inference
