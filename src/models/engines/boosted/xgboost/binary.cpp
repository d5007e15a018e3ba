// The binary format of XGBoost before 2.x: C structures of a 64-bit little-endian machine, one
// after the other, vectors and texts behind their lengths.
#include <algorithm>
#include <cstring>

#include "foundation/base/strings.h"
#include "models/engines/boosted/xgboost/file.h"

namespace proa::engines::boosted {
namespace {

Error wrong(std::string_view what) { return error(Code::kDataLoss, std::string(what)); }

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  template <typename T>
  Result<T> number() {
    if (bytes_.size() - at_ < sizeof(T)) return wrong("the file ends early");
    T out;
    std::memcpy(&out, bytes_.data() + at_, sizeof(T));
    at_ += sizeof(T);
    return out;
  }
  Status skip(size_t n) {
    if (bytes_.size() - at_ < n) return wrong("the file ends early");
    at_ += n;
    return {};
  }
  // A count of things of `size` bytes that must still fit into the file.
  Status fits(uint64_t count, size_t size) const {
    if (count > (bytes_.size() - at_) / size) return wrong("a count is past the end of the file");
    return {};
  }
  Result<std::string> text() {
    TRY(uint64_t n, number<uint64_t>());
    TRY_STATUS(fits(n, 1));
    std::string out(bytes_.substr(at_, n));
    at_ += n;
    return out;
  }
  Result<std::vector<float>> floats() {
    TRY(uint64_t n, number<uint64_t>());
    TRY_STATUS(fits(n, 4));
    std::vector<float> out(n);
    if (n != 0) std::memcpy(out.data(), bytes_.data() + at_, n * 4);
    at_ += n * 4;
    return out;
  }

 private:
  std::string_view bytes_;
  size_t at_ = 0;
};

// TreeParam, 148 bytes; nodes of 20 bytes; statistics of 16.
Result<XgboostTree> read_tree(Reader& in) {
  TRY_STATUS(in.skip(4));
  TRY(int32_t nodes, in.number<int32_t>());
  TRY_STATUS(in.skip(12));
  TRY(int32_t vector, in.number<int32_t>());
  TRY_STATUS(in.skip(31 * 4));
  if (nodes <= 0) return wrong("a tree has no nodes");
  TRY_STATUS(in.fits(static_cast<uint64_t>(nodes), 36));
  if (vector > 1)
    return error(Code::kUnimplemented,
                 "trees with leaf vectors in the binary format are not supported: "
                 "save the model as .json");
  XgboostTree t;
  for (int32_t i = 0; i < nodes; ++i) {
    TRY_STATUS(in.skip(4));
    TRY(int32_t left, in.number<int32_t>());
    TRY(int32_t right, in.number<int32_t>());
    TRY(uint32_t split, in.number<uint32_t>());
    TRY(float value, in.number<float>());
    t.left.push_back(left);
    t.right.push_back(right);
    // A node that pruning deleted has the index 2^32 - 1 and no parent.
    t.feature.push_back(split & 0x7fffffffu);
    t.default_left.push_back(split >> 31);
    t.value.push_back(static_cast<double>(value));
    if (split == 0xffffffffu) t.left.back() = -1, t.value.back() = 0;
  }
  TRY_STATUS(in.skip(static_cast<size_t>(nodes) * 16));
  return t;
}

Status read_gbtree(Reader& in, XgboostFile& file) {
  TRY(int32_t trees, in.number<int32_t>());
  TRY_STATUS(in.skip(160 - 4));
  if (trees < 0) return wrong("a negative number of trees");
  TRY_STATUS(in.fits(static_cast<uint64_t>(trees), 148));
  std::vector<XgboostTree> list;
  for (int32_t i = 0; i < trees; ++i) {
    TRY(XgboostTree t, read_tree(in).context(str("tree ", i)));
    list.push_back(std::move(t));
  }
  std::vector<int32_t> info;
  for (int32_t i = 0; i < trees; ++i) {
    TRY(int32_t group, in.number<int32_t>());
    if (group < 0 || static_cast<size_t>(group) >= file.groups)
      return wrong("a tree's output is out of range");
    info.push_back(group);
  }
  std::vector<float> drop;
  if (file.booster == "dart" && trees != 0) {
    TRY(drop, in.floats());
    if (drop.size() != list.size()) return wrong("weight_drop does not fit the trees");
  }
  for (size_t i = 0; i < list.size(); ++i)
    TRY_STATUS(add_xgboost_tree(list[i], static_cast<uint32_t>(info[i]),
                                drop.empty() ? 1.0f : drop[i], file));
  return {};
}

Status read_attributes(Reader& in, XgboostFile& file) {
  TRY(uint64_t n, in.number<uint64_t>());
  TRY_STATUS(in.fits(n, 16));
  for (uint64_t i = 0; i < n; ++i) {
    TRY(std::string name, in.text());
    TRY(std::string value, in.text());
    if (name == "scikit_learn") file.classifier = saved_by_classifier(value);
  }
  return {};
}

}  // namespace

Result<XgboostFile> read_xgboost_binary(std::string_view bytes) {
  if (bytes.starts_with("binf")) bytes.remove_prefix(4);
  Reader in(bytes);
  XgboostFile file;
  TRY(float base, in.number<float>());
  TRY(uint32_t features, in.number<uint32_t>());
  TRY(int32_t classes, in.number<int32_t>());
  TRY(int32_t attributes, in.number<int32_t>());
  TRY_STATUS(in.skip(4));
  TRY(uint32_t major, in.number<uint32_t>());
  TRY(uint32_t minor, in.number<uint32_t>());
  TRY(uint32_t targets, in.number<uint32_t>());
  TRY_STATUS(in.skip(136 - 8 * 4));
  if (features >= (1u << 24)) return wrong("too many features, or not an XGBoost model");
  if (classes < 0 || classes > (1 << 20)) return wrong("a bad number of classes");
  if (targets > (1u << 20)) return wrong("a bad number of targets");
  TRY(file.objective, in.text());
  TRY(file.booster, in.text());
  file.features = file.forest.features = features;
  file.groups = std::max({size_t{1}, static_cast<size_t>(classes), static_cast<size_t>(targets)});
  file.base_score = {base};
  file.base_is_margin = major < 1;
  if (major >= 1) file.version = str(major, ".", minor);
  if (file.booster == "gbtree" || file.booster == "dart") {
    TRY_STATUS(read_gbtree(in, file));
  } else if (file.booster == "gblinear") {
    TRY_STATUS(in.skip(136));
    TRY(file.weights, in.floats());
  } else {
    return error(Code::kUnimplemented,
                 str("the booster \"", shorten(file.booster, 60), "\" is not supported"));
  }
  if (attributes != 0) TRY_STATUS(read_attributes(in, file));
  TRY_STATUS(finish_xgboost(file));
  return file;
}

}  // namespace proa::engines::boosted
