#include "foundation/http/client_hello.h"

#include <cstdint>
#include <optional>

namespace proa::http {
namespace {

// Takes numbers and byte strings off the front; `ok` is false once there was too little.
struct Reader {
  std::string_view rest;
  bool ok = true;

  uint32_t number(size_t bytes) {
    if (rest.size() < bytes) {
      ok = false;
      return 0;
    }
    uint32_t value = 0;
    for (size_t i = 0; i < bytes; ++i) value = value << 8 | static_cast<uint8_t>(rest[i]);
    rest.remove_prefix(bytes);
    return value;
  }
  std::string_view bytes(size_t size) {
    if (rest.size() < size) {
      ok = false;
      return {};
    }
    std::string_view out = rest.substr(0, size);
    rest.remove_prefix(size);
    return out;
  }
  std::string_view sized(size_t length_bytes) { return bytes(number(length_bytes)); }
};

// The payload of the handshake records; nullopt: not such records.
std::optional<std::string> handshake_bytes(std::string_view bytes, bool& whole) {
  std::string out;
  while (!bytes.empty()) {
    if (bytes[0] != 22 || (bytes.size() > 1 && bytes[1] != 3)) return std::nullopt;
    if (bytes.size() < 5) break;
    size_t length =
        static_cast<size_t>(static_cast<uint8_t>(bytes[3])) << 8 | static_cast<uint8_t>(bytes[4]);
    if (length == 0 || length > (16 << 10) + 256) return std::nullopt;
    out += bytes.substr(5, length);
    if (out.size() >= 4) {
      Reader head{std::string_view(out).substr(1)};
      size_t need = 4 + head.number(3);
      if (need > kMostClientHello) return std::nullopt;
      if (out.size() >= need) {
        whole = true;
        return out;
      }
    }
    if (bytes.size() < 5 + length) break;
    bytes.remove_prefix(5 + length);
  }
  return out;
}

void read_server_name(std::string_view data, ClientHello& hello) {
  Reader list{data};
  Reader names{list.sized(2)};
  while (names.ok && !names.rest.empty()) {
    uint32_t type = names.number(1);
    std::string_view name = names.sized(2);
    if (!names.ok || type != 0) continue;
    hello.server_name.assign(name);
    for (char& c : hello.server_name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    return;
  }
}

void read_protocols(std::string_view data, ClientHello& hello) {
  Reader list{data};
  Reader names{list.sized(2)};
  while (names.ok && !names.rest.empty()) {
    std::string_view name = names.sized(1);
    if (names.ok && hello.protocols.size() < 16) hello.protocols.emplace_back(name);
  }
}

}  // namespace

ClientHello read_client_hello(std::string_view bytes) {
  ClientHello hello;
  bool whole = false;
  auto text = handshake_bytes(bytes, whole);
  bool wrong = !text || (!text->empty() && (*text)[0] != 1);
  if (wrong || (!whole && bytes.size() > kMostClientHello)) {
    hello.state = ClientHello::kBad;
    return hello;
  }
  if (!whole) return hello;
  Reader reader{std::string_view(*text)};
  reader.number(1);
  Reader body{reader.sized(3)};
  body.bytes(2 + 32);  // version, random
  body.sized(1);       // session
  body.sized(2);       // ciphers
  body.sized(1);       // compression
  hello.state = body.ok ? ClientHello::kDone : ClientHello::kBad;
  if (!body.ok || body.rest.empty()) return hello;
  Reader extensions{body.sized(2)};
  while (extensions.ok && !extensions.rest.empty()) {
    uint32_t type = extensions.number(2);
    std::string_view data = extensions.sized(2);
    if (!extensions.ok) hello.state = ClientHello::kBad;
    if (type == 0) read_server_name(data, hello);
    if (type == 16) read_protocols(data, hello);
  }
  return hello;
}

}  // namespace proa::http
