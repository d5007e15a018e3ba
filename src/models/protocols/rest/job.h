// One inference over HTTP: from the body of a V1 or V2 request to the body of its answer, with what
// surrounds them: content codings, the binary tensor extension, CloudEvents.
//
// Used by Rest, which keeps one for requests that are answered at once, and makes one for each that
// is answered later. One thread; allocates nothing once its buffers have grown.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "foundation/http/inline.h"
#include "models/protocols/infer_reader.h"
#include "models/protocols/rest/cloud_events.h"
#include "models/protocols/rest/coding.h"
#include "models/protocols/rest/route.h"
#include "models/protocols/rows.h"

namespace proa::protocols {

struct RestOptions {
  size_t most_body_bytes = 64 << 20;  // decompressed
  size_t compress_from = 4096;        // answers of this size, for clients that accept it
  CloudEventOptions events;
};

// What goes out besides the body.
struct HttpAnswer {
  int status = 200;
  std::string_view content_type = "application/json";
  std::string_view extra;  // header lines
};

int http_status(Code code);
// KServe's form: {"error": "…"}; for 422 FastAPI's "detail" too. Appended.
HttpAnswer error_answer(const Error& error, std::string& out);

class Job {
 public:
  explicit Job(const RestOptions& options) : options_(options) {}

  // Of the next read(): a V1 body is left as it is, for a model of tensors.
  void set_tensors(bool tensors) { tensors_ = tensors; }

  // Fills `request`, which then views `http` and this.
  Status read(const http::RequestView& http, const Route& route, Workspace& work,
              InferRequest& request);
  // The answer, appended to the empty `out`.
  HttpAnswer write(const Status& status, const InferRequest& request, const InferResponse& response,
                   int retry_after, std::string& out);

 private:
  struct Fields {
    std::string_view content_type, content_encoding, accept_encoding, json_length;
    bool cloud = false;
  };
  static Fields fields_of(const http::RequestView& http);
  Status read_v1(std::string_view body, Workspace& work, InferRequest& request);
  Status read_v2(std::string_view body, const Fields& fields, Workspace& work,
                 InferRequest& request);
  Status write_body(const InferRequest& request, const InferResponse& response, std::string& out);
  void write_event(std::string_view model, std::string& out);
  void compress(std::string& out);
  void measure(const InferResponse& response) const;

  const RestOptions& options_;
  bool v2_ = false, tensors_ = false;
  Coding answer_coding_ = Coding::kIdentity;
  std::unique_ptr<CloudEvent> event_;
  std::string unpacked_, packed_, extra_;
  std::string_view content_type_;
  RowsReader rows_;
  InferReader infer_;
  MonoTime start_;
};

}  // namespace proa::protocols
