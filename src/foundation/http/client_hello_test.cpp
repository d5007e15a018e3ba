#include "foundation/http/client_hello.h"

#include <gtest/gtest.h>

#include "foundation/http/tls.h"

using namespace proa;
using namespace proa::http;

namespace {

std::string hello_of(const std::string& name, bool http2) {
  auto context = client_context({}, http2);
  TlsSession session(*context, false, name);
  session.handshake();
  std::string out;
  session.take_records(out);
  return out;
}

TEST(ClientHelloOf, ARealClientIsRead) {
  ClientHello hello = read_client_hello(hello_of("Iris.Example.com", true));
  ASSERT_EQ(hello.state, ClientHello::kDone);
  EXPECT_EQ(hello.server_name, "iris.example.com");
  EXPECT_EQ(hello.protocols, (std::vector<std::string>{"h2", "http/1.1"}));
}

TEST(ClientHelloOf, AnAddressHasNoName) {
  ClientHello hello = read_client_hello(hello_of("127.0.0.1", false));
  ASSERT_EQ(hello.state, ClientHello::kDone);
  EXPECT_EQ(hello.server_name, "");
}

TEST(ClientHelloOf, EveryShorterBeginningNeedsMore) {
  std::string whole = hello_of("iris.example.com", true);
  for (size_t n = 0; n < whole.size(); ++n)
    EXPECT_EQ(read_client_hello(std::string_view(whole).substr(0, n)).state, ClientHello::kMore)
        << n;
}

TEST(ClientHelloOf, FragmentsOverRecordsAreJoined) {
  std::string whole = hello_of("iris.example.com", true);
  std::string body = whole.substr(5), split;
  for (size_t at = 0; at < body.size(); at += 50) {
    std::string part = body.substr(at, 50);
    split += std::string("\x16\x03\x01", 3) + '\0' + static_cast<char>(part.size()) + part;
  }
  EXPECT_EQ(read_client_hello(split).server_name, "iris.example.com");
}

TEST(ClientHelloOf, OtherBytesAreRefused) {
  EXPECT_EQ(read_client_hello("GET / HTTP/1.1\r\n").state, ClientHello::kBad);
  EXPECT_EQ(read_client_hello(std::string("\x16\x03\x01\x00\x00", 5)).state, ClientHello::kBad);
  EXPECT_EQ(read_client_hello(std::string("\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00", 10)).state,
            ClientHello::kBad);
  EXPECT_EQ(read_client_hello(std::string("\x16\x03\x01\x40\x00\x01\xff\xff\xff", 9)).state,
            ClientHello::kBad);
}

}  // namespace
