#include "models/repository/ensemble.h"

#include <algorithm>

#include "foundation/base/strings.h"
#include "models/repository/repository.h"
#include "models/repository/row_tensors.h"

namespace proa::repository {

using inference::Tensor;
using inference::TensorInfo;

namespace {

Error wrong(std::string_view what) { return error(Code::kInvalid, str("ensemble: ", what)); }

const std::string* mapped(const NameMap& map, const std::string& name) {
  for (const auto& [theirs, ours] : map)
    if (theirs == name) return &ours;
  return nullptr;
}

bool has(const std::vector<TensorInfo>& all, const std::string& name) {
  return std::any_of(all.begin(), all.end(), [&](const TensorInfo& t) { return t.name == name; });
}

const Ensemble* as_ensemble(const inference::Model& model) {
  return model.info().engine == "ensemble" ? static_cast<const Ensemble*>(&model) : nullptr;
}

}  // namespace

bool Ensemble::is_made_of(const VersionOf& version_of) const {
  return std::all_of(steps_.begin(), steps_.end(), [&](const Step& s) {
    return version_of(s.model, s.wanted_version) == s.version;
  });
}

bool Ensemble::uses(const std::string& model) const {
  return std::any_of(steps_.begin(), steps_.end(), [&](const Step& s) {
    const Ensemble* inner = as_ensemble(*s.version->model);
    return s.model == model || (inner && inner->uses(model));
  });
}

size_t Ensemble::slot(const std::string& name) {
  for (size_t i = 0; i < slots_.size(); ++i)
    if (slots_[i].name == name) return i;
  slots_.push_back({name, nullptr, false});
  return slots_.size() - 1;
}

Status Ensemble::link_outputs(const EnsembleStep& from, Step& step) {
  const auto& outputs = step.tensors->info().outputs;
  for (const auto& [theirs, ours] : from.outputs) {
    auto at = std::find_if(outputs.begin(), outputs.end(),
                           [&name = theirs](const TensorInfo& t) { return t.name == name; });
    if (at == outputs.end())
      return wrong(str("model ", step.model, " has no output '", shorten(theirs, 100), "'"));
    size_t to = slot(ours);
    if (slots_[to].info) return wrong(str("tensor '", shorten(ours, 100), "' is given twice"));
    slots_[to].info = &*at;
    slots_[to].of_rows = step.rows != nullptr;
    step.wanted.push_back(static_cast<size_t>(at - outputs.begin()));
    step.to.push_back(to);
  }
  return {};
}

Status Ensemble::link_inputs(const EnsembleStep& from, Step& step) {
  const auto& inputs = step.tensors->info().inputs;
  for (const auto& [theirs, ours] : from.inputs)
    if (!has(inputs, theirs))
      return wrong(str("model ", step.model, " has no input '", shorten(theirs, 100), "'"));
  for (const TensorInfo& input : inputs) {
    const std::string* name = mapped(from.inputs, input.name);
    if (!name)
      return wrong(
          str("input '", input.name, "' of model ", step.model, " is not in its input_map"));
    size_t at = slot(*name);
    Slot& s = slots_[at];
    if (!s.info)
      return wrong(str("nothing gives tensor '", shorten(*name, 100), "', which model ", step.model,
                       " takes"));
    bool converts = (s.of_rows || step.rows) && convertible(s.info->type, input.type);
    if (s.info->type != input.type && !converts)
      return wrong(str("tensor '", shorten(*name, 100), "' is ", to_string(s.info->type),
                       ", and model ", step.model, " takes ", to_string(input.type)));
    s.used = true;
    step.from.push_back(at);
  }
  return {};
}

Status Ensemble::link_results(const EnsembleConfig& config) {
  for (const TensorInfo& output : config.outputs) {
    size_t at = slot(output.name);
    if (!slots_[at].info) return wrong(str("nothing gives the output '", output.name, "'"));
    bool converts = slots_[at].of_rows && convertible(slots_[at].info->type, output.type);
    if (slots_[at].info->type != output.type && !converts)
      return wrong(str("output '", output.name, "' is ", to_string(slots_[at].info->type), ", not ",
                       to_string(output.type)));
    results_.push_back(at);
  }
  for (size_t i = 0; i < config.inputs.size(); ++i)
    if (!slots_[i].used) return wrong(str("no step takes the input '", slots_[i].name, "'"));
  return {};
}

// Steps in an order in which each finds its inputs.
Status Ensemble::order() {
  std::vector<bool> there(slots_.size());
  std::fill_n(there.begin(), info_.inputs.size(), true);
  std::vector<Step> ordered, left = std::move(steps_);
  while (!left.empty()) {
    auto ready = std::find_if(left.begin(), left.end(), [&](const Step& s) {
      return std::all_of(s.from.begin(), s.from.end(), [&](size_t i) { return there[i]; });
    });
    if (ready == left.end()) {
      std::vector<std::string> names;
      for (const Step& s : left) names.push_back(s.model);
      return wrong(str("the steps of ", shorten(join(names, ", "), 300), " wait for each other"));
    }
    for (size_t i : ready->to) there[i] = true;
    ordered.push_back(std::move(*ready));
    left.erase(ready);
  }
  steps_ = std::move(ordered);
  return {};
}

Status Ensemble::open_step(const EnsembleStep& from, Step& step) {
  step.tensors = step.version->model->tensors();
  if (step.tensors) return {};
  if (from.inputs.size() != 1)
    return wrong(str("model ", from.model, " takes rows: one input, not ", from.inputs.size()));
  std::vector<std::string> outputs;
  for (const auto& [theirs, ours] : from.outputs) outputs.push_back(theirs);
  auto rows = as_tensors(step.version, from.inputs[0].first, outputs);
  if (!rows.ok()) return wrong(str("model ", from.model, ": ", rows.error().message));
  step.rows = std::move(*rows);
  step.tensors = step.rows.get();
  return {};
}

Status Ensemble::add_steps(const std::string& name, const EnsembleConfig& config,
                           const VersionOf& version_of) {
  for (const EnsembleStep& from : config.steps) {
    Step step;
    step.model = from.model;
    step.wanted_version = from.version;
    if (from.model == name) return wrong(str("it has itself, ", name, ", as a step"));
    step.version = version_of(from.model, from.version);
    if (!step.version)
      return error(Code::kNotFound,
                   str("ensemble: model ", shorten(from.model, 100),
                       from.version.empty() ? "" : " version ", from.version, " is not loaded"));
    if (const Ensemble* inner = as_ensemble(*step.version->model); inner && inner->uses(name))
      return wrong(str("it has itself, ", name, ", as a step of ", from.model));
    TRY_STATUS(open_step(from, step));
    TRY_STATUS(link_outputs(from, step));
    steps_.push_back(std::move(step));
  }
  for (size_t i = 0; i < config.steps.size(); ++i)
    TRY_STATUS(link_inputs(config.steps[i], steps_[i]));
  return {};
}

Result<std::unique_ptr<const inference::Model>> Ensemble::make(const std::string& name,
                                                               const EnsembleConfig& config,
                                                               const VersionOf& version_of) {
  std::unique_ptr<Ensemble> made(new Ensemble);
  inference::ModelInfo& info = made->info_;
  info.engine = info.platform = "ensemble";
  info.inputs = config.inputs;
  info.outputs = config.outputs;
  for (const TensorInfo& t : info.inputs) {
    size_t at = made->slot(t.name);
    if (made->slots_[at].info) return wrong(str("input '", t.name, "' is there twice"));
    made->slots_[at].info = &t;
  }
  TRY_STATUS(made->add_steps(name, config, version_of));
  TRY_STATUS(made->order());
  TRY_STATUS(made->link_results(config));
  std::vector<std::string> names;
  for (const Step& s : made->steps_) names.push_back(s.model);
  info.type = str("ensemble of ", shorten(join(names, ", "), 300));
  return std::unique_ptr<const inference::Model>(std::move(made));
}

Status Ensemble::run(const Step& step, std::span<Tensor> all, inference::Workspace& work) {
  const auto& inputs = step.tensors->info().inputs;
  auto given = work.take<Tensor>(step.from.size() + 1);
  for (size_t i = 0; i < step.from.size(); ++i) {
    TRY(given[i], converted(all[step.from[i]], inputs[i].type, work));
    given[i].name = inputs[i].name;
    TRY_STATUS(inference::check_shape(given[i].shape, inputs[i]));
  }
  auto made = work.take<Tensor>(step.wanted.size() + 1).first(step.wanted.size());
  TRY_STATUS(step.tensors->infer(given.first(step.from.size()), step.wanted, work, made));
  for (size_t i = 0; i < made.size(); ++i) all[step.to[i]] = made[i];
  return {};
}

Status Ensemble::infer(std::span<const Tensor> in, std::span<const size_t> wanted,
                       inference::Workspace& work, std::span<Tensor> out) const {
  auto all = work.take<Tensor>(slots_.size());
  std::fill(all.begin(), all.end(), Tensor{});
  std::copy(in.begin(), in.end(), all.begin());
  for (const Step& step : steps_)
    TRY_STATUS(run(step, all, work).context(str("step of model ", step.model)));
  for (size_t i = 0; i < wanted.size(); ++i) {
    const inference::TensorInfo& info = info_.outputs[wanted[i]];
    TRY(out[i], converted(all[results_[wanted[i]]], info.type, work));
    out[i].name = info.name;
  }
  return {};
}

}  // namespace proa::repository
