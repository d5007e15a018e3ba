// The command line of `proa fetch`.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "models/storage/cache/cache.h"
#include "models/storage/fetch.h"
#include "models/storage/transfer/crypto.h"

extern char** environ;

namespace proa::storage {
namespace {

constexpr const char* kHelp =
    "Usage: proa fetch [OPTION]... SRC DST [SRC DST]...\n"
    "\n"
    "Fetches each model SRC into the folder DST: a file, or all that is below a prefix; a single\n"
    ".tar, .tgz, .tar.gz or .zip is unpacked. SRC is one of\n"
    "\n"
    "  gs://BUCKET/PATH  s3://BUCKET/PATH  oss://BUCKET/PATH  https://HOST/PATH  http://HOST/PATH\n"
    "  https://ACCOUNT.blob.core.windows.net/CONTAINER/PATH (or file.core…/SHARE/PATH)\n"
    "  hf://OWNER/MODEL[:REVISION]  modelscope://OWNER/MODEL[:REVISION]\n"
    "  oci://REGISTRY/REPOSITORY[:TAG][@DIGEST]  https://HOST/PATH.git[#REF]\n"
    "  hdfs://PATH  webhdfs://PATH  file:///PATH  a path  pvc://CLAIM/PATH (mounted already)\n"
    "\n"
    "  --cache DIR           keep models there, by URI and version (PROA_MODEL_CACHE)\n"
    "  --pin NAME            take the version that NAME took before, without asking "
    "(PROA_MODEL_PIN)\n"
    "  --prefer-cache        take what the cache has of SRC without asking\n"
    "  --cache-bytes SIZE    bound on the cache, as in 100Gi (PROA_MODEL_CACHE_BYTES)\n"
    "  --unpin NAME          forget NAME in the cache, and end\n"
    "  --allow ADDRESSES     private addresses that may be reached: ADDRESS[/BITS],…, private, "
    "all\n"
    "                        or public (PROA_FETCH_ALLOW)\n"
    "  --mirror PREFIX=/DIR  serve URIs below PREFIX from a folder; may be repeated (PROA_MIRRORS, "
    "by ;)\n"
    "  --help\n"
    "\n"
    "The environment's variables are those of KServe's storage initializer; docs/STORAGE.md lists\n"
    "them. PROA_TERMINATION_LOG (/dev/termination-log) gets the error, or the digests.\n";

Environment environment() {
  Environment out;
  for (char** e = environ; e && *e; ++e) {
    const std::string_view line = *e;
    const auto equals = line.find('=');
    if (equals != line.npos) out.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  return out;
}

void write_termination_log(const Environment& env, const std::string& text) {
  const auto it = env.find("PROA_TERMINATION_LOG");
  const std::string path = it == env.end() ? "/dev/termination-log" : it->second;
  if (Fd fd(open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC)); fd)
    (void)!write(fd.get(), text.data(), text.size());
}

// One line to stderr, and to the termination log if there is one.
int fail(const Environment& env, std::string_view message) {
  std::string line = shorten(replace_all(message, "\n", " "), 2000);
  write_termination_log(env, line);
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
  std::string unpin;
  bool help = false;
};

Status option(Command& c, std::string_view name, const std::string& value) {
  if (name == "--cache")
    c.options.cache = value;
  else if (name == "--pin")
    c.options.pin = value;
  else if (name == "--unpin")
    c.unpin = value;
  else if (name == "--cache-bytes") {
    TRY(c.options.cache_bytes, parse_size(std::string(name), value));
  } else if (name == "--allow") {
    TRY(c.options.source.http.addresses, AddressRules::parse(value));
  } else if (name == "--mirror") {
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
  if (!c.help && c.unpin.empty() && (c.pairs.empty() || c.pairs.size() % 2 != 0))
    return error(Code::kInvalid, "proa fetch: needs SRC DST pairs; see --help");
  return c;
}

int fetch_all(Command& command, const Environment& env) {
  command.options.log = say;
  std::string digests;
  for (size_t i = 0; i + 1 < command.pairs.size(); i += 2) {
    auto done = fetch(command.pairs[i], command.pairs[i + 1], command.options);
    if (!done.ok()) return fail(env, done.error().message);
    if (!done->digest.empty())
      digests += str(digests.empty() ? "" : "\n", done->digest, " ", command.pairs[i + 1]);
  }
  if (!digests.empty()) write_termination_log(env, digests);
  return 0;
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
  if (!command->unpin.empty()) {
    auto done = unpin(command->options.cache, command->unpin);
    return done.ok() ? 0 : fail(env, done.error().message);
  }
  const int code = fetch_all(*command, env);
  (void)remove_tree(command->options.secret_files).ok();
  return code;
}

void prepare_to_fetch() { (void)sha256(""); }

}  // namespace proa::storage
