#include "models/engines/engine.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"

namespace proa::engines {
namespace {

const Engine* engine_for(std::string_view file, std::span<const Engine* const> engines) {
  for (const Engine* e : engines)
    for (std::string_view extension : e->extensions())
      if (file.ends_with(extension) && file.size() > extension.size()) return e;
  return nullptr;
}

std::string extensions_text(std::span<const Engine* const> engines) {
  std::vector<std::string> all;
  for (const Engine* e : engines)
    for (std::string_view extension : e->extensions()) all.emplace_back(extension);
  return join(all, ", ");
}

bool is_file(const std::string& path, size_t* bytes = nullptr) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return false;
  if (bytes) *bytes = static_cast<size_t>(info.st_size);
  return true;
}

Result<std::string> model_file(const std::string& dir, std::span<const Engine* const> engines) {
  if (is_file(dir) && engine_for(dir, engines)) return dir;
  auto names = list_dir(dir);
  if (!names.ok()) return std::move(names).error().with_context("missing model file");
  std::vector<std::string> found;
  for (const std::string& name : *names)
    if (engine_for(name, engines) && is_file(str(dir, "/", name)))
      found.push_back(str(dir, "/", name));
  if (found.size() == 1) return found[0];
  if (found.size() > 1)
    return error(Code::kInvalid,
                 str("More than one model file is detected, only one is allowed within "
                     "model_dir: ",
                     join(found, ", ")));
  std::string there =
      names->empty() ? "the folder is empty" : str("it holds ", shorten(join(*names, ", "), 200));
  return error(Code::kNotFound, str("missing model file: ", dir, " has no file with extension ",
                                    extensions_text(engines), "; ", there));
}

}  // namespace

Result<std::unique_ptr<Model>> load_folder(const std::string& dir, const LoadOptions& options,
                                           std::span<const Engine* const> engines) {
  TRY(std::string file, model_file(dir, engines));
  size_t bytes = 0;
  is_file(file, &bytes);
  if (options.memory_limit != 0 && bytes > options.memory_limit)
    return error(Code::kTooLarge,
                 str("model file ", file, " has ", bytes, " bytes, more than the memory limit of ",
                     options.memory_limit, " bytes; raise resources.limits.memory"));
  return engine_for(file, engines)->load(file, options).context(str("load ", file));
}

void append_float(std::string& out, double v) {
  if (std::isnan(v)) {
    out += "NaN";
    return;
  }
  if (std::isinf(v)) {
    out += v < 0 ? "-Infinity" : "Infinity";
    return;
  }
  // Python writes an exponent below 1e-4 and from 1e16, with the digits that read back the same.
  double size = std::fabs(v);
  bool exponent = v != 0 && (size < 1e-4 || size >= 1e16);
  char text[64];
  auto end = std::to_chars(text, text + sizeof text, v,
                           exponent ? std::chars_format::scientific : std::chars_format::fixed);
  std::string_view digits(text, static_cast<size_t>(end.ptr - text));
  out += digits;
  if (digits.find_first_of(".e") == std::string_view::npos) out += ".0";
}

}  // namespace proa::engines
