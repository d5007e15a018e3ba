// gRPC's status codes, what the product's errors are there, and how messages are written.
//
// Used by every gRPC service. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "foundation/base/result.h"

namespace proa::grpc {

// https://grpc.io/docs/guides/status-codes
enum class StatusCode : uint8_t {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

StatusCode status_of(Code code);           // the one table
std::string_view digits(StatusCode code);  // "12"

// grpc-message: printable ASCII but '%' as it is, the rest as %XX. At most 4 KiB are taken.
void append_status_message(std::string& out, std::string_view message);

}  // namespace proa::grpc
