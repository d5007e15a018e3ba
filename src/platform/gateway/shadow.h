// Shadow: a copy of a request, sent as a rule's mirror asks; its answer is read and dropped.
//
// Made by Worker::mirror when the request is whole. Waits for nothing: without a free endpoint
// there is no copy. Belongs to its Worker; loop thread only.
#pragma once

#include <memory>

#include "foundation/http/stream.h"
#include "platform/gateway/route.h"

namespace proa::gateway {

class Worker;

class Shadow {
 public:
  Shadow(Worker& worker, const Mirror& mirror, std::shared_ptr<const Table> table)
      : worker_(worker), mirror_(mirror), table_(std::move(table)) {}
  bool send(const http::RequestHead& head, std::string_view body);
  void tick(MonoTime now);
  void give_up();

 private:
  void over();
  Worker& worker_;
  const Mirror& mirror_;  // of table_
  const std::shared_ptr<const Table> table_;
  std::shared_ptr<Endpoint> endpoint_;
  std::shared_ptr<http::ClientStream> up_;
  MonoTime deadline_{};
};

}  // namespace proa::gateway
