#include "foundation/grpc/reflection.h"

#include "foundation/base/strings.h"
#include "foundation/grpc/wire.h"

namespace proa::grpc {
namespace {

const char* const kMessages = R"(
message ServerReflectionRequest {
  string host = 1;
  oneof message_request {
    string file_by_filename = 3;
    string file_containing_symbol = 4;
    ExtensionRequest file_containing_extension = 5;
    string all_extension_numbers_of_type = 6;
    string list_services = 7;
  }
}
message ExtensionRequest { string containing_type = 1; int32 extension_number = 2; }
message ServerReflectionResponse {
  string valid_host = 1;
  ServerReflectionRequest original_request = 2;
  oneof message_response {
    FileDescriptorResponse file_descriptor_response = 4;
    ExtensionNumberResponse all_extension_numbers_response = 5;
    ListServiceResponse list_services_response = 6;
    ErrorResponse error_response = 7;
  }
}
message FileDescriptorResponse { repeated bytes file_descriptor_proto = 1; }
message ExtensionNumberResponse { string base_type_name = 1; repeated int32 extension_number = 2; }
message ListServiceResponse { repeated ServiceResponse service = 1; }
message ServiceResponse { string name = 1; }
message ErrorResponse { int32 error_code = 1; string error_message = 2; }
service ServerReflection {
  rpc ServerReflectionInfo(stream ServerReflectionRequest) returns (stream ServerReflectionResponse);
}
)";

// Of the request; 5 asks by an extension, of which there are none.
constexpr uint32_t kByFilename = 3, kBySymbol = 4, kExtensionNumbers = 6, kListServices = 7;
constexpr uint32_t kFiles = 4, kNumbers = 5, kServices = 6, kError = 7;  // of the response

}  // namespace

struct Reflection::Query {
  uint32_t kind = 0;
  std::string_view host, text;
};

Reflection::Reflection() {
  for (const char* version : {"v1", "v1alpha"}) {
    std::string package = str("grpc.reflection.", version);
    Status added = add(str("grpc/reflection/", version, "/reflection.proto"),
                       str("syntax = \"proto3\"; package ", package, ";", kMessages));
    CHECK(added.ok());
  }
}

Status Reflection::add(std::string_view name, std::string_view source) {
  TRY(ProtoFile file, compile_proto(name, source));
  for (const std::string& symbol : file.symbols) symbols_[symbol] = files_.size();
  files_.push_back(std::move(file));
  return {};
}

void Reflection::add_to(Server& server) {
  server_ = &server;
  for (const char* version : {"v1", "v1alpha"}) {
    auto stream = [this](const std::shared_ptr<Exchange>& exchange) {
      Exchange* e = exchange.get();  // it holds these callbacks
      exchange->on_message([this, e](std::string_view message) {
        std::string out;
        Status answered = answer(message, out);
        if (answered.ok())
          e->send(out);
        else
          e->finish(StatusCode::kInternal, answered.error().message);
      });
      exchange->on_end([e] { e->finish(StatusCode::kOk); });
    };
    server.add({str("/grpc.reflection.", version, ".ServerReflection/ServerReflectionInfo"),
                nullptr, nullptr, stream});
  }
}

Status Reflection::answer(std::string_view request, std::string& out) const {
  Query query;
  Reader r(request);
  while (r.next()) {
    uint32_t field = r.tag() >> 3;
    if ((r.tag() & 7) != 2) continue;
    if (field == 1) {
      query.host = r.bytes();
    } else if (field >= kByFilename && field <= kListServices) {
      query.kind = field;
      query.text = r.bytes();
    }
  }
  if (!r.ok()) return error(Code::kInternal, "the ServerReflectionRequest is malformed");
  resolve(query, request, out);
  return {};
}

const ProtoFile* Reflection::by_symbol(std::string_view symbol) const {
  if (auto it = symbols_.find(symbol); it != symbols_.end()) return &files_[it->second];
  // A field or an enum's value: by what contains it.
  size_t dot = symbol.rfind('.');
  if (dot == symbol.npos) return nullptr;
  auto it = symbols_.find(symbol.substr(0, dot));
  return it == symbols_.end() ? nullptr : &files_[it->second];
}

void Reflection::resolve(const Query& query, std::string_view request, std::string& out) const {
  Writer w(out);
  if (!query.host.empty()) w.bytes(1, query.host);
  w.bytes(2, request);
  const ProtoFile* file = nullptr;
  if (query.kind == kListServices) {
    size_t mark = w.open(kServices);
    for (const std::string& name : server_ ? server_->services() : std::vector<std::string>()) {
      size_t one = w.open(1);
      w.bytes(1, name);
      w.close(one);
    }
    return w.close(mark);
  }
  if (query.kind == kExtensionNumbers && by_symbol(query.text)) {
    size_t mark = w.open(kNumbers);
    w.bytes(1, query.text);
    return w.close(mark);
  }
  if (query.kind == kBySymbol) file = by_symbol(query.text);
  for (const ProtoFile& f : files_) {
    if (query.kind == kByFilename && f.name == query.text) file = &f;
  }
  if (file) {
    size_t mark = w.open(kFiles);
    w.bytes(1, file->descriptor);
    return w.close(mark);
  }
  size_t mark = w.open(kError);
  w.number(1, static_cast<uint64_t>(query.kind == 0 ? StatusCode::kInvalidArgument
                                                    : StatusCode::kNotFound));
  w.bytes(2, query.kind == 0 ? "the request asks for nothing that is known here"
                             : str("not found: ", shorten(query.text, 200)));
  w.close(mark);
}

}  // namespace proa::grpc
