// hdfs:// and webhdfs:// by WebHDFS' REST, for models/storage's resolve().
//
// Settings are files of the folder HDFS_SECRET_DIR (/var/secrets/kserve-hdfscreds) or variables of
// the environment: HDFS_NAMENODE (URLs by ;), HDFS_ROOTPATH, USER_PROXY, HEADERS (JSON), TLS_CERT,
// TLS_KEY, TLS_CA, TLS_SKIP_VERIFY. The URI's path is below HDFS_ROOTPATH; without HDFS_NAMENODE,
// webhdfs://HOST:PORT/PATH names the server itself. Kerberos is refused.
#pragma once

#include "models/storage/transfer/source.h"

namespace proa::storage {

Result<Resolved> resolve_webhdfs(const Uri& uri, const SourceOptions& options);

// Which cluster the mounted secret names, for the cache's key.
std::string webhdfs_place(const Environment& env);

}  // namespace proa::storage
