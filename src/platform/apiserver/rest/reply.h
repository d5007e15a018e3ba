// Answers of the REST face: objects, lists and Tables in the form asked for, and Status objects.
//
// Used by Rest. Pure, but for send().
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "foundation/http/http.h"
#include "platform/apiserver/core/core.h"
#include "platform/apiserver/rest/request.h"

namespace proa::apiserver {

http::Response json_response(int status, std::string body);
http::Response value_response(int status, const json::Value& value, const Answering& how = {});
http::Response failure_response(const Failure& failure);
void add_warnings(http::Response& response, const std::vector<std::string>& warnings);

http::Response object_response(int status, const api::KindDef& kind, const Item& item,
                               const Answering& how, WallTime now);
http::Response list_response(const api::KindDef& kind, const ListPage& page, const Answering& how,
                             WallTime now);
json::Value success_status(const api::KindDef& kind, const json::Value& object);  // of a deletion

// One object as it stands in a watch event or an answer: the cached text where it can be.
std::string object_text(const api::KindDef& kind, const Item& item, const Answering& how,
                        WallTime now, bool with_definitions = true);

}  // namespace proa::apiserver
