#include "platform/apiserver/core/embedded_client.h"

#include "foundation/base/strings.h"
#include "foundation/obs/log.h"

namespace proa::apiserver {
namespace {

// The tree inside an Item, sharing its life.
client::Object object_of(const Item& item) {
  if (!item) return nullptr;
  return client::Object(item, &item->value);
}

class EmbeddedWatch : public client::Watch {
 public:
  explicit EmbeddedWatch(std::unique_ptr<Store::Subscription> subscription)
      : subscription_(std::move(subscription)) {}

 private:
  std::unique_ptr<Store::Subscription> subscription_;
};

}  // namespace

Result<api::KindRef> EmbeddedClient::find(const client::Kind& kind) const {
  api::KindRef def = core_.catalog().find(kind);
  if (!def)
    return error(Code::kNotFound,
                 str("the server serves no ", kind.api_version(), " ", kind.plural));
  return def;
}

Result<client::Object> EmbeddedClient::get(const client::Kind& kind, std::string_view ns,
                                           std::string_view name) const {
  TRY(api::KindRef def, find(kind));
  TRY(Item item, core_.get(*def, ns, name).to_result());
  return object_of(item);
}

Result<std::vector<client::Object>> EmbeddedClient::list(const client::Kind& kind,
                                                         const client::ListOptions& options) const {
  TRY(api::KindRef def, find(kind));
  ListQuery query;
  query.ns = options.ns;
  TRY(query.labels, api::LabelSelector::parse(options.label_selector));
  TRY(query.fields, api::FieldSelector::parse(options.field_selector));
  TRY(ListPage page, core_.list(*def, query).to_result());
  std::vector<client::Object> out;
  out.reserve(page.items.size());
  for (const Item& item : page.items) out.push_back(object_of(item));
  return out;
}

Result<client::Object> EmbeddedClient::create(const client::Kind& kind, json::Value object) {
  TRY(api::KindRef def, find(kind));
  WriteContext context;
  context.manager = "proa";
  const std::string ns = object["metadata"]["namespace"].str();
  TRY(Written written, core_.create(*def, ns, std::move(object), context).to_result());
  return object_of(written.item);
}

Result<client::Object> EmbeddedClient::apply(const client::Kind& kind, json::Value fields,
                                             const client::ApplyOptions& options) {
  TRY(api::KindRef def, find(kind));
  WriteContext context;
  context.manager = options.manager;
  context.subresource = options.subresource;
  context.force = true;
  const client::Key key = client::key_of(fields);
  TRY(Written written, core_.apply(*def, key.ns, key.name, std::move(fields), context).to_result());
  if (options.durable && written.revision) TRY_STATUS(core_.store().wait_durable(written.revision));
  return object_of(written.item);
}

Result<client::Object> EmbeddedClient::patch(const client::Kind& kind, std::string_view ns,
                                             std::string_view name, json::Value merge_patch,
                                             std::string_view subresource) {
  TRY(api::KindRef def, find(kind));
  WriteContext context;
  context.manager = "proa";
  context.subresource = subresource;
  TRY(Written written,
      core_.patch(*def, ns, name, PatchType::kMerge, merge_patch, context).to_result());
  return object_of(written.item);
}

Status EmbeddedClient::remove(const client::Kind& kind, std::string_view ns, std::string_view name,
                              const client::DeleteOptions& options) {
  TRY(api::KindRef def, find(kind));
  RemoveOptions how;
  how.grace_period_seconds = options.grace_period_seconds;
  how.propagation = options.propagation;
  how.uid = options.uid;
  TRY(Written written, core_.remove(*def, ns, name, how).to_result());
  (void)written;
  return {};
}

std::unique_ptr<client::Watch> EmbeddedClient::watch(
    const client::Kind& kind, std::string_view ns,
    std::function<void(const client::Event&)> callback) {
  auto def = find(kind);
  if (!def.ok()) {
    log::error("apiserver", "watch of an unknown kind", {{"error", def.error().message}});
    return std::make_unique<EmbeddedWatch>(nullptr);
  }
  Store::WatchOptions options;
  options.initial = true;
  if (kind.namespaced && !ns.empty()) options.prefix = str(ns, "/");
  // The queue only grows while the callback runs, and it must return at once: this bound is a fuse.
  options.most_queued = size_t{1} << 24;
  auto subscription =
      core_.watch(**def, std::move(options),
                  [this, kind_def = *def, callback = std::move(callback)](const ChangePtr& change) {
                    if (!change || change->type == Change::kBookmark) return;
                    client::Event event;
                    event.type = change->type == Change::kAdded      ? client::Event::kAdded
                                 : change->type == Change::kModified ? client::Event::kModified
                                                                     : client::Event::kDeleted;
                    event.object = object_of(core_.as_version(*kind_def, change->now));
                    event.old = object_of(core_.as_version(*kind_def, change->old));
                    callback(event);
                  });
  CHECK(subscription.ok());  // an initial watch cannot be too old
  return std::make_unique<EmbeddedWatch>(std::move(*subscription));
}

}  // namespace proa::apiserver
