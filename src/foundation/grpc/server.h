// A gRPC server over foundation/http: methods by path, unary ones answered inline without an
// allocation, or later, or as streams; on the same port as REST, told by the content type.
//
//   http::ServerOptions o;  // with REST's inline handler
//   grpc.attach(o);
//   http::Server server(loop, o, rest);
//
// Loop thread only. The server must outlive the http::Server that calls it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "foundation/async/loop.h"
#include "foundation/grpc/framing.h"
#include "foundation/grpc/status.h"
#include "foundation/http/inline.h"
#include "foundation/http/stream.h"

namespace proa::grpc {

// What a method is called with. Views die when it returns; those of an Exchange, with it.
struct Request {
  std::string_view path, message, authority, peer;
  std::span<const http::FieldView> metadata;
  std::optional<MonoTime> deadline;
  std::string_view header(std::string_view name) const;  // "" if absent
};

// What it answers: a message, or a status. Metadata names are in lower case.
class Reply {
 public:
  std::string& message() { return *out_; }  // append only: what is there already is not yours
  void fail(StatusCode code, std::string_view text);
  void fail(const Error& e) { fail(status_of(e.code), e.message); }
  bool failed() const { return code_ != StatusCode::kOk; }
  void header(std::string_view name, std::string_view value);
  void trailer(std::string_view name, std::string_view value);

 private:
  friend class Server;
  friend class Exchange;
  void begin(std::string& out);  // leaves room for the prefix
  using Fields = std::vector<std::pair<std::string, std::string>>;
  std::string* out_ = nullptr;
  StatusCode code_ = StatusCode::kOk;
  std::string text_;
  Fields headers_, trailers_;
};

class Server;

// A call that is answered later, or message by message. Held by shared_ptr; dropped unfinished, it
// is finished with INTERNAL. After the end every call is a no-op. Loop thread only.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(Server& server, std::shared_ptr<http::ServerStream> stream);
  ~Exchange();
  const Request& request() const { return request_; }
  bool closed() const { return finished_ || stream_->closed(); }  // nobody waits any more
  void on_close(std::function<void()> callback);                  // … before it was finished
  // Unary methods: fill reply(), then done().
  Reply& reply() { return reply_; }
  void done();
  // Streaming methods.
  void on_message(std::function<void(std::string_view message)> callback);
  void on_end(std::function<void()> callback);
  void send(std::string_view message);
  void finish(StatusCode code, std::string_view text = {});
  size_t backlog() const { return stream_->backlog(); }

 private:
  friend class Server;
  struct Keep;
  void start(const struct Method& method);
  void receive();
  void take_frames(std::string_view data);
  bool take_message(const Frame& frame);
  void ended();
  void expire();
  void closing();
  void release();
  void start_response();

  Server& server_;
  std::shared_ptr<http::ServerStream> stream_;
  const struct Method* method_ = nullptr;
  std::vector<http::FieldView> metadata_;
  Request request_;
  Reply reply_;
  Encoding packed_ = Encoding::kIdentity;
  std::string received_, message_, out_;
  bool has_message_ = false, client_done_ = false, started_ = false, finished_ = false;
  async::TimerId timer_ = 0;
  std::shared_ptr<Keep> keep_;
  std::function<void()> on_close_, on_end_;
  std::function<void(std::string_view)> on_message_;
};

// A method has `now`, or `stream`; or `later`, with or without `now`.
struct Method {
  std::string path;  // "/package.Service/Method"
  // Answers at once and returns true; or false, having done nothing: then `later` gets the call.
  std::function<bool(const Request&, Reply&)> now;
  std::function<void(std::shared_ptr<Exchange>)> later;
  std::function<void(std::shared_ptr<Exchange>)> stream;  // with a stream of requests or answers
};

struct Options {
  size_t most_message = 8 << 20;  // received, unpacked; more: RESOURCE_EXHAUSTED
  size_t most_reply = 8 << 20;    // sent
  size_t pack_from = 1024;        // an answer of this size is compressed if the request was
};

class Server {
 public:
  Server(async::Loop& loop, Options options);
  void add(Method method);

  // Takes gRPC requests before what is set in `options`, which gets the rest.
  void attach(http::ServerOptions& options);

  async::Loop& loop() { return loop_; }
  const Options& options() const { return options_; }
  std::vector<std::string> services() const;  // "package.Service", sorted

 private:
  friend class Exchange;
  // The three doors of http::ServerOptions. `answer` is for gRPC only; false: not inline.
  bool answer(const http::RequestView& request, http::ResponseBuffer& response);
  bool may_wait(const http::RequestView& head) const;
  bool take(const std::shared_ptr<http::ServerStream>& stream);
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view s) const { return std::hash<std::string_view>()(s); }
  };
  const Method* find(std::string_view path) const;
  bool call(const Method& method, const http::RequestView& request, Reply& reply);
  Result<std::string_view> only_message(std::string_view body, std::string_view encoding_name);
  void finish(Reply& reply, const http::RequestView& request, http::ResponseBuffer& response);
  // Puts the prefix before the message, compressed or not. The encoding that was used.
  Result<Encoding> seal(std::string& out, Encoding wanted, std::string_view accepted);

  async::Loop& loop_;
  Options options_;
  std::unordered_map<std::string, Method, Hash, std::equal_to<>> methods_;
  mutable const Method* last_ = nullptr;  // that find() found; most calls are of one method
  Codec codec_;
  std::string unpacked_, packed_, text_;
  Reply reply_;
  std::vector<http::FieldView> fields_, trailers_;
};

bool is_grpc(std::string_view content_type);  // application/grpc, or +proto

}  // namespace proa::grpc
