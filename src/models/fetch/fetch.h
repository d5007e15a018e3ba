// `proa fetch` for the program: models/storage lies in a shared object of its own, libproa-fetch.so
// (see module/), since libcurl and libarchive with all that they load cost every other command
// memory. It is opened when it is first needed, beside the executable or in ../lib of it.
//
// preload_fetch() before a zygote forks: its children then have it without opening a file.
#pragma once

#include "foundation/base/result.h"

namespace proa::models {

Status preload_fetch();

// The command; see models/storage/fetch.h. Ends with 1 and a line on stderr if the object is
// missing.
int fetch_main(int argc, char** argv);

}  // namespace proa::models
