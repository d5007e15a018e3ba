#include "models/engines/pickle/allowed.h"

#include <algorithm>
#include <iterator>

namespace proa::pickle {
namespace {

// Names that a module, or any of several modules, may hold; both lists blank-separated. Old
// releases of numpy, scipy and Python had other module names for the same things.
struct Row {
  std::string_view modules, names;
};

constexpr std::string_view kUfuncModules =
    "numpy numpy.core._multiarray_umath numpy._core._multiarray_umath numpy.core.umath";

constexpr Row kAllowed[] = {
    // Python: containers and types. getattr only as scipy.stats writes it (see the reader).
    {"builtins __builtin__",
     "object bytes bytearray set frozenset dict list tuple int long float bool str unicode complex "
     "slice range xrange type Ellipsis getattr"},
    {"collections", "OrderedDict defaultdict Counter deque"},
    {"copyreg copy_reg", "_reconstructor"},
    {"_codecs", "encode"},
    {"functools", "partial"},
    // joblib
    {"joblib.numpy_pickle sklearn.externals.joblib.numpy_pickle", "NumpyArrayWrapper"},
    {"joblib.memory sklearn.externals.joblib.memory", "Memory"},
    {"joblib._store_backends sklearn.externals.joblib._store_backends", "FileSystemStoreBackend"},
    {"joblib.logger sklearn.externals.joblib.logger", "Logger"},
    // numpy: arrays, scalars and types
    {"numpy",
     "ndarray dtype matrix recarray record vectorize float64 float32 float16 longdouble float128 "
     "int64 int32 int16 int8 uint64 uint32 uint16 uint8 longlong ulonglong intp bool_ bool object_ "
     "str_ bytes_ complex128 complex64 number floating integer generic"},
    {"numpy.core.multiarray numpy._core.multiarray", "_reconstruct scalar"},
    {"numpy.core.numeric numpy._core.numeric", "_frombuffer"},
    {"numpy.core numpy._core numpy", "_ufunc_reconstruct"},
    {"numpy.matrixlib.defmatrix", "matrix"},
    {"numpy.core.memmap numpy", "memmap"},
    {"numpy.rec numpy.core.records", "recarray"},
    {"numpy.ma.core numpy.ma", "MaskedArray MaskedConstant _mareconstruct"},
    {"numpy.lib.function_base numpy.lib._function_base_impl", "vectorize"},
    // numpy: functions, as FunctionTransformer, TransformedTargetRegressor and others keep them
    {kUfuncModules,
     "absolute abs add arccos arccosh arcsin arcsinh arctan arctanh cbrt ceil conjugate cos cosh "
     "deg2rad degrees divide exp exp2 expm1 fabs floor fmax fmin isfinite isinf isnan log log10 "
     "log1p log2 logaddexp logical_not maximum minimum multiply negative positive power rad2deg "
     "radians reciprocal rint sign signbit sin sinh spacing sqrt square subtract tan tanh trunc "
     "true_divide"},
    {"numpy numpy.core.fromnumeric numpy._core.fromnumeric",
     "amax amin max min mean sum prod std var clip round around round_ ravel reshape squeeze "
     "transpose cumsum"},
    {"numpy numpy.lib.function_base numpy.lib._function_base_impl numpy.lib.nanfunctions "
     "numpy.lib._nanfunctions_impl",
     "median nanmedian nanmean nanmax nanmin nanstd percentile"},
    {"numpy numpy.lib.type_check numpy.lib._type_check_impl", "nan_to_num real"},
    {"numpy numpy.core.multiarray numpy.core._asarray numpy._core.multiarray",
     "array asarray ascontiguousarray"},
    {"numpy numpy.core.numeric numpy._core.numeric", "ones_like zeros_like"},
    {"scipy.special scipy.special._ufuncs scipy.special._special_ufuncs",
     "expit logit boxcox inv_boxcox boxcox1p log1p expm1 erf log_expit"},
    {"scipy._lib.array_api_compat.numpy._aliases sklearn.externals.array_api_compat.numpy._aliases",
     "asarray"},
    // numpy: random generators, kept and never used
    {"numpy.random mtrand numpy.random.mtrand", "RandomState __RandomState_ctor _rand"},
    {"numpy.random._pickle", "__randomstate_ctor __generator_ctor __bit_generator_ctor"},
    {"numpy.random._mt19937", "MT19937"},
    {"numpy.random._pcg64", "PCG64 PCG64DXSM"},
    {"numpy.random._philox", "Philox"},
    {"numpy.random._sfc64", "SFC64"},
    {"numpy.random.bit_generator numpy.random._bit_generator",
     "SeedSequence SeedlessSeedSequence __pyx_unpickle_SeedSequence"},
    // scipy
    {"scipy.sparse.csr scipy.sparse._csr scipy.sparse", "csr_matrix csr_array"},
    {"scipy.sparse.csc scipy.sparse._csc scipy.sparse", "csc_matrix csc_array"},
    {"scipy.sparse.coo scipy.sparse._coo scipy.sparse", "coo_matrix coo_array"},
    {"scipy.sparse.bsr scipy.sparse._bsr scipy.sparse", "bsr_matrix bsr_array"},
    {"scipy.sparse.dia scipy.sparse._dia scipy.sparse", "dia_matrix dia_array"},
    {"scipy.sparse.lil scipy.sparse._lil scipy.sparse", "lil_matrix lil_array"},
    {"scipy.sparse.dok scipy.sparse._dok scipy.sparse", "dok_matrix dok_array"},
    {"scipy.interpolate._bsplines scipy.interpolate", "BSpline _BSpline"},
    {"scipy.interpolate.interpolate scipy.interpolate._interpolate", "interp1d"},
    // pandas: the columns that ColumnTransformer remembered, to release 0.23
    {"pandas.core.indexes.base", "_new_Index Index"},
    {"pandas.core.indexes.range", "RangeIndex"},
    // scipy.stats: what searches draw from, kept and never used
    {"scipy.stats._distn_infrastructure",
     "rv_frozen rv_continuous_frozen rv_discrete_frozen rv_sample"},
    {"scipy.stats._continuous_distns",
     "alpha_gen beta_gen betaprime_gen cauchy_gen chi2_gen expon_gen exponnorm_gen f_gen gamma_gen "
     "halfcauchy_gen halfnorm_gen invgamma_gen invgauss_gen laplace_gen logistic_gen loggamma_gen "
     "loguniform_gen lognorm_gen norm_gen pareto_gen powerlaw_gen rayleigh_gen reciprocal_gen "
     "skewnorm_gen t_gen triang_gen truncexpon_gen truncnorm_gen uniform_gen wald_gen "
     "weibull_max_gen weibull_min_gen"},
    {"scipy.stats._discrete_distns",
     "bernoulli_gen betabinom_gen binom_gen geom_gen hypergeom_gen nbinom_gen poisson_gen "
     "randint_gen zipf_gen"},
};

// Their classes are honest parts of files, only not readable here.
constexpr std::string_view kKnownLibraries[] = {"sklearn",  "xgboost",     "lightgbm", "catboost",
                                                "imblearn", "statsmodels", "scipy",    "pandas",
                                                "torch",    "mlxtend",     "skops"};

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

}  // namespace

bool lists(std::string_view words, std::string_view word) {
  if (word.empty() || word.find(' ') != std::string_view::npos) return false;
  for (size_t at = words.find(word); at != std::string_view::npos; at = words.find(word, at + 1)) {
    size_t end = at + word.size();
    if ((at == 0 || words[at - 1] == ' ') && (end == words.size() || words[end] == ' '))
      return true;
  }
  return false;
}

Verdict unlisted(std::string_view module, std::string_view name) {
  std::string_view library = module.substr(0, module.find('.'));
  bool known = std::find(std::begin(kKnownLibraries), std::end(kKnownLibraries), library) !=
               std::end(kKnownLibraries);
  // A class, by its capital letter: functions of these libraries are as foreign as any other.
  if (known && is_name(name) && name[0] >= 'A' && name[0] <= 'Z') return Verdict::kUnsupported;
  return Verdict::kRefused;
}

Verdict classify(std::string_view module, std::string_view name) {
  for (const Row& row : kAllowed)
    if (lists(row.modules, module) && lists(row.names, name)) return Verdict::kAllowed;
  return unlisted(module, name);
}

}  // namespace proa::pickle
