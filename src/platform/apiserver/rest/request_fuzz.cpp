// What strangers and clients send: paths, queries, Accept headers and bodies of every kind.
#include <cstddef>
#include <cstdint>

#include "platform/apiserver/rest/request.h"

namespace {

const proa::api::Catalog& catalog() {
  static auto made = proa::api::Catalog::built_in();
  return *made.value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace proa::apiserver;
  if (size == 0) return 0;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  constexpr const char* kTypes[] = {"application/json", "application/yaml",
                                    "application/vnd.kubernetes.protobuf",
                                    "application/apply-patch+yaml", ""};
  (void)parse_target(text);
  Query query(text);
  (void)parse_answering(text, query).ok();
  proa::http::Request request;
  request.headers.set("content-type", kTypes[data[0] % 5]);
  request.body = std::string(text);
  (void)decode_body(catalog(), request).ok();
  return 0;
}
