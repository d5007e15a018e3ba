// TableBuilder keeps what the API objects say in a parsed form and keeps a route table up to date
// with it.
//
// Used by ApiConfiguration on the gateway's control thread, and by tests: not synchronised. put()
// and drop() cost what the one object costs; build() costs what has changed since the last: each
// object is compiled into claims (claims.h) together with what it uses; when one of those changes
// it is compiled again. Endpoint changes go to backends at once, without a new table.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "client/client.h"
#include "platform/gateway/config/compile/cluster.h"
#include "platform/gateway/config/compile/gateway_api_table.h"
#include "platform/gateway/config/compile/ingress.h"
#include "platform/gateway/config/compile/istio_table.h"
#include "platform/gateway/config/parts/claims.h"
#include "platform/gateway/config/parts/doors.h"
#include "platform/gateway/config/parts/secrets.h"
#include "platform/gateway/config/status_writer.h"

namespace proa::gateway {

class TableBuilder {
 public:
  TableBuilder(BuilderOptions options, Clock& clock);

  // kind is one of watched_kinds(). true if a new table is needed (endpoints alone never need one).
  bool put(const client::Kind& kind, const json::Value& object);
  bool drop(const client::Kind& kind, const json::Value& object);
  bool drop(const client::Kind& kind, const client::Key& key);
  // What queue-proxy tells the activator on a cluster: this pod answers, or does so no more. Its
  // endpoints are used from now on, before their slice says that they are ready.
  void pod_ready(const std::string& uid, bool ready) { cluster_.pod_ready(uid, ready); }
  // What came of listeners. true if a build is needed, for the status.
  bool opened(const std::vector<ListenerState>& states);

  std::shared_ptr<const Table> build();
  bool listeners_changed() const { return doors_.changed(); }
  Listeners listeners() { return doors_.take(); }  // linear in their number
  std::vector<StatusUpdate> take_statuses() { return std::exchange(statuses_, {}); }
  std::vector<std::string> take_new_warnings() { return std::exchange(new_warnings_, {}); }
  std::vector<std::shared_ptr<Backend>> backends() const { return cluster_.backends(); }
  std::shared_ptr<Backend> revision(const client::Key& key) const { return cluster_.revision(key); }

 private:
  using Key = client::Key;
  // An object that is compiled, by a letter for its kind.
  struct Source {
    char letter;
    Key key;
    auto operator<=>(const Source&) const = default;
    std::string text() const { return std::string(1, letter) + ":" + text_of(key); }
  };

  bool apply_gateway_api(const client::Kind& kind, const Key& key, const json::Value* object);
  bool apply_istio(const client::Kind& kind, const Key& key, const json::Value* object);
  bool apply_core(const client::Kind& kind, const Key& key, const json::Value* object);
  void touch(char letter, const Key& key) { dirty_.insert({letter, key}); }
  void changed(const std::string& used);  // what used it is to be compiled again
  void changed_host(const std::string& host);
  void note_said(char letter, const Key& key, const json::Value* object);
  Compiled compile(const Source& source);
  Compiled compile_route(const Key& key);
  Compiled compile_service(const Key& key);
  void add_service_rules(const Key& key, const Cluster::Service& service, Host& host);
  void settle(const Source& source, Compiled compiled);
  void settle_status(const Source& source, Compiled& compiled);
  void gateway_statuses();
  void set_warnings(const Source& source, std::vector<std::string> warnings);

  const BuilderOptions options_;
  Secrets secrets_;
  Grants grants_;
  Cluster cluster_;
  Doors doors_;
  IstioTable istio_;
  GatewayApi api_;
  Ingresses ingresses_;
  Claims claims_;
  PortStates ports_;
  std::set<Source> dirty_;
  std::map<Source, Uses> uses_;
  std::unordered_map<std::string, std::set<Source>> used_by_;
  std::map<Source, std::vector<std::string>> warnings_;
  bool warnings_changed_ = false;
  std::set<Source> said_;  // of Istio's kinds: those that have a status
  std::vector<std::string> new_warnings_;
  std::vector<StatusUpdate> statuses_;
  std::shared_ptr<const Table> table_ = std::make_shared<Table>();
};

}  // namespace proa::gateway
