// A small strict reader of the XML that object stores answer with: elements and text. Attributes
// and comments are passed over; a DOCTYPE is refused, and so no entity is ever defined.
//
// Used by the listings of s3, oss and azure. Pure. Errors: kInvalid with the byte offset.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"

namespace proa::storage {

struct XmlNode {
  std::string name;  // without its prefix
  std::string text;  // all text directly inside
  std::vector<XmlNode> children;

  const XmlNode* find(std::string_view child) const;  // the first; nullptr if there is none
  const std::string& operator[](std::string_view child) const;  // its text, or ""
};

struct XmlLimits {
  int depth = 32;
  size_t nodes = 200'000;
};

Result<XmlNode> parse_xml(std::string_view text, XmlLimits limits = {});

}  // namespace proa::storage
