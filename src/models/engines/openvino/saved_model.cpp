#include "models/engines/openvino/saved_model.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "foundation/grpc/wire.h"
#include "models/inference/tensor.h"

namespace proa::openvino {
namespace {

using grpc::bytes_tag;
using grpc::Reader;
using grpc::varint_tag;
using grpc::Writer;
using inference::Signature;
using inference::SignatureTensor;

constexpr size_t kMostRank = 16;
constexpr int64_t kMostFile = int64_t{2} << 30;  // protobuf's own bound

Error malformed() { return error(Code::kDataLoss, "saved_model.pb is no well-formed SavedModel"); }

// A file's bytes where they are: those of its graph are skipped, and so never read.
class Mapped {
 public:
  static Result<Mapped> open(const std::string& path) {
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat info {};
    if (!fd || ::fstat(fd.get(), &info) != 0) return errno_error(path);
    if (!S_ISREG(info.st_mode) || info.st_size == 0 || info.st_size > kMostFile) return malformed();
    auto size = static_cast<size_t>(info.st_size);
    void* at = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
    if (at == MAP_FAILED) return errno_error(path);
    return Mapped(at, size);
  }
  Mapped(Mapped&& other) noexcept : at_(std::exchange(other.at_, nullptr)), size_(other.size_) {}
  Mapped& operator=(Mapped&&) = delete;
  ~Mapped() {
    if (at_) ::munmap(at_, size_);
  }
  std::string_view bytes() const { return {static_cast<const char*>(at_), size_}; }

 private:
  Mapped(void* at, size_t size) : at_(at), size_(size) {}
  void* at_;
  size_t size_;
};

// Of a map's entry: its key, and its value's bytes.
bool read_entry(Reader r, std::string_view& key, std::string_view& value) {
  key = value = {};
  while (r.next()) {
    if (r.tag() == bytes_tag(1)) key = r.bytes();
    if (r.tag() == bytes_tag(2)) value = r.bytes();
  }
  return r.ok() && is_utf8(key);
}

bool read_shape(Reader r, SignatureTensor& out) {
  while (r.next()) {
    if (r.tag() == varint_tag(3)) out.any_rank = r.boolean();
    if (r.tag() != bytes_tag(2)) continue;
    if (out.shape.size() == kMostRank) return false;
    int64_t size = 0;
    Reader dim = r.message();
    while (dim.next())
      if (dim.tag() == varint_tag(1)) size = std::max<int64_t>(dim.signed_number(), -1);
    if (!dim.ok()) return false;
    out.shape.push_back(size);
  }
  return r.ok();
}

bool read_tensor(std::string_view key, std::string_view bytes, SignatureTensor& out) {
  out.name = key;
  Reader r(bytes);
  while (r.next()) {
    if (r.tag() == bytes_tag(1)) out.tensor = r.bytes();
    if (r.tag() == varint_tag(2)) out.type = static_cast<int>(r.number() & 0xff);
    if (r.tag() == bytes_tag(3) && !read_shape(r.message(), out)) return false;
  }
  return r.ok() && is_utf8(out.tensor);
}

bool read_signature(std::string_view key, std::string_view bytes, Signature& out) {
  out.name = key;
  Reader r(bytes);
  while (r.next()) {
    if (r.tag() == bytes_tag(3)) out.method = r.bytes();
    if (r.tag() != bytes_tag(1) && r.tag() != bytes_tag(2)) continue;
    auto& all = r.tag() == bytes_tag(1) ? out.inputs : out.outputs;
    std::string_view name, value;
    SignatureTensor tensor;
    if (all.size() == kMostSignatureTensors || !read_entry(r.message(), name, value) ||
        !read_tensor(name, value, tensor))
      return false;
    all.push_back(std::move(tensor));
  }
  return r.ok() && is_utf8(out.method);
}

// The graph that is to be served: tagged "serve", else the first.
std::string_view served_graph(std::string_view bytes) {
  std::string_view first;
  Reader r(bytes);
  while (r.next()) {
    if (r.tag() != bytes_tag(2)) continue;
    if (!first.data()) first = r.bytes();
    Reader graph = r.message();
    while (graph.next()) {
      if (graph.tag() != bytes_tag(1)) continue;
      Reader info = graph.message();
      while (info.next())
        if (info.tag() == bytes_tag(4) && info.bytes() == "serve") return r.bytes();
    }
  }
  return r.ok() ? first : std::string_view();
}

std::string graph_with_default(std::string_view graph, std::string_view name) {
  std::string out;
  Writer w(out);
  Reader r(graph);
  while (r.next()) {
    std::string_view key, value;
    if (r.tag() == bytes_tag(5)) {
      if (!read_entry(r.message(), key, value) || key != name) continue;
      size_t entry = w.open(5);
      w.bytes(1, inference::kDefaultSignature);
      w.bytes(2, value);
      w.close(entry);
    } else if ((r.tag() & 7) == 2) {
      w.bytes(r.tag() >> 3, r.bytes());
    }
  }
  return out;
}

bool stands_for(std::string_view port, const SignatureTensor& t, bool by_tensor) {
  if (by_tensor) return port == t.tensor || (!port.empty() && str(port, ":0") == t.tensor);
  constexpr std::string_view kPrefix = "serving_default_";
  if (port.ends_with(":0")) port.remove_suffix(2);
  return port == t.name || (port.starts_with(kPrefix) && port.substr(kPrefix.size()) == t.name);
}

}  // namespace

Result<std::vector<Signature>> read_signatures(std::string_view bytes) {
  std::vector<Signature> all;
  Reader r(served_graph(bytes));
  while (r.next()) {
    if (r.tag() != bytes_tag(5)) continue;
    std::string_view name, value;
    Signature one;
    if (all.size() == kMostSignatures || !read_entry(r.message(), name, value) ||
        !read_signature(name, value, one))
      return malformed();
    if (!name.starts_with("__")) all.push_back(std::move(one));
  }
  if (!r.ok()) return malformed();
  auto rank = [](const Signature& s) { return s.name != inference::kDefaultSignature; };
  std::sort(all.begin(), all.end(), [&](const Signature& a, const Signature& b) {
    return std::pair(rank(a), a.name) < std::pair(rank(b), b.name);
  });
  for (Signature& s : all)
    for (auto* tensors : {&s.inputs, &s.outputs})
      std::sort(tensors->begin(), tensors->end(),
                [](const auto& a, const auto& b) { return a.name < b.name; });
  return all;
}

Result<std::string> with_default(std::string_view bytes, std::string_view name) {
  std::string_view graph = served_graph(bytes);
  if (!graph.data()) return malformed();
  std::string out;
  Writer w(out);
  w.number(1, 1);
  w.bytes(2, graph_with_default(graph, name));
  return out;
}

Result<std::vector<Signature>> signatures_of(const std::string& file) {
  TRY(Mapped mapped, Mapped::open(file));
  return read_signatures(mapped.bytes());
}

Folder::~Folder() {
  if (!path_.empty()) (void)remove_tree(path_);
}

Result<Folder> folder_with_default(const std::string& folder, std::string_view name) {
  const char* below = std::getenv("TMPDIR");
  std::string path = str(below && *below ? below : "/tmp", "/proa-signature-XXXXXX");
  if (!::mkdtemp(path.data())) return errno_error(path);
  Folder made(path);
  TRY(Mapped mapped, Mapped::open(str(folder, "/saved_model.pb")));
  TRY(std::string bytes, with_default(mapped.bytes(), name));
  TRY_STATUS(write_file(str(path, "/saved_model.pb"), bytes, 0600));
  for (const char* rest : {"variables", "assets"}) {
    std::string from = str(folder, "/", rest), to = str(path, "/", rest);
    if (exists(from) && ::symlink(from.c_str(), to.c_str()) != 0) return errno_error(to);
  }
  return made;
}

bool name_by_signature(std::vector<inference::TensorInfo>& ports,
                       const std::vector<SignatureTensor>& tensors) {
  std::vector<const SignatureTensor*> found(ports.size());
  std::vector<bool> used(tensors.size());
  size_t left = ports.size();
  for (bool by_tensor : {true, false})
    for (size_t p = 0; p < ports.size(); ++p)
      for (size_t t = 0; t < tensors.size() && !found[p]; ++t)
        if (!used[t] && stands_for(ports[p].name, tensors[t], by_tensor)) {
          found[p] = &tensors[t];
          used[t] = true;
          --left;
        }
  if (left == 1 && tensors.size() == ports.size()) {
    auto port = std::find(found.begin(), found.end(), nullptr);
    *port =
        &tensors[static_cast<size_t>(std::find(used.begin(), used.end(), false) - used.begin())];
    left = 0;
  }
  if (left != 0) return false;
  for (size_t p = 0; p < ports.size(); ++p) ports[p].name = found[p]->name;
  return true;
}

}  // namespace proa::openvino
