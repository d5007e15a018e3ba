// What happens to an object on its way in: unknown fields dropped, defaults put in, types and
// bounds checked. Used by the API server for each create, update and patch.
//
// Pure and thread-safe. Order of use: prune → default_fields → validate.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/schema/schema.h"

namespace proa::api {

enum class FieldValidation { kIgnore, kWarn, kStrict };
// "" is Warn, as kube-apiserver; anything else kInvalid.
Result<FieldValidation> parse_field_validation(std::string_view text);

// One problem with one field, as metav1.StatusCause and in the message of a 422.
struct FieldError {
  std::string reason;  // FieldValueRequired, FieldValueInvalid, FieldValueNotSupported,
                       // FieldValueTypeInvalid, …
  std::string field;   // "spec.predictor.minReplicas"
  std::string detail;  // `Invalid value: "string": … must be of type integer: "string"`
  std::string text() const { return field + ": " + detail; }
};

// Drops unknown fields and nulls in place, and brings known ones to their form (a quantity given as
// number becomes text; built-in kinds: canonical). Returns the unknown fields' paths,
// `spec.foo`, `spec.containers[0].bar`; at most 100.
std::vector<std::string> prune(const KindDef& kind, json::Value& object);

// For Strict: `strict decoding error: unknown field "spec.foo", unknown field "spec.bar"`.
std::string strict_error(const std::vector<std::string>& unknown);
// For Warn: `unknown field "spec.foo"`, one a Warning header (299).
std::string unknown_warning(std::string_view path);

// Puts in what the tables (and for built-in kinds, Kubernetes' own rules) give as defaults.
void default_fields(const KindDef& kind, json::Value& object);

// Types, required, enum, bounds, pattern, duplicate keys of map-like lists; at most 100 errors.
std::vector<FieldError> validate(const KindDef& kind, const json::Value& object);

// Wrong JSON types only, for built-in kinds before anything else (HTTP 400):
// `Deployment in version "v1" cannot be handled as a Deployment: spec.replicas: expected integer,
// got string "x"`.
Status check_types(const KindDef& kind, const json::Value& object);

// Names, labels and annotations: what is true for every kind. name_required false: generateName is
// fine.
std::vector<FieldError> validate_metadata(const KindDef& kind, const json::Value& object);

// `InferenceService.serving.kserve.io "x" is invalid: spec.a: Required value` (several: `[a, b]`).
std::string invalid_message(const KindDef& kind, std::string_view name,
                            const std::vector<FieldError>& errors);
// The metav1.Status of it, code 422, reason Invalid, with causes.
json::Value invalid_status(const KindDef& kind, std::string_view name,
                           const std::vector<FieldError>& errors);

}  // namespace proa::api
