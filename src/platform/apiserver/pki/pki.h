// The platform's own certificate authority: a CA, the API server's certificate, the admin's client
// certificate, all with P-256 keys, kept as PEM files in one folder; and the kubeconfig made of
// them.
//
// Called once at start. What is there is used again; a certificate that is damaged, close to its
// end, or lacks a name the server goes by is made anew (the CA only if it is damaged or close to
// its end).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/clock.h"
#include "foundation/base/result.h"

namespace proa::apiserver {

struct Credentials {
  std::string ca;                  // certificate, PEM; the rest too
  std::string server, server_key;  // for `names`
  std::string admin, admin_key;    // O=system:masters, CN=kubernetes-admin
};

// Files ca.crt, ca.key, server.crt, … in `folder`, all 0600. `names`: DNS names and addresses
// besides localhost, 127.0.0.1, kubernetes.default.svc and its like.
Result<Credentials> ensure_credentials(const std::string& folder,
                                       const std::vector<std::string>& names, WallTime now);

// One cluster, user and context named "proa", everything embedded.
std::string make_kubeconfig(const Credentials& credentials, std::string_view url);

// Days until a PEM certificate ends; negative if it has, or is none.
int64_t days_left(const std::string& certificate, WallTime now);
std::vector<std::string> names_of(const std::string& certificate);  // its SANs

}  // namespace proa::apiserver
