#include "foundation/grpc/server.h"

#include <algorithm>

#include "foundation/base/strings.h"
#include "foundation/http/fields.h"

namespace proa::grpc {
namespace {

constexpr std::string_view kContentType = "application/grpc";

std::string no_method(std::string_view path) {
  return str("there is no method ", shorten(path, 200), " here");
}

bool is_valid(std::string_view name, std::string_view value) {
  return http::is_token(name) && http::is_field_value(value);
}

void add_all(std::vector<http::FieldView>& out,
             const std::vector<std::pair<std::string, std::string>>& fields) {
  for (const auto& [name, value] : fields) out.push_back({name, value});
}

}  // namespace

bool is_grpc(std::string_view content_type) {
  if (content_type.substr(0, kContentType.size()) != kContentType) return false;
  std::string_view rest = content_type.substr(kContentType.size());
  if (rest.substr(0, 6) == "+proto") rest.remove_prefix(6);
  return rest.empty() || rest[0] == ';';
}

std::string_view Request::header(std::string_view name) const {
  for (const http::FieldView& f : metadata) {
    if (f.name == name) return f.value;
  }
  return {};
}

void Reply::begin(std::string& out) {
  out_ = &out;
  out.assign(kPrefix, '\0');
  code_ = StatusCode::kOk;
  text_.clear();
  headers_.clear();
  trailers_.clear();
}

void Reply::fail(StatusCode code, std::string_view text) {
  code_ = code;
  text_.assign(text);
}

// What is no valid field is left out, as everywhere in foundation/http.
void Reply::header(std::string_view name, std::string_view value) {
  if (!is_valid(name, value)) return;
  headers_.emplace_back(std::string(name), std::string(value));
}

void Reply::trailer(std::string_view name, std::string_view value) {
  if (!is_valid(name, value)) return;
  trailers_.emplace_back(std::string(name), std::string(value));
}

Server::Server(async::Loop& loop, Options options) : loop_(loop), options_(options) {}

void Server::add(Method method) {
  CHECK(method.now || method.later || method.stream);
  std::string path = method.path;
  last_ = nullptr;
  methods_.insert_or_assign(std::move(path), std::move(method));
}

std::vector<std::string> Server::services() const {
  std::vector<std::string> names;
  for (const auto& [path, method] : methods_) {
    size_t slash = path.rfind('/');
    if (slash != path.npos && slash > 0) names.push_back(path.substr(1, slash - 1));
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

const Method* Server::find(std::string_view path) const {
  if (last_ != nullptr && last_->path == path) return last_;
  auto it = methods_.find(path);
  if (it == methods_.end()) return nullptr;
  return last_ = &it->second;
}

bool Server::may_wait(const http::RequestView& head) const {
  if (!is_grpc(head.header("content-type"))) return true;
  const Method* method = find(head.target);
  return method == nullptr || !method->stream;
}

void Server::attach(http::ServerOptions& options) {
  options.inline_handler = [this, rest = std::move(options.inline_handler)](
                               const http::RequestView& q, http::ResponseBuffer& r) {
    if (q.version == 20 && is_grpc(q.header("content-type"))) return answer(q, r);
    return rest && rest(q, r);
  };
  options.inline_wanted = [this,
                           rest = std::move(options.inline_wanted)](const http::RequestView& head) {
    return may_wait(head) && (!rest || rest(head));
  };
  options.stream_taker = [this, rest = std::move(options.stream_taker)](
                             const std::shared_ptr<http::ServerStream>& stream) {
    return take(stream) || (rest && rest(stream));
  };
}

bool Server::answer(const http::RequestView& request, http::ResponseBuffer& response) {
  if (request.method != "POST") {
    response.respond(405, "text/plain", "gRPC needs POST\n", "allow: POST\r\n");
    return true;
  }
  const Method* method = find(request.target);
  if (method && (method->stream || !method->now)) return false;
  reply_.begin(response.body());
  if (!method)
    reply_.fail(StatusCode::kUnimplemented, no_method(request.target));
  else if (!call(*method, request, reply_))
    return response.body().clear(), false;
  finish(reply_, request, response);
  return true;
}

bool Server::call(const Method& method, const http::RequestView& request, Reply& reply) {
  Request call{request.target, {}, request.authority, request.peer, request.fields, {}};
  std::string_view packed;
  for (const http::FieldView& f : request.fields) {
    if (f.name == "grpc-encoding") packed = f.value;
    if (f.name != "grpc-timeout") continue;
    auto timeout = parse_timeout(f.value);
    if (!timeout) {
      reply.fail(StatusCode::kInternal, "grpc-timeout is malformed");
      return true;
    }
    call.deadline = loop_.now() + *timeout;
    if (timeout->count() > 0) continue;
    reply.fail(StatusCode::kDeadlineExceeded, "Deadline Exceeded");
    return true;
  }
  auto message = only_message(request.body, packed);
  if (!message.ok()) {
    reply.fail(message.error());
    return true;
  }
  call.message = *message;
  return method.now(call, reply);
}

Result<std::string_view> Server::only_message(std::string_view body,
                                              std::string_view encoding_name) {
  TRY(auto frame, next_frame(body, options_.most_message));
  if (!frame) {
    return error(Code::kInternal,
                 body.empty() ? "the request has no message" : "the message is cut off");
  }
  if (frame->used != body.size())
    return error(Code::kInternal, "more than one message for a unary method");
  if (!frame->compressed) return frame->payload;
  auto packed = encoding(encoding_name);
  if (!packed) {
    return error(Code::kUnimplemented,
                 str("messages compressed by ", shorten(encoding_name, 40), " are not taken"));
  }
  if (*packed == Encoding::kIdentity)
    return error(Code::kInternal, "a compressed message without grpc-encoding");
  TRY_STATUS(codec_.unpack(*packed, frame->payload, options_.most_message, unpacked_));
  return std::string_view(unpacked_);
}

Result<Encoding> Server::seal(std::string& out, Encoding wanted, std::string_view accepted) {
  size_t size = out.size() - kPrefix;
  if (size > options_.most_reply) {
    return error(Code::kTooLarge,
                 str("Sent message larger than max (", size, " vs. ", options_.most_reply, ")"));
  }
  bool pack =
      wanted != Encoding::kIdentity && size >= options_.pack_from && accepts(accepted, wanted);
  if (pack) {
    TRY_STATUS(codec_.pack(wanted, std::string_view(out).substr(kPrefix), packed_));
    out.resize(kPrefix);
    out += packed_;
  }
  write_prefix(out, 0, pack);
  return pack ? wanted : Encoding::kIdentity;
}

void Server::finish(Reply& reply, const http::RequestView& request,
                    http::ResponseBuffer& response) {
  std::string_view packed, accepted;
  for (const http::FieldView& f : request.fields) {
    if (f.name == "grpc-encoding") packed = f.value;
    if (f.name == "grpc-accept-encoding") accepted = f.value;
  }
  fields_.clear();
  trailers_.clear();
  fields_.push_back({"content-type", kContentType});
  auto wanted = encoding(packed);
  if (!wanted) fields_.push_back({"grpc-accept-encoding", kEncodings});
  if (!reply.failed()) {
    auto used = seal(response.body(), wanted.value_or(Encoding::kIdentity), accepted);
    if (!used.ok())
      reply.fail(used.error());
    else if (*used != Encoding::kIdentity)
      fields_.push_back({"grpc-encoding", to_string(*used)});
  }
  add_all(fields_, reply.headers_);
  auto& last = reply.failed() ? fields_ : trailers_;
  last.push_back({"grpc-status", digits(reply.code_)});
  if (reply.failed()) {
    response.body().clear();
    text_.clear();
    append_status_message(text_, reply.text_);
    if (!text_.empty()) last.push_back({"grpc-message", text_});
  }
  add_all(last, reply.trailers_);
  response.finish_with(200, fields_, trailers_);
}

bool Server::take(const std::shared_ptr<http::ServerStream>& stream) {
  const http::RequestHead& head = stream->head();
  if (!is_grpc(head.headers.get("content-type"))) return false;
  if (head.version < 20) {
    stream->respond(505, {{"content-type", "text/plain"}}, "gRPC needs HTTP/2\n");
    return true;
  }
  if (head.method != "POST") {
    stream->respond(405, {{"allow", "POST"}}, "gRPC needs POST\n");
    return true;
  }
  auto exchange = std::make_shared<Exchange>(*this, stream);
  const Method* method = find(head.target);
  if (!method) {
    exchange->finish(StatusCode::kUnimplemented, no_method(head.target));
    return true;
  }
  exchange->start(*method);
  return true;
}

}  // namespace proa::grpc
