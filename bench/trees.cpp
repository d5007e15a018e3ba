// Times one model on rows of float64, for bench/trees.py: trees MODEL ROWS COLUMNS BATCH SECONDS.
// ROWS is a file of doubles, row-major. Prints the answers' first numbers and microseconds a call:
// the best of many rounds.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "foundation/base/file.h"
#include "models/engines/boosted/catboost.h"
#include "models/engines/boosted/lightgbm.h"
#include "models/engines/boosted/xgboost.h"
#include "models/engines/files.h"
#include "models/engines/sklearn_engine.h"

namespace {

using namespace proa;
using Clock = std::chrono::steady_clock;

const inference::Engine* const kEngines[] = {&engines::sklearn_engine(), &engines::xgboost_engine(),
                                             &engines::lightgbm_engine(),
                                             &engines::catboost_engine()};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  auto model = engines::load_folder(argv[1], {}, kEngines);
  auto bytes = read_file(argv[2]);
  if (!model.ok() || !bytes.ok()) {
    std::fprintf(stderr, "%s\n", model.ok() ? "rows" : model.error().message.c_str());
    return 1;
  }
  size_t columns = std::strtoul(argv[3], nullptr, 10), batch = std::strtoul(argv[4], nullptr, 10);
  double seconds = std::strtod(argv[5], nullptr);
  size_t rows = bytes->size() / 8 / columns;
  const auto* all = reinterpret_cast<const double*>(bytes->data());
  inference::Workspace work;
  inference::Output out;
  inference::Table table;
  table.rows = batch, table.columns = columns;
  double best = 1e9;
  size_t at = 0, calls = batch < 64 ? 2000 / batch : 1;
  for (auto end = Clock::now() + std::chrono::duration<double>(seconds); Clock::now() < end;) {
    auto begin = Clock::now();
    for (size_t i = 0; i < calls; ++i) {
      at = at + batch > rows - batch ? 0 : at + batch;
      table.dense = all + at * columns;
      work.reset();
      if (!(*model)->predict(table, inference::Method::kDefault, work, out).ok()) return 1;
    }
    double took = std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
    best = std::min(best, took / static_cast<double>(calls));
  }
  table.dense = all;
  if (!(*model)->predict(table, inference::Method::kDefault, work, out).ok()) return 1;
  std::printf("%.3f", best);
  for (size_t i = 0; i < std::min<size_t>(out.first.count(), 5); ++i)
    std::printf(" %.9g", out.first.numbers ? out.first.numbers[i]
                                           : static_cast<double>(out.first.integers[i]));
  std::puts("");
}
