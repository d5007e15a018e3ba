#include "models/engines/trees/forest.h"

#include "models/engines/trees/layout.h"

namespace proa::trees {

Forest::Forest(std::unique_ptr<Layout> layout) : layout_(std::move(layout)) {}
Forest::Forest(Forest&&) noexcept = default;
Forest& Forest::operator=(Forest&&) noexcept = default;
Forest::~Forest() = default;

Result<Forest> Forest::make(Spec spec) {
  TRY(auto layout, lay_out(std::move(spec)));
  layout->packed = pack(*layout);
  return Forest(std::move(layout));
}

size_t Forest::features() const { return layout_->features; }
size_t Forest::outputs() const { return layout_->outputs; }
size_t Forest::trees() const { return layout_->roots.size(); }

size_t Forest::memory() const {
  const Layout& f = *layout_;
  return f.nodes.size() * sizeof(PlainNode) + f.values.size() * 8 + f.leaf_nodes.size() * 4 +
         f.leaf_linear.size() * 4 + f.set_words.size() * 4 + f.set_nodes.size() * sizeof(SetRef) +
         packed_memory(f.packed.get());
}

void Forest::predict(const double* rows, size_t n, double* out, inference::Workspace& work) const {
  predict(rows, n, out, work, Path::kBest);
}

void Forest::predict(const double* rows, size_t n, double* out, inference::Workspace& work,
                     Path path) const {
  const Layout& f = *layout_;
  if (path != Path::kScalar && f.packed != nullptr)
    return packed_predict(f, rows, n, out, work, path == Path::kBest);
  auto mark = work.mark();
  double* buffer = work.take<double>(f.features).data();
  for (size_t r = 0; r < n; ++r)
    plain_row(f, rounded(f, rows + r * f.features, buffer), out + r * f.outputs);
  work.release(mark);
}

void Forest::leaves(const double* rows, size_t n, uint32_t* out, inference::Workspace& work) const {
  const Layout& f = *layout_;
  auto mark = work.mark();
  double* buffer = work.take<double>(f.features).data();
  for (size_t r = 0; r < n; ++r) {
    const double* row = rounded(f, rows + r * f.features, buffer);
    for (size_t t = 0; t < f.roots.size(); ++t) *out++ = f.leaf_nodes[walk(f, t, row)];
  }
  work.release(mark);
}

}  // namespace proa::trees
