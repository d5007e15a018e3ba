// For the tests of gRPC services: one call at a time over a real connection.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "foundation/grpc/framing.h"
#include "foundation/http/stream.h"
#include "foundation/http/testing.h"

namespace proa::grpc {

inline std::string framed(std::string_view payload, bool compressed = false) {
  std::string out(kPrefix, '\0');
  out += payload;
  write_prefix(out, 0, compressed);
  return out;
}

// What a call got.
struct Got {
  int http_status = 0;
  http::Headers head, trailers;
  std::string data, failure;
  bool done = false;
  std::string_view field(std::string_view name) const {
    return trailers.has(name) ? trailers.get(name) : head.get(name);
  }
  std::string_view status() const { return field("grpc-status"); }
  std::string_view message() const {  // of the first frame
    auto frame = next_frame(data, 64 << 20);
    return frame.ok() && *frame ? (*frame)->payload : std::string_view();
  }
};

class TestClient {
 public:
  TestClient(async::Loop& loop, uint16_t port) : loop_(loop), pool_(loop, {}), port_(port) {}
  std::shared_ptr<http::ClientStream> open(const std::string& path, http::Headers headers,
                                           std::shared_ptr<Got> got) {
    http::RequestHead head;
    head.method = "POST";
    head.target = path;
    head.authority = "test";
    head.headers = std::move(headers);
    if (!head.headers.has("content-type")) head.headers.add("content-type", "application/grpc");
    head.headers.add("te", "trailers");
    http::Upstream upstream{"127.0.0.1", port_, true};
    http::ClientCallbacks callbacks;
    callbacks.on_head = [got](http::ResponseHead h) {
      got->http_status = h.status;
      got->head = std::move(h.headers);
    };
    callbacks.on_data = [got](std::string_view data) { got->data.append(data); };
    callbacks.on_end = [got](http::Headers trailers) {
      got->trailers = std::move(trailers);
      got->done = true;
    };
    callbacks.on_error = [got](http::UpstreamError e) {
      got->failure = e.error.message;
      got->done = true;
    };
    return pool_.open(upstream, std::move(head), false, std::move(callbacks));
  }
  // The whole body at once.
  std::shared_ptr<Got> call(const std::string& path, std::string_view body,
                            http::Headers headers = {}) {
    auto got = std::make_shared<Got>();
    auto stream = open(path, std::move(headers), got);
    stream->send_data(body, true);
    EXPECT_TRUE(http::turn_until(loop_, [&] { return got->done; }));
    EXPECT_EQ(got->failure, "");
    return got;
  }

 private:
  async::Loop& loop_;
  http::UpstreamPool pool_;
  uint16_t port_;
};

// A server of `face`'s services (anything with attach(ServerOptions&)) and a client of it.
struct TestEnds {
  template <typename Face>
  TestEnds(async::Loop& loop, Face& face) {
    http::ServerOptions options;
    face.attach(options);
    server = std::make_unique<http::Server>(
        loop, options,
        [](http::Request, std::shared_ptr<http::Responder> r) { r->send({404, {}, ""}); });
    auto port = server->listen("127.0.0.1", 0);
    EXPECT_TRUE(port.ok()) << port.error().message;
    if (port.ok()) client = std::make_unique<TestClient>(loop, *port);
  }
  std::unique_ptr<http::Server> server;
  std::unique_ptr<TestClient> client;
};

}  // namespace proa::grpc
