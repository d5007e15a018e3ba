#include "platform/autoscaling/replicas.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "foundation/base/strings.h"
#include "platform/autoscaling/quantity.h"

namespace proa::autoscaling {
namespace {

// A pod's cpu while it starts says nothing of its load.
constexpr Duration kInitialization = std::chrono::minutes(5);
constexpr Duration kFirstReadiness = std::chrono::seconds(30);

std::string metric_text(const MetricTarget& m) {
  std::string text =
      m.name + (m.type == MetricTarget::kContainerResource ? " container" : "") + " resource";
  return m.utilization > 0 ? text + " utilization (percentage of request)" : text;
}

const std::string& name_of(const json::Value& pod) { return pod["metadata"]["name"].str(); }

// The pod's use in thousandths, if all that is asked for is known.
struct Use {
  int64_t milli = 0;
  WallTime at;
  Duration window{};
};

std::optional<Use> use_of(const MetricTarget& m, const std::vector<Sample>& samples) {
  Use use;
  bool any = false;
  for (const Sample& s : samples) {
    if (!m.container.empty() && s.container != m.container) continue;
    if (m.name == "cpu" && !s.cpu_millis) return std::nullopt;
    use.milli +=
        m.name == "cpu" ? std::llround(*s.cpu_millis) : std::llround(s.memory_bytes) * 1000;
    use.at = s.at;
    use.window = s.window;
    any = true;
  }
  return any ? std::optional(use) : std::nullopt;
}

bool unready(const json::Value& pod, const Use& use, WallTime now) {
  const json::Value& ready = client::condition(pod, "Ready");
  const auto started = parse_rfc3339(pod["status"]["startTime"].str());
  const auto since = parse_rfc3339(ready["lastTransitionTime"].str());
  if (ready.is_null() || !started || !since) return true;
  const bool no = ready["status"].str() != "True";
  if (*started + kInitialization > now) return no || use.at < *since + use.window;
  return no && *started + kFirstReadiness > *since;
}

struct Groups {
  int64_t ready = 0;
  std::map<std::string, int64_t> use;  // of those that count
  std::set<std::string> unready, missing, ignored;
};

Groups group(const MetricTarget& m, const std::vector<client::Object>& pods,
             const PodSamples& samples, WallTime now) {
  Groups g;
  for (const auto& pod : pods) {
    const std::string& name = name_of(*pod);
    const std::string& phase = (*pod)["status"]["phase"].str();
    if (client::deleting(*pod) || phase == "Failed" || phase == "Succeeded") {
      g.ignored.insert(name);
      continue;
    }
    if (phase == "Pending" || phase.empty()) {
      g.unready.insert(name);
      continue;
    }
    auto it = samples.find(name);
    const auto use = it == samples.end() ? std::nullopt : use_of(m, it->second);
    if (!use) {
      g.missing.insert(name);
    } else if (m.name == "cpu" && unready(*pod, *use, now)) {
      g.unready.insert(name);
    } else {
      g.use[name] = use->milli;
      ++g.ready;
    }
  }
  return g;
}

// What the pods' containers request, in thousandths; an error names the one that requests nothing.
Result<std::map<std::string, int64_t>> requests_of(const MetricTarget& m,
                                                   const std::vector<client::Object>& pods) {
  std::map<std::string, int64_t> out;
  for (const auto& pod : pods) {
    int64_t sum = 0;
    bool found = false;
    json::Array containers = (*pod)["spec"]["containers"].array();
    for (const auto& c : (*pod)["spec"]["initContainers"].array())
      if (c["restartPolicy"].str() == "Always") containers.push_back(c);
    for (const auto& c : containers) {
      if (!m.container.empty() && c["name"].str() != m.container) continue;
      found = true;
      const json::Value& resources = c["resources"];
      const json::Value& asked = resources["requests"].has(m.name) ? resources["requests"][m.name]
                                                                   : resources["limits"][m.name];
      const auto milli = asked.is_null() ? std::nullopt : parse_milli(asked);
      if (!milli)
        return error(Code::kUnprocessable, str("missing request for ", m.name, " in container ",
                                               c["name"].str(), " of Pod ", name_of(*pod)));
      sum += *milli;
    }
    if (!found)
      return error(Code::kUnprocessable,
                   str("container ", m.container, " not present in Pod ", name_of(*pod)));
    out[name_of(*pod)] = sum;
  }
  return out;
}

// One look at the use of some pods against what they should use.
class Ratio {
 public:
  Ratio(const MetricTarget& m, const std::map<std::string, int64_t>& requests)
      : metric_(m), requests_(requests) {}

  Result<double> of(const std::map<std::string, int64_t>& use) {
    int64_t used = 0, asked = 0;
    for (const auto& [pod, milli] : use) {
      used += milli;
      if (auto it = requests_.find(pod); it != requests_.end()) asked += it->second;
    }
    average = used / static_cast<int64_t>(std::max<size_t>(1, use.size()));
    if (metric_.utilization <= 0)
      return static_cast<double>(average) / static_cast<double>(metric_.average_milli);
    if (asked <= 0) return error(Code::kUnprocessable, "no metrics returned matched known pods");
    utilization = used * 100 / asked;
    return static_cast<double>(utilization) / static_cast<double>(metric_.utilization);
  }

  // What a pod without metrics is taken to use when the others call for fewer.
  int64_t fallback(const std::string& pod) const {
    if (metric_.utilization <= 0) return metric_.average_milli;
    auto it = requests_.find(pod);
    return it == requests_.end() ? 0
                                 : it->second * std::max<int64_t>(100, metric_.utilization) / 100;
  }

  int64_t average = 0, utilization = 0;

 private:
  const MetricTarget& metric_;
  const std::map<std::string, int64_t>& requests_;
};

bool tolerated(const HpaSpec& spec, double ratio) {
  return ratio >= 1 - spec.down.tolerance && ratio <= 1 + spec.up.tolerance;
}

int64_t raised(double ratio, size_t pods) {
  return static_cast<int64_t>(std::ceil(ratio * static_cast<double>(pods) - 1e-9));
}

Result<int64_t> with_guesses(const HpaSpec& spec, Groups g, Ratio ratio, double first,
                             int64_t current) {
  for (const auto& pod : g.missing) {
    if (first < 1) g.use[pod] = ratio.fallback(pod);
    if (first > 1) g.use[pod] = 0;
  }
  if (first > 1)
    for (const auto& pod : g.unready) g.use[pod] = 0;
  TRY(const double second, ratio.of(g.use));
  if (tolerated(spec, second) || (first < 1 && second > 1) || (first > 1 && second < 1))
    return current;
  const int64_t want = raised(second, g.use.size());
  if ((second < 1 && want > current) || (second > 1 && want < current)) return current;
  return want;
}

json::Value current_of(const MetricTarget& m, const Ratio& ratio) {
  json::Value value = json::object({{"averageValue", format_milli(ratio.average)}});
  if (m.utilization > 0) value.set("averageUtilization", ratio.utilization);
  json::Value source = json::object({{"name", m.name}, {"current", std::move(value)}});
  if (m.type == MetricTarget::kContainerResource) source.set("container", m.container);
  json::Value out = json::object({{"type", m.type_name}});
  out.set(m.type == MetricTarget::kContainerResource ? "containerResource" : "resource",
          std::move(source));
  return out;
}

Result<Proposal> compute(const MetricTarget& m, int64_t current,
                         const std::vector<client::Object>& pods, const PodSamples& samples,
                         const HpaSpec& spec, WallTime now) {
  auto fail = [](std::string text) { return error(Code::kUnprocessable, std::move(text)); };
  if (!m.trouble.empty()) return fail(m.trouble);
  if (pods.empty()) return fail("no pods returned by selector while calculating replica count");
  Groups g = group(m, pods, samples, now);
  if (g.use.empty())
    return fail(str("failed to get ", m.name, m.utilization > 0 ? " utilization" : " usage",
                    ": did not receive metrics for targeted pods (pods might be unready)"));
  std::map<std::string, int64_t> requests;
  if (m.utilization > 0) {
    auto asked = requests_of(m, pods);
    if (!asked.ok())
      return fail(str("failed to get ", m.name, " utilization: ", asked.error().message));
    requests = std::move(*asked);
  }
  Ratio ratio(m, requests);
  TRY(const double first, ratio.of(g.use));
  Proposal out;
  out.metric = metric_text(m);
  out.current = current_of(m, ratio);
  if (g.missing.empty() && !(first > 1 && !g.unready.empty()))
    out.replicas = tolerated(spec, first) ? current : raised(first, static_cast<size_t>(g.ready));
  else {
    TRY(out.replicas, with_guesses(spec, std::move(g), ratio, first, current));
  }
  return out;
}

}  // namespace

Proposal propose(const MetricTarget& m, int64_t current, const std::vector<client::Object>& pods,
                 const PodSamples& samples, const HpaSpec& spec, WallTime now) {
  auto computed = compute(m, current, pods, samples, spec, now);
  if (computed.ok()) return std::move(*computed);
  Proposal out;
  out.metric = metric_text(m);
  out.reason = str("FailedGet", m.type_name, "Metric");
  out.trouble = computed.error().message;
  return out;
}

}  // namespace proa::autoscaling
