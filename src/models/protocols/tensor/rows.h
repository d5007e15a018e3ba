// The body of a V1 request to a model of tensors, read in one pass into what the model takes.
//
//   {"instances": [[…], […]]}                 the one input: nested lists of any depth
//   {"instances": [{"a": …, "b": …}, …]}      named inputs, a row each: stacked
//   {"inputs": {"a": …, "b": …}}              named inputs, whole
//   {"inputs": …}                             the one input
//   {"b64": "…"}                              an element that is bytes
//
// The elements become the input's datatype; null is NaN. Where the model has a last dimension of 1
// that the rows lack, it is added. Other members are skipped. The result views the body, the
// Workspace and the reader: valid until the next read(). One thread; nothing is allocated once its
// buffers have grown.
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"
#include "models/inference/tensor.h"
#include "models/protocols/request.h"
#include "models/protocols/scan.h"

namespace proa::protocols {

// What the body says of "signature_name", "" for nothing; of what is no JSON object, too.
std::string_view signature_name(std::string_view body, Workspace& work);

class TensorRowsReader {
 public:
  Status read(std::string_view body, const inference::ModelInfo& info, Workspace& work,
              std::span<const inference::Tensor>& out);
  bool columnar() const { return columnar_; }  // they came whole, as "inputs"

 private:
  static constexpr size_t kUnknown = SIZE_MAX;
  struct Field {
    const inference::TensorInfo* info = nullptr;
    std::vector<double> numbers;
    std::vector<std::string_view> texts;
    std::array<size_t, kMostRank> sizes{};
    std::array<int64_t, kMostRank + 1> shape{};
    size_t rank = kUnknown, deepest = 0, rows = 0;
    bool seen = false;
  };
  void begin(const inference::ModelInfo& info);
  Status member(Scanner& scan);
  Status whole(Scanner& scan);
  Status rows(Scanner& scan);
  Status named(Scanner& scan, size_t row, bool by_row);
  Status value(Scanner& scan, Field& field, size_t depth);
  Status list(Scanner& scan, Field& field, size_t depth);
  Status element(Scanner& scan, Field& field);
  Status bytes(Scanner& scan, Field& field);
  Status finish(Field& field, inference::Tensor& out);
  Status set_size(Field& field, size_t depth, size_t n);
  Result<Field*> field_of(std::string_view name);
  std::string names() const;
  bool is_row_of_names(Scanner& scan);

  std::vector<Field> fields_;
  size_t count_ = 0;  // of fields_, in use: the model's inputs
  Workspace* work_ = nullptr;
  bool columnar_ = false;
};

}  // namespace proa::protocols
