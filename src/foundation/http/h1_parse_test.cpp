#include "foundation/http/h1_parse.h"

#include <gtest/gtest.h>

#include "foundation/base/strings.h"

using namespace proa;
using namespace proa::http;
using std::string_literals::operator""s;

namespace {

Parsed parse(const std::string& text, H1Head& head) {
  size_t scanned = 0;
  return parse_request(text, scanned, 8192, head);
}

const std::string kHost = "Host: a\r\n";

TEST(RequestHead, IsParsedInPlace) {
  H1Head head;
  std::string text =
      "POST /v1/models/x:predict?q=1 HTTP/1.1\r\nHost: iris.example.com:8080\r\n"
      "Content-Length: 3\r\nX-Empty:\r\nX-Tab:\t a b\t \r\n\r\nabc";
  Parsed parsed = parse(text, head);
  ASSERT_EQ(parsed.state, Parsed::kDone);
  EXPECT_EQ(parsed.used, text.size() - 3);
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.target, "/v1/models/x:predict?q=1");
  EXPECT_EQ(head.authority, "iris.example.com:8080");
  EXPECT_EQ(head.content_length, 3u);
  EXPECT_TRUE(head.keep_alive);
  ASSERT_EQ(head.fields.size(), 4u);
  EXPECT_EQ(head.fields[2].value, "");
  EXPECT_EQ(head.fields[3].value, "a b");
}

TEST(RequestHead, NeedsMoreAtEveryPrefix) {
  std::string text = "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n";
  H1Head head;
  size_t scanned = 0;
  for (size_t n = 0; n < text.size(); ++n) {
    ASSERT_EQ(parse_request(text.substr(0, n), scanned, 8192, head).state, Parsed::kMore) << n;
  }
  EXPECT_EQ(parse_request(text, scanned, 8192, head).state, Parsed::kDone);
}

TEST(RequestHead, AcceptsWhatIsUnusualButClear) {
  const std::string good[] = {
      "GET / HTTP/1.0\r\n\r\n",
      "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET http://b.example/x HTTP/1.1\r\nHost: a\r\n\r\n",
      "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET / HTTP/1.1\r\nHost:\r\n\r\n",
      "GET / HTTP/1.1\r\nhOsT:a\r\n\r\n",
      "M-SEARCH / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
      "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\nX: \xff\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
  };
  for (const std::string& text : good) {
    H1Head head;
    EXPECT_EQ(parse(text, head).state, Parsed::kDone) << text;
  }
}

struct Bad {
  int status;
  std::string text;
};

TEST(RequestHead, RefusesWhatTwoParsersMightReadDifferently) {
  const std::string get = "GET / HTTP/1.1\r\n", post = "POST / HTTP/1.1\r\n" + kHost;
  const Bad table[] = {
      // Request line.
      {400, "GET  / HTTP/1.1\r\n" + kHost + "\r\n"},
      {400, "GET /  HTTP/1.1\r\n" + kHost + "\r\n"},
      {400, " GET / HTTP/1.1\r\n" + kHost + "\r\n"},
      {400, "GET / HTTP/1.1 \r\n" + kHost + "\r\n"},
      {400, "GET /a b HTTP/1.1\r\n" + kHost + "\r\n"},
      {400, "GET\t/ HTTP/1.1\r\n" + kHost + "\r\n"},
      {400, "GET /\tHTTP/1.1\r\n" + kHost + "\r\n"},
      {400, "GET /\r\n" + kHost + "\r\n"},
      {400, "GET\r\n\r\n"},
      {400, "/ HTTP/1.1\r\n" + kHost + "\r\n"},
      {400, "G(T / HTTP/1.1\r\n" + kHost + "\r\n"},
      {400, "G\xc3\x89T / HTTP/1.1\r\n" + kHost + "\r\n"},
      {400, "GET / HTTP/1,1\r\n" + kHost + "\r\n"},
      {400, "GET / http/1.1\r\n" + kHost + "\r\n"},
      {400, "GET / HTTP/1.1.1\r\n" + kHost + "\r\n"},
      {400, "GET / HTTP/11\r\n" + kHost + "\r\n"},
      {400, "GET / HTTP/x.1\r\n" + kHost + "\r\n"},
      {400, "GET / XTTP/1.1\r\n" + kHost + "\r\n"},
      {505, "GET / HTTP/2.0\r\n" + kHost + "\r\n"},
      {505, "GET / HTTP/0.9\r\n" + kHost + "\r\n"},
      {400, "GET /#part HTTP/1.1\r\n" + kHost + "\r\n"},
      {400, "GET /\x01 HTTP/1.1\r\n" + kHost + "\r\n"},
      {400, "GET /\x7f HTTP/1.1\r\n" + kHost + "\r\n"},
      {400, "GET /\0 HTTP/1.1\r\n"s + kHost + "\r\n"},
      {400, "GET index.html HTTP/1.1\r\n" + kHost + "\r\n"},
      {400, "GET * HTTP/1.1\r\n" + kHost + "\r\n"},
      {400, "GET ftp://a/ HTTP/1.1\r\n" + kHost + "\r\n"},
      {400, "GET http:/// HTTP/1.1\r\n" + kHost + "\r\n"},
      {400, "GET http://u@b/ HTTP/1.1\r\n" + kHost + "\r\n"},
      {405, "CONNECT a:443 HTTP/1.1\r\n" + kHost + "\r\n"},
      {400, "\r\n\r\nGET / HTTP/1.1\r\n" + kHost + "\r\n"},
      // Line ends.
      {400, "GET / HTTP/1.1\n" + kHost + "\r\n"},
      {400, get + "Host: a\n\r\n"},
      {400, get + "Host: a\r\n\n"},
      {400, get + "Host: a\rX: b\r\n\r\n"},
      {400, "GET / HTTP/1.1\rHost: a\r\n\r\n"},
      {400, get + "Host: a\r\r\n\r\n"},
      {400, "\nGET / HTTP/1.1\r\n" + kHost + "\r\n"},
      // Fields.
      {400, get + kHost + "X : y\r\n\r\n"},
      {400, get + kHost + "X\t: y\r\n\r\n"},
      {400, get + kHost + " X: y\r\n\r\n"},
      {400, get + " Host: a\r\n\r\n"},
      {400, get + kHost + "X: a\r\n b\r\n\r\n"},
      {400, get + kHost + "X: a\r\n\tb\r\n\r\n"},
      {400, get + kHost + "X\r\n\r\n"},
      {400, get + kHost + ": y\r\n\r\n"},
      {400, get + kHost + "X(: y\r\n\r\n"},
      {400, get + kHost + "X\x80: y\r\n\r\n"},
      {400, get + kHost + "X: a\0b\r\n\r\n"s},
      {400, get + kHost + "X\0: b\r\n\r\n"s},
      {400, get + kHost + "X: a\x0b\r\n\r\n"},
      {400, get + kHost + "X: a\x7f\r\n\r\n"},
      // Host.
      {400, get + "X: y\r\n\r\n"},
      {400, get + kHost + "Host: a\r\n\r\n"},
      {400, get + kHost + "host: b\r\n\r\n"},
      {400, get + "Host: a b\r\n\r\n"},
      {400, get + "Host: a/b\r\n\r\n"},
      {400, get + "Host: u@a\r\n\r\n"},
      {400, get + "Host: a,b\r\n\r\n"},
      // Framing.
      {400, post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {400, post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"},
      {400, post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"},
      {400, post + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"},
      {400, post + "Content-Length: 5, 5\r\n\r\n"},
      {400, post + "Content-Length: +5\r\n\r\n"},
      {400, post + "Content-Length: -5\r\n\r\n"},
      {400, post + "Content-Length: 0x5\r\n\r\n"},
      {400, post + "Content-Length: 5 5\r\n\r\n"},
      {400, post + "Content-Length: 5;\r\n\r\n"},
      {400, post + "Content-Length: \r\n\r\n"},
      {400, post + "Content-Length: 99999999999999999999\r\n\r\n"},
      {400, post + "Content-Length: 1e3\r\n\r\n"},
      {400, post + "Transfer-Encoding: xchunked\r\n\r\n"},
      {400, post + "Transfer-Encoding: chunked, chunked\r\n\r\n"},
      {400, post + "Transfer-Encoding: gzip, chunked\r\n\r\n"},
      {400, post + "Transfer-Encoding: chunked, identity\r\n\r\n"},
      {400, post + "Transfer-Encoding: identity\r\n\r\n"},
      {400, post + "Transfer-Encoding: \"chunked\"\r\n\r\n"},
      {400, post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {400, post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n"},
      {400, post + "Transfer-Encoding:\x0b"
                   "chunked\r\n\r\n"},
      {400, post + "Transfer-Encoding : chunked\r\n\r\n"},
      {400, post + "Transfer-Encoding:\r\n chunked\r\n\r\n"},
      {400, post + "Transfer_Encoding\r\n: chunked\r\n\r\n"},
      {400, "POST / HTTP/1.0\r\n" + kHost + "Transfer-Encoding: chunked\r\n\r\n"},
      // Sizes.
      {431, get + kHost + "X: " + std::string(9000, 'x') + "\r\n\r\n"},
      {431, get + kHost + std::string(9000, 'x')},
      {431, get + kHost +
                [] {
                  std::string s;
                  for (int i = 0; i < 300; ++i) s += str("a", i, ": b\r\n");
                  return s;
                }() +
                "\r\n"},
  };
  for (const Bad& bad : table) {
    H1Head head;
    Parsed parsed = parse(bad.text, head);
    EXPECT_EQ(parsed.state, Parsed::kBad) << bad.text.substr(0, 200);
    EXPECT_EQ(parsed.status, bad.status) << bad.text.substr(0, 200);
  }
}

TEST(RequestHead, TakesTheAuthorityOfAnAbsoluteTarget) {
  H1Head head;
  std::string text = "GET http://b.example:81/x?y HTTP/1.1\r\nHost: a\r\n\r\n";
  ASSERT_EQ(parse(text, head).state, Parsed::kDone);
  EXPECT_EQ(head.authority, "b.example:81");
  EXPECT_EQ(head.target, "/x?y");
}

TEST(RequestHead, KnowsWhenTheConnectionEnds) {
  struct Case {
    std::string head;
    bool keep;
  };
  for (const Case& c : {Case{"GET / HTTP/1.1\r\nHost: a\r\n", true},
                        Case{"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n", false},
                        Case{"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, CLOSE\r\n", false},
                        Case{"GET / HTTP/1.0\r\n", false},
                        Case{"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n", true}}) {
    H1Head head;
    std::string text = c.head + "\r\n";
    ASSERT_EQ(parse(text, head).state, Parsed::kDone);
    EXPECT_EQ(head.keep_alive, c.keep) << c.head;
  }
}

TEST(ResponseHead, IsParsedAndNonsenseIsRefused) {
  H1Head head;
  size_t scanned = 0;
  std::string text = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
  ASSERT_EQ(parse_response(text, scanned, 8192, head).state, Parsed::kDone);
  EXPECT_EQ(head.status, 404);
  for (const char* bad :
       {"HTTP/1.1 4x4 No\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n", "HTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1 99 OK\r\n\r\n",
        "HTTP/1.1 200 OK\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n"}) {
    scanned = 0;
    EXPECT_EQ(parse_response(bad, scanned, 8192, head).state, Parsed::kBad) << bad;
  }
}

// The body, or "bad"/"more", however the text is cut.
std::string decode(std::string_view text, size_t cut, size_t step) {
  ChunkedDecoder decoder;
  std::string body;
  std::vector<std::string_view> parts;
  if (step > 0) {
    for (size_t i = 0; i < text.size(); i += step) parts.push_back(text.substr(i, step));
  } else {
    parts = {text.substr(0, cut), text.substr(cut)};
  }
  for (std::string_view part : parts) {
    while (!part.empty()) {
      auto s = decoder.next(part);
      body += s.data;
      if (s.bad) return "bad";
      if (s.done) return body;
      part.remove_prefix(s.used);
    }
  }
  return "more";
}

TEST(ChunkedBody, IsTheSameHoweverItIsCut) {
  const std::string text =
      "4\r\nWiki\r\n6;a=\"b\"\r\npedia \r\nE\r\nin \r\n\r\nchunks.\r\n000\r\nX-Sum: 1\r\nb: "
      "c\r\n\r\n";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    ASSERT_EQ(decode(text, cut, 0), "Wikipedia in \r\n\r\nchunks.") << cut;
  }
  for (size_t step = 1; step < 8; ++step) {
    ASSERT_EQ(decode(text, 0, step), "Wikipedia in \r\n\r\nchunks.");
  }
}

TEST(ChunkedBody, RefusesWhatIsNotOne) {
  for (const char* text :
       {"\r\n", "g\r\n", " 4\r\nWiki\r\n", "4 \r\nWiki\r\n", "0x4\r\nWiki\r\n", "+4\r\nWiki\r\n",
        "-1\r\n", "4\nWiki\r\n", "4\r\nWikix\r\n", "4\r\nWiki\n", "4\r\nWiki\rx",
        "1234567890abcdef0\r\n", ";a\r\n", "4\rWiki\r\n", "0\r\nbad line\r\n\r\n",
        "0\r\nX : y\r\n\r\n", "0\r\nX: y\n\r\n", "4;a=\x01\r\nWiki\r\n"}) {
    EXPECT_EQ(decode(text, 0, 1), "bad") << text;
  }
  EXPECT_EQ(decode("0\r\n" + std::string(20000, 'x'), 0, 100), "bad");
  EXPECT_EQ(decode("1;" + std::string(2000, 'x'), 0, 100), "bad");
}

TEST(ChunkedBody, KeepsTrailersButNoFraming) {
  ChunkedDecoder decoder;
  std::string text = "0\r\nx-sum: 7\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n";
  auto s = decoder.next(text);
  ASSERT_TRUE(s.done);
  EXPECT_EQ(s.used, text.size());
  EXPECT_EQ(decoder.trailers().size(), 1u);
  EXPECT_EQ(decoder.trailers().get("X-Sum"), "7");
}

}  // namespace
