#include <algorithm>

#include "api/patch/patch.h"
#include "foundation/base/strings.h"

namespace proa::api {
namespace {

constexpr size_t kMostOperations = 10'000;
constexpr size_t kMostCopied = 1'000'000;  // nodes, over all operations
constexpr size_t kMostDepth = 200;

size_t nodes(const json::Value& v) {
  size_t n = 1;
  for (const json::Value& item : v.array()) n += nodes(item);
  for (const auto& [key, item] : v.object()) n += nodes(item);
  return n;
}

struct Pointer {
  std::vector<std::string> parts;
};

Result<Pointer> parse_pointer(const json::Value& text) {
  if (!text.is_string()) return error(Code::kInvalid, "a path is missing");
  const std::string& path = text.str();
  Pointer out;
  if (path.empty()) return out;
  if (path[0] != '/')
    return error(Code::kInvalid, str("path ", shorten(path, 200), " does not begin with /"));
  for (std::string_view part : split(std::string_view(path).substr(1), '/'))
    out.parts.push_back(replace_all(replace_all(part, "~1", "/"), "~0", "~"));
  if (out.parts.size() > kMostDepth)
    return error(Code::kTooLarge, "a path has more than 200 parts");
  return out;
}

std::optional<size_t> index_of(const std::string& part, size_t size) {
  if (part.empty() || (part.size() > 1 && part[0] == '0')) return std::nullopt;
  auto i = parse_int(part);
  if (!i || *i < 0 || static_cast<size_t>(*i) > size) return std::nullopt;
  return static_cast<size_t>(*i);
}

json::Value* step(json::Value& at, const std::string& part) {
  if (at.is_object()) return at.make_object().find(part);
  if (!at.is_array()) return nullptr;
  auto i = index_of(part, at.size());
  return i && *i < at.size() ? &at.make_array()[*i] : nullptr;
}

json::Value* locate(json::Value& root, const Pointer& p, size_t count) {
  json::Value* at = &root;
  for (size_t i = 0; i < count && at; i++) at = step(*at, p.parts[i]);
  return at;
}

class Patcher {
 public:
  explicit Patcher(json::Value& root) : root_(root) {}

  Status run(const json::Value& op) {
    const std::string& name = op["op"].str();
    TRY(Pointer path, parse_pointer(op["path"]));
    if (name == "add" || name == "replace" || name == "test") {
      if (!op.has("value")) return error(Code::kInvalid, "the value is missing");
      if (name == "add") return add(path, op["value"]);
      json::Value* at = locate(root_, path, path.parts.size());
      if (name == "test") {
        if ((at && *at == op["value"]) || (!at && op["value"].is_null())) return {};
        return error(Code::kUnprocessable, "the test failed: the value there is another");
      }
      if (!at) return missing();
      *at = op["value"];
      return {};
    }
    if (name == "remove") return remove(path);
    if (name != "move" && name != "copy")
      return error(Code::kInvalid, str("unknown operation \"", shorten(name, 50), "\""));
    TRY(Pointer from, parse_pointer(op["from"]));
    json::Value* source = locate(root_, from, from.parts.size());
    if (!source) return missing();
    if (name == "move" && from.parts.size() < path.parts.size() &&
        std::equal(from.parts.begin(), from.parts.end(), path.parts.begin()))
      return error(Code::kUnprocessable, "a value cannot be moved into itself");
    copied_ += nodes(*source);
    if (copied_ > kMostCopied) return error(Code::kTooLarge, "the patch copies too much");
    json::Value taken = *source;
    if (name == "move") TRY_STATUS(remove(from));
    return add(path, std::move(taken));
  }

 private:
  static Error missing() { return error(Code::kUnprocessable, "nothing is at that path"); }

  Status add(const Pointer& path, json::Value v) {
    if (path.parts.empty()) {
      root_ = std::move(v);
      return {};
    }
    json::Value* parent = locate(root_, path, path.parts.size() - 1);
    if (!parent) return missing();
    const std::string& last = path.parts.back();
    if (parent->is_object()) {
      parent->set(last, std::move(v));
      return {};
    }
    if (!parent->is_array())
      return error(Code::kUnprocessable, "the parent is neither object nor array");
    if (last == "-") {
      parent->push(std::move(v));
      return {};
    }
    auto i = index_of(last, parent->size());
    if (!i) return error(Code::kUnprocessable, "the index is outside the array");
    json::Array& items = parent->make_array();
    items.insert(items.begin() + static_cast<std::ptrdiff_t>(*i), std::move(v));
    return {};
  }

  Status remove(const Pointer& path) {
    if (path.parts.empty())
      return error(Code::kUnprocessable, "the whole document cannot be removed");
    json::Value* parent = locate(root_, path, path.parts.size() - 1);
    if (!parent || !step(*parent, path.parts.back())) return missing();
    if (parent->is_object()) {
      parent->erase(path.parts.back());
      return {};
    }
    json::Array& items = parent->make_array();
    items.erase(items.begin() +
                static_cast<std::ptrdiff_t>(*index_of(path.parts.back(), items.size())));
    return {};
  }

  json::Value& root_;
  size_t copied_ = 0;
};

}  // namespace

Status json_patch(json::Value& object, const json::Value& patch) {
  if (!patch.is_array()) return error(Code::kInvalid, "a JSON patch is a list of operations");
  if (patch.size() > kMostOperations)
    return error(Code::kTooLarge, str("The allowed maximum operations in a JSON patch is ",
                                      kMostOperations, ", got ", patch.size()));
  json::Value copy = object;
  Patcher patcher(copy);
  size_t i = 0;
  for (const json::Value& op : patch.array()) {
    Status status = patcher.run(op);
    if (!status.ok())
      return std::move(status).context(str("JSON patch operation ", i, " (",
                                           shorten(op["op"].str(), 20), " ",
                                           shorten(op["path"].str(), 200), ")"));
    i++;
  }
  object = std::move(copy);
  return {};
}

void merge_patch(json::Value& object, const json::Value& patch) {
  if (!patch.is_object()) {
    object = patch;
    return;
  }
  object.make_object();
  for (const auto& [key, v] : patch.object()) {
    if (v.is_null())
      object.erase(key);
    else if (v.is_object())
      merge_patch(object.ref(key), v);
    else
      object.set(key, v);
  }
}

}  // namespace proa::api
