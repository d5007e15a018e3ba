// The one function that libproa-fetch.so shows. Its caller is models/fetch.
#include "models/storage/fetch.h"

extern "C" [[gnu::visibility("default")]] int proa_fetch_main(int argc, char** argv) {
  return proa::storage::fetch_main(argc, argv);
}
