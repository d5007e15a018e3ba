// Pages of Azure's listings: a container's blobs, a share's folder. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"

namespace proa::storage {

struct AzurePage {
  struct Item {
    std::string name, etag, md5;  // md5: base64, or ""
    int64_t size = 0;
    bool folder = false;
  };
  std::vector<Item> items;
  std::string next;  // marker; "" at the end
};

Result<AzurePage> parse_azure_page(std::string_view xml);

}  // namespace proa::storage
