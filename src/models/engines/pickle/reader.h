// Reads pickle protocols 0 to 5 (PEP 307, 3154, 574; opcodes as in Python's pickletools) and
// joblib's inline arrays into inert nodes. There is no call instruction: GLOBAL must name a pair of
// the allow-list (allowed.h), REDUCE, NEWOBJ and BUILD only make nodes.
//
// Every malformed input is an Error; every count, depth and size is bounded. Pure; one thread a
// Document.
#pragma once

#include <cstddef>
#include <string_view>

#include "models/engines/pickle/allowed.h"
#include "models/engines/pickle/node.h"

namespace proa::pickle {

struct Limits {
  size_t opcodes = 40'000'000;
  size_t nodes = 4'000'000;
  size_t memo = 4'000'000;
  size_t marks = 10'000;            // nesting
  size_t nested_streams = 100'000;  // joblib writes arrays of objects as a pickle in the pickle
  Allow allow = classify;
};

// The release that scikit-learn wrote beside its attributes, found by looking for the text:
// "1.7.2",
// "" if there is none. For messages, and for files that are not read to their end.
std::string_view sklearn_version(std::string_view bytes);

// Reads document.bytes as one pickle, sets document.root. Bytes after STOP are refused.
Status read(Document& document, const Limits& limits = {});

}  // namespace proa::pickle
