#include "models/storage/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>

#include "foundation/base/strings.h"
#include "models/storage/uri.h"

namespace proa::storage {
namespace {

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

// "./models/x" of a link in folder "models" and the like, as a path below the root.
Result<std::string> link_target(const std::string& entry, const char* target, bool symbolic) {
  if (!target) return error(Code::kInvalid, str("archive: link ", entry, " has no target"));
  if (!symbolic) return safe_relative(target);
  std::vector<std::string> parts;
  for (auto p : split(entry, '/')) parts.emplace_back(p);
  parts.pop_back();
  if (*target == '/') return error(Code::kInvalid, str("archive: link ", entry, " leads out"));
  for (auto p : split(target, '/')) {
    if (p.empty() || p == ".") continue;
    if (p != "..")
      parts.emplace_back(p);
    else if (parts.empty())
      return error(Code::kInvalid, str("archive: link ", entry, " leads out"));
    else
      parts.pop_back();
  }
  return safe_relative(join(parts, "/"));
}

Status add_link(const Folder& into, const std::string& name, const char* target, bool symbolic) {
  TRY(auto to, link_target(name, target, symbolic));
  auto fd = into.open_file(to, O_RDONLY);
  struct stat st {};
  if (!fd.ok() || fstat(fd->get(), &st) != 0 || !S_ISREG(st.st_mode))
    return error(Code::kInvalid,
                 str("archive: link ", name, " to ", to, ", which is no file that came before it"));
  return into.take(into, to, name);
}

Status add_entry(Reader& r, archive_entry* e, const Folder& into, const ArchiveLimits& limits,
                 int64_t& total) {
  const char* raw = archive_entry_pathname_utf8(e);
  if (!raw) raw = archive_entry_pathname(e);
  if (!raw) return error(Code::kInvalid, str(kBad, " an entry has no name"));
  const auto type = archive_entry_filetype(e);
  if (type == AE_IFDIR && (std::string_view(raw) == "." || std::string_view(raw) == "./"))
    return {};
  TRY(auto name, safe_relative(raw).context("archive"));
  if (const char* target = archive_entry_hardlink(e)) return add_link(into, name, target, false);
  if (type == AE_IFDIR) return into.make_dir(name);
  if (type == AE_IFLNK) return add_link(into, name, archive_entry_symlink(e), true);
  if (type != AE_IFREG)
    return error(Code::kInvalid, str("archive: ", name, " is neither a file nor a folder"));
  TRY_STATUS(into.remove_file(name));  // the later entry of a name wins, as with tar
  TRY(auto fd, into.create(name));
  return write_content(r, fd.get(), limits, total, name);
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
  int64_t total = 0;
  for (int64_t files = 0;; ++files) {
    archive_entry* e = nullptr;
    const int rc = archive_read_next_header(r.a, &e);
    if (rc == ARCHIVE_EOF) {
      if (files == 0) return error(Code::kInvalid, str(kBad, " it holds no file"));
      return {};
    }
    if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN) return bad(r);
    if (files >= limits.files)
      return error(Code::kTooLarge, str("archive holds more than ", limits.files, " files"));
    TRY_STATUS(add_entry(r, e, into, limits, total));
  }
}

}  // namespace proa::storage
