#include "platform/gateway/config/read/istio_gateway.h"

#include "foundation/base/strings.h"

namespace proa::gateway {

using json::Value;

namespace {

TlsVersion version_of(const std::string& name, std::vector<std::string>& warnings) {
  if (name == "TLSV1_2") return TlsVersion::k1_2;
  if (name == "TLSV1_3") return TlsVersion::k1_3;
  if (!name.empty() && name != "TLS_AUTO")
    warnings.push_back(str("servers.tls: ", name, " is too old to be carried out; TLSV1_2 is"));
  return TlsVersion::kAuto;
}

void read_tls(const Value& v, IstioServer& server, std::vector<std::string>& warnings) {
  const std::string& mode = v["mode"].str();
  TlsChain& chain = server.chain;
  if (mode == "PASSTHROUGH" || mode == "AUTO_PASSTHROUGH")
    chain.mode = TlsMode::kPassthrough;
  else if (mode == "MUTUAL")
    chain.mode = TlsMode::kMutual;
  else if (mode == "OPTIONAL_MUTUAL")
    chain.mode = TlsMode::kOptionalMutual;
  else if (mode == "ISTIO_MUTUAL")
    warnings.push_back("servers.tls.mode ISTIO_MUTUAL is not carried out: there is no mesh");
  chain.least = version_of(v["minProtocolVersion"].str(), warnings);
  chain.most = version_of(v["maxProtocolVersion"].str(), warnings);
  if (v.has("credentialName")) server.credentials.push_back(v["credentialName"].str());
  for (const Value& name : v["credentialNames"].array()) server.credentials.push_back(name.str());
  for (const char* field : {"serverCertificate", "privateKey", "caCertificates"})
    if (v.has(field))
      warnings.push_back(
          str("servers.tls.", field, " names a file of a proxy's; use credentialName instead"));
  for (const char* field : {"caCrl", "subjectAltNames", "verifyCertificateSpki", "tlsCertificates",
                            "verifyCertificateHash", "cipherSuites", "caCertCredentialName"})
    if (v.has(field)) warnings.push_back(str("servers.tls.", field, " is not carried out"));
}

IstioServer read_server(const Value& v, const std::string& ns, std::vector<std::string>& warnings) {
  IstioServer server;
  server.name = v["name"].str_or(v["port"]["name"].str());
  server.port = static_cast<uint16_t>(v["port"]["number"].integer());
  server.bind = v["bind"].str();
  const std::string protocol = lower(v["port"]["protocol"].str());
  server.tls = protocol == "https" || protocol == "tls";
  server.http = protocol == "http" || protocol == "http2" || protocol == "grpc" ||
                protocol == "grpc-web" || protocol == "https";
  server.redirect = v["tls"]["httpsRedirect"].boolean() && !server.tls;
  if (!server.tls && !server.http && protocol != "tcp")
    warnings.push_back(str("servers.port.protocol ", v["port"]["protocol"].str(),
                           " is not carried out; it is taken as TCP"));
  if (server.tls) read_tls(v["tls"], server, warnings);
  server.chain.to_tunnel = protocol == "tls";
  for (const Value& h : v["hosts"].array()) {
    std::string text = lower(h.str());
    size_t slash = text.find('/');
    std::string where = slash == std::string::npos ? "*" : text.substr(0, slash);
    if (where == ".") where = ns;
    std::string host = slash == std::string::npos ? text : text.substr(slash + 1);
    server.chain.hosts.push_back(host);
    server.hosts.push_back({std::move(where), std::move(host)});
  }
  if (v.has("defaultEndpoint")) warnings.push_back("servers.defaultEndpoint is not carried out");
  return server;
}

}  // namespace

IstioGateway read_istio_gateway(const Value& object) {
  IstioGateway out;
  out.key = client::key_of(object);
  for (const Value& s : object["spec"]["servers"].array())
    out.servers.push_back(read_server(s, out.key.ns, out.warnings));
  return out;
}

std::vector<DoorPiece> doors_of(const IstioGateway& gateway, const Secrets& secrets,
                                const std::string& gateway_ns, Uses& uses,
                                std::vector<std::string>& warnings) {
  std::vector<DoorPiece> out;
  for (const IstioServer& server : gateway.servers) {
    DoorPiece piece;
    piece.address = server.bind;
    piece.port = server.port;
    piece.protocol = server.tls ? Protocol::kHttps : server.http ? Protocol::kHttp : Protocol::kTcp;
    if (!server.tls || server.chain.mode == TlsMode::kPassthrough) {
      if (server.tls) piece.chain = server.chain;
      if (piece.chain) piece.chain->name = str("Gateway ", text_of(gateway.key), "/", server.name);
      out.push_back(std::move(piece));
      continue;
    }
    if (server.credentials.empty())
      warnings.push_back("servers.tls.credentialName is missing: there is no certificate to serve");
    for (const std::string& name : server.credentials) {
      std::shared_ptr<const Credential> found, ca;
      for (const std::string& ns : {gateway.key.ns, gateway_ns}) {
        uses.insert(use('t', client::Key{ns, name}));
        uses.insert(use('t', client::Key{ns, name + "-cacert"}));
        if (!found) found = secrets.find({ns, name});
        if (!ca) ca = secrets.find({ns, name + "-cacert"});
      }
      if (!found || found->certificate.empty()) {
        warnings.push_back(str("servers.tls.credentialName: there is no Secret ", name,
                               " with tls.crt and tls.key in namespace ", gateway.key.ns, " or ",
                               gateway_ns));
        continue;
      }
      DoorPiece one = piece;
      one.chain = server.chain;
      one.chain->credential = *found;
      if (ca && one.chain->credential.client_ca.empty())
        one.chain->credential.client_ca = ca->client_ca;
      one.chain->name = str("Gateway ", text_of(gateway.key), "/", server.name);
      if (server.chain.mode == TlsMode::kMutual && one.chain->credential.client_ca.empty())
        warnings.push_back(
            str("servers.tls.mode MUTUAL: Secret ", name, " has no ca.crt to check clients by"));
      else
        out.push_back(std::move(one));
    }
  }
  return out;
}

std::string host_at(const IstioServer& server, const std::string& vs_ns, const std::string& host) {
  for (const auto& h : server.hosts) {
    if (h.ns != "*" && h.ns != vs_ns) continue;
    std::string both = host_intersection(h.host, host);
    if (!both.empty()) return both;
  }
  return "";
}

}  // namespace proa::gateway
