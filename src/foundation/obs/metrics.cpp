#include "foundation/obs/metrics.h"

#include "foundation/base/strings.h"

namespace proa::metrics {

namespace {
std::string label_text(const Labels& labels) {
  std::string out;
  for (const auto& [key, value] : labels) {
    if (!out.empty()) out += ',';
    out += key;
    out += "=\"";
    for (char c : value) {
      if (c == '\\' || c == '"') out += '\\';
      if (c == '\n')
        out += "\\n";
      else
        out += c;
    }
    out += '"';
  }
  return out;
}

std::string braces(const std::string& labels) { return labels.empty() ? "" : "{" + labels + "}"; }

void write_histogram(std::string& out, const std::string& name, const std::string& labels,
                     const Histogram& h) {
  std::string prefix = labels.empty() ? "" : labels + ",";
  uint64_t total = 0;
  for (size_t i = 0; i <= h.bounds().size(); ++i) {
    total += h.count(i);
    out += name + "_bucket{" + prefix + "le=\"";
    if (i < h.bounds().size())
      append_number(out, h.bounds()[i]);
    else
      out += "+Inf";
    out += str("\"} ", total, "\n");
  }
  out += str(name, "_sum", braces(labels), " ", h.sum(), "\n");
  out += str(name, "_count", braces(labels), " ", total, "\n");
}
}  // namespace

std::vector<double> latency_bounds() {
  return {0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
          0.05,    0.1,    0.25,    0.5,    1,     2.5,    5,     10};
}

Registry::Family& Registry::family(std::string_view name, std::string_view help) {
  auto it = families_.find(name);
  if (it == families_.end()) it = families_.try_emplace(std::string(name)).first;
  if (it->second.help.empty()) it->second.help = help;
  return it->second;
}

Counter& Registry::counter(std::string_view name, std::string_view help, Labels labels) {
  std::lock_guard lock(mutex_);
  return family(name, help).counters[label_text(labels)];
}

Gauge& Registry::gauge(std::string_view name, std::string_view help, Labels labels) {
  std::lock_guard lock(mutex_);
  return family(name, help).gauges[label_text(labels)];
}

Histogram& Registry::histogram(std::string_view name, std::string_view help, Labels labels,
                               std::vector<double> bounds) {
  std::lock_guard lock(mutex_);
  return family(name, help)
      .histograms.try_emplace(label_text(labels), std::move(bounds))
      .first->second;
}

std::string Registry::text() const {
  std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& [name, f] : families_) {
    const char* type = !f.histograms.empty() ? "histogram"
                       : !f.gauges.empty()   ? "gauge"
                                             : "counter";
    out += str("# HELP ", name, " ", f.help, "\n# TYPE ", name, " ", type, "\n");
    for (const auto& [labels, c] : f.counters)
      out += str(name, braces(labels), " ", c.value(), "\n");
    for (const auto& [labels, g] : f.gauges) out += str(name, braces(labels), " ", g.value(), "\n");
    for (const auto& [labels, h] : f.histograms) write_histogram(out, name, labels, h);
  }
  return out;
}

}  // namespace proa::metrics
