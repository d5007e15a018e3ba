#include "models/storage/s3/listing.h"

#include "foundation/base/strings.h"
#include "models/storage/transfer/xml.h"

namespace proa::storage {
namespace {

std::string_view unquoted(std::string_view etag) {
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"')
    etag = etag.substr(1, etag.size() - 2);
  return etag;
}

int nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Result<BucketPage> parse_bucket_page(std::string_view xml) {
  TRY(const auto root, parse_xml(xml));
  if (root.name != "ListBucketResult")
    return error(Code::kInvalid, str("the answer is a ", shorten(root.name, 40), ", no listing"));
  BucketPage page;
  const bool encoded = root["EncodingType"] == "url";
  for (const auto& c : root.children) {
    if (c.name != "Contents") continue;
    BucketPage::Object o;
    o.key = c["Key"];
    if (encoded) {
      auto key = percent_decode(replace_all(o.key, "+", "%20"));
      if (!key) return error(Code::kInvalid, "the listing has a key that is not encoded well");
      o.key = std::move(*key);
    }
    o.etag = unquoted(trim(c["ETag"]));
    const auto size = parse_int(trim(c["Size"]));
    if (!size || *size < 0) return error(Code::kInvalid, "the listing has an object without size");
    o.size = *size;
    page.objects.push_back(std::move(o));
  }
  if (trim(root["IsTruncated"]) == "true") {
    page.next = root["NextContinuationToken"];
    if (page.next.empty()) return error(Code::kInvalid, "the listing is cut off without a token");
  }
  return page;
}

BucketError parse_bucket_error(std::string_view xml) {
  const auto root = parse_xml(xml);
  if (!root.ok()) return {};
  const XmlNode* e = root->name == "Error" ? &*root : root->find("Error");
  if (!e) return {};
  return {(*e)["Code"], (*e)["Message"], (*e)["Region"], (*e)["Endpoint"]};
}

std::string encode_key(std::string_view key) {
  std::string out;
  for (auto part : split(key, '/'))
    out += str(out.empty() && key[0] != '/' ? "" : "/", percent_encode(part));
  return out;
}

std::string md5_of_etag(std::string_view etag) {
  etag = unquoted(etag);
  if (etag.size() != 32) return {};
  std::string bytes;
  for (size_t i = 0; i < 32; i += 2) {
    const int a = nibble(etag[i]), b = nibble(etag[i + 1]);
    if (a < 0 || b < 0) return {};
    bytes += static_cast<char>(a << 4 | b);
  }
  return base64(bytes);
}

}  // namespace proa::storage
