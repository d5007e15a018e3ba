// Errors as values: Error, Result<T>, Status, and TRY to pass them up.
//
// Used everywhere. An Error has one of at most 20 codes, which the edges map to Kubernetes reasons,
// HTTP and gRPC (see codes.h), and a message that names the thing, the cause and the next step.
// Values are owned; a Result is as thread-safe as its T.
#pragma once

#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "foundation/base/check.h"

namespace proa {

enum class Code {
  kInvalid,           // the request itself is wrong: HTTP 400
  kUnprocessable,     // well-formed, but the object is not valid: 422
  kUnauthenticated,   // 401
  kForbidden,         // 403
  kNotFound,          // 404
  kMethodNotAllowed,  // 405
  kAlreadyExists,     // 409
  kConflict,          // 409, resourceVersion or field manager
  kGone,              // 410, the revision asked for was compacted
  kTooLarge,          // 413
  kUnsupportedMedia,  // 415
  kExhausted,         // 429, a bounded queue is full
  kInternal,          // 500
  kUnimplemented,     // 501
  kUnavailable,       // 503, try again later
  kDeadline,          // 504
  kCancelled,         // the caller went away
  kDataLoss,          // what was stored or received is damaged
};

// "kNotFound" → "NotFound".
const char* to_string(Code code);

struct [[nodiscard]] Error {
  Code code = Code::kInternal;
  std::string message;

  // "load model iris" + "no such file" → "load model iris: no such file".
  Error with_context(std::string_view context) &&;
};

inline Error error(Code code, std::string message) { return Error{code, std::move(message)}; }

// kNotFound for ENOENT, kForbidden for EACCES and EPERM, …; message "WHAT: strerror".
Error errno_error(std::string_view what, int err);
Error errno_error(std::string_view what);

template <typename T>
class [[nodiscard]] Result {
 public:
  Result() : state_(Error{Code::kInternal, "result never set"}) {}
  Result(T value) : state_(std::in_place_index<1>, std::move(value)) {}  // NOLINT
  Result(Error e) : state_(std::move(e)) {}                              // NOLINT
  template <typename U>
    requires(std::is_convertible_v<U &&, T> && !std::is_same_v<std::decay_t<U>, Result> &&
             !std::is_same_v<std::decay_t<U>, T> && !std::is_same_v<std::decay_t<U>, Error>)
  Result(U&& value) : state_(std::in_place_index<1>, std::forward<U>(value)) {}  // NOLINT

  bool ok() const { return state_.index() == 1; }
  explicit operator bool() const { return ok(); }

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
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& {
    CHECK(!ok());
    return *std::get_if<0>(&state_);
  }
  Error&& error() && {
    CHECK(!ok());
    return std::move(*std::get_if<0>(&state_));
  }

  T value_or(T other) const& { return ok() ? value() : std::move(other); }

  // The same result, with "CONTEXT: " before the message of its error.
  Result context(std::string_view what) && {
    if (ok()) return std::move(*this);
    return std::move(*this).error().with_context(what);
  }

 private:
  std::variant<Error, T> state_;
};

struct Ok {};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Ok) {}                                          // NOLINT
  Result(Error e) : error_(std::move(e)), ok_(false) {}  // NOLINT
  bool ok() const { return ok_; }
  explicit operator bool() const { return ok_; }
  void value() const { CHECK(ok_); }
  const Error& error() const& {
    CHECK(!ok_);
    return error_;
  }
  Error&& error() && {
    CHECK(!ok_);
    return std::move(error_);
  }
  Result context(std::string_view what) && {
    if (ok_) return {};
    return std::move(error_).with_context(what);
  }

 private:
  Error error_;
  bool ok_ = true;
};

using Status = Result<void>;

#define PROA_CONCAT_(a, b) a##b
#define PROA_CONCAT(a, b) PROA_CONCAT_(a, b)

// TRY(auto x, f());  declares x with f's value, or returns f's error.
// Several statements: not allowed after a brace-less if (it fails to compile there).
#define TRY(decl, ...) PROA_TRY_(PROA_CONCAT(try_result_, __COUNTER__), decl, __VA_ARGS__)
#define PROA_TRY_(tmp, decl, ...)               \
  auto tmp = (__VA_ARGS__);                     \
  if (!tmp.ok()) return std::move(tmp).error(); \
  decl = std::move(tmp).value()

// TRY_STATUS(f());  returns f's error, if any.
#define TRY_STATUS(...)                                           \
  do {                                                            \
    auto try_status_ = (__VA_ARGS__);                             \
    if (!try_status_.ok()) return std::move(try_status_).error(); \
  } while (0)

}  // namespace proa
