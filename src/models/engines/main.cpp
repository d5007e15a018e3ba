// predict_file MODEL labels|proba|decision: rows on stdin, numbers apart by blanks; what the model
// says on stdout, a row a line, numbers with all their digits. For comparing with scikit-learn
// itself.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "models/engines/engine.h"

namespace {

using proa::engines::Want;

int print(const proa::Error& e) {
  std::printf("error: %s\n", e.message.c_str());
  return 1;
}

int predict(const proa::engines::Model& model, const std::vector<double>& values, size_t columns) {
  proa::engines::Output out;
  auto session = model.session();
  size_t rows = columns == 0 ? 0 : values.size() / columns;
  auto status = session->predict({values, rows, columns}, out);
  if (!status.ok()) return print(status.error());
  for (size_t r = 0; r < rows; ++r) {
    if (out.labels) {
      std::puts(out.labels->json[out.classes[r]].c_str());
      continue;
    }
    size_t width = out.width == 0 ? 1 : out.width;
    for (size_t c = 0; c < width; ++c)
      std::printf("%s%.17g", c ? " " : "", out.numbers[r * width + c]);
    std::puts("");
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: predict_file MODEL labels|proba|decision < ROWS\n", stderr);
    return 2;
  }
  proa::engines::LoadOptions options;
  if (!std::strcmp(argv[2], "proba")) options.want = Want::kProbabilities;
  if (!std::strcmp(argv[2], "decision")) options.want = Want::kDecision;
  const proa::engines::Engine* const engines[] = {&proa::engines::sklearn_engine()};
  auto model = proa::engines::load_folder(argv[1], options, engines);
  if (!model.ok()) return print(model.error());
  std::vector<double> values;
  size_t columns = 0;
  std::string line;
  for (int c = std::getchar(); c != EOF; c = std::getchar()) {
    if (c != '\n') {
      line += static_cast<char>(c);
      continue;
    }
    size_t before = values.size();
    char* end = nullptr;
    for (const char* p = line.c_str();; p = end) {
      double v = std::strtod(p, &end);
      if (end == p) break;
      values.push_back(v);
    }
    columns = values.size() - before;
    line.clear();
  }
  return predict(**model, values, columns);
}
