// Git repositories over https (https://HOST/PATH.git, with #REF or ?ref=REF), by the `git` program:
// the ref's commit without its history, for models/storage's resolve().
//
// GIT_USERNAME and GIT_PASSWORD sign in. The program gets no file of the user's configuration, no
// filter, no submodule, no symbolic link, no protocol but https (http where PROA_FETCH_ALLOW names
// the server), and the addresses that the rules allow. A Git LFS pointer is an error, not a model.
#pragma once

#include "models/storage/transfer/source.h"

namespace proa::storage {

Result<Resolved> resolve_git(const Uri& uri, const SourceOptions& options);

// The commit of a ref in the output of `git ls-remote`: HEAD for "", a branch, a tag, a full commit
// as itself; "" if there is none. Pure.
std::string commit_of(std::string_view ls_remote, std::string_view ref);

}  // namespace proa::storage
