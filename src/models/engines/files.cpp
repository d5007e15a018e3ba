#include "models/engines/files.h"

#include <sys/stat.h>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"

namespace proa::engines {
namespace {

using inference::Engine;
using inference::LoadOptions;
using inference::Model;

std::vector<const Engine*> engines_for(std::string_view file,
                                       std::span<const Engine* const> engines) {
  std::vector<const Engine*> out;
  for (const Engine* e : engines)
    for (std::string_view extension : e->extensions())
      if (file.ends_with(extension) && file.size() > extension.size() &&
          (out.empty() || out.back() != e))
        out.push_back(e);
  return out;
}

std::string extensions_text(std::span<const Engine* const> engines) {
  std::vector<std::string> all;
  for (const Engine* e : engines)
    for (std::string_view extension : e->extensions()) {
      bool known = false;
      for (const std::string& one : all) known = known || one == extension;
      if (!known) all.emplace_back(extension);
    }
  return join(all, ", ");
}

bool is_file(const std::string& path, size_t* bytes = nullptr) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return false;
  if (bytes) *bytes = static_cast<size_t>(info.st_size);
  return true;
}

Result<std::string> model_file(const std::string& dir, std::span<const Engine* const> engines) {
  if (is_file(dir) && !engines_for(dir, engines).empty()) return dir;
  auto names = list_dir(dir);
  if (!names.ok()) return std::move(names).error().with_context("missing model file");
  std::vector<std::string> found;
  for (const std::string& name : *names)
    if (!engines_for(name, engines).empty() && is_file(str(dir, "/", name)))
      found.push_back(str(dir, "/", name));
  if (found.size() == 1) return found[0];
  if (found.size() > 1)
    return error(Code::kInvalid,
                 str("More than one model file is detected, only one is allowed within "
                     "model_dir: ",
                     shorten(join(found, ", "), 1000)));
  std::string there =
      names->empty() ? "the folder is empty" : str("it holds ", shorten(join(*names, ", "), 200));
  return error(Code::kNotFound, str("missing model file: ", dir, " has no file with extension ",
                                    extensions_text(engines), "; ", there));
}

Result<std::unique_ptr<Model>> load_with(const std::vector<const Engine*>& engines,
                                         const std::string& file, const LoadOptions& options) {
  if (engines.size() == 1) return engines[0]->load(file, options);
  std::string all;
  for (const Engine* e : engines) {
    auto model = e->load(file, options);
    if (model.ok()) return model;
    all += str(all.empty() ? "" : "; ", e->name(), ": ", model.error().message);
  }
  return error(Code::kDataLoss, str("no engine can read it: ", all));
}

// Words side by side, wrapped.
void wrap(std::string& out, const std::vector<std::string>& words) {
  constexpr size_t kWidth = 100;
  size_t column = 0;
  for (size_t i = 0; i < words.size(); ++i) {
    size_t need = words[i].size() + 2;
    if (column == 0 || column + need > kWidth) {
      out += column == 0 ? "    " : "\n    ";
      column = 4;
    }
    out += words[i];
    if (i + 1 < words.size()) out += ", ";
    column += need;
  }
  out += "\n";
}

// "sklearn.svm.SVC" under the heading "sklearn.svm"; a name without a module stands for itself.
void list_names(std::string& out, const std::vector<std::string>& names) {
  std::vector<std::string> words;
  std::string module;
  auto flush = [&] {
    if (words.empty()) return;
    if (!module.empty()) out += str("  ", module, "\n");
    wrap(out, words);
    words.clear();
  };
  for (const std::string& name : names) {
    size_t dot = name.find(' ') == std::string::npos ? name.rfind('.') : std::string::npos;
    std::string here = dot == std::string::npos ? "" : name.substr(0, dot);
    if (here != module) flush();
    module = here;
    words.push_back(dot == std::string::npos ? name : name.substr(dot + 1));
  }
  flush();
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
  return load_with(engines_for(file, engines), file, options).context(str("load ", file));
}

std::string formats_text(std::span<const Engine* const> engines) {
  std::string out;
  for (const Engine* e : engines) {
    const Engine* const one[] = {e};
    auto names = e->covers();
    out += str(out.empty() ? "" : "\n", e->name(), " (", extensions_text(one), "): ", names.size(),
               " covered\n");
    list_names(out, names);
  }
  return out;
}

}  // namespace proa::engines
