// For tests: archives with whatever members a test asks for, hostile ones too.
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include <string>
#include <vector>

namespace proa::storage {

struct Item {
  std::string name, content, link;
  int type = AE_IFREG;
  bool hard = false;
};

inline void write_archive(const std::string& path, const std::vector<Item>& items,
                          unsigned permissions = 0644) {
  auto* a = archive_write_new();
  if (path.ends_with(".zip"))
    archive_write_set_format_zip(a);
  else
    archive_write_set_format_pax_restricted(a);
  if (path.ends_with("gz")) archive_write_add_filter_gzip(a);
  archive_write_open_filename(a, path.c_str());
  for (const auto& i : items) {
    auto* e = archive_entry_new();
    archive_entry_set_pathname(e, i.name.c_str());
    archive_entry_set_filetype(e, static_cast<unsigned>(i.type));
    archive_entry_set_perm(e, permissions);
    archive_entry_set_size(e, static_cast<int64_t>(i.content.size()));
    if (!i.link.empty() && i.hard) archive_entry_set_hardlink(e, i.link.c_str());
    if (!i.link.empty() && !i.hard) archive_entry_set_symlink(e, i.link.c_str());
    archive_write_header(a, e);
    if (!i.content.empty()) archive_write_data(a, i.content.data(), i.content.size());
    archive_entry_free(e);
  }
  archive_write_close(a);
  archive_write_free(a);
}

}  // namespace proa::storage
