// Whatever model file comes in, it answers rows of its width by every method, or is refused: of
// numbers large, negative and missing, of texts and of none.
#include <array>
#include <limits>
#include <vector>

#include "models/engines/sklearn_engine.h"

namespace {

using proa::inference::Cell;
using proa::inference::Table;

constexpr std::array kNumbers = {0.5,
                                 -1.0,
                                 0.0,
                                 300.5,
                                 4e9,
                                 1e300,
                                 std::numeric_limits<double>::quiet_NaN(),
                                 -std::numeric_limits<double>::infinity()};

void ask(const proa::inference::Model& model, const Table& table) {
  proa::inference::Workspace work;
  for (auto method : model.info().methods) {
    proa::inference::Output out;
    (void)model.predict(table, method, work, out);
    work.reset();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace proa;
  inference::LoadOptions options;
  options.memory_limit = 16 << 20;
  auto model =
      engines::read_sklearn(std::string(reinterpret_cast<const char*>(data), size), options);
  if (!model.ok()) return 0;
  size_t columns = (*model)->info().features == 0 ? 3 : (*model)->info().features;
  if (columns > 1 << 12) return 0;
  Table table;
  table.columns = columns;
  ask(**model, table);  // no rows
  for (double v : kNumbers) {
    std::vector<double> rows(2 * columns, v);
    rows[0] = 0.25;
    table.rows = 2;
    table.dense = rows.data();
    ask(**model, table);
  }
  std::vector<Cell> cells(columns);
  for (size_t i = 0; i < columns; ++i)
    cells[i] = i % 3 == 0   ? Cell{Cell::Kind::kText, 0, "a b, a"}
               : i % 3 == 1 ? Cell{Cell::Kind::kNone, 0, {}}
                            : Cell{Cell::Kind::kNumber, 2, {}};
  table.form = Table::Form::kCells;
  table.rows = 1;
  table.cells = cells.data();
  ask(**model, table);
  return 0;
}
