#include "platform/apiserver/core/core.h"

#include <algorithm>

#include "api/kinds.h"
#include "api/schema/crd.h"
#include "foundation/base/strings.h"
#include "platform/apiserver/core/core_state.h"

namespace proa::apiserver {
namespace {

// A uid that is the same at each start, for objects that are not stored.
std::string stable_uid(std::string_view name) {
  uint64_t hash = 14695981039346656037u;
  for (unsigned char c : name) hash = (hash ^ c) * 1099511628211u;
  std::string digits;
  for (int i = 60; i >= 0; i -= 4) digits += "0123456789abcdef"[(hash >> i) & 15];
  return str("00000000-0000-4000-8", digits.substr(1, 3), "-", digits.substr(4));
}

// "v1" and the revision and key a continued list goes on from.
std::string make_token(int64_t revision, const std::string& after) {
  return base64(
      json::dump(json::object({{"v", "meta.k8s.io/v1"}, {"rv", revision}, {"start", after}})));
}

struct Token {
  int64_t revision = 0;
  std::string after;
};

Result<Token> read_token(const std::string& text) {
  auto raw = unbase64(text);
  auto value = raw ? json::parse(*raw) : Result<json::Value>(error(Code::kInvalid, ""));
  if (!value.ok() || (*value)["start"].str().empty())
    return error(Code::kInvalid, "continue key is not valid: it was not made by this server");
  return Token{(*value)["rv"].integer(), (*value)["start"].str()};
}

bool matches(const ListQuery& query, const Item& item) {
  return (query.labels.empty() || query.labels.matches_object(item->value)) &&
         (query.fields.empty() || query.fields.matches(item->value));
}

// The labels that every match has.
std::vector<LabelIs> wanted_labels(const ListQuery& query) {
  std::vector<LabelIs> out;
  for (const auto& term : query.labels.terms())
    if (term.op == api::LabelSelector::Op::kIn && term.values.size() == 1 &&
        !term.values[0].empty())
      out.push_back({term.key, term.values[0]});
  return out;
}

}  // namespace

std::string store_key(std::string_view ns, std::string_view name) { return str(ns, "/", name); }

bool is_kind(const api::KindDef& kind, const client::Kind& other) { return kind.kind == other; }

Item detached(json::Value value, int64_t revision) {
  auto record = std::make_shared<Record>();
  record->value = std::move(value);
  record->revision = revision;
  json::dump(record->value, record->text);
  return record;
}

Core::State::State(api::Catalog& c, Store& s, Clock& k, CoreOptions o)
    : catalog(c), store(s), clock(k), options(std::move(o)), addresses(options.service_network) {
  for (const Admission& admission : options.admissions)
    admissions.emplace(str(admission.kind.plural, ".", admission.kind.group), &admission);
}

Item Core::State::convert(const api::KindDef& kind, const Item& item) const {
  if (!item || item->value["apiVersion"].str() == kind.kind.api_version()) return item;
  json::Value value = item->value;
  value.set("apiVersion", kind.kind.api_version());
  return detached(std::move(value), item->revision);
}

Item Core::State::built_in_crd(std::string_view name) const {
  size_t dot = name.find('.');
  if (dot == std::string_view::npos) return nullptr;
  // As old as the platform.
  Item first = store.get("namespaces", store_key("", "kube-system"));
  const std::string time = first ? first->value["metadata"]["creationTimestamp"].str() : now();
  auto crd = api::to_crd(catalog, name.substr(dot + 1), name.substr(0, dot), time);
  if (!crd.ok()) return nullptr;
  json::Value& meta = crd->ref("metadata");
  meta.set("resourceVersion", "1");
  meta.set("uid", stable_uid(name));
  if (!meta.has("creationTimestamp")) meta.set("creationTimestamp", time);
  return detached(std::move(*crd), 1);
}

std::vector<Item> Core::State::built_in_crds() const {
  std::vector<Item> out;
  std::string last;
  for (const api::KindRef& kind : catalog.all()) {
    if (!kind->crd || kind->own || kind->crd_name() == last) continue;
    last = kind->crd_name();
    if (Item item = built_in_crd(last)) out.push_back(std::move(item));
  }
  return out;
}

Core::State::Found Core::State::find(const api::KindDef& kind, std::string_view ns,
                                     std::string_view name) const {
  Found found;
  found.stored = store.get(resource_of(kind), store_key(kind.kind.namespaced ? ns : "", name));
  found.item = convert(kind, found.stored);
  if (!found.item && is_kind(kind, api::kCustomResourceDefinition)) {
    found.item = built_in_crd(name);
    found.built_in = found.item != nullptr;
  }
  return found;
}

Core::Core(api::Catalog& catalog, Store& store, Clock& clock, CoreOptions options)
    : state_(std::make_unique<State>(catalog, store, clock, std::move(options))) {}
Core::~Core() = default;

api::Catalog& Core::catalog() const { return state_->catalog; }
Store& Core::store() const { return state_->store; }
Clock& Core::clock() const { return state_->clock; }

Answer<Item> Core::get(const Def& kind, std::string_view ns, std::string_view name) const {
  Item item = state_->find(kind, ns, name).item;
  if (!item) return not_found(kind, name);
  return item;
}

Item Core::as_version(const Def& kind, const Item& item) const {
  return state_->convert(kind, item);
}

Answer<ListPage> Core::list(const Def& kind, const ListQuery& query) const {
  const std::string table = resource_of(kind);
  const std::string prefix = !kind.kind.namespaced ? "/" : query.ns.empty() ? "" : query.ns + "/";
  ListPage page;
  Token token;
  if (!query.continue_token.empty()) {
    TRY(token, read_token(query.continue_token));
  }
  const std::string* name = query.fields.required("metadata.name");
  if (name && (!kind.kind.namespaced || !query.ns.empty())) {  // the one object, without a walk
    page.revision = state_->store.revision();
    Item item = state_->find(kind, query.ns, *name).item;
    if (item && matches(query, item)) page.items.push_back(std::move(item));
    return page;
  }
  const bool filtered = !query.labels.empty() || !query.fields.empty();
  // With a selector all is read, since little may get through it.
  const std::vector<LabelIs> labels =
      token.after.empty() ? wanted_labels(query) : std::vector<LabelIs>();
  Store::Page part =
      labels.empty() ? state_->store.list(table, prefix, token.after, filtered ? 0 : query.limit)
                     : state_->store.list_labelled(table, prefix, labels);
  page.revision = part.revision;
  for (const Item& item : part.items) {
    if (filtered && !matches(query, item)) continue;
    if (query.limit > 0 && page.items.size() == query.limit) {  // one more matches: to be continued
      const json::Value& meta = page.items.back()->value["metadata"];
      part.next = store_key(meta["namespace"].str(), meta["name"].str());
      break;
    }
    page.items.push_back(state_->convert(kind, item));
  }
  if (!part.next.empty()) {
    page.continue_token = make_token(token.revision ? token.revision : page.revision, part.next);
    if (!filtered) page.remaining = part.remaining;
  }
  // A continued list belongs to the first page's revision: a watch from there misses nothing.
  if (token.revision) page.revision = token.revision;
  if (is_kind(kind, api::kCustomResourceDefinition) && query.continue_token.empty()) {
    for (Item& item : state_->built_in_crds())
      if (matches(query, item)) page.items.push_back(std::move(item));
    std::sort(page.items.begin(), page.items.end(), [](const Item& a, const Item& b) {
      return a->value["metadata"]["name"].str() < b->value["metadata"]["name"].str();
    });
  }
  return page;
}

Result<std::unique_ptr<Store::Subscription>> Core::watch(const Def& kind,
                                                         Store::WatchOptions options,
                                                         Store::Callback callback) {
  return state_->store.watch(resource_of(kind), std::move(options), std::move(callback));
}

Answer<json::Value> Core::get_scale(const Def& kind, std::string_view ns,
                                    std::string_view name) const {
  TRY(Item item, get(kind, ns, name));
  return scale_of(kind, item->value);
}

}  // namespace proa::apiserver
