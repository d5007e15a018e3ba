#include "models/engines/boosted/documents/document.h"

#include "foundation/base/strings.h"

namespace proa::engines::boosted {

const Document& Document::operator[](std::string_view key) const {
  static const Document null;
  for (const Member& m : members)
    if (m.first == key) return m.second;
  return null;
}

double Document::as_number(double otherwise) const {
  if (kind == Kind::kNumber || kind == Kind::kBool) return number;
  if (kind == Kind::kText) return parse_double(text).value_or(otherwise);
  return otherwise;
}

std::vector<std::string> Document::texts() const {
  std::vector<std::string> out;
  for (const Document& d : items) {
    if (d.kind != Kind::kText) return {};
    out.push_back(d.text);
  }
  return out;
}

}  // namespace proa::engines::boosted
