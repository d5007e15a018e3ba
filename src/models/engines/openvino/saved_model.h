// What a SavedModel says of its signatures (saved_model.pb), which OpenVINO does not tell: the
// names that the model's author chose, types and shapes; and a copy of it with another signature as
// the default, since OpenVINO serves only that one. Private to this folder. Blocking; thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "models/inference/model.h"

namespace proa::openvino {

inline constexpr size_t kMostSignatures = 64;
inline constexpr size_t kMostSignatureTensors = 1024;  // of a signature

// The default one first: "serving_default", else the first by name; not those of TensorFlow's own,
// "__saved_model_init_op". `bytes`: what saved_model.pb holds.
Result<std::vector<inference::Signature>> read_signatures(std::string_view bytes);
// The same bytes, with the signature `name` as "serving_default" and no other.
Result<std::string> with_default(std::string_view bytes, std::string_view name);

// The same for a file. Its tensors and variables are not read.
Result<std::vector<inference::Signature>> signatures_of(const std::string& file);

// A folder that is removed when this goes.
class Folder {
 public:
  explicit Folder(std::string path) : path_(std::move(path)) {}
  Folder(Folder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Folder& operator=(Folder&&) = delete;
  ~Folder();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};
// A SavedModel beside that of `folder`, below $TMPDIR: with_default(), and links to the rest.
Result<Folder> folder_with_default(const std::string& folder, std::string_view name);

// Gives the ports of a model the names that the signature has for them. False, having changed
// nothing, where that is not clear.
bool name_by_signature(std::vector<inference::TensorInfo>& ports,
                       const std::vector<inference::SignatureTensor>& tensors);

}  // namespace proa::openvino
