#include "platform/gateway/policy.h"

namespace proa::gateway {

bool operator==(const Policy& a, const Policy& b) {
  bool same_tls = a.tls == b.tls || (a.tls && b.tls && *a.tls == *b.tls);
  return same_tls && a.balance == b.balance && a.hash == b.hash && a.has_outlier == b.has_outlier &&
         a.outlier == b.outlier && a.pool == b.pool && a.warmup == b.warmup &&
         a.proxy_protocol == b.proxy_protocol;
}

}  // namespace proa::gateway
