#include "models/service/model_service.h"

#include <algorithm>

#include "foundation/base/strings.h"
#include "models/protocols/tensor/inputs.h"
#include "models/protocols/tensors.h"

namespace proa::service {

using inference::Output;
using protocols::Call;
using protocols::InferRequest;
using protocols::InferResponse;
using protocols::Table;
using protocols::Workspace;
using repository::Entry;
using repository::Version;

namespace {

constexpr int64_t kWorthBatching = 100'000;  // ns: below it a call costs little more than its rows

Error unknown_model(std::string_view model) {
  return error(Code::kNotFound, str("Model with name ", shorten(model, 200), " does not exist."));
}

bool is_tensorflow(const Version& version) {
  return std::string_view(version.model->info().type).starts_with("TensorFlow");
}

// What a call costs at least: a slow one, while the machine was busy with others, counts little.
void learn(const Version& v, int64_t ns) {
  int64_t before = v.predict_ns.load(std::memory_order_relaxed);
  int64_t after = before == 0 || ns < before ? ns : before + std::min(ns - before, before) / 64;
  v.predict_ns.store(after, std::memory_order_relaxed);
}

void count_prediction(const Entry& entry, const Version& version, MonoTime start,
                      InferResponse& out) {
  out.answered = std::chrono::steady_clock::now();
  if (out.asked == MonoTime{}) out.asked = start;
  learn(version, (out.answered - start).count());
  entry.metrics.stages.predict->observe(seconds(out.answered - start));
}

}  // namespace

ModelService::ModelService(async::Loop& loop, repository::Repository& repository,
                           ServiceOptions options)
    : loop_(loop),
      repository_(repository),
      options_(std::move(options)),
      batcher_(
          loop, [this](Waiting w) { alone(std::move(w)); },
          [this](Waiting& w, std::span<const Output> o) { answer_part(w, o); },
          [this](Waiting& w, Tensors out) {
            w.call->response.answered = loop_.clock().mono();
            w.call->response.tensors = out;
            w.call->done({});
          }) {
  refresh();
}

ModelService::~ModelService() { *alive_ = false; }

void ModelService::refresh() {
  uint64_t now = repository_.generation();
  if (now == generation_) [[likely]]
    return;
  generation_ = now;
  snapshot_ = repository_.snapshot();
}

Result<ModelService::Found> ModelService::find(std::string_view model, std::string_view version) {
  refresh();
  const auto* entry = snapshot_->find(model);
  if (!entry) return unknown_model(model);
  const Version* v = (*entry)->find(version);
  if (v) [[likely]]
    return Found{entry, v};
  if ((*entry)->versions.empty() || !is_tensorflow(*(*entry)->versions[0]))
    return error(Code::kNotFound, str("Model with name ", shorten(model, 200), " has no version ",
                                      shorten(version, 60), "."));
  return error(Code::kNotFound, str("Servable not found for request: Specific(",
                                    shorten(model, 200), ", ", shorten(version, 60), ")"));
}

Flavor ModelService::flavor_of(const Entry& entry) const {
  return entry.mlserver ? Flavor::kMlserver : options_.flavor;
}

BatchOptions ModelService::batch_of(const Entry& entry) const {
  BatchOptions b = options_.batch;
  const repository::Settings& s = entry.settings;
  if (s.triton ? !s.dynamic_batching || s.max_batch_size < 2
               : s.max_batch_size < 2 || s.max_batch_seconds <= 0)
    return b;
  b.max_rows = s.preferred_batch_size != 0 ? s.preferred_batch_size : s.max_batch_size;
  b.limit_rows = s.triton ? s.max_batch_size : 0;
  b.max_latency = std::chrono::duration_cast<Duration>(
      std::chrono::duration<double>(std::min(s.max_batch_seconds, 3600.0)));
  return b;
}

// Whether several requests are there: in this turn of the loop, or in those before.
bool ModelService::busy() const {
  return loop_.now() == turn_ ? in_turn_ > 0 || in_last_turn_ > 1 : in_turn_ > 1;
}

// Where batching is not configured: only for models whose calls cost much, and only when several
// requests come in one turn; a lone request goes the short way. What models of tensors make of
// their rows is not known: they are joined only where it is configured.
protocols::Service::Handling ModelService::handling(std::string_view model,
                                                    std::string_view version) {
  auto found = find(model, version);
  if (!found.ok()) return {};
  const Entry& entry = **found->entry;
  bool configured = options_.batch.max_rows > 1 || entry.settings.max_batch_size > 1;
  if (const auto* tensors = found->version->model->tensors()) {
    if (!configured) [[likely]]
      return {false, true};
    BatchOptions b = batch_of(entry);
    bool joins = b.max_rows > 1 && has_rows(tensors->info());
    return {joins && (b.max_latency > Duration::zero() || busy()), true};
  }
  if (configured) return {batch_of(entry).max_rows > 1, false};
  if (!options_.batch.adaptive ||
      found->version->predict_ns.load(std::memory_order_relaxed) < kWorthBatching)
    return {};
  return {busy(), false};
}

void ModelService::count_request() {
  if (loop_.now() != turn_) {
    turn_ = loop_.now();
    in_last_turn_ = std::exchange(in_turn_, 0);
  }
  ++in_turn_;
}

void ModelService::begin(const InferRequest& request, const Found& found, Workspace& work,
                         InferResponse& out) {
  const Entry& entry = **found.entry;
  out.model = entry.name;
  out.version = found.version->version;
  out.id = request.id;
  out.parameters = {};
  out.stages = &entry.metrics.stages;
  out.tensors = {};
  out.columnar = false;
  out.asked = out.answered = {};
  if (request.id.empty() && !request.rows) out.id = ids_.next(work);
}

// A model of tensors: what it is given is checked against what it takes before it is asked.
Status ModelService::read_tensors(const InferRequest& request, const Found& found,
                                  const inference::TensorModel& whole, Workspace& work, Ask& out) {
  bool tensorflow = is_tensorflow(*found.version);
  std::string_view name = request.signature;
  if (tensorflow && request.body.data()) name = protocols::signature_name(request.body, work);
  TRY(out.model, whole.signature(name));
  const inference::ModelInfo& info = out.model->info();
  if (request.body.data())
    TRY_STATUS(tensor_rows_.read(request.body, info, work, out.in));
  else
    TRY_STATUS(protocols::to_tensors(request, info, work, out.in));
  TRY_STATUS(protocols::wanted_outputs(request, info, work, out.wanted));
  out.columnar = request.body.data() && tensor_rows_.columnar() && tensorflow;
  const repository::Settings& s = (*found.entry)->settings;
  if (s.triton && s.max_batch_size > 0 && rows_of(out.in) > s.max_batch_size) [[unlikely]]
    return error(Code::kInvalid, str("inference request batch-size must be <= ", s.max_batch_size,
                                     " for '", (*found.entry)->name, "'"));
  return {};
}

Status ModelService::run_tensors(const Found& found, const Ask& ask, Workspace& work,
                                 InferResponse& out) {
  const Entry& entry = **found.entry;
  auto outputs = work.take<inference::Tensor>(std::max<size_t>(ask.wanted.size(), 1));
  outputs = outputs.first(ask.wanted.size());
  MonoTime start = std::chrono::steady_clock::now();
  if (Status s = ask.model->infer(ask.in, ask.wanted, work, outputs); !s.ok()) {
    entry.metrics.failures->add();
    return s;
  }
  count_prediction(entry, *found.version, start, out);
  out.outputs = {};
  out.tensors = outputs;
  out.columnar = ask.columnar;
  return {};
}

Status ModelService::run(const InferRequest& request, const Found& found, const Table& table,
                         const Plan& plan, Workspace& work, InferResponse& out) {
  const Entry& entry = **found.entry;
  std::array<Output, Plan::kMost> outputs;
  MonoTime start = std::chrono::steady_clock::now();
  for (size_t i = 0; i < plan.count; ++i) {
    Status s = predict(*found.version, flavor_of(entry), table, plan.methods[i], work, outputs[i]);
    if (!s.ok()) {
      entry.metrics.failures->add();
      return s;
    }
  }
  count_prediction(entry, *found.version, start, out);
  return answer(request, plan, std::span(outputs).first(plan.count), flavor_of(entry), work, out);
}

Status ModelService::infer(const InferRequest& request, Workspace& work, InferResponse& out) {
  count_request();
  auto found = find(request.model, request.version);
  if (!found.ok()) return std::move(found).error();
  begin(request, *found, work, out);
  if (const auto* tensors = found->version->model->tensors()) {
    Ask ask;
    TRY_STATUS(read_tensors(request, *found, *tensors, work, ask));
    return run_tensors(*found, ask, work, out);
  }
  Table table;
  TRY_STATUS(protocols::to_table(request, work, table, (*found->entry)->settings.content_type));
  TRY(Plan methods, plan(request));
  return run(request, *found, table, methods, work, out);
}

// What it is asked with; for models of tensors in memory of its own.
Status ModelService::read_later(Call& c, const Found& found, Waiting& w) {
  if (const auto* tensors = found.version->model->tensors()) {
    Ask ask;
    TRY_STATUS(read_tensors(c.request, found, *tensors, c.work, ask));
    w.model = ask.model;
    w.in = c.request.body.data() ? keep(ask.in, c.work) : ask.in;
    w.wanted = ask.wanted;
    w.plan.count = 1;
    c.response.columnar = ask.columnar;
    return {};
  }
  TRY_STATUS(protocols::to_table(c.request, c.work, w.table, w.entry->settings.content_type));
  TRY(w.plan, plan(c.request));
  return {};
}

void ModelService::infer_later(std::unique_ptr<Call> call) {
  count_request();
  Call& c = *call;
  auto found = find(c.request.model, c.request.version);
  if (!found.ok()) return c.done(found.error());
  begin(c.request, *found, c.work, c.response);
  Waiting w;
  w.entry = *found->entry;
  w.version = found->version;
  w.flavor = flavor_of(*w.entry);
  w.since = c.response.asked = loop_.clock().mono();
  if (Status s = read_later(c, *found, w); !s.ok()) return c.done(s);
  w.call = std::move(call);
  BatchOptions b = batch_of(*w.entry);
  if (draining_) b.max_rows = 0;  // nothing waits any more
  if (batcher_.add(w, b)) return;
  w.entry->metrics.refused->add();
  w.call->done(error(Code::kUnavailable,
                     str("Model with name ", w.entry->name, " is overloaded: ", b.max_queue,
                         " requests wait already; try again later")));
}

void ModelService::alone(Waiting w) {
  Found found{&w.entry, w.version};
  if (w.model) {
    Ask ask{w.model, w.in, w.wanted, w.call->response.columnar};
    Status s = run_tensors(found, ask, w.call->work, w.call->response);
    return w.call->done(std::move(s));
  }
  Status s = run(w.call->request, found, w.table, w.plan, w.call->work, w.call->response);
  w.call->done(std::move(s));
}

void ModelService::answer_part(Waiting& w, std::span<const Output> outputs) {
  w.call->response.answered = loop_.clock().mono();
  w.call->done(answer(w.call->request, w.plan, outputs, flavor_of(*w.entry), w.call->work,
                      w.call->response));
}

bool ModelService::ready() const { return !draining_ && repository_.all_loaded(); }

Result<bool> ModelService::model_ready(std::string_view model, std::string_view version) {
  auto found = find(model, version);
  if (found.ok()) return !draining_;
  if (version.empty())
    for (const auto& state : repository_.index())
      if (state.name == model) return false;
  return std::move(found).error();
}

protocols::ServerMetadata ModelService::server_metadata() const {
  return {options_.server_name, options_.server_version, {"model_repository_extension"}};
}

Result<protocols::ModelMetadata> ModelService::model_metadata(std::string_view model,
                                                              std::string_view version) {
  TRY(Found found, find(model, version));
  const Entry& entry = **found.entry;
  const inference::ModelInfo& info = found.version->model->info();
  protocols::ModelMetadata m;
  m.name = entry.name;
  m.platform = entry.settings.platform.empty() ? info.platform : entry.settings.platform;
  m.version = found.version->version;
  m.signatures = info.signatures;
  m.tensorflow = is_tensorflow(*found.version);
  for (const auto& v : entry.versions)
    if (!v->version.empty()) m.versions.push_back(v->version);
  if (m.versions.empty()) m.versions = entry.settings.versions;
  m.inputs = entry.settings.inputs.empty() ? info.inputs : entry.settings.inputs;
  m.outputs = entry.settings.outputs.empty() ? info.outputs : entry.settings.outputs;
  if (flavor_of(entry) == Flavor::kMlserver && entry.settings.outputs.empty() &&
      m.outputs.size() == 1)
    m.outputs[0].name = "predict";
  return m;
}

Result<std::vector<protocols::VersionState>> ModelService::version_states(
    std::string_view model, std::string_view version) {
  std::vector<protocols::VersionState> all;
  auto found = find(model, version);
  if (found.ok()) {
    for (const auto& v : (*found->entry)->versions)
      if (version.empty() || v->version == version)
        all.push_back({v->version, !draining_, draining_ ? "the server is draining" : ""});
    return all;
  }
  if (version.empty())
    for (const auto& state : repository_.index())
      if (state.name == model) all.push_back({state.version, false, state.reason});
  if (all.empty()) return std::move(found).error();
  return all;
}

Result<std::string> ModelService::version_of(std::string_view model, std::string_view label) {
  for (const auto& [name, version] : options_.labels)
    if (name == label) return version;
  return Service::version_of(model, label);
}

std::vector<std::string> ModelService::models() {
  refresh();
  std::vector<std::string> names;
  for (const auto& entry : snapshot_->entries) names.push_back(entry->name);
  return names;
}

std::vector<protocols::IndexEntry> ModelService::index(bool ready_only) {
  std::vector<protocols::IndexEntry> all;
  for (auto& s : repository_.index())
    if (!ready_only || s.state == "READY")
      all.push_back(
          {std::move(s.name), std::move(s.version), std::move(s.state), std::move(s.reason)});
  return all;
}

void ModelService::load(std::string_view model, Done done) {
  repository_.load_later(std::string(model),
                         [this, alive = alive_, done = std::move(done)](Status s) mutable {
                           loop_.post([this, alive, done = std::move(done), s = std::move(s)] {
                             if (*alive) refresh();
                             done(s);
                           });
                         });
}

void ModelService::unload(std::string_view model, Done done) {
  Status s = repository_.unload(std::string(model));
  refresh();
  done(std::move(s));
}

void ModelService::drain() {
  draining_ = true;
  batcher_.flush_all();
}

}  // namespace proa::service
