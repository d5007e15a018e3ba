// The functions that libproa-fetch.so shows. Their caller is models/fetch.
#include "models/storage/fetch.h"

extern "C" [[gnu::visibility("default")]] int proa_fetch_main(int argc, char** argv) {
  return proa::storage::fetch_main(argc, argv);
}

extern "C" [[gnu::visibility("default")]] void proa_fetch_prepare() {
  proa::storage::prepare_to_fetch();
}
