// What numpy's RandomState(seed) draws for DummyClassifier's random strategies, bit by bit.
//
// Private to this folder. One value a prediction; not shared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>

namespace proa::engines::linear {

class Guesses {
 public:
  explicit Guesses(uint32_t seed) : bits_(seed) {}
  static uint32_t any_seed();  // for random_state=None
  // randint(classes, size=out.size())
  void uniform(size_t classes, std::span<uint32_t> out);
  // One of `shares`, as multinomial(1, shares) says.
  uint32_t multinomial(std::span<const double> shares);

 private:
  double number();                // in [0, 1), of 53 bits
  bool once(double probability);  // binomial(1, probability)
  std::mt19937 bits_;
};

}  // namespace proa::engines::linear
