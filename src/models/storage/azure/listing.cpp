#include "models/storage/azure/listing.h"

#include "foundation/base/strings.h"
#include "models/storage/transfer/xml.h"

namespace proa::storage {

Result<AzurePage> parse_azure_page(std::string_view xml) {
  TRY(const auto root, parse_xml(xml));
  const XmlNode* entries = root.find("Blobs");
  if (!entries) entries = root.find("Entries");
  if (root.name != "EnumerationResults" || !entries)
    return error(Code::kInvalid, str("the answer is a ", shorten(root.name, 40), ", no listing"));
  AzurePage page;
  page.next = root["NextMarker"];
  for (const auto& e : entries->children) {
    if (e.name != "Blob" && e.name != "File" && e.name != "Directory") continue;
    AzurePage::Item item;
    item.name = e["Name"];
    item.folder = e.name == "Directory";
    if (const XmlNode* p = e.find("Properties")) {
      item.etag = trim((*p)["Etag"]);
      item.md5 = trim((*p)["Content-MD5"]);
      const auto size = parse_int(trim((*p)["Content-Length"]));
      if (!item.folder && (!size || *size < 0))
        return error(Code::kInvalid, "the listing has an entry without size");
      item.size = size.value_or(0);
      item.folder |= (*p)["ResourceType"] == "directory";
    }
    if (const XmlNode* m = e.find("Metadata")) item.folder |= (*m)["hdi_isfolder"] == "true";
    if (item.etag.size() > 1 && item.etag.front() == '"')
      item.etag = item.etag.substr(1, item.etag.size() - 2);
    page.items.push_back(std::move(item));
  }
  return page;
}

}  // namespace proa::storage
