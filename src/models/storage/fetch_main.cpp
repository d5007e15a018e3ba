// The command line of `proa fetch`.
#include <curl/curl.h>
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "models/storage/fetch.h"

extern char** environ;

namespace proa::storage {
namespace {

constexpr const char* kHelp =
    "Usage: proa fetch [OPTION]... SRC DST [SRC DST]...\n"
    "\n"
    "Fetches each model SRC into the folder DST. SRC is gs://BUCKET/PATH, https://HOST/PATH,\n"
    "http://HOST/PATH, file:///PATH, a path, or pvc://CLAIM/PATH (mounted already). A file or all "
    "that\n"
    "is below a prefix; a single .tar, .tgz, .tar.gz or .zip is unpacked.\n"
    "\n"
    "  --cache DIR           keep models there, by URI and version (PROA_MODEL_CACHE)\n"
    "  --pin NAME            take the version that NAME took before, without asking "
    "(PROA_MODEL_PIN)\n"
    "  --prefer-cache        take what the cache has of SRC without asking\n"
    "  --mirror PREFIX=/DIR  serve URIs below PREFIX from a folder; may be repeated (PROA_MIRRORS, "
    "by ;)\n"
    "  --help\n"
    "\n"
    "Environment: GOOGLE_APPLICATION_CREDENTIALS, STORAGE_EMULATOR_HOST, HOST-headers (JSON),\n"
    "STORAGE_ALLOW_PATTERNS, STORAGE_IGNORE_PATTERNS, PROA_TERMINATION_LOG "
    "(/dev/termination-log).\n";

Environment environment() {
  Environment out;
  for (char** e = environ; e && *e; ++e) {
    const std::string_view line = *e;
    const auto equals = line.find('=');
    if (equals != line.npos) out.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  return out;
}

// One line to stderr, and to the termination log if there is one.
int fail(const Environment& env, std::string_view message) {
  std::string line = shorten(replace_all(message, "\n", " "), 2000);
  const auto it = env.find("PROA_TERMINATION_LOG");
  const std::string path = it == env.end() ? "/dev/termination-log" : it->second;
  if (Fd fd(open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC)); fd)
    (void)!write(fd.get(), line.data(), line.size());
  line += '\n';
  (void)!write(STDERR_FILENO, line.data(), line.size());
  return 1;
}

void say(const std::string& text) {
  const std::string line = text + "\n";
  (void)!write(STDOUT_FILENO, line.data(), line.size());
}

struct Command {
  FetchOptions options;
  std::vector<std::string> pairs;
  bool help = false;
};

Status option(Command& c, std::string_view name, const std::string& value) {
  if (name == "--cache")
    c.options.cache = value;
  else if (name == "--pin")
    c.options.pin = value;
  else if (name == "--mirror") {
    TRY(auto more, parse_mirrors(value));
    for (auto& m : more) c.options.source.mirrors.push_back(std::move(m));
  } else
    return error(Code::kInvalid, str("proa fetch: unknown option ", name, "; see --help"));
  return {};
}

Result<Command> parse(int argc, char** argv, const Environment& env) {
  Command c;
  TRY(c.options, options_from(env));
  int i = 1;
  if (i < argc && std::string_view(argv[i]) == "fetch") ++i;
  for (; i < argc; ++i) {
    const std::string arg = argv[i];
    if (arg == "--help" || arg == "-h")
      c.help = true;
    else if (arg == "--prefer-cache")
      c.options.prefer_cache = true;
    else if (!arg.starts_with("--"))
      c.pairs.push_back(arg);
    else if (const auto equals = arg.find('='); equals != arg.npos)
      TRY_STATUS(option(c, arg.substr(0, equals), arg.substr(equals + 1)));
    else if (i + 1 < argc) {
      TRY_STATUS(option(c, arg, argv[i + 1]));
      ++i;
    } else
      return error(Code::kInvalid, str("proa fetch: ", arg, " needs a value"));
  }
  if (!c.help && (c.pairs.empty() || c.pairs.size() % 2 != 0))
    return error(Code::kInvalid, "proa fetch: needs SRC DST pairs; see --help");
  return c;
}

}  // namespace

int fetch_main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  const auto env = environment();
  auto command = parse(argc, argv, env);
  if (!command.ok()) return fail(env, command.error().message);
  if (command->help) {
    say(kHelp);
    return 0;
  }
  command->options.log = say;
  for (size_t i = 0; i + 1 < command->pairs.size(); i += 2) {
    auto done = fetch(command->pairs[i], command->pairs[i + 1], command->options);
    if (!done.ok()) return fail(env, done.error().message);
  }
  return 0;
}

}  // namespace proa::storage
