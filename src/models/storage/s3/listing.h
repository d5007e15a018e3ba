// The answers of S3 and of stores that speak like it: a page of a listing, an error. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "models/storage/transfer/source.h"

namespace proa::storage {

struct BucketPage {
  struct Object {
    std::string key, etag;  // etag without quotes
    int64_t size = 0;
  };
  std::vector<Object> objects;
  std::string next;  // continuation token; "" at the end
};
Result<BucketPage> parse_bucket_page(std::string_view xml);

struct BucketError {
  std::string code, message, region, endpoint;
};
BucketError parse_bucket_error(std::string_view xml);  // all "" if it is none

// A key with each segment encoded: "a b/c" → "a%20b/c".
std::string encode_key(std::string_view key);
// An ETag that is the MD5 of the whole object, as base64; "" if it is not.
std::string md5_of_etag(std::string_view etag);

}  // namespace proa::storage
