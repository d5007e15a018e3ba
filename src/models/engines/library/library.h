// The shared libraries of other projects that engines use: where they are installed, and loading
// them when the first model needs one.
//
// Looked for below a folder NAME/ in, by order: $PROA_ENGINES_DIR; engines/ beside the program;
// lib/proa/engines beside its bin/; .tools/engines of a folder above it (a source tree);
// /usr/local/lib/proa/engines and /usr/lib/proa/engines. One that another user could have put
// there is not loaded. A pod is shown the folder that the platform found, read-only. Libraries stay
// loaded until the process ends. Thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"

namespace proa::engines {

class Library {
 public:
  // `name` is the folder, "onnxruntime"; `file` how the library's name begins,
  // "libonnxruntime.so". kUnimplemented, with how to install it, where it is not there.
  static Result<Library> open(std::string_view name, std::string_view file);
  // The same of one whole path.
  static Result<Library> open_path(const std::string& path);
  // A function by name; null if the library has none.
  void* find(const char* symbol) const;
  const std::string& path() const { return path_; }

 private:
  Library(void* handle, std::string path) : handle_(handle), path_(std::move(path)) {}
  void* handle_;
  std::string path_;
};

// The first of engine_folders() that is there and that nobody else can write, for pods to be shown;
// "" if there is none.
std::string engines_folder();

// The folders in which engines are looked for, by order.
std::vector<std::string> engine_folders();
// For tests: of a program at this path.
std::vector<std::string> engine_folders_of(const std::string& program, const char* variable);

}  // namespace proa::engines
