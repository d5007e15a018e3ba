// The arguments or the environment of a program, as exec and main() take them.
#pragma once

#include <string>
#include <vector>

namespace proa {

// Ends with a null pointer; valid as long as the texts are.
inline std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

}  // namespace proa
