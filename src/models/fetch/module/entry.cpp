// The functions that libproa-fetch.so shows. Their caller is models/fetch.
#include "models/storage/fetch.h"
#include "models/storage/transfer/crypto.h"

extern "C" [[gnu::visibility("default")]] int proa_fetch_main(int argc, char** argv) {
  return proa::storage::fetch_main(argc, argv);
}

// OpenSSL reads its configuration and finds its algorithms at its first use, which takes longer
// than to fetch a small model. Forked processes have it done.
extern "C" [[gnu::visibility("default")]] void proa_fetch_prepare() {
  (void)proa::storage::sha256("");
}
