#include "models/storage/resolve.h"

#include "foundation/base/strings.h"
#include "models/storage/azure/azure.h"
#include "models/storage/git/git.h"
#include "models/storage/gs/gs.h"
#include "models/storage/hf/hf.h"
#include "models/storage/mlflow/mlflow.h"
#include "models/storage/oci/oci.h"
#include "models/storage/s3/s3.h"
#include "models/storage/transfer/crypto.h"
#include "models/storage/webhdfs/webhdfs.h"

namespace proa::storage {
namespace {

// Variables that say which server is asked, or whether it is who it says it is. A pod of one
// namespace must not fill the cache for another from a server of its own.
constexpr const char* kPlaces[] = {"STORAGE_EMULATOR_HOST",
                                   "AWS_ENDPOINT_URL_S3",
                                   "AWS_ENDPOINT_URL",
                                   "S3_ENDPOINT",
                                   "S3_USE_HTTPS",
                                   "S3_VERIFY_SSL",
                                   "AWS_CA_BUNDLE",
                                   "OSS_ENDPOINT",
                                   "AZURE_BLOB_ENDPOINT",
                                   "AZURE_SERVICE_URL",
                                   "AZURE_FILE_ENDPOINT",
                                   "HF_ENDPOINT",
                                   "MODELSCOPE_ENDPOINT",
                                   "HDFS_NAMENODE",
                                   "HDFS_SECRET_DIR",
                                   "HDFS_ROOTPATH",
                                   "TLS_SKIP_VERIFY",
                                   "REQUESTS_CA_BUNDLE",
                                   "SSL_CERT_FILE",
                                   "http_proxy",
                                   "https_proxy",
                                   "HTTPS_PROXY",
                                   "ALL_PROXY",
                                   "all_proxy",
                                   "OSS_REGION",
                                   "MLFLOW_TRACKING_URI"};

Result<Resolved> by_scheme(const Uri& uri, const SourceOptions& options) {
  switch (uri.scheme) {
    case Scheme::kGcs:
      return resolve_gcs(uri, options);
    case Scheme::kS3:
      return resolve_s3(uri, options);
    case Scheme::kOss:
      return resolve_oss(uri, options);
    case Scheme::kAzureBlob:
      return resolve_azure_blob(uri, options);
    case Scheme::kAzureFile:
      return resolve_azure_file(uri, options);
    case Scheme::kHuggingFace:
      return resolve_hugging_face(uri, options);
    case Scheme::kModelScope:
      return resolve_modelscope(uri, options);
    case Scheme::kOci:
      return resolve_oci(uri, options);
    case Scheme::kHdfs:
      return resolve_webhdfs(uri, options);
    case Scheme::kGit:
      return resolve_git(uri, options);
    case Scheme::kWeb:
      return resolve_web(uri, options);
    case Scheme::kMlflow:
      return resolve_mlflow(uri, options, by_scheme);
    case Scheme::kLocal:
    case Scheme::kClaim:
    case Scheme::kMounted:
      break;
  }
  return resolve_local(uri.path, uri);
}

}  // namespace

Result<Resolved> resolve(const Uri& uri, const SourceOptions& options) {
  TRY(auto mirror, mirrored(uri.text, options.mirrors));
  Resolved out;
  if (mirror.empty()) {
    TRY(out, by_scheme(uri, options));
  } else {
    TRY(out, resolve_local(mirror, uri));
  }
  if (out.bring) return out;
  if (out.unpack != Unpack::kLayers)  // an image's layers are no files of the model
    std::erase_if(out.files, [&](const RemoteFile& f) { return !options.filter.takes(f.path); });
  if (out.files.empty()) return no_model(uri);
  return out;
}

std::string cache_key(const Uri& uri, const SourceOptions& options) {
  std::string key = uri.shown, other;
  if (uri.text != uri.shown) other += str("text ", uri.text, "\n");
  if (uri.scheme != Scheme::kLocal)
    for (const char* name : kPlaces)
      if (const auto v = value_in(options.env, name); !v.empty()) other += str(name, " ", v, "\n");
  if (uri.scheme == Scheme::kHdfs) other += webhdfs_place(options.env);
  const auto& f = options.filter;
  if (!f.allow.empty() || !f.ignore.empty())
    key += str(" +", join(f.allow, ","), " -", join(f.ignore, ","));
  return other.empty() ? key : str(key, " ", sha256_hex(other).substr(0, 32));
}

}  // namespace proa::storage
