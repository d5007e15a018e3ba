#include "platform/apiserver/rest/openapi_v2.h"

#include "foundation/grpc/wire.h"

namespace proa::apiserver {
namespace {

// Field numbers of openapi.v2's messages.
namespace document_field {
constexpr uint32_t kSwagger = 1, kInfo = 2, kPaths = 8;
}
namespace info_field {
constexpr uint32_t kTitle = 1, kVersion = 2;
}
namespace item_field {  // PathItem
constexpr uint32_t kPatch = 8;
}
namespace operation_field {
constexpr uint32_t kParameters = 8, kExtension = 13;
}
constexpr uint32_t kPath = 2;             // Paths.path
constexpr uint32_t kName = 1, kValue = 2;  // NamedPathItem, NamedAny
constexpr uint32_t kYaml = 2;             // Any
// ParametersItem.parameter → Parameter.non_body_parameter → .query_parameter_sub_schema
constexpr uint32_t kParameter = 1, kNonBody = 2, kQuery = 3;
namespace query_field {
constexpr uint32_t kIn = 2, kName = 4, kType = 6;
}

void write_parameter(grpc::Writer& to, const json::Value& parameter) {
  size_t item = to.open(operation_field::kParameters);
  size_t one = to.open(kParameter);
  size_t non_body = to.open(kNonBody);
  size_t query = to.open(kQuery);
  to.bytes(query_field::kIn, parameter["in"].str());
  to.bytes(query_field::kName, parameter["name"].str());
  to.bytes(query_field::kType, parameter["type"].str());
  for (size_t mark : {query, non_body, one, item}) to.close(mark);
}

void write_extension(grpc::Writer& to, const char* name, const json::Value& value) {
  size_t named = to.open(operation_field::kExtension);
  to.bytes(kName, name);
  size_t any = to.open(kValue);
  to.bytes(kYaml, json::dump(value));  // JSON is YAML
  to.close(any);
  to.close(named);
}

}  // namespace

std::string openapi_v2_protobuf(const json::Value& document) {
  std::string out;
  grpc::Writer to(out);
  to.bytes(document_field::kSwagger, document["swagger"].str());
  size_t info = to.open(document_field::kInfo);
  to.bytes(info_field::kTitle, document["info"]["title"].str());
  to.bytes(info_field::kVersion, document["info"]["version"].str());
  to.close(info);
  size_t paths = to.open(document_field::kPaths);
  for (const auto& [path, item] : document["paths"].object()) {
    const json::Value& patch = item["patch"];
    size_t entry = to.open(kPath);
    to.bytes(kName, path);
    size_t path_item = to.open(kValue);
    size_t operation = to.open(item_field::kPatch);
    for (const json::Value& parameter : patch["parameters"].array()) write_parameter(to, parameter);
    for (const char* name : {"x-kubernetes-action", "x-kubernetes-group-version-kind"})
      write_extension(to, name, patch[name]);
    for (size_t mark : {operation, path_item, entry}) to.close(mark);
  }
  to.close(paths);
  return out;
}

}  // namespace proa::apiserver
