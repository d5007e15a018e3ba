#include "models/server/serve.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "foundation/async/loop.h"
#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "foundation/http/http.h"
#include "foundation/http/inline.h"
#include "foundation/obs/log.h"
#include "models/server/memory.h"
#include "models/server/options.h"
#include "models/server/v1.h"

namespace proa::models {
namespace {

// Every engine there is; a new one is one more line.
const engines::Engine* const kEngines[] = {&engines::sklearn_engine()};

constexpr auto kDrainTime = std::chrono::seconds(25);  // below the usual grace period of 30 s

// What Kubernetes shows as the container's last message. Absent outside of a pod: then nothing
// happens.
void write_termination_log(std::string_view line) {
  const char* given = std::getenv("TERMINATION_LOG");
  Fd fd(::open(given && *given ? given : "/dev/termination-log", O_WRONLY | O_TRUNC | O_CLOEXEC));
  if (fd && ::write(fd.get(), line.data(), line.size()) < 0) return;
}

int fail(std::string_view what) {
  std::string line = str("proa serve: ", what, "\n");
  std::fputs(line.c_str(), stderr);
  write_termination_log(line);
  return 1;
}

bool wants_probabilities() {
  const char* given = std::getenv("PREDICT_PROBA");
  return given && lower(given) == "true";
}

// SIGTERM and SIGINT as a readable descriptor.
Fd stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return Fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

http::ServerOptions server_options(V1& v1) {
  http::ServerOptions options;
  options.inline_handler = [&v1](const http::RequestView& request, http::ResponseBuffer& response) {
    Answer a = v1.answer(request.method, request.path(), request.body, response.body());
    response.finish(a.status, a.content_type, a.extra);
    return true;
  };
  return options;
}

// Large or chunked bodies and HTTP/2 come here.
http::Handler whole_handler(V1& v1) {
  return [&v1](http::Request request, std::shared_ptr<http::Responder> responder) {
    http::Response response;
    Answer a = v1.answer(request.method, request.path(), request.body, response.body);
    response.status = a.status;
    response.headers.set("content-type", a.content_type);
    if (size_t colon = a.extra.find(": "); colon != std::string_view::npos)
      response.headers.set(a.extra.substr(0, colon), trim(a.extra.substr(colon + 2)));
    responder->send(std::move(response));
  };
}

Result<std::unique_ptr<engines::Model>> load(const ServeOptions& options) {
  engines::LoadOptions how;
  how.want = wants_probabilities() ? engines::Want::kProbabilities : engines::Want::kLabels;
  how.memory_limit = memory_limit();
  return engines::load_folder(options.model_dir, how, kEngines);
}

int run(const ServeOptions& options) {
  Fd signals = stop_signals();
  auto start = real_clock().mono();
  auto model = load(options);
  if (!model.ok()) return fail(str("model ", options.model_name, ": ", model.error().message));
  metrics::Registry registry;
  V1 v1(options.model_name, std::move(*model), registry);
  async::Loop loop;
  http::Server server(loop, server_options(v1), whole_handler(v1));
  auto port = server.listen(options.host, options.http_port);
  if (!port.ok()) return fail(port.error().message);
  ::malloc_trim(0);
  const engines::ModelInfo& info = v1.info();
  log::info("serve",
            str("model ", options.model_name, " is ready at http://", options.host, ":", *port),
            {{"type", info.type},
             {"scikit-learn", info.version.empty() ? "unknown" : info.version},
             {"features", info.features},
             {"bytes", info.file_bytes},
             {"ms", seconds(real_clock().mono() - start) * 1e3}});
  loop.watch(signals.get(), EPOLLIN, [&](uint32_t) {
    signalfd_siginfo signal{};
    if (::read(signals.get(), &signal, sizeof signal) < 0) return;
    v1.set_ready(false);
    server.drain([&] { loop.stop(); });
    loop.after(kDrainTime, [&] { loop.stop(); });
  });
  loop.run();
  return 0;
}

}  // namespace

int serve_main(int argc, char** argv) {
  auto options = parse_serve_options(argc, argv);
  if (!options.ok()) {
    fail(options.error().message);
    return 2;
  }
  if (options->help) {
    std::fputs(kServeHelp, stdout);
    return 0;
  }
  for (const std::string& w : options->warnings) log::warn("serve", w);
  return run(*options);
}

}  // namespace proa::models
