#include "models/engines/trees/packed.h"

#include "models/engines/trees/layout.h"

namespace proa::trees {

struct Packed {};

void PackedDelete::operator()(Packed* p) const { delete p; }
PackedPtr pack(const Layout&) { return nullptr; }
size_t packed_memory(const Packed*) { return 0; }
void packed_predict(const Layout&, const double*, size_t, double*, inference::Workspace&, bool) {}

}  // namespace proa::trees
