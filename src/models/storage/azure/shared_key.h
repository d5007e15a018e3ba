// Azure Storage's SharedKey signature of a request. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"

namespace proa::storage {

struct AzureRequest {
  std::string method = "GET", url;
  std::string range;                 // "bytes=0-9", or ""
  std::vector<std::string> headers;  // "x-ms-…: value" lines
};

// What is signed: docs call it the string to sign.
std::string azure_string_to_sign(const AzureRequest& r, std::string_view account);
// "Authorization: SharedKey ACCOUNT:…"; kInvalid if the key is no base64.
Result<std::string> azure_authorization(const AzureRequest& r, std::string_view account,
                                        std::string_view key);

}  // namespace proa::storage
