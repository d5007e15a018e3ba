// The fast layout of forests of numbers: complete trees of float32 thresholds, one compact word a
// node, walked without branches; with AVX-512 sixteen rows at a time. Private to this folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "models/inference/workspace.h"

namespace proa::trees {

struct Layout;
struct Packed;
struct PackedDelete {
  void operator()(Packed* p) const;
};
using PackedPtr = std::unique_ptr<Packed, PackedDelete>;

PackedPtr pack(const Layout& f);  // nullptr: not for this forest
size_t packed_memory(const Packed* p);
// Forest::predict; simd: with the widest instructions that the processor has.
void packed_predict(const Layout& f, const double* rows, size_t n, double* out,
                    inference::Workspace& work, bool simd);

}  // namespace proa::trees
