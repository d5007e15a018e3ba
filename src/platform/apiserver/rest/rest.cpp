#include "platform/apiserver/rest/rest.h"

#include "api/kinds.h"
#include "foundation/base/strings.h"
#include "platform/apiserver/rest/rest_call.h"

namespace proa::apiserver {
namespace {

// Not waited for on disk even over REST: what is written all the time and made again after a crash.
bool is_relaxed(const api::KindDef& kind) {
  return kind.kind == api::kEvent || kind.kind == api::kLease;
}

Failure method_not_allowed() {
  return failure(405, "MethodNotAllowed",
                 "the server does not allow this method on the requested resource");
}

Failure unauthorized() { return failure(401, "Unauthorized", "Unauthorized"); }

// "kubectl/v1.32.0 (linux/amd64) …" → "kubectl", the manager where none is named.
std::string default_manager(std::string_view user_agent) {
  std::string_view first = user_agent.substr(0, user_agent.find('/'));
  return first.empty() ? "unknown" : std::string(first.substr(0, 128));
}

Result<bool> dry_run_of(const Query& query) {
  const std::string& text = query.get("dryRun");
  if (!text.empty() && text != "All")
    return error(Code::kInvalid, str("Invalid value: [\"", text, "\"]: dryRun must be All"));
  return text == "All";
}

}  // namespace

Rest::Rest(async::Loop& loop, Core& core, metrics::Registry* metrics, RestOptions options)
    : loop_(loop), core_(core), metrics_(metrics), options_(std::move(options)) {}

Rest::~Rest() { end_watches(); }

void Rest::end_watches() {
  auto streams = streams_;
  for (const auto& stream : streams) stream->end();
}

void Rest::handle(http::Request request, std::shared_ptr<http::Responder> responder) {
  Call call(std::move(request), std::move(responder));
  call.begun = loop_.clock().mono();
  auto how = parse_answering(call.request.headers.get("accept"), call.query);
  if (!how.ok()) return refuse(call, std::move(how).error());
  call.how = *how;
  std::string_view path = call.request.path();
  const bool open = path == "/healthz" || path == "/livez" || path == "/readyz" ||
                    path.starts_with("/livez/") || path.starts_with("/readyz/") ||
                    path.starts_with("/healthz/") || path == "/version" || path == "/version/";
  if (options_.require_certificate && call.request.client_cert.empty() && !open)
    return refuse(call, unauthorized());
  if (call.request.body.size() > kMostBody)
    return refuse(call, failure(413, "RequestEntityTooLarge",
                                str("Request entity too large: limit is ", kMostBody)));
  if (non_resource(call)) return;
  auto target = parse_target(path);
  if (!target) return refuse(call, no_such_path());
  call.target = std::move(*target);
  if (review(call)) return;
  call.kind = core_.catalog().find(call.target.group, call.target.version, call.target.plural);
  if (!call.kind || (!call.kind->kind.namespaced && !call.target.ns.empty()))
    return refuse(call, no_such_path());
  dispatch(call);
}

void Rest::dispatch(Call& call) {
  const std::string& method = call.request.method;
  const Target& target = call.target;
  if (!target.name.empty() && call.kind->kind.namespaced && target.ns.empty())
    return refuse(call, no_such_path());
  if (target.subresource == "log" && call.kind->kind == api::kPod)
    return method == "GET" ? logs(call) : refuse(call, method_not_allowed());
  const std::string& sub = target.subresource;
  const bool known = sub.empty() || (sub == "status" && call.kind->has_status) ||
                     (sub == "scale" && !call.kind->scale.spec.empty()) ||
                     (sub == "finalize" && call.kind->kind == api::kNamespace);
  if (!known) return refuse(call, no_such_path());
  if (target.name.empty()) {
    if (method == "GET") return call.query.flag("watch") ? watch(call) : list(call);
    if (method == "POST") return create(call);
    if (method == "DELETE") return remove_all(call);
    return refuse(call, method_not_allowed());
  }
  if (method == "GET") return call.query.flag("watch") && sub.empty() ? watch(call) : read(call);
  if (method == "PUT") return update(call);
  if (method == "PATCH") return patch(call);
  if (method == "DELETE" && sub.empty()) return remove(call);
  refuse(call, method_not_allowed());
}

// ---- answers ------------------------------------------------------------------------------------

void Rest::send(Call& call, http::Response response) {
  if (metrics_) {
    std::string resource = call.kind ? resource_of(*call.kind) : "";
    metrics_
        ->counter("apiserver_request_total", "Requests by verb, resource and status code.",
                  {{"verb", call.verb}, {"resource", resource}, {"code", str(response.status)}})
        .add();
    metrics_
        ->histogram("apiserver_request_duration_seconds", "Time to the answer by verb.",
                    {{"verb", call.verb}})
        .observe(seconds(loop_.clock().mono() - call.begun));
  }
  if (call.request.method == "HEAD") response.body.clear();
  call.responder->send(std::move(response));
}

void Rest::refuse(Call& call, const Failure& failure) { send(call, failure_response(failure)); }

// Sends the answer of a write once it is on disk.
void Rest::acknowledge(Call& call, int64_t revision, http::Response response) {
  if (revision == 0 || is_relaxed(*call.kind)) return send(call, std::move(response));
  // The committer answers: it must not touch this object, so the metrics are taken here.
  auto responder = call.responder;
  if (metrics_)
    metrics_
        ->counter("apiserver_request_total", "Requests by verb, resource and status code.",
                  {{"verb", call.verb},
                   {"resource", resource_of(*call.kind)},
                   {"code", str(response.status)}})
        .add();
  core_.store().when_durable(
      revision, [responder, response = std::move(response)](Status status) mutable {
        if (!status.ok())
          response = failure_response(Failure(Error{Code::kUnavailable, status.error().message}));
        responder->send(std::move(response));
      });
}

void Rest::written(Call& call, const Answer<Written>& result, const WriteContext& context) {
  if (!result.ok()) {
    http::Response response = failure_response(result.error());
    add_warnings(response, context.warnings);
    return send(call, std::move(response));
  }
  int status = result->created ? 201 : 200;
  http::Response response =
      call.target.subresource == "scale"
          ? value_response(status, scale_of(*call.kind, result->item->value), call.how)
          : object_response(status, *call.kind, result->item, call.how, core_.clock().wall());
  add_warnings(response, context.warnings);
  acknowledge(call, result->revision, std::move(response));
}

// ---- reading ------------------------------------------------------------------------------------

void Rest::read(Call& call) {
  call.verb = "get";
  const Target& t = call.target;
  if (t.subresource == "scale") {
    auto scale = core_.get_scale(*call.kind, t.ns, t.name);
    return scale.ok() ? send(call, value_response(200, *scale, call.how))
                      : refuse(call, scale.error());
  }
  auto item = core_.get(*call.kind, t.ns, t.name);
  if (!item.ok()) return refuse(call, item.error());
  send(call, object_response(200, *call.kind, *item, call.how, core_.clock().wall()));
}

Answer<ListQuery> Rest::list_query(Call& call) {
  ListQuery query;
  query.ns = call.target.ns;
  TRY(query.labels, api::LabelSelector::parse(call.query.get("labelSelector")));
  std::string fields = call.query.get("fieldSelector");
  if (!call.target.name.empty())
    fields = str("metadata.name=", call.target.name, fields.empty() ? "" : ",", fields);
  TRY(query.fields, api::FieldSelector::parse(fields));
  TRY(auto limit, call.query.number("limit"));
  if (limit && *limit < 0) return bad_request("limit must not be negative");
  query.limit = static_cast<size_t>(limit.value_or(0));
  query.continue_token = call.query.get("continue");
  return query;
}

void Rest::list(Call& call) {
  call.verb = "list";
  auto query = list_query(call);
  if (!query.ok()) return refuse(call, query.error());
  auto revision = call.query.number("resourceVersion");
  if (!revision.ok()) return refuse(call, std::move(revision).error());
  const int64_t wanted = revision->value_or(0), now = core_.store().revision();
  if (wanted > now) {
    Failure late =
        failure(504, "Timeout", str("Too large resource version: ", wanted, ", current: ", now));
    late.status.ref("details", "causes") = json::array({json::object(
        {{"reason", "ResourceVersionTooLarge"}, {"message", "Too large resource version"}})});
    late.status.ref("details", "retryAfterSeconds") = 1;
    return refuse(call, late);
  }
  if (call.query.get("resourceVersionMatch") == "Exact" && wanted != now &&
      query->continue_token.empty())
    return refuse(call,
                  expired(str("The resourceVersion for the provided list is too old: ", wanted)));
  auto page = core_.list(*call.kind, *query);
  if (!page.ok()) return refuse(call, page.error());
  send(call, list_response(*call.kind, *page, call.how, core_.clock().wall()));
}

void Rest::watch(Call& call) {
  call.verb = "watch";
  auto query = list_query(call);
  if (!query.ok()) return refuse(call, query.error());
  auto revision = call.query.number("resourceVersion");
  if (!revision.ok()) return refuse(call, std::move(revision).error());
  auto timeout = call.query.number("timeoutSeconds");
  if (!timeout.ok()) return refuse(call, std::move(timeout).error());
  WatchRequest request;
  request.kind = call.kind;
  request.ns = call.target.ns;
  request.labels = std::move(query->labels);
  request.fields = std::move(query->fields);
  request.how = call.how;
  request.from = revision->value_or(0);
  request.bookmarks = call.query.flag("allowWatchBookmarks");
  if (call.query.flag("sendInitialEvents")) {
    request.from = 0;
    request.initial_end = request.bookmarks;
  }
  int64_t most = timeout->value_or(0);
  request.timeout = std::chrono::seconds(most > 0 ? std::min<int64_t>(most, 86400) : 2700);
  auto stream = std::make_shared<WatchStream>(core_, loop_, std::move(request), call.responder);
  streams_.insert(stream);
  Status started = stream->start([this, weak = std::weak_ptr(stream)] {
    if (auto ended = weak.lock()) streams_.erase(ended);
  });
  if (started.ok()) return;
  streams_.erase(stream);
  refuse(call, Failure(started.error()));
}

// ---- writing ------------------------------------------------------------------------------------

Answer<WriteContext> Rest::write_context(Call& call) {
  WriteContext context;
  context.subresource = call.target.subresource;
  context.manager = call.query.get("fieldManager");
  if (context.manager.empty())
    context.manager = default_manager(call.request.headers.get("user-agent"));
  if (context.manager.size() > 128)
    return bad_request("fieldManager: may not be more than 128 bytes");
  TRY(context.dry_run, dry_run_of(call.query));
  TRY(context.validation, api::parse_field_validation(call.query.get("fieldValidation")));
  context.force = call.query.flag("force");
  return context;
}

void Rest::create(Call& call) {
  call.verb = "create";
  auto context = write_context(call);
  if (!context.ok()) return refuse(call, context.error());
  auto body = decode_body(core_.catalog(), call.request);
  if (!body.ok()) return refuse(call, std::move(body).error());
  std::string ns = call.target.ns;
  if (call.kind->kind.namespaced && ns.empty()) ns = (*body)["metadata"]["namespace"].str();
  written(call, core_.create(*call.kind, ns, std::move(*body), *context), *context);
}

void Rest::update(Call& call) {
  call.verb = "update";
  auto context = write_context(call);
  if (!context.ok()) return refuse(call, context.error());
  auto body = decode_body(core_.catalog(), call.request);
  if (!body.ok()) return refuse(call, std::move(body).error());
  const Target& t = call.target;
  written(call, core_.update(*call.kind, t.ns, t.name, std::move(*body), *context), *context);
}

void Rest::patch(Call& call) {
  call.verb = "patch";
  auto context = write_context(call);
  if (!context.ok()) return refuse(call, context.error());
  const std::string type = media_type(call.request.headers.get("content-type"));
  const Target& t = call.target;
  auto body = type == "application/apply-patch+yaml" || !call.request.body.starts_with("---")
                  ? decode_body(core_.catalog(), call.request)
                  : Result<json::Value>(error(Code::kInvalid, "the patch is no JSON"));
  if (!body.ok()) return refuse(call, std::move(body).error());
  if (type == "application/apply-patch+yaml") {
    if (call.query.get("fieldManager").empty())
      return refuse(call, bad_request("PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: "
                                      "Required value: is required for apply patch"));
    call.verb = "apply";
    return written(call, core_.apply(*call.kind, t.ns, t.name, std::move(*body), *context),
                   *context);
  }
  PatchType how = PatchType::kMerge;
  if (type == "application/json-patch+json")
    how = PatchType::kJson;
  else if (type == "application/strategic-merge-patch+json")
    how = PatchType::kStrategic;
  else if (type != "application/merge-patch+json")
    return refuse(
        call,
        failure(
            415, "UnsupportedMediaType",
            str("the body of the request was in an unknown format - accepted media types include: "
                "application/json-patch+json, application/merge-patch+json, ",
                call.kind->crd ? "" : "application/strategic-merge-patch+json, ",
                "application/apply-patch+yaml")));
  written(call, core_.patch(*call.kind, t.ns, t.name, how, *body, *context), *context);
}

Answer<RemoveOptions> Rest::remove_options(Call& call) {
  RemoveOptions options;
  json::Value body;
  if (!call.request.body.empty()) {
    TRY(body, decode_body(core_.catalog(), call.request));
  }
  TRY(auto grace, call.query.number("gracePeriodSeconds"));
  options.grace_period_seconds = grace;
  if (!grace && body["gracePeriodSeconds"].is_number())
    options.grace_period_seconds = body["gracePeriodSeconds"].integer();
  options.propagation = call.query.get("propagationPolicy");
  if (options.propagation.empty()) options.propagation = body["propagationPolicy"].str();
  if (options.propagation.empty() &&
      (call.query.flag("orphanDependents") || body["orphanDependents"].boolean()))
    options.propagation = "Orphan";
  options.uid = body["preconditions"]["uid"].str();
  options.resource_version = body["preconditions"]["resourceVersion"].str();
  TRY(bool dry, dry_run_of(call.query));
  options.dry_run = dry || body["dryRun"][0].str() == "All";
  return options;
}

void Rest::remove(Call& call) {
  call.verb = "delete";
  auto options = remove_options(call);
  if (!options.ok()) return refuse(call, options.error());
  const Target& t = call.target;
  auto done = core_.remove(*call.kind, t.ns, t.name, *options);
  if (!done.ok()) return refuse(call, done.error());
  http::Response response =
      done->removed && !(call.kind->kind == api::kPod)
          ? value_response(200, success_status(*call.kind, done->item->value), call.how)
          : object_response(200, *call.kind, done->item, call.how, core_.clock().wall());
  acknowledge(call, done->revision, std::move(response));
}

void Rest::remove_all(Call& call) {
  call.verb = "deletecollection";
  auto query = list_query(call);
  if (!query.ok()) return refuse(call, query.error());
  auto options = remove_options(call);
  if (!options.ok()) return refuse(call, options.error());
  auto page = core_.list(*call.kind, *query);
  if (!page.ok()) return refuse(call, page.error());
  int64_t newest = 0;
  for (const Item& item : page->items) {
    const json::Value& meta = item->value["metadata"];
    auto done = core_.remove(*call.kind, meta["namespace"].str(), meta["name"].str(), *options);
    if (done.ok())
      newest = std::max(newest, done->revision);
    else if (done.error().code() != 404)
      return refuse(call, done.error());
  }
  acknowledge(call, newest, list_response(*call.kind, *page, call.how, core_.clock().wall()));
}

}  // namespace proa::apiserver
