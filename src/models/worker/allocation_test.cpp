// The warm path allocates nothing: counted by an operator new of our own while a client that
// allocates nothing itself sends the same requests again and again over a socket.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "models/repository/fake_engine.h"
#include "models/worker/worker.h"

namespace {
std::atomic<bool> counting{false};
std::atomic<long> allocations{0};

void* counted(size_t size) {
  if (counting.load(std::memory_order_relaxed)) ++allocations;
  if (void* p = std::malloc(size == 0 ? 1 : size)) return p;
  std::abort();
}
}  // namespace

void* operator new(size_t size) { return counted(size); }
void* operator new[](size_t size) { return counted(size); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, size_t) noexcept { std::free(p); }
void operator delete[](void* p, size_t) noexcept { std::free(p); }

namespace proa::models {
namespace {

int connect_to(uint16_t port) {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  return fd;
}

// One request and its answer, whose length is known after the first.
bool exchange(int fd, const std::string& request, size_t& size) {
  static char buffer[65536];
  if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size()))
    return false;
  size_t got = 0;
  do {
    ssize_t n = ::recv(fd, buffer + got, sizeof buffer - got, 0);
    if (n <= 0) return false;
    got += static_cast<size_t>(n);
  } while (got < size);
  size = got;
  return std::memcmp(buffer, "HTTP/1.1 200", 12) == 0;
}

std::string post(const char* path, const std::string& body) {
  return str("POST ", path, " HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n",
             "content-length: ", body.size(), "\r\n\r\n", body);
}

TEST(WarmPath, AllocatesNothingForV1AndV2) {
  repository::Folder folder;
  folder.put("x.fake", "0");
  repository::FakeEngine engine;
  const inference::Engine* engines[] = {&engine};
  metrics::Registry registry;
  repository::Options r;
  r.path = folder.path();
  r.model_name = "iris";
  repository::Repository repository(r, engines, registry);
  ASSERT_TRUE(repository.load_all().ok());
  ServeOptions options;
  options.host = "127.0.0.1";
  options.http_port = options.grpc_port = 0;
  Worker worker(options, repository, [](std::string&) {});
  Ports ports;
  ASSERT_TRUE(worker.listen(ports, false).ok());
  worker.start();

  const std::string requests[] = {
      post("/v1/models/iris:predict", R"({"instances": [[6.8, 2.8], [6.0, 3.4]]})"),
      post(
          "/v2/models/iris/infer",
          R"({"id":"a-request-id-longer-than-a-small-string","parameters":{"method":"predict_proba"},)"
          R"("inputs":[{"name":"input-0","shape":[2,2],"datatype":"FP32","data":[[1,2],[3,4]]}]})"),
      post(
          "/v2/models/iris/infer",
          R"({"inputs":[{"name":"a","shape":[1],"datatype":"FP64","data":[1]},)"
          R"({"name":"b","shape":[1],"datatype":"INT32","data":[1]}],"outputs":[{"name":"output-0"}]})"),
  };
  int fd = connect_to(ports.http);
  for (const std::string& request : requests) {
    size_t size = 0;
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(exchange(fd, request, size)) << request;
    allocations = 0;
    counting = true;
    bool good = true;
    for (int i = 0; i < 1000; ++i) good &= exchange(fd, request, size);
    counting = false;
    EXPECT_TRUE(good);
    EXPECT_LT(allocations, 10) << request;  // timers and the date, now and then; none by request
  }
  ::close(fd);
  worker.stop();
}

}  // namespace
}  // namespace proa::models
