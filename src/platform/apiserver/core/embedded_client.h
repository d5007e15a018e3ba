// EmbeddedClient: client::Client over Core, in the same process. Reads are reads of the store's
// memory.
//
// Thread-safe. Writes are of the relaxed durability class unless ApplyOptions say `durable`.
#pragma once

#include "client/client.h"
#include "platform/apiserver/core/core.h"

namespace proa::apiserver {

class EmbeddedClient : public client::Client {
 public:
  explicit EmbeddedClient(Core& core) : core_(core) {}  // must outlive this

  Result<client::Object> get(const client::Kind& kind, std::string_view ns,
                             std::string_view name) const override;
  Result<std::vector<client::Object>> list(const client::Kind& kind,
                                           const client::ListOptions& options) const override;
  Result<client::Object> create(const client::Kind& kind, json::Value object) override;
  Result<client::Object> apply(const client::Kind& kind, json::Value fields,
                               const client::ApplyOptions& options) override;
  Result<client::Object> patch(const client::Kind& kind, std::string_view ns, std::string_view name,
                               json::Value merge_patch, std::string_view subresource) override;
  Status remove(const client::Kind& kind, std::string_view ns, std::string_view name,
                const client::DeleteOptions& options) override;
  std::unique_ptr<client::Watch> watch(const client::Kind& kind, std::string_view ns,
                                       std::function<void(const client::Event&)> callback) override;

 private:
  Result<api::KindRef> find(const client::Kind& kind) const;
  Core& core_;
};

}  // namespace proa::apiserver
