// For tests: an HTTP server on a loopback port of its own, which can fail as a network does.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "foundation/base/strings.h"

namespace proa::storage {

struct Asked {
  std::string method, target, body;  // target: path and query, decoded path
  std::map<std::string, std::string> headers, query;
  std::string path;
};

struct Answer {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  size_t cut = std::string::npos;  // send only so many bytes of the body, then close
  bool stall = false;              // after what is sent, wait for the client to go
};

class TestServer {
 public:
  using Handler = std::function<Answer(const Asked&)>;

  explicit TestServer(Handler handler) : handler_(std::move(handler)) {
    listen_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(listen_, reinterpret_cast<sockaddr*>(&a), sizeof a);
    listen(listen_, 64);
    socklen_t n = sizeof a;
    getsockname(listen_, reinterpret_cast<sockaddr*>(&a), &n);
    port_ = ntohs(a.sin_port);
    accepter_ = std::thread([this] { accept_all(); });
  }
  ~TestServer() {
    stopping_ = true;
    shutdown(listen_, SHUT_RDWR);
    accepter_.join();
    for (auto& t : connections_) t.join();
    close(listen_);
  }
  std::string url() const { return str("http://127.0.0.1:", port_); }
  int requests() const { return requests_; }

 private:
  void accept_all() {
    while (!stopping_) {
      const int fd = accept4(listen_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) break;
      connections_.emplace_back([this, fd] {
        serve(fd);
        close(fd);
      });
    }
  }

  void serve(int fd) {
    std::string in;
    char buffer[8192];
    while (in.find("\r\n\r\n") == in.npos) {
      const ssize_t n = recv(fd, buffer, sizeof buffer, 0);
      if (n <= 0) return;
      in.append(buffer, static_cast<size_t>(n));
    }
    Asked asked = parse(in);
    const size_t length =
        static_cast<size_t>(parse_int(asked.headers["content-length"]).value_or(0));
    while (asked.body.size() < length) {
      const ssize_t n = recv(fd, buffer, sizeof buffer, 0);
      if (n <= 0) return;
      asked.body.append(buffer, static_cast<size_t>(n));
    }
    ++requests_;
    const Answer a = handler_(asked);
    std::string out = str("HTTP/1.1 ", a.status, " X\r\nConnection: close\r\n");
    bool has_length = false;
    for (const auto& [k, v] : a.headers) {
      out += str(k, ": ", v, "\r\n");
      has_length |= k == "Content-Length";
    }
    if (!has_length) out += str("Content-Length: ", a.body.size(), "\r\n");
    out += "\r\n";
    if (asked.method != "HEAD") out += a.body.substr(0, a.cut);
    for (size_t done = 0; done < out.size();) {
      const ssize_t n = send(fd, out.data() + done, out.size() - done, MSG_NOSIGNAL);
      if (n <= 0) return;
      done += static_cast<size_t>(n);
    }
    if (a.stall) (void)recv(fd, buffer, sizeof buffer, 0);
  }

  static Asked parse(const std::string& in) {
    Asked a;
    const auto head = in.substr(0, in.find("\r\n\r\n"));
    a.body = in.substr(in.find("\r\n\r\n") + 4);
    bool first = true;
    for (auto line : split(head, '\n')) {
      line = trim(line);
      if (first) {
        const auto words = split(line, ' ');
        a.method = words[0];
        a.target = words[1];
        const std::string_view target = a.target;
        const auto mark = target.find('?');
        a.path = percent_decode(target.substr(0, mark)).value_or("");
        if (mark != target.npos)
          for (auto pair : split(target.substr(mark + 1), '&'))
            a.query[std::string(pair.substr(0, pair.find('=')))] =
                percent_decode(pair.substr(pair.find('=') + 1)).value_or("");
        first = false;
      } else if (const auto colon = line.find(':'); colon != line.npos) {
        a.headers[lower(line.substr(0, colon))] = trim(line.substr(colon + 1));
      }
    }
    return a;
  }

  Handler handler_;
  int listen_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<int> requests_{0};
  std::thread accepter_;
  std::vector<std::thread> connections_;  // only the accepting thread adds
};

// A part of `content` as the Range header asks.
inline Answer ranged(const Asked& asked, const std::string& content) {
  Answer a;
  const auto it = asked.headers.find("range");
  if (it == asked.headers.end()) {
    a.body = content;
    return a;
  }
  const auto parts = split(std::string_view(it->second).substr(6), '-');
  const auto from = static_cast<size_t>(*parse_int(parts[0]));
  const auto to =
      static_cast<size_t>(parse_int(parts[1]).value_or(static_cast<int64_t>(content.size()) - 1));
  a.status = 206;
  a.body = content.substr(from, to - from + 1);
  a.headers.emplace_back("Content-Range", str("bytes ", from, "-", to, "/", content.size()));
  return a;
}

}  // namespace proa::storage
