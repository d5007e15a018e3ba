#include "api/schema/validate.h"
#include "foundation/base/strings.h"

namespace proa::api {
namespace {

bool lower_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool alnum(char c) { return lower_alnum(c) || (c >= 'A' && c <= 'Z'); }

// RFC 1123 label: lower case letters, digits and '-', begins and ends with a letter or digit.
bool dns_label(std::string_view text, size_t most = 63) {
  if (text.empty() || text.size() > most) return false;
  for (char c : text)
    if (!lower_alnum(c) && c != '-') return false;
  return lower_alnum(text.front()) && lower_alnum(text.back());
}

bool dns_subdomain(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  for (std::string_view part : split(text, '.'))
    if (!dns_label(part, 253)) return false;
  return true;
}

// The name part of a label key, and a label's value.
bool label_text(std::string_view text) {
  if (text.empty() || text.size() > 63 || !alnum(text.front()) || !alnum(text.back())) return false;
  for (char c : text)
    if (!alnum(c) && c != '-' && c != '_' && c != '.') return false;
  return true;
}

bool qualified_name(std::string_view key) {
  size_t slash = key.find('/');
  if (slash == key.npos) return label_text(key);
  return dns_subdomain(key.substr(0, slash)) && label_text(key.substr(slash + 1));
}

FieldError invalid(std::string field, std::string_view value, std::string_view why) {
  std::string quoted;
  json::dump_string(shorten(value, 260), quoted);
  return {"FieldValueInvalid", std::move(field), str("Invalid value: ", quoted, ": ", why)};
}

constexpr std::string_view kLabelRule =
    "a lowercase RFC 1123 label is at most 63 characters, each a-z, 0-9 or '-', first and last a "
    "letter or digit";
constexpr std::string_view kSubdomainRule =
    "a lowercase RFC 1123 subdomain is at most 253 characters, each a-z, 0-9, '-' or '.', and each "
    "part between dots begins and ends with a letter or digit";

void check_name(const KindDef& kind, std::string_view name, const char* field,
                std::vector<FieldError>& out) {
  std::string_view k = kind.kind.kind, group = kind.kind.group;
  if (name == "." || name == ".." || contains(name, "/") || contains(name, "%")) {
    out.push_back(invalid(field, name, "must not be '.' or '..' and must not contain '/' or '%'"));
    return;
  }
  if (group == "rbac.authorization.k8s.io") return;
  if (group.empty() && (k == "Namespace" || k == "Service")) {
    bool letter_first = k != "Service" || (!name.empty() && name[0] >= 'a' && name[0] <= 'z');
    if (!dns_label(name) || !letter_first)
      out.push_back(invalid(field, name,
                            k == "Service"
                                ? "a DNS-1035 label is at most 63 characters, each a-z, 0-9 or "
                                  "'-', begins with a letter and ends with a letter or digit"
                                : kLabelRule));
    return;
  }
  if (!dns_subdomain(name)) out.push_back(invalid(field, name, kSubdomainRule));
}

void check_labels(const json::Value& labels, std::vector<FieldError>& out) {
  for (const auto& [key, value] : labels.object()) {
    if (!qualified_name(key))
      out.push_back(invalid("metadata.labels", key,
                            "a label key is [PREFIX/]NAME, the name at most 63 characters, each a "
                            "letter, digit, '-', '_' or '.', first and last a letter or digit"));
    if (!value.str().empty() && !label_text(value.str()))
      out.push_back(invalid("metadata.labels", value.str(),
                            "a label value is at most 63 characters, each a letter, digit, '-', "
                            "'_' or '.', first and last a letter or digit"));
  }
}

void check_annotations(const json::Value& annotations, std::vector<FieldError>& out) {
  size_t total = 0;
  for (const auto& [key, value] : annotations.object()) {
    if (!qualified_name(lower(key)))
      out.push_back(
          invalid("metadata.annotations", key,
                  "an annotation key is [PREFIX/]NAME, the name at most 63 characters, each a "
                  "letter, digit, '-', '_' or '.', first and last a letter or digit"));
    total += key.size() + value.str().size();
  }
  if (total > 256 * 1024)
    out.push_back({"FieldValueTooLong", "metadata.annotations",
                   "Too long: may not be more than 262144 bytes"});
}

void check_owners(const json::Value& owners, std::vector<FieldError>& out) {
  size_t i = 0;
  int controllers = 0;
  for (const json::Value& owner : owners.array()) {
    std::string at = str("metadata.ownerReferences[", i++, "].");
    for (const char* key : {"apiVersion", "kind", "name", "uid"})
      if (owner[key].str().empty())
        out.push_back({"FieldValueRequired", at + key, "Required value"});
    controllers += owner["controller"].boolean();
  }
  if (controllers > 1)
    out.push_back({"FieldValueInvalid", "metadata.ownerReferences",
                   "Invalid value: only one reference can have controller set to true"});
}

}  // namespace

std::vector<FieldError> validate_metadata(const KindDef& kind, const json::Value& object) {
  std::vector<FieldError> out;
  const json::Value& meta = object["metadata"];
  const std::string& name = meta["name"].str();
  const std::string& prefix = meta["generateName"].str();
  if (name.empty() && prefix.empty())
    out.push_back({"FieldValueRequired", "metadata.name",
                   "Required value: name or generateName is required"});
  if (!name.empty()) check_name(kind, name, "metadata.name", out);
  if (!prefix.empty()) check_name(kind, prefix + "x", "metadata.generateName", out);
  const std::string& ns = meta["namespace"].str();
  if (kind.kind.namespaced) {
    if (!ns.empty() && !dns_label(ns)) out.push_back(invalid("metadata.namespace", ns, kLabelRule));
  } else if (!ns.empty()) {
    out.push_back(
        {"FieldValueForbidden", "metadata.namespace", "Forbidden: not allowed on this type"});
  }
  check_labels(meta["labels"], out);
  check_annotations(meta["annotations"], out);
  check_owners(meta["ownerReferences"], out);
  if (out.size() > 100) out.resize(100);
  return out;
}

}  // namespace proa::api
