#include "models/server/mlserver_runtime.h"

#include <seccomp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "foundation/base/arguments.h"
#include "foundation/base/strings.h"
#include "models/repository/layout.h"

namespace proa::models {
namespace {

constexpr int kNoPackage = 3;
constexpr const char* kInstall =
    "python3 -m venv /opt/mlserver && /opt/mlserver/bin/pip install mlserver, then "
    "PROA_PYTHON=/opt/mlserver/bin/python in the environment of `proa up`, of the container or of "
    "`proa serve`; in a pod also `runtime: kserve-mlserver`";
// Does not import it, which takes seconds.
constexpr const char* kLook =
    "import importlib.util, sys; sys.exit(0 if importlib.util.find_spec('mlserver') else 3)";
constexpr const char* kStart = "from mlserver.cli import main; main()";

Result<std::string> implementation_in(const std::string& folder) {
  if (!repository::has_settings(folder)) return std::string();
  TRY(repository::Settings settings, repository::read_settings(folder));
  bool known = !repository::engine_of(settings.implementation).empty();
  return known ? std::string() : std::move(settings.implementation);
}

// The exit code of `python -c code`; 127 if it cannot be run.
int exit_code(const std::string& python, const char* code) {
  std::vector<std::string> words = {python, "-c", code};
  std::vector<char*> argv = pointers(words);
  pid_t child = ::fork();
  if (child < 0) return 127;
  if (child == 0) {
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 127;
}

Error refusal(const std::string& implementation, std::string_view why) {
  return error(Code::kUnimplemented,
               str("MLServer's implementation ", shorten(implementation, 100),
                   " is Python code, which MLServer itself runs: ", why, ". ", kInstall));
}

Status check_python(const ServeOptions& o, const std::string& implementation,
                    const std::string& python) {
  if (python.empty())
    return refusal(implementation, "the variable PROA_PYTHON names no interpreter that has it");
  int code = exit_code(python, kLook);
  std::string named = str("PROA_PYTHON=", shorten(python, 200));
  if (code == kNoPackage)
    return refusal(implementation, str("the interpreter ", named, " has no package mlserver"));
  if (code != 0) return refusal(implementation, str("the interpreter ", named, " cannot be run"));
  if (o.grpc_port == o.http_port && o.grpc_port != 0)
    return error(Code::kInvalid, str("MLServer needs a port of its own for gRPC: --http_port and "
                                     "--grpc_port are both ",
                                     o.grpc_port));
  return {};
}

}  // namespace

Result<std::string> python_implementation(const ServeOptions& o) {
  if (repository::has_settings(o.model_dir)) {
    TRY(std::string own, implementation_in(o.model_dir));
    return own.empty() ? o.python_implementation : own;
  }
  for (const std::string& name : repository::folders_in(o.model_dir)) {
    TRY(std::string found, implementation_in(str(o.model_dir, "/", name)));
    if (!found.empty()) return found;
  }
  return o.python_implementation;
}

Command mlserver_command(const ServeOptions& o, const std::string& python, char** environment) {
  std::string scratch = str("/tmp/proa-mlserver-", static_cast<int>(::getpid()));
  std::vector<std::pair<std::string, std::string>> set = {{"MLSERVER_HOST", o.host},
                                                          {"MLSERVER_HTTP_PORT", str(o.http_port)},
                                                          {"MLSERVER_GRPC_PORT", str(o.grpc_port)}};
  if (o.metrics_port >= 0) set.emplace_back("MLSERVER_METRICS_PORT", str(o.metrics_port));
  if (o.model_name_given) set.emplace_back("MLSERVER_MODEL_NAME", o.model_name);
  size_t ours = set.size();  // what follows goes after the user's
  set.emplace_back("MLSERVER_METRICS_DIR", str(scratch, "/metrics"));
  set.emplace_back("MLSERVER_ENVIRONMENTS_DIR", str(scratch, "/environments"));
  set.emplace_back("MLSERVER_PARALLEL_WORKERS", "0");  // one process: a pod's replicas do more
  set.emplace_back("PYTHONDONTWRITEBYTECODE", "1");    // the model's folder stays as it is
  Command c;
  c.argv = {python, "-c", kStart, "start", o.model_dir};
  for (char** at = environment; at && *at; ++at) {
    std::string_view item = *at, name = item.substr(0, item.find('='));
    bool replaced = false;
    for (size_t i = 0; i < set.size(); ++i) {
      if (set[i].first != name) continue;
      if (i < ours)
        replaced = true;
      else
        set[i].first.clear();
    }
    if (!replaced) c.env.emplace_back(item);
  }
  for (const auto& [name, value] : set)
    if (!name.empty()) c.env.push_back(str(name, "=", value));
  return c;
}

Error become_mlserver(const ServeOptions& o, const std::string& implementation) {
  const char* given = std::getenv("PROA_PYTHON");
  std::string python = given ? given : "";
  if (Status s = check_python(o, implementation, python); !s.ok()) return s.error();
  Command command = mlserver_command(o, python, ::environ);
  std::vector<char*> argv = pointers(command.argv), env = pointers(command.env);
  ::execvpe(argv[0], argv.data(), env.data());
  return refusal(implementation, str("the interpreter PROA_PYTHON=", shorten(python, 200),
                                     " cannot be run (", std::strerror(errno), ")"));
}

Status forbid_programs() {
  const char* python = std::getenv("PROA_PYTHON");
  if (!python || !*python) return {};
  scmp_filter_ctx context = ::seccomp_init(SCMP_ACT_ALLOW);
  if (!context) return error(Code::kInternal, "seccomp_init failed");
  int rc = 0;
  for (int call : {SCMP_SYS(execve), SCMP_SYS(execveat)})
    if (rc == 0) rc = ::seccomp_rule_add(context, SCMP_ACT_ERRNO(EPERM), call, 0);
  if (rc == 0) rc = ::seccomp_load(context);  // sets no_new_privs first
  ::seccomp_release(context);
  if (rc != 0) return errno_error("seccomp", -rc);
  return {};
}

}  // namespace proa::models
