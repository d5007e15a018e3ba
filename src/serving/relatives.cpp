#include "serving/relatives.h"

#include "serving/spec/config.h"

namespace proa::serving {

void Relatives::note(const client::Event& event) {
  const auto& object = *event.object;
  const auto& owner = object["metadata"]["labels"][kIsvcLabel].str();
  if (owner.empty()) return;
  const auto key = client::key_of(object);
  const client::Key isvc{key.ns, owner};
  std::lock_guard lock(mutex_);
  if (event.type != client::Event::kDeleted) {
    names_[isvc][object["kind"].str()].insert(key.name);
    return;
  }
  const auto found = names_.find(isvc);
  if (found == names_.end()) return;
  const auto kind = found->second.find(object["kind"].str());
  if (kind == found->second.end()) return;
  kind->second.erase(key.name);
  if (kind->second.empty()) found->second.erase(kind);
  if (found->second.empty()) names_.erase(found);
}

Result<std::vector<client::Object>> Relatives::list(const client::Kind& kind,
                                                    const client::Key& isvc) const {
  std::set<std::string> names;
  {
    std::lock_guard lock(mutex_);
    if (const auto found = names_.find(isvc); found != names_.end())
      if (const auto of = found->second.find(kind.kind); of != found->second.end())
        names = of->second;
  }
  std::vector<client::Object> out;
  for (const auto& name : names) {
    auto object = client_.get(kind, isvc.ns, name);
    if (object.ok())
      out.push_back(*std::move(object));
    else if (object.error().code != Code::kNotFound)
      return std::move(object).error();
  }
  return out;
}

}  // namespace proa::serving
