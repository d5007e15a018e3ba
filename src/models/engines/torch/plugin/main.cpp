// make_torchscript FOLDER: writes the TorchScript files that the tests of this engine serve, and
// what they answer: each NAME.pt with NAME.json. For tests/models/test_torch.py.
#include <torch/script.h>

#include <fstream>
#include <string>

namespace {

using torch::jit::Module;

void dense(const std::string& folder) {
  Module m("Dense");
  m.register_parameter("weight", torch::tensor({{1.f, 2.f, 3.f, 4.f}, {-1.f, .5f, 0.f, .25f}}),
                       false);
  m.register_parameter("bias", torch::tensor({.5f, -.5f}), false);
  m.define(R"(
def forward(self, x):
    return torch.matmul(x, self.weight.t()) + self.bias
)");
  m.save(folder + "/dense.pt");
}

void several(const std::string& folder) {
  Module m("Several");
  m.define(R"(
def forward(self, a, b, scale: float = 2.0):
    return (a + b, a * scale, (a > b), a.to(4))
)");
  m.save(folder + "/several.pt");
}

void words(const std::string& folder) {
  Module m("Words");
  m.register_parameter("table", torch::arange(20, torch::kFloat).reshape({10, 2}), false);
  m.define(R"(
def forward(self, tokens):
    return torch.embedding(self.table, tokens)
)");
  m.save(folder + "/words.pt");
}

void odd(const std::string& folder) {
  Module named("Named");
  named.define("def forward(self, x):\n    return {'y': x}\n");
  named.save(folder + "/dict.pt");
  Module counted("Counted");
  counted.define("def forward(self, x, n: int):\n    return x * n\n");
  counted.save(folder + "/int.pt");
  Module changing("Changing");  // changes what it is given, and fails for some shapes
  changing.define("def forward(self, x):\n    return x.add_(1).reshape(2, -1)\n");
  changing.save(folder + "/changing.pt");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  dense(argv[1]);
  several(argv[1]);
  words(argv[1]);
  odd(argv[1]);
  return 0;
}
