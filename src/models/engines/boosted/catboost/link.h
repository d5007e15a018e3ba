// From CatBoost's raw values to answers: labels, probabilities, exponents. Pure functions; used by
// the model. Private to this folder.
#pragma once

#include "models/engines/boosted/catboost/file.h"
#include "models/inference/model.h"

namespace proa::engines::boosted {

enum class CatboostTask : uint8_t {
  kRaw,
  kExponent,
  kUncertainty,
  kBinary,
  kMany,
  kOneVsAll,
  kLabels
};

CatboostTask catboost_task(const CatboostFile& file);
inline bool is_classifier(CatboostTask t) { return t >= CatboostTask::kBinary; }
inference::TensorInfo catboost_output(const CatboostFile& file, CatboostTask task);
// `raw`, rows × dimension, may be overwritten.
Status catboost_answer(const CatboostFile& file, CatboostTask task, inference::Method method,
                       double* raw, size_t rows, inference::Workspace& work,
                       inference::Output& out);

}  // namespace proa::engines::boosted
