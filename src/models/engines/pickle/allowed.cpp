#include "models/engines/pickle/allowed.h"

#include <algorithm>
#include <array>
#include <utility>

namespace proa::pickle {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

// Old releases of scikit-learn (to 0.21) and numpy (to 1.x) had other module names for the same
// things.
constexpr Pair kAllowed[] = {
    {"sklearn.svm._classes", "SVC"},
    {"sklearn.svm._classes", "NuSVC"},
    {"sklearn.svm._classes", "LinearSVC"},
    {"sklearn.svm.classes", "SVC"},
    {"sklearn.svm.classes", "NuSVC"},
    {"sklearn.svm.classes", "LinearSVC"},
    {"sklearn.linear_model._logistic", "LogisticRegression"},
    {"sklearn.linear_model.logistic", "LogisticRegression"},
    {"sklearn.preprocessing._data", "StandardScaler"},
    {"sklearn.preprocessing._data", "MinMaxScaler"},
    {"sklearn.preprocessing.data", "StandardScaler"},
    {"sklearn.preprocessing.data", "MinMaxScaler"},
    {"sklearn.pipeline", "Pipeline"},
    {"sklearn.utils._metadata_requests", "MetadataRequest"},
    {"sklearn.utils._metadata_requests", "MethodMetadataRequest"},
    {"sklearn.externals.joblib.numpy_pickle", "NumpyArrayWrapper"},
    {"joblib.numpy_pickle", "NumpyArrayWrapper"},
    {"numpy", "ndarray"},
    {"numpy", "dtype"},
    {"numpy", "float64"},
    {"numpy", "float32"},
    {"numpy", "int64"},
    {"numpy", "int32"},
    {"numpy", "bool_"},
    {"numpy", "bool"},
    {"numpy", "str_"},
    {"numpy.core.multiarray", "_reconstruct"},
    {"numpy.core.multiarray", "scalar"},
    {"numpy.core.numeric", "_frombuffer"},
    {"numpy._core.multiarray", "_reconstruct"},
    {"numpy._core.multiarray", "scalar"},
    {"numpy._core.numeric", "_frombuffer"},
    {"numpy.random", "__RandomState_ctor"},
    {"numpy.random._pickle", "__randomstate_ctor"},
    {"numpy.random._pickle", "__generator_ctor"},
    {"numpy.random._pickle", "__bit_generator_ctor"},
    {"numpy.random._mt19937", "MT19937"},
    {"numpy.random._pcg64", "PCG64"},
    {"numpy.random._pcg64", "PCG64DXSM"},
    {"numpy.random._philox", "Philox"},
    {"numpy.random._sfc64", "SFC64"},
    {"numpy.random.bit_generator", "SeedSequence"},
    {"numpy.random.bit_generator", "__pyx_unpickle_SeedSequence"},
    {"numpy.random._bit_generator", "SeedSequence"},
    {"numpy.random._bit_generator", "__pyx_unpickle_SeedSequence"},
    {"scipy.sparse.csr", "csr_matrix"},
    {"scipy.sparse._csr", "csr_matrix"},
    {"scipy.sparse._csr", "csr_array"},
    {"collections", "OrderedDict"},
    {"copyreg", "_reconstructor"},
    {"copy_reg", "_reconstructor"},
    {"_codecs", "encode"},
    {"builtins", "object"},
    {"builtins", "bytes"},
    {"builtins", "bytearray"},
    {"builtins", "set"},
    {"builtins", "frozenset"},
    {"__builtin__", "object"},
    {"__builtin__", "bytes"},
    {"__builtin__", "bytearray"},
    {"__builtin__", "set"},
    {"__builtin__", "frozenset"},
};

// Their estimators are honest files, only not readable here (yet).
constexpr std::string_view kKnownLibraries[] = {"sklearn",  "xgboost",     "lightgbm", "catboost",
                                                "imblearn", "statsmodels", "scipy",    "pandas",
                                                "torch",    "mlxtend",     "skops"};

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

}  // namespace

Verdict classify(std::string_view module, std::string_view name) {
  for (const Pair& p : kAllowed)
    if (p.first == module && p.second == name) return Verdict::kAllowed;
  std::string_view library = module.substr(0, module.find('.'));
  bool known = std::find(std::begin(kKnownLibraries), std::end(kKnownLibraries), library) !=
               std::end(kKnownLibraries);
  // A class, by its capital letter: functions of these libraries are as foreign as any other.
  if (known && is_name(name) && name[0] >= 'A' && name[0] <= 'Z') return Verdict::kUnsupported;
  return Verdict::kRefused;
}

}  // namespace proa::pickle
