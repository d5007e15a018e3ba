// Lists a bucket's objects below a prefix, for S3 and OSS alike, which differ in how a request is
// signed and in what an error says.
#pragma once

#include "models/storage/s3/listing.h"
#include "models/storage/transfer/source.h"

namespace proa::storage {

class Bucket {
 public:
  // `refusal` makes the line for an answer that is no listing. All must outlive this.
  using Refusal = std::function<Error(const HttpResponse&)>;
  Bucket(const Uri& uri, const SourceOptions& options, Http& http)
      : uri_(uri), options_(options), http_(http) {}

  // Errors: those of `refusal`, and of the network.
  Result<std::vector<RemoteFile>> list(const std::string& base, const Sign& sign,
                                       const Refusal& refusal);

 private:
  Result<BucketPage> page(const std::string& base, const std::string& prefix,
                          const std::string& token, int most);
  Status below(const std::string& base, const std::string& prefix);
  Status add(const std::string& base, const BucketPage::Object& o, std::string_view relative);

  const Uri& uri_;
  const SourceOptions& options_;
  Http& http_;
  const Sign* sign_ = nullptr;
  const Refusal* refusal_ = nullptr;
  std::vector<RemoteFile> files_;
};

}  // namespace proa::storage
