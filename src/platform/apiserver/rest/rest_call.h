// One request on its way through Rest. Not for others.
#pragma once

#include "platform/apiserver/rest/reply.h"
#include "platform/apiserver/rest/rest.h"

namespace proa::apiserver {

struct Rest::Call {
  Call(http::Request r, std::shared_ptr<http::Responder> to)
      : request(std::move(r)), responder(std::move(to)), query(request.query()) {}
  http::Request request;
  std::shared_ptr<http::Responder> responder;
  Query query;
  Answering how;
  Target target;
  api::KindRef kind;
  MonoTime begun;
  const char* verb = "other";
};

}  // namespace proa::apiserver
