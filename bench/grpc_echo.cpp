// The limit that V2 gRPC is measured beside: nghttp2 over epoll and nothing else. Every request is
// answered with the message that came (as gRPC: headers, one DATA, trailers). One thread.
//
//   g++ -O2 -std=c++20 bench/grpc_echo.cpp -lnghttp2 -o grpc_echo && ./grpc_echo PORT
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

namespace {

struct Stream {
  std::string body;
  size_t sent = 0;
};

struct Connection {
  int fd = -1;
  nghttp2_session* session = nullptr;
  std::string out;
};

nghttp2_nv field(const char* name, const char* value) {
  auto bytes = [](const char* s) { return reinterpret_cast<uint8_t*>(const_cast<char*>(s)); };
  return {bytes(name), bytes(value), std::strlen(name), std::strlen(value),
          NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

ssize_t read_body(nghttp2_session* session, int32_t id, uint8_t* to, size_t size, uint32_t* flags,
                  nghttp2_data_source* source, void*) {
  auto* stream = static_cast<Stream*>(source->ptr);
  size_t n = std::min(size, stream->body.size() - stream->sent);
  std::memcpy(to, stream->body.data() + stream->sent, n);
  stream->sent += n;
  if (stream->sent == stream->body.size()) {
    *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    nghttp2_nv trailer = field("grpc-status", "0");
    nghttp2_submit_trailer(session, id, &trailer, 1);
  }
  return static_cast<ssize_t>(n);
}

int on_begin(nghttp2_session* session, const nghttp2_frame* frame, void*) {
  if (frame->hd.type == NGHTTP2_HEADERS)
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, new Stream);
  return 0;
}

int on_chunk(nghttp2_session* session, uint8_t, int32_t id, const uint8_t* data, size_t size,
             void*) {
  auto* stream = static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, id));
  if (stream) stream->body.append(reinterpret_cast<const char*>(data), size);
  return 0;
}

int on_frame(nghttp2_session* session, const nghttp2_frame* frame, void*) {
  bool request = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
  if (!request || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) return 0;
  auto* stream =
      static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, frame->hd.stream_id));
  if (!stream) return 0;
  nghttp2_nv fields[] = {field(":status", "200"), field("content-type", "application/grpc")};
  nghttp2_data_provider provider{{.ptr = stream}, read_body};
  return nghttp2_submit_response(session, frame->hd.stream_id, fields, 2, &provider);
}

int on_close(nghttp2_session* session, int32_t id, uint32_t, void*) {
  delete static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, id));
  return 0;
}

void open_connection(int epoll, int fd, nghttp2_session_callbacks* hooks) {
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  auto* c = new Connection{fd, nullptr, {}};
  nghttp2_session_server_new(&c->session, hooks, c);
  nghttp2_settings_entry setting{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1000};
  nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, &setting, 1);
  epoll_event e{EPOLLIN, {.ptr = c}};
  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
}

// False: the connection is over.
bool serve(int epoll, Connection& c) {
  static char buffer[64 << 10];
  ssize_t n = recv(c.fd, buffer, sizeof buffer, 0);
  if (n == 0 || (n < 0 && errno != EAGAIN)) return false;
  if (n > 0 && nghttp2_session_mem_recv(c.session, reinterpret_cast<uint8_t*>(buffer),
                                        static_cast<size_t>(n)) < 0)
    return false;
  const uint8_t* data = nullptr;
  for (ssize_t m; (m = nghttp2_session_mem_send(c.session, &data)) > 0;)
    c.out.append(reinterpret_cast<const char*>(data), static_cast<size_t>(m));
  ssize_t sent = send(c.fd, c.out.data(), c.out.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN) return false;
  c.out.erase(0, static_cast<size_t>(std::max<ssize_t>(sent, 0)));
  epoll_event e{c.out.empty() ? uint32_t{EPOLLIN} : uint32_t{EPOLLIN | EPOLLOUT}, {.ptr = &c}};
  if (!c.out.empty()) epoll_ctl(epoll, EPOLL_CTL_MOD, c.fd, &e);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: grpc_echo PORT\n"), 2;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(std::atoi(argv[1])));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener, 512) != 0)
    return std::perror("grpc_echo"), 1;
  nghttp2_session_callbacks* hooks = nullptr;
  nghttp2_session_callbacks_new(&hooks);
  nghttp2_session_callbacks_set_on_begin_headers_callback(hooks, on_begin);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(hooks, on_chunk);
  nghttp2_session_callbacks_set_on_frame_recv_callback(hooks, on_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(hooks, on_close);
  int epoll = epoll_create1(0);
  epoll_event e{EPOLLIN, {.ptr = nullptr}};
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e);
  while (true) {
    epoll_event events[64];
    int count = epoll_wait(epoll, events, 64, -1);
    for (int i = 0; i < count; ++i) {
      auto* c = static_cast<Connection*>(events[i].data.ptr);
      if (!c) {
        int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
        if (fd >= 0) open_connection(epoll, fd, hooks);
      } else if (!serve(epoll, *c)) {
        nghttp2_session_del(c->session);
        close(c->fd);
        delete c;
      }
    }
  }
}
