// A V2 REST inference request (Open Inference Protocol) with the binary tensor extension, read in
// one pass: numbers go straight into doubles, binary tensors stay where they are.
//
// What it fills views the body, the Workspace and the reader: valid until the next read(). One
// thread; nothing is allocated once its buffers have grown. Errors are kInvalid, and
// kUnprocessable where a member is missing.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"
#include "models/protocols/request.h"
#include "models/protocols/scan.h"

namespace proa::protocols {

class InferReader {
 public:
  // json_length: the header Inference-Header-Content-Length, where there is one.
  Status read(std::string_view body, std::optional<size_t> json_length, Workspace& work,
              InferRequest& out);

 private:
  struct Range {
    size_t from = 0, count = 0;
  };
  struct Input {
    InputTensor tensor;
    Range shape, parameters;
    bool has_name = false, has_shape = false, has_type = false, has_data = false;
    std::optional<uint64_t> binary_size;
  };
  struct Wanted {
    OutputRequest output;
    Range parameters;
  };

  Status member(Scanner& scan, std::string_view name, InferRequest& out);
  Status parameters(Scanner& scan, Range& range);
  Status parameter(Scanner& scan, std::string_view name);
  Status input(Scanner& scan);
  Status input_member(Scanner& scan, std::string_view name, Input& in);
  Status shape(Scanner& scan, Input& in);
  Status data(Scanner& scan, Input& in);
  Status numbers(Scanner& scan, Input& in, bool& other);
  Status mixed(Scanner& scan, Input& in);
  Status output(Scanner& scan);
  Status finish(std::string_view binary, InferRequest& out);
  Status finish_input(Input& in, std::string_view& binary);

  Workspace* work_ = nullptr;
  std::vector<Input> inputs_;
  std::vector<Wanted> wanted_;
  std::vector<InputTensor> tensors_;
  std::vector<OutputRequest> outputs_;
  std::vector<Parameter> parameters_;
  std::vector<int64_t> shapes_;
  std::vector<inference::Cell> cells_;
  Range request_parameters_;
};

}  // namespace proa::protocols
