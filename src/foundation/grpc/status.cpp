#include "foundation/grpc/status.h"

namespace proa::grpc {

StatusCode status_of(Code code) {
  switch (code) {
    case Code::kInvalid:
    case Code::kUnprocessable:
    case Code::kUnsupportedMedia:
      return StatusCode::kInvalidArgument;
    case Code::kUnauthenticated:
      return StatusCode::kUnauthenticated;
    case Code::kForbidden:
      return StatusCode::kPermissionDenied;
    case Code::kNotFound:
      return StatusCode::kNotFound;
    case Code::kMethodNotAllowed:
    case Code::kUnimplemented:
      return StatusCode::kUnimplemented;
    case Code::kAlreadyExists:
      return StatusCode::kAlreadyExists;
    case Code::kConflict:
      return StatusCode::kAborted;
    case Code::kGone:
      return StatusCode::kOutOfRange;
    case Code::kTooLarge:
    case Code::kExhausted:
      return StatusCode::kResourceExhausted;
    case Code::kInternal:
      return StatusCode::kInternal;
    case Code::kUnavailable:
      return StatusCode::kUnavailable;
    case Code::kDeadline:
      return StatusCode::kDeadlineExceeded;
    case Code::kCancelled:
      return StatusCode::kCancelled;
    case Code::kDataLoss:
      return StatusCode::kDataLoss;
  }
  return StatusCode::kUnknown;
}

std::string_view digits(StatusCode code) {
  static constexpr std::string_view kDigits[] = {"0", "1",  "2",  "3",  "4",  "5",  "6",  "7", "8",
                                                 "9", "10", "11", "12", "13", "14", "15", "16"};
  return kDigits[static_cast<size_t>(code)];
}

void append_status_message(std::string& out, std::string_view message) {
  constexpr char kHex[] = "0123456789ABCDEF";
  for (char c : message.substr(0, 4096)) {
    if (c >= ' ' && c <= '~' && c != '%') {
      out += c;
      continue;
    }
    auto byte = static_cast<uint8_t>(c);
    out += '%';
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
}

}  // namespace proa::grpc
