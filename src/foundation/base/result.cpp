#include "foundation/base/result.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace proa {

void check_failed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: CHECK failed: %s\n", file, line, condition);
  std::abort();
}

const char* to_string(Code code) {
  switch (code) {
    case Code::kInvalid:
      return "Invalid";
    case Code::kUnprocessable:
      return "Unprocessable";
    case Code::kUnauthenticated:
      return "Unauthenticated";
    case Code::kForbidden:
      return "Forbidden";
    case Code::kNotFound:
      return "NotFound";
    case Code::kMethodNotAllowed:
      return "MethodNotAllowed";
    case Code::kAlreadyExists:
      return "AlreadyExists";
    case Code::kConflict:
      return "Conflict";
    case Code::kGone:
      return "Gone";
    case Code::kTooLarge:
      return "TooLarge";
    case Code::kUnsupportedMedia:
      return "UnsupportedMedia";
    case Code::kExhausted:
      return "Exhausted";
    case Code::kInternal:
      return "Internal";
    case Code::kUnimplemented:
      return "Unimplemented";
    case Code::kUnavailable:
      return "Unavailable";
    case Code::kDeadline:
      return "Deadline";
    case Code::kCancelled:
      return "Cancelled";
    case Code::kDataLoss:
      return "DataLoss";
  }
  return "Unknown";
}

Error Error::with_context(std::string_view context) && {
  std::string text(context);
  text += ": ";
  text += message;
  message = std::move(text);
  return std::move(*this);
}

Error errno_error(std::string_view what, int err) {
  Code code = Code::kInternal;
  switch (err) {
    case ENOENT:
    case ENOTDIR:
      code = Code::kNotFound;
      break;
    case EACCES:
    case EPERM:
    case EROFS:
      code = Code::kForbidden;
      break;
    case EEXIST:
      code = Code::kAlreadyExists;
      break;
    case EADDRINUSE:
      code = Code::kConflict;
      break;
    case ETIMEDOUT:
      code = Code::kDeadline;
      break;
    case ECONNREFUSED:
    case ECONNRESET:
    case EHOSTUNREACH:
      code = Code::kUnavailable;
      break;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      code = Code::kExhausted;
      break;
    case EINVAL:
      code = Code::kInvalid;
      break;
    default:
      break;
  }
  return Error{code, std::string(what) + ": " + std::strerror(err)};
}

Error errno_error(std::string_view what) { return errno_error(what, errno); }

}  // namespace proa
