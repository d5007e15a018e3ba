// Where a Python interpreter's files are, for the sandboxes that run it. Reads the disk.
#pragma once

#include <string>
#include <vector>

namespace proa::node {

// The folders that `python`, an absolute path, needs and a sandbox does not show anyway: its
// virtual environment, and the installation that this was made from. No folder is inside another.
std::vector<std::string> interpreter_folders(const std::string& python);

}  // namespace proa::node
