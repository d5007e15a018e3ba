// The catalogue's part of this folder.
#include "models/engines/sklearn/preprocessing/makers.h"

namespace proa::engines {
namespace {

constexpr char kData[] = "sklearn.preprocessing._data sklearn.preprocessing.data";
constexpr char kEncoders[] = "sklearn.preprocessing._encoders";
constexpr char kLabel[] = "sklearn.preprocessing._label sklearn.preprocessing.label";
constexpr char kImpute[] = "sklearn.impute._base sklearn.impute";
constexpr char kNumpy[] =
    "numpy numpy.core._multiarray_umath numpy._core._multiarray_umath numpy.core.umath "
    "numpy._core.umath numpy.core.fromnumeric numpy._core.fromnumeric "
    "numpy.lib.type_check numpy.lib._type_check_impl numpy.core.numeric numpy._core.numeric";

constexpr Entry kEntries[] = {
    {"StandardScaler", kData, make_standard_scaler},
    {"RobustScaler", kData, make_robust_scaler},
    {"MinMaxScaler", kData, make_min_max_scaler},
    {"MaxAbsScaler", kData, make_max_abs_scaler},
    {"Normalizer", kData, make_normalizer},
    {"Binarizer", kData, make_binarizer},
    {"KernelCenterer", kData, make_kernel_centerer},
    {"PowerTransformer", kData, make_power_transformer},
    {"QuantileTransformer", kData, make_quantile_transformer},
    {"PolynomialFeatures",
     "sklearn.preprocessing._polynomial sklearn.preprocessing._data sklearn.preprocessing.data",
     make_polynomial_features},
    {"SplineTransformer", "sklearn.preprocessing._polynomial", make_spline_transformer},
    {"BSpline", "scipy.interpolate._bsplines"},
    {"_BSpline", "scipy.interpolate._bsplines"},
    {"asarray", "scipy._lib.array_api_compat.numpy._aliases scipy._lib.array_api_compat.numpy"},
    {"KBinsDiscretizer", "sklearn.preprocessing._discretization", make_k_bins_discretizer},
    {"OneHotEncoder", kEncoders, make_one_hot_encoder},
    {"OrdinalEncoder", kEncoders, make_ordinal_encoder},
    {"TargetEncoder", "sklearn.preprocessing._target_encoder", make_target_encoder},
    {"LabelEncoder", kLabel, make_label_encoder},
    {"LabelBinarizer", kLabel, make_label_binarizer},
    {"MultiLabelBinarizer", kLabel, make_multi_label_binarizer},
    {"FunctionTransformer",
     "sklearn.preprocessing._function_transformer sklearn.preprocessing.function_transformer",
     make_function_transformer},
    {"SimpleImputer", kImpute, make_simple_imputer},
    {"Imputer", "sklearn.preprocessing.imputation", make_simple_imputer},
    {"MissingIndicator", kImpute, make_missing_indicator},
    {"KNNImputer", "sklearn.impute._knn", make_knn_imputer},
    {"IterativeImputer", "sklearn.impute._iterative", make_iterative_imputer},
    {"_ImputerTriplet", "sklearn.impute._iterative"},
    {"ImputerTriplet", "sklearn.impute._iterative"},
    {"_ufunc_reconstruct", "numpy.core numpy._core"},
    {"log1p", kNumpy},
    {"log", kNumpy},
    {"log2", kNumpy},
    {"log10", kNumpy},
    {"exp", kNumpy},
    {"exp2", kNumpy},
    {"expm1", kNumpy},
    {"sqrt", kNumpy},
    {"cbrt", kNumpy},
    {"square", kNumpy},
    {"absolute", kNumpy},
    {"fabs", kNumpy},
    {"negative", kNumpy},
    {"positive", kNumpy},
    {"sign", kNumpy},
    {"sin", kNumpy},
    {"cos", kNumpy},
    {"tan", kNumpy},
    {"arcsin", kNumpy},
    {"arccos", kNumpy},
    {"arctan", kNumpy},
    {"sinh", kNumpy},
    {"cosh", kNumpy},
    {"tanh", kNumpy},
    {"arcsinh", kNumpy},
    {"arccosh", kNumpy},
    {"arctanh", kNumpy},
    {"floor", kNumpy},
    {"ceil", kNumpy},
    {"trunc", kNumpy},
    {"rint", kNumpy},
    {"isnan", kNumpy},
    {"nan_to_num", kNumpy},
    {"deg2rad", kNumpy},
    {"radians", kNumpy},
    {"rad2deg", kNumpy},
    {"degrees", kNumpy},
    {"ravel", kNumpy},
};

}  // namespace

std::span<const Entry> preprocessing_entries() { return kEntries; }

}  // namespace proa::engines
