// One InferenceService in Standard mode: makes its Deployments, Services, autoscalers and routes,
// and reads what became of them.
//
//   observe the Deployments → decide_rollout → apply → shares by what is available → routes →
//   take away what is not wanted any more → observe for the status
//
// Used by the InferenceService controller, on its loop.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "client/client.h"
#include "serving/children.h"
#include "serving/relatives.h"
#include "serving/spec/config.h"
#include "serving/standard/plan.h"
#include "serving/standard/status.h"

namespace proa::serving {

class StandardReconciler {
 public:
  using Choose = std::function<Result<RuntimeChoice>(const json::Value& isvc)>;
  // All must outlive this. `choose` selects the runtime of a variant of spec.canary.
  StandardReconciler(client::Client& client, Children& children, const Relatives& relatives,
                     Choose choose)
      : client_(client), children_(children), relatives_(relatives), choose_(std::move(choose)) {}

  // Fills in `o`; sets `refusal` instead if the spec cannot be planned.
  Status bring_about(const json::Value& isvc, const SelectedRuntime* runtime, const Config& config,
                     standard::Observed& o, std::optional<Refusal>& refusal);
  Status remove_all(const json::Value& isvc);

 private:
  struct Work;
  Status make_variants(Work& w);
  Status make_canary(Work& w);
  Status make_named(Work& w, const json::Value& canary);
  Status make(Work& w, const standard::VariantPlan& plan, bool with_deployment);
  std::vector<standard::Candidate> candidates(const Work& w) const;
  Result<std::string> predecessor(const Work& w) const;
  Status make_routes(Work& w);
  Status clean_up(Work& w);
  Status remove_variant(const json::Value& isvc, const std::string& name);
  Result<standard::Running> observe(const json::Value& isvc, const std::string& name);
  client::Object live(const client::Kind& kind, const json::Value& isvc,
                      const std::string& name) const;

  client::Client& client_;
  Children& children_;
  const Relatives& relatives_;
  Choose choose_;
};

}  // namespace proa::serving
