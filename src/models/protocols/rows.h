// The body of a V1 request, {"instances": …} or {"inputs": …}, read in one pass into a Table.
//
//   [[1, 2], [3, 4]]                  rows of numbers: straight into doubles, kDense
//   [[1, "a"], [null, "b"]]           kCells
//   ["a text", "another"], [1, 2]     flat: one column
//   [{"a": 1, "b": "x"}, …]           named columns; what a row lacks is kAbsent
//   [{"a": [1, 2], "b": {"0": 3, "1": 4}}]   an object may hold several rows, as pandas takes it
//   {"a": [1, 2], "b": [3, 4]}        columns
//
// "inputs" counts where both are there, as with KServe. Other members are skipped, except
// "parameters": {"method": "predict_proba"}. The result views the body, the Workspace and the
// reader: valid until the next read(). One thread.
#pragma once

#include <string_view>
#include <vector>

#include "foundation/base/result.h"
#include "models/protocols/request.h"
#include "models/protocols/scan.h"

namespace proa::protocols {

class RowsReader {
 public:
  Status read(std::string_view body, Workspace& work);
  const Table& table() const { return table_; }
  std::span<const Parameter> parameters() const { return parameters_; }

 private:
  struct Entry {  // a cell of a table with named columns
    size_t row;
    uint32_t column;
    inference::Cell cell;
  };
  Status value(Scanner& scan);
  Status method(Scanner& scan);
  Status numbers(Scanner& scan, bool& other);
  Status number_row(Scanner& scan, size_t row, double*& to, bool& other);
  Status mixed(Scanner& scan);
  Status mixed_row(Scanner& scan, size_t row);
  Status cell(Scanner& scan, inference::Cell& out);
  Status record(Scanner& scan, size_t first_row, size_t& rows);
  Status records(Scanner& scan, char close);
  Status column(Scanner& scan, size_t first_row, uint32_t column, size_t& rows);
  Status add(size_t row, uint32_t column, const inference::Cell& cell);
  uint32_t column_of(std::string_view name, size_t expected);
  Status lay_out(size_t rows);
  void finish_cells(size_t rows, size_t columns);

  Table table_;
  Workspace* work_ = nullptr;
  bool whole_ = true, names_given_ = false;
  size_t searched_ = 0;  // names compared
  std::vector<inference::Cell> cells_;
  std::vector<Entry> entries_;
  std::vector<std::string_view> names_;
  std::vector<Parameter> parameters_;
};

}  // namespace proa::protocols
