// XGBoost's objectives: from a base score to a margin, and from margins to answers.
// Pure functions; used by the readers and by the model. Private to this folder.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace proa::engines::boosted {

// What becomes of a row's margins.
enum class XgboostLink { kIdentity, kSigmoid, kExp, kHinge, kSoftmax, kArgmax };
struct XgboostObjective {
  std::string_view name;
  XgboostLink link = XgboostLink::kIdentity;
  enum class Base { kIdentity, kLogit, kLog } base = Base::kIdentity;
};

std::span<const XgboostObjective> xgboost_objectives();
const XgboostObjective* xgboost_objective(std::string_view name);  // nullptr: there is none

float base_margin(const XgboostObjective& objective, float base_score);
// rows × groups margins become the answer, in place; returns the numbers a row that are left (1 for
// kArgmax, else `groups`).
size_t apply_link(XgboostLink link, double* margins, size_t rows, size_t groups);

}  // namespace proa::engines::boosted
