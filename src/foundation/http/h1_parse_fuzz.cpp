// Any bytes as a request head, a response head and a chunked body: no crash, and the same result
// whether they come at once or byte by byte.
#include <cstdint>
#include <string>

#include "foundation/base/check.h"
#include "foundation/http/h1_parse.h"

using namespace proa::http;

static std::string chunked(std::string_view text, size_t step, bool& bad, bool& done) {
  ChunkedDecoder decoder;
  std::string body, pending;
  for (size_t at = 0; at < text.size() && !bad && !done; at += step) {
    pending += text.substr(at, step);
    while (!pending.empty()) {
      auto s = decoder.next(pending);
      body += s.data;
      bad = s.bad;
      done = s.done;
      if (bad || done || s.used == 0) break;
      pending.erase(0, s.used);
    }
  }
  return body;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  H1Head whole, grown;
  size_t scanned = 0, slow = 0;
  Parsed at_once = parse_request(text, scanned, 1 << 16, whole);
  Parsed by_byte;
  for (size_t n = 1; n <= size && by_byte.state == Parsed::kMore; ++n) {
    by_byte = parse_request(text.substr(0, n), slow, 1 << 16, grown);
  }
  if (size > 0) CHECK(at_once.state == by_byte.state);
  if (at_once.state == Parsed::kDone) {
    CHECK(at_once.used == by_byte.used && whole.target == grown.target);
    CHECK(!(whole.chunked && whole.content_length));
  }
  scanned = 0;
  parse_response(text, scanned, 1 << 16, whole);
  bool bad1 = false, done1 = false, bad2 = false, done2 = false;
  std::string a = chunked(text, size + 1, bad1, done1), b = chunked(text, 1, bad2, done2);
  CHECK(a == b && bad1 == bad2 && done1 == done2);
  return 0;
}
