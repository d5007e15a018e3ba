#include "models/storage/archive/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string_view>

#include "foundation/base/strings.h"
#include "models/storage/transfer/beneath.h"
#include "models/storage/transfer/uri.h"

namespace proa::storage {
namespace {

constexpr std::string_view kModels = "models", kWhiteout = ".wh.", kOpaque = ".wh..wh..opq";

constexpr const char* kBad =
    "Failed to unpack archive file. The file format is not valid.";  // KServe's words

struct Reader {
  ::archive* a = archive_read_new();
  ~Reader() { archive_read_free(a); }
};

Error bad(const Reader& r) {
  const char* why = archive_error_string(r.a);
  return error(Code::kInvalid, str(kBad, why ? " " : "", why ? why : ""));
}

Status write_content(Reader& r, int fd, const ArchiveLimits& limits, int64_t& total,
                     std::string_view name) {
  const void* data;
  size_t size;
  la_int64_t offset;
  int64_t end = 0;
  for (;;) {
    const int rc = archive_read_data_block(r.a, &data, &size, &offset);
    if (rc == ARCHIVE_EOF) break;
    if (rc != ARCHIVE_OK) return bad(r);
    total += static_cast<int64_t>(size) + (offset > end ? offset - end : 0);
    end = offset + static_cast<int64_t>(size);
    if (total > limits.bytes)
      return error(Code::kTooLarge, str("archive unpacks to more than ", limits.bytes, " bytes"));
    const char* p = static_cast<const char*>(data);
    while (size > 0) {
      const ssize_t n = pwrite(fd, p, size, offset);
      if (n < 0) return errno_error(str("write ", name));
      p += n;
      offset += n;
      size -= static_cast<size_t>(n);
    }
  }
  if (ftruncate(fd, end) != 0) return errno_error(str("write ", name));
  return {};
}

struct Job {
  const Folder& into;
  const ArchiveLimits& limits;
  bool layer = false;
  int64_t total = 0;
};

// The name below the folder; "" for what a layer has elsewhere.
Result<std::string> name_below(const Job& job, std::string_view raw) {
  if (job.layer)
    while (raw.starts_with('/')) raw.remove_prefix(1);
  TRY(auto name, safe_relative(raw).context("archive"));
  if (!job.layer) return name;
  if (!name.starts_with(str(kModels, "/"))) return std::string();
  return name.substr(kModels.size() + 1);
}

// "./models/x" of a link in folder "models" and the like, as a path below the root.
Result<std::string> link_target(const Job& job, const std::string& entry, std::string_view target,
                                bool symbolic) {
  const auto out = [&] {
    return error(Code::kInvalid, str("archive: link ", entry, " leads out"));
  };
  std::string path(target);
  const bool absolute = target.starts_with('/');
  if (symbolic && !absolute) {
    std::vector<std::string> parts;
    if (job.layer) parts.emplace_back(kModels);
    for (auto p : split(entry, '/')) parts.emplace_back(p);
    parts.pop_back();
    for (auto p : split(target, '/')) {
      if (p.empty() || p == ".") continue;
      if (p != "..")
        parts.emplace_back(p);
      else if (parts.empty())
        return out();
      else
        parts.pop_back();
    }
    path = join(parts, "/");
  } else if (absolute && symbolic && !job.layer) {
    return out();
  }
  TRY(auto name, name_below(job, path));
  if (name.empty()) return out();
  return name;
}

Status add_link(const Job& job, const std::string& name, const char* target, bool symbolic) {
  if (!target) return error(Code::kInvalid, str("archive: link ", name, " has no target"));
  TRY(auto to, link_target(job, name, target, symbolic));
  auto fd = job.into.open_file(to, O_RDONLY);
  struct stat st {};
  if (!fd.ok() || fstat(fd->get(), &st) != 0 || !S_ISREG(st.st_mode))
    return error(Code::kInvalid,
                 str("archive: link ", name, " to ", to, ", which is no file that came before it"));
  if (to == name) return {};
  return job.into.take(job.into, to, name);
}

// What a layer takes away; true if the name was such a word.
Result<bool> whiteout(const Job& job, const std::string& name) {
  const auto slash = name.rfind('/');
  const auto folder = slash == name.npos ? "" : name.substr(0, slash);
  const auto base = slash == name.npos ? name : name.substr(slash + 1);
  if (!job.layer || !base.starts_with(kWhiteout)) return false;
  const auto at = folder.empty() ? job.into.path() : str(job.into.path(), "/", folder);
  if (base != kOpaque) {
    const auto gone = base.substr(kWhiteout.size());
    if (gone.empty() || gone == "." || gone == "..")
      return error(Code::kInvalid, str("archive: ", name, " takes nothing away"));
    TRY_STATUS(remove_tree(str(at, "/", gone)));
  } else if (exists(at)) {
    TRY(const auto names, list_dir(at));
    for (const auto& n : names) TRY_STATUS(remove_tree(str(at, "/", n)));
  }
  return true;
}

Status add_entry(Reader& r, archive_entry* e, Job& job) {
  const char* raw = archive_entry_pathname_utf8(e);
  if (!raw) raw = archive_entry_pathname(e);
  if (!raw) return error(Code::kInvalid, str(kBad, " an entry has no name"));
  const auto type = archive_entry_filetype(e);
  const std::string_view given = raw;
  if (type == AE_IFDIR && (given == "." || given == "./" || given == "/")) return {};
  TRY(auto name, name_below(job, given));
  if (name.empty()) return {};
  TRY(const bool gone, whiteout(job, name));
  if (gone) return {};
  if (const char* target = archive_entry_hardlink(e)) return add_link(job, name, target, false);
  if (type == AE_IFDIR) return job.into.make_dir(name);
  if (type == AE_IFLNK) return add_link(job, name, archive_entry_symlink(e), true);
  if (type != AE_IFREG)
    return error(Code::kInvalid, str("archive: ", name, " is neither a file nor a folder"));
  TRY_STATUS(job.into.remove_file(name));  // the later entry of a name wins, as with tar
  TRY(auto fd, job.into.create(name));
  return write_content(r, fd.get(), job.limits, job.total, name);
}

Result<int64_t> each_entry(Reader& r, Job& job) {
  for (int64_t files = 0;; ++files) {
    archive_entry* e = nullptr;
    const int rc = archive_read_next_header(r.a, &e);
    if (rc == ARCHIVE_EOF) return files;
    if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN) return bad(r);
    if (files >= job.limits.files)
      return error(Code::kTooLarge, str("archive holds more than ", job.limits.files, " files"));
    TRY_STATUS(add_entry(r, e, job));
  }
}

}  // namespace

Status unpack(const std::string& archive_path, const Folder& into, const ArchiveLimits& limits) {
  Reader r;
  archive_read_support_filter_gzip(r.a);
  archive_read_support_format_tar(r.a);
  archive_read_support_format_gnutar(r.a);
  archive_read_support_format_zip_seekable(r.a);
  archive_read_support_format_zip_streamable(r.a);
  if (archive_read_open_filename(r.a, archive_path.c_str(), 1 << 20) != ARCHIVE_OK) return bad(r);
  Job job{into, limits};
  TRY(const auto files, each_entry(r, job));
  if (files == 0) return error(Code::kInvalid, str(kBad, " it holds no file"));
  return {};
}

Status unpack_layer(const std::string& archive_path, const Folder& into,
                    const ArchiveLimits& limits) {
  Reader r;
  archive_read_support_filter_gzip(r.a);
  archive_read_support_filter_zstd(r.a);
  archive_read_support_format_tar(r.a);
  archive_read_support_format_gnutar(r.a);
  archive_read_support_format_empty(r.a);
  if (archive_read_open_filename(r.a, archive_path.c_str(), 1 << 20) != ARCHIVE_OK) return bad(r);
  Job job{into, limits, true};
  TRY([[maybe_unused]] const auto files, each_entry(r, job));
  return {};
}

}  // namespace proa::storage
