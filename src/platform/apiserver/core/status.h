// Failure: an API error as Kubernetes words it (metav1.Status), and Answer<T>: a T or a Failure.
//
// Used by Core and the REST face. Works with TRY: an Error becomes the Failure of its code.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "api/schema/schema.h"
#include "api/schema/validate.h"
#include "foundation/json/value.h"

namespace proa::apiserver {

struct [[nodiscard]] Failure {
  Failure(Error e);  // NOLINT: by TRY
  explicit Failure(json::Value s) : status(std::move(s)) {}
  json::Value status;  // a whole metav1.Status
  int code() const { return static_cast<int>(status["code"].integer(500)); }
  std::string_view reason() const { return status["reason"].str(); }
  const std::string& message() const { return status["message"].str(); }
  Error to_error() const;
};

template <typename T>
class [[nodiscard]] Answer {
 public:
  Answer(T value) : state_(std::in_place_index<1>, std::move(value)) {}  // NOLINT
  Answer(Failure f) : state_(std::in_place_index<0>, std::move(f)) {}    // NOLINT
  Answer(Error e) : state_(std::in_place_index<0>, std::move(e)) {}      // NOLINT
  bool ok() const { return state_.index() == 1; }
  T& value() & {
    CHECK(ok());
    return *std::get_if<1>(&state_);
  }
  const T& value() const& {
    CHECK(ok());
    return *std::get_if<1>(&state_);
  }
  T&& value() && {
    CHECK(ok());
    return std::move(*std::get_if<1>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Failure& error() const& {
    CHECK(!ok());
    return *std::get_if<0>(&state_);
  }
  Failure&& error() && {
    CHECK(!ok());
    return std::move(*std::get_if<0>(&state_));
  }
  Result<T> to_result() && {
    if (ok()) return std::move(*this).value();
    return error().to_error();
  }

 private:
  std::variant<Failure, T> state_;
};

using Done = Answer<Ok>;

// `kind` null: details without a kind.
Failure failure(int code, std::string_view reason, std::string message,
                const api::KindDef* kind = nullptr, std::string_view name = "");
Failure not_found(const api::KindDef& kind, std::string_view name);
Failure already_exists(const api::KindDef& kind, std::string_view name);
Failure modified(const api::KindDef& kind,
                 std::string_view name);  // the object has been modified; …
Failure conflict(const api::KindDef& kind, std::string_view name, std::string_view why);
Failure forbidden(const api::KindDef& kind, std::string_view name, std::string_view why);
Failure bad_request(std::string message);
Failure expired(std::string message);
Failure invalid(const api::KindDef& kind, std::string_view name,
                const std::vector<api::FieldError>& errors);
Failure no_such_path();
std::string resource_of(const api::KindDef& kind);  // "pods", "deployments.apps"

}  // namespace proa::apiserver
