#include "platform/knative/routes/rollout.h"

#include <algorithm>

namespace proa::knative {
namespace {

int64_t total(const std::vector<Share>& shares) {
  int64_t sum = 0;
  for (const Share& s : shares) sum += s.percent;
  return sum;
}

// The shares at another sum, in proportion; what rounding leaves over goes to the last.
void rescale(std::vector<Share>& shares, int64_t percent) {
  const int64_t before = total(shares);
  if (before == percent || before == 0) return;
  for (Share& s : shares) s.percent = s.percent * percent / before;
  shares.back().percent += percent - total(shares);
}

// The last share grows to `wanted`; the first ones give.
void give_to_last(std::vector<Share>& shares, int64_t wanted) {
  int64_t missing = wanted - shares.back().percent;
  for (size_t i = 0; i + 1 < shares.size() && missing > 0; ++i) {
    const int64_t taken = std::min(missing, shares[i].percent);
    shares[i].percent -= taken;
    shares.back().percent += taken;
    missing -= taken;
  }
  std::erase_if(shares, [&](const Share& s) { return s.percent == 0 && &s != &shares.back(); });
}

}  // namespace

std::vector<Shift> parse_rollout(std::string_view text) {
  std::vector<Shift> out;
  auto parsed = json::parse(text);
  if (!parsed.ok()) return out;
  for (const auto& c : (*parsed)["configurations"].array()) {
    Shift s{c["configurationName"].str(), c["tag"].str(), c["percent"].integer(), {}, {}};
    for (const auto& r : c["revisions"].array())
      s.shares.push_back({r["revisionName"].str(), r["percent"].integer()});
    if (c.has("since")) s.since = parse_rfc3339(c["since"].str());
    if (!s.shares.empty() && total(s.shares) == s.percent) out.push_back(std::move(s));
  }
  return out;
}

std::string dump_rollout(const std::vector<Shift>& shifts) {
  json::Value list = json::Array();
  for (const Shift& s : shifts) {
    json::Value c = json::object({{"configurationName", s.configuration}, {"percent", s.percent}});
    if (!s.tag.empty()) c.set("tag", s.tag);
    if (s.since) c.set("since", rfc3339(*s.since, true));
    json::Value revisions = json::Array();
    for (const Share& share : s.shares)
      revisions.push(json::object({{"revisionName", share.revision}, {"percent", share.percent}}));
    c.set("revisions", std::move(revisions));
    list.push(std::move(c));
  }
  return json::dump(json::object({{"configurations", std::move(list)}}));
}

Shift advance(const Shift* before, const Shift& goal, Duration duration, WallTime now,
              std::optional<Duration>* again) {
  const std::string& newest = goal.shares.back().revision;
  Shift at_once = goal;
  at_once.shares = {{newest, goal.percent}};
  at_once.since.reset();
  if (!before || total(before->shares) == 0 || duration <= Duration::zero() || goal.percent <= 1)
    return at_once;
  Shift out = goal;
  out.shares = before->shares;
  out.since = before->since;
  rescale(out.shares, goal.percent);
  if (out.shares.back().revision != newest) {
    std::erase_if(out.shares, [&](const Share& s) { return s.revision == newest; });
    if (out.shares.empty()) return at_once;
    rescale(out.shares, goal.percent);
    out.shares.push_back({newest, 0});
    out.since = now;
  }
  if (!out.since) return at_once;  // it had arrived already
  const Duration gone = std::max(now - *out.since, Duration::zero());
  const double part = seconds(gone) / seconds(duration);
  const int64_t due =
      part >= 1 ? goal.percent : static_cast<int64_t>(static_cast<double>(goal.percent) * part);
  give_to_last(out.shares,
               std::clamp<int64_t>(std::max(due, out.shares.back().percent), 1, goal.percent));
  const int64_t have = out.shares.back().percent;
  if (have >= goal.percent) return at_once;
  const Duration next = duration * (have + 1) / goal.percent + std::chrono::milliseconds(1);
  const Duration left = std::max<Duration>(next - gone, std::chrono::milliseconds(1));
  if (!*again || left < **again) *again = left;
  return out;
}

}  // namespace proa::knative
