// RandomTreesEmbedding: which leaf of each tree a row comes to, one column a leaf.
#include "foundation/base/strings.h"
#include "models/engines/sklearn/tree/makers.h"
#include "models/engines/sklearn/tree/tree_reader.h"

namespace proa::engines {
namespace {

class Embedding final : public Estimator {
 public:
  Embedding(trees::Forest forest, std::vector<std::vector<int32_t>> columns, size_t width,
            bool sparse)
      : forest_(std::move(forest)), columns_(std::move(columns)), width_(width), sparse_(sparse) {}

  bool has(Method m) const override { return m == Method::kTransform || m == Method::kApply; }

  Status predict(Method, const Table& in, Workspace& work, Output& out) const override {
    TRY(std::span<uint32_t> leaves, leaves_of(in, work));
    std::span<int64_t> ids = work.take<int64_t>(leaves.size());
    for (size_t i = 0; i < ids.size(); ++i) ids[i] = leaves[i];
    out = {};
    out.first = {DataType::kInt64, 2, {in.rows, forest_.trees()}, nullptr, ids.data(), nullptr};
    return {};
  }

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    TRY(std::span<uint32_t> leaves, leaves_of(in, work));
    size_t trees = forest_.trees();
    std::span<uint32_t> at = work.take<uint32_t>(leaves.size());
    for (size_t i = 0; i < at.size(); ++i) {
      int32_t column = columns_[i % trees][leaves[i]];
      if (column < 0)
        return error(Code::kInvalid, str("Found unknown categories [", leaves[i], "] in column ",
                                         i % trees, " during transform"));
      at[i] = static_cast<uint32_t>(column);
    }
    return sparse_ ? as_sparse(at, in.rows, work, out) : as_dense(at, in.rows, work, out);
  }

  inference::TensorInfo output_info(Method method) const override {
    inference::TensorInfo info;
    bool leaves = method == Method::kApply;
    if (leaves) info.type = DataType::kInt64;
    info.shape = {static_cast<int64_t>(leaves ? forest_.trees() : width_)};
    return info;
  }

 private:
  Result<std::span<uint32_t>> leaves_of(const Table& in, Workspace& work) const {
    TRY(const double* rows, float_input(in, *this, work, Missing::kRefused));
    std::span<uint32_t> leaves = work.take<uint32_t>(in.rows * forest_.trees());
    forest_.leaves(rows, in.rows, leaves.data(), work);
    return leaves;
  }

  Status as_sparse(std::span<const uint32_t> at, size_t rows, Workspace& work, Table& out) const {
    size_t trees = forest_.trees();
    std::span<size_t> starts = work.take<size_t>(rows + 1);
    for (size_t r = 0; r <= rows; ++r) starts[r] = r * trees;
    std::span<double> ones = work.take<double>(at.size());
    for (double& v : ones) v = 1;
    out = Table{};
    out.form = Table::Form::kSparse;
    out.rows = rows;
    out.columns = width_;
    out.starts = starts.data();
    out.indices = at.data();
    out.values = ones.data();
    return {};
  }

  Status as_dense(std::span<const uint32_t> at, size_t rows, Workspace& work, Table& out) const {
    size_t trees = forest_.trees();
    std::span<double> values = dense_output(rows, width_, work, out);
    for (double& v : values) v = 0;
    for (size_t i = 0; i < at.size(); ++i) values[i / trees * width_ + at[i]] = 1;
    return {};
  }

  trees::Forest forest_;
  std::vector<std::vector<int32_t>> columns_;  // of each tree: node → column, or -1
  size_t width_;
  bool sparse_;
};

// The encoder's categories are the leaves that training saw, tree by tree.
Result<std::vector<std::vector<int32_t>>> read_columns(const Attributes& a,
                                                       const std::vector<TreeData>& all,
                                                       size_t& width) {
  TRY(Attributes encoder, a.object({"one_hot_encoder_"}));
  if (encoder.has("drop") || encoder.has("drop_idx_"))
    return a.unsupported("an encoder that drops columns");
  TRY(std::vector<const pickle::Node*> lists, encoder.list({"categories_"}));
  if (lists.size() != all.size()) return a.wrong("its encoder has other columns than trees");
  std::vector<std::vector<int32_t>> out;
  for (size_t t = 0; t < all.size(); ++t) {
    if (lists[t]->kind != pickle::Kind::kArray) return a.wrong("its encoder is no array");
    TRY(std::vector<int64_t> leaves, pickle::integers(*lists[t]->array));
    std::vector<int32_t>& columns = out.emplace_back(all[t].nodes(), -1);
    for (int64_t leaf : leaves) {
      if (leaf < 0 || leaf >= static_cast<int64_t>(all[t].nodes()))
        return a.wrong("its encoder has a leaf that is not there");
      if (columns[static_cast<size_t>(leaf)] >= 0) return a.wrong("its encoder has a leaf twice");
      columns[static_cast<size_t>(leaf)] = static_cast<int32_t>(width++);
    }
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<Estimator>> make_embedding(const Attributes& a, Maker&) {
  TRY(std::vector<const pickle::Node*> members, a.list({"estimators_"}));
  TRY(std::vector<TreeData> all, read_trees(a, members));
  trees::Spec spec;
  spec.features = all[0].features;
  spec.float_input = true;
  TRY_STATUS(check_features(a, spec.features));
  size_t width = 0;
  TRY(auto columns, read_columns(a, all, width));
  for (const TreeData& t : all) {
    if (t.features != spec.features || t.width() != 1)
      return a.wrong("its trees are not of one kind");
    TRY_STATUS(add_tree(t, t.values, 0, nullptr, spec));
  }
  size_t features = spec.features;
  TRY(trees::Forest forest, trees::Forest::make(std::move(spec)).context(a.class_name()));
  TRY(bool sparse, a.flag("sparse_output", true));
  auto made = std::make_unique<Embedding>(std::move(forest), std::move(columns), width, sparse);
  made->features = features;
  return std::unique_ptr<Estimator>(std::move(made));
}

}  // namespace proa::engines
