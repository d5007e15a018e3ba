#include "models/engines/maker.h"

#include "foundation/base/strings.h"

namespace proa::engines {
namespace {

constexpr size_t kMostDepth = 32;  // pipelines in searches in pipelines …
constexpr size_t kMostEstimators = 100'000;
constexpr size_t kMostRepeated = 1000;  // the same object as the part of several others
constexpr int64_t kMostFeatures = int64_t{1} << 31;

int leading_number(std::string_view text) {
  size_t end = text.find_first_not_of("0123456789");
  auto v = parse_int(text.substr(0, end));
  return v && *v < 1000 ? static_cast<int>(*v) : 0;
}

Maker::Release release_of(std::string_view version) {
  size_t dot = version.find('.');
  if (dot == std::string_view::npos) return {};
  return {leading_number(version), leading_number(version.substr(dot + 1))};
}

// n_features_in_ and feature_names_in_, which newer releases write beside the parameters.
Status read_common(const Attributes& a, Estimator& e) {
  e.name = a.class_name();
  if (a.has("n_features_in_")) {
    TRY(int64_t n, a.integer({"n_features_in_"}));
    if (n < 0 || n > kMostFeatures) return a.wrong("n_features_in_ is out of range");
    e.features = static_cast<size_t>(n);
  }
  if (!a.has("feature_names_in_")) return {};
  TRY(e.feature_names, a.texts({"feature_names_in_"}));
  if (e.features == 0) e.features = e.feature_names.size();
  if (e.features != e.feature_names.size())
    return a.wrong(str("feature_names_in_ has ", e.feature_names.size(), " names for ", e.features,
                       " features"));
  return {};
}

}  // namespace

const char* const kWayOut =
    "`proa serve --list-formats` shows what is covered; fit one of those, or serve this model with "
    "a container of your own (predictor.containers)";

FileMaker::FileMaker(std::string_view version) : version_(version), release_(release_of(version)) {}

Error FileMaker::uncovered(std::string_view type) const {
  std::string wrote = version_.empty() ? "" : str(" (scikit-learn ", version_, ")");
  return error(Code::kUnimplemented, str(type, wrote, " is not supported; ", kWayOut));
}

Result<std::unique_ptr<Estimator>> FileMaker::make(const pickle::Node* node) {
  std::string_view type = node ? node->type_name() : std::string_view();
  if (type.empty())
    return error(Code::kUnimplemented,
                 str(node ? node->describe() : "nothing", " is no estimator of scikit-learn"));
  size_t dot = type.rfind('.');
  const Entry* entry = find_entry(type.substr(0, dot), type.substr(dot + 1));
  if (!entry || !entry->make) {
    if (!type.starts_with("sklearn."))
      return error(Code::kUnimplemented, str("a ", type, " is no estimator of scikit-learn"));
    return uncovered(type);
  }
  if (depth_ >= kMostDepth) return error(Code::kTooLarge, "estimators are nested too deeply");
  if (++made_ > kMostEstimators) return error(Code::kTooLarge, "too many estimators in the file");
  if (!seen_.insert(node).second && ++repeated_ > kMostRepeated)
    return error(Code::kTooLarge, "the file uses the same estimator too often");
  ++depth_;
  Attributes attributes(*node);
  auto made = entry->make(attributes, *this);
  --depth_;
  if (!made.ok()) return made;
  TRY_STATUS(read_common(attributes, **made));
  return made;
}

}  // namespace proa::engines
