#include "models/inference/datatype.h"

#include <array>

namespace proa::inference {
namespace {

struct Row {
  const char* name;
  size_t size;
};
constexpr std::array<Row, 14> kRows = {{{"BOOL", 1},
                                        {"UINT8", 1},
                                        {"UINT16", 2},
                                        {"UINT32", 4},
                                        {"UINT64", 8},
                                        {"INT8", 1},
                                        {"INT16", 2},
                                        {"INT32", 4},
                                        {"INT64", 8},
                                        {"FP16", 2},
                                        {"BF16", 2},
                                        {"FP32", 4},
                                        {"FP64", 8},
                                        {"BYTES", 0}}};

}  // namespace

const char* to_string(DataType type) { return kRows[static_cast<size_t>(type)].name; }

std::optional<DataType> data_type(std::string_view name) {
  for (size_t i = 0; i < kRows.size(); ++i)
    if (name == kRows[i].name) return static_cast<DataType>(i);
  return std::nullopt;
}

size_t size_of(DataType type) { return kRows[static_cast<size_t>(type)].size; }

}  // namespace proa::inference
