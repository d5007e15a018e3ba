#include "models/engines/sklearn/linear/guesses.h"

#include <sys/random.h>

#include <algorithm>
#include <bit>
#include <cmath>

namespace proa::engines::linear {

uint32_t Guesses::any_seed() {
  uint32_t seed = 5489;
  if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed) return 5489;
  return seed;
}

void Guesses::uniform(size_t classes, std::span<uint32_t> out) {
  uint32_t most = static_cast<uint32_t>(classes - 1);
  uint32_t mask = most == 0 ? 0 : ~uint32_t{0} >> std::countl_zero(most);
  for (uint32_t& v : out) {
    v = 0;
    if (most == 0) continue;
    do v = static_cast<uint32_t>(bits_()) & mask;
    while (v > most);
  }
}

double Guesses::number() {
  uint32_t high = static_cast<uint32_t>(bits_()) >> 5, low = static_cast<uint32_t>(bits_()) >> 6;
  return (high * 67108864.0 + low) / 9007199254740992.0;
}

// By inversion, of the smaller of the two probabilities.
bool Guesses::once(double probability) {
  if (probability == 0) return false;
  bool small = probability <= 0.5;
  double p = small ? probability : 1 - probability, q = 1 - p;
  double none = std::exp(std::log(q));
  for (;;) {
    double u = number();
    if (!(u > none)) return !small;
    if (!(u - none > p * none / q)) return small;
  }
}

uint32_t Guesses::multinomial(std::span<const double> shares) {
  double left = 1;
  for (size_t k = 0; k + 1 < shares.size(); ++k) {
    if (once(shares[k] / left)) return static_cast<uint32_t>(k);
    left -= shares[k];
  }
  return static_cast<uint32_t>(shares.size() - 1);
}

}  // namespace proa::engines::linear
