// Any bytes as a structured CloudEvent, and as the values of a binary one.
#include "models/protocols/rest/cloud_events.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace proa;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto structured = protocols::cloud_event({}, "application/cloudevents+json", text);
  if (structured.ok() && *structured) {
    protocols::CloudEventOptions merge{"", "", true};
    (void)protocols::cloud_answer(**structured, merge, "m", "1", "t", "{}");
  }
  http::FieldView fields[] = {{"ce-specversion", "1.0"},
                              {"ce-id", text.substr(0, size / 2)},
                              {"ce-source", text.substr(size / 2)},
                              {"ce-type", text}};
  auto binary = protocols::cloud_event(fields, "", text);
  if (binary.ok() && *binary) {
    protocols::CloudEventOptions merge{"", "", true};
    auto answer = protocols::cloud_answer(**binary, merge, "m", "1", "t", "{}");
    for (size_t at = 0; (at = answer.headers.find('\n', at)) != std::string::npos; ++at)
      if (at == 0 || answer.headers[at - 1] != '\r') __builtin_trap();
  }
  return 0;
}
