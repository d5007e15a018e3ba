// Relatives: which pods, ReplicaSets and Deployments belong to an InferenceService, by their label,
// without looking through those of all the others.
//
// Fed by the controller's watches on any thread; read by the reconcilers. Synchronised. As large as
// the number of labelled objects.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "client/client.h"

namespace proa::serving {

class Relatives {
 public:
  explicit Relatives(const client::Client& client) : client_(client) {}  // must outlive this
  void note(const client::Event& event);
  // Those that are there now. Errors: of the client.
  Result<std::vector<client::Object>> list(const client::Kind& kind,
                                           const client::Key& inference_service) const;

 private:
  using Names = std::map<std::string, std::set<std::string>, std::less<>>;  // by the kind's name

  const client::Client& client_;
  mutable std::mutex mutex_;
  std::map<client::Key, Names> names_;
};

}  // namespace proa::serving
