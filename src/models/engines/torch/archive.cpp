#include "models/engines/torch/archive.h"

#include "foundation/base/strings.h"
#include "foundation/json/value.h"

namespace proa::torch {
namespace {

constexpr uint64_t kMostManifest = 1 << 20;
constexpr uint64_t kMostScript = uint64_t{16} << 30;
constexpr const char* kManifest = "MAR-INF/MANIFEST.json";
constexpr const char* kWayOut =
    "save the network as TorchScript, torch.jit.trace(model, example).save(\"model.pt\") or "
    "torch.jit.script(model).save(\"model.pt\"), or as ONNX";

// What these do around the network is made of Python; the network itself takes and gives tensors.
constexpr std::string_view kPlainHandlers[] = {"base_handler", "image_classifier",
                                               "image_segmenter"};

Error needs_python(std::string_view what) {
  return error(Code::kUnimplemented,
               str(what, ": this server runs no Python. Serve the network alone: ", kWayOut,
                   "; or run TorchServe itself as a custom predictor "
                   "(spec.predictor.containers)"));
}

}  // namespace

Result<Manifest> parse_manifest(std::string_view text) {
  TRY(json::Value v, json::parse(text, {kMostManifest, 20}));
  const json::Value& model = v["model"];
  if (!model.is_object()) return error(Code::kInvalid, "the manifest names no model");
  Manifest m;
  m.name = model["modelName"].str();
  m.version = model["modelVersion"].str();
  m.serialized_file = model["serializedFile"].str();
  m.handler = model["handler"].str();
  m.model_file = model["modelFile"].str();
  return m;
}

Status check_manifest(const Manifest& m) {
  if (!m.model_file.empty())
    return needs_python(
        str("the archive holds weights and the code of the network, ", shorten(m.model_file, 100)));
  bool plain = m.handler.empty();
  for (std::string_view known : kPlainHandlers) plain = plain || m.handler == known;
  if (!plain)
    return needs_python(
        str("the archive's handler, ", shorten(m.handler, 100), ", is Python code"));
  if (m.serialized_file.empty())
    return error(Code::kInvalid, "the archive names no serializedFile: it holds no model");
  return {};
}

Status check_script(const Zip& zip) {
  if (zip.has_ending("serialized_exported_program.json") || zip.has_ending("/archive_format") ||
      zip.has_ending("/models/model.json"))
    return error(Code::kUnimplemented,
                 str("it is a program of torch.export, which libtorch cannot run: ", kWayOut));
  bool code = zip.has_ending("/constants.pkl");
  for (const ZipEntry& e : zip.entries()) code = code || contains(e.name, "/code/");
  if (code) return {};
  if (zip.has_ending("data.pkl"))
    return error(Code::kUnimplemented,
                 str("it holds weights only (torch.save), and not the network: ", kWayOut));
  return error(Code::kDataLoss, str("it is no TorchScript file: ", kWayOut));
}

Status check_script_file(const std::string& path) {
  auto zip = Zip::open(path);
  if (zip.ok()) return check_script(*zip);
  if (zip.error().code != Code::kDataLoss) return std::move(zip).error();
  return error(Code::kDataLoss,
               str("it is no TorchScript file (", zip.error().message, "): ", kWayOut));
}

Result<Archive> read_archive(const std::string& path, size_t memory_limit) {
  TRY(Zip zip, Zip::open(path));
  const ZipEntry* entry = zip.find(kManifest);
  if (!entry) return error(Code::kInvalid, str("it is no model archive: it has no ", kManifest));
  Archive out;
  TRY(std::string text, zip.read(*entry, kMostManifest));
  auto manifest = parse_manifest(text);
  if (!manifest.ok()) return std::move(manifest).error().with_context(kManifest);
  out.manifest = std::move(*manifest);
  TRY_STATUS(check_manifest(out.manifest));
  const ZipEntry* script = zip.find(out.manifest.serialized_file);
  if (!script)
    return error(Code::kInvalid,
                 str("the archive has no file ", shorten(out.manifest.serialized_file, 100),
                     ", which its manifest names"));
  TRY(out.script, zip.read(*script, memory_limit != 0 ? memory_limit : kMostScript));
  return out;
}

}  // namespace proa::torch
