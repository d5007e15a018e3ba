#include "models/storage/git/git.h"

#include <netdb.h>
#include <sys/stat.h>

#include <memory>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "models/storage/git/program.h"

namespace proa::storage {
namespace {

constexpr int kMostAskSeconds = 120, kMostFetchSeconds = 3600, kMostDepth = 64;
constexpr std::string_view kPointer = "version https://git-lfs.github.com/spec/";

struct Repository {
  std::string url, shown, host, port, login;
  SourceOptions options;
};

// An address of the host that the rules allow, so that git connects to it and no other.
Result<std::string> pinned_address(const Repository& r) {
  addrinfo hints{}, *list = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  if (getaddrinfo(r.host.c_str(), r.port.c_str(), &hints, &list) != 0)
    return error(Code::kUnavailable, str("server ", r.host, " not answering: no such host"));
  std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(list, freeaddrinfo);
  std::string refused;
  for (auto* a = list; a; a = a->ai_next) {
    const auto address = address_of(a->ai_addr);
    if (!address) continue;
    if (r.options.http.addresses.allows(*address, false)) return to_string(*address);
    refused = to_string(*address);
  }
  return error(Code::kForbidden,
               str("server ", r.host, " is at ", refused,
                   ", a private address, which a storage URI may not reach; if it is meant, start "
                   "proa with PROA_FETCH_ALLOW=",
                   refused));
}

class Settings {
 public:
  void add(std::string_view key, std::string_view value) {
    env_.push_back(str("GIT_CONFIG_KEY_", count_, "=", key));
    env_.push_back(str("GIT_CONFIG_VALUE_", count_, "=", value));
    ++count_;
  }
  std::vector<std::string> take() {
    env_.push_back(str("GIT_CONFIG_COUNT=", count_));
    return std::move(env_);
  }

 private:
  std::vector<std::string> env_;
  int count_ = 0;
};

// Secrets go by the environment: arguments are seen by all users of the machine.
Result<std::vector<std::string>> git_environment(const Repository& r) {
  Settings s;
  s.add("core.symlinks", "false");
  s.add("core.hooksPath", "/dev/null");
  s.add("core.protectNTFS", "true");
  s.add("transfer.fsckObjects", "true");
  s.add("submodule.recurse", "false");
  s.add("http.followRedirects", r.login.empty() ? "initial" : "false");
  if (!r.login.empty())
    s.add(str("http.", origin_of(r.url), "/.extraHeader"),
          "Authorization: Basic " + base64(r.login));
  if (!r.options.http.verify) s.add("http.sslVerify", "false");
  if (!r.options.http.ca_file.empty()) s.add("http.sslCAInfo", r.options.http.ca_file);
  if (!r.options.http.proxied) {
    TRY(const auto address, pinned_address(r));
    s.add("http.curloptResolve",
          str(r.host, ":", r.port, ":", contains(address, ":") ? str("[", address, "]") : address));
    s.add("http.followRedirects", "false");  // another host is not looked at
  }
  auto env = s.take();
  for (const char* fixed :
       {"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "HOME=/nonexistent",
        "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=/bin/false", "GIT_ALLOW_PROTOCOL=https:http",
        "GIT_LFS_SKIP_SMUDGE=1", "GIT_HTTP_LOW_SPEED_LIMIT=1", "GIT_ATTR_NOSYSTEM=1", "LC_ALL=C"})
    env.emplace_back(fixed);
  env.push_back(str("GIT_HTTP_LOW_SPEED_TIME=", r.options.http.stall_s));
  const auto path = value_in(r.options.env, "PATH");
  env.push_back(str("PATH=", path.empty() ? "/usr/local/bin:/usr/bin:/bin" : path));
  for (const char* name : {"http_proxy", "https_proxy", "no_proxy", "HTTPS_PROXY", "NO_PROXY",
                           "SSL_CERT_FILE", "SSL_CERT_DIR"})
    if (auto v = value_in(r.options.env, name); !v.empty()) env.push_back(str(name, "=", v));
  return env;
}

std::string without_secrets(const Repository& r, std::string text) {
  if (r.login.empty()) return text;
  text = replace_all(text, base64(r.login), "…");
  const auto password = r.login.substr(r.login.find(':') + 1);
  return password.empty() ? text : replace_all(text, password, "…");
}

Error failure(const Repository& r, const Ran& ran) {
  if (ran.exit == 127)
    return error(Code::kUnimplemented,
                 str(r.shown,
                     " needs the program git, which is not installed; install the package "
                     "git, or name an archive over https"));
  std::string last;
  for (auto line : split(ran.err, '\n'))
    if (!trim(line).empty()) last = trim(line);
  last = shorten(without_secrets(r, last), 300);
  if (contains(ran.err, "Authentication failed") || contains(ran.err, "could not read Username") ||
      contains(ran.err, "403"))
    return error(Code::kForbidden,
                 str("git authentication failed for ", r.shown,
                     r.login.empty() ? "; set GIT_USERNAME and GIT_PASSWORD" : "", ": ", last));
  if (contains(ran.err, "not found"))
    return error(Code::kNotFound, str("git repository ", r.shown, " not found: ", last));
  return error(Code::kUnavailable, str("git ", r.shown, ": ", last));
}

Result<Ran> git(const Repository& r, std::vector<std::string> argv, int most_s, int64_t most_file) {
  TRY(const auto env, git_environment(r));
  argv.insert(argv.begin(), "git");
  TRY(auto ran, run_program(argv, env, most_s, most_file));
  if (ran.exit != 0) return failure(r, ran);
  return ran;
}

// Only files and folders, none of them a pointer to where the content really is, and not too much.
Status check_tree(const std::string& folder, int depth, int64_t& left) {
  if (depth > kMostDepth)
    return error(Code::kInvalid, "the repository's folders are nested too deep");
  TRY(const auto names, list_dir(folder));
  for (const auto& name : names) {
    const auto path = str(folder, "/", name);
    struct stat st {};
    if (lstat(path.c_str(), &st) != 0) return errno_error(path);
    if (S_ISDIR(st.st_mode)) {
      TRY_STATUS(check_tree(path, depth + 1, left));
      continue;
    }
    if (!S_ISREG(st.st_mode))
      return error(Code::kInvalid, str(name, " in the repository is neither file nor folder"));
    if ((left -= st.st_size) < 0) return error(Code::kTooLarge, "the repository is too large");
    if (st.st_size >= 100 && st.st_size < 1024)
      if (auto text = read_file(path, 1024); text.ok() && text->starts_with(kPointer))
        return error(Code::kUnimplemented,
                     str(name,
                         " is kept in Git LFS, which is not supported; fetch the model from "
                         "its hub (hf://) or by https://"));
  }
  return {};
}

Status bring(const Repository& r, const std::string& commit, const std::string& folder,
             const Bounds& bounds) {
  const auto own = folder + ".git";
  TRY_STATUS(remove_tree(own));
  TRY_STATUS(make_dirs(folder));
  const auto fetched = [&]() -> Status {
    const auto dir = "--git-dir=" + own, tree = "--work-tree=" + folder;
    const auto most = bounds.most_bytes;
    TRY([[maybe_unused]] auto a, git(r, {"init", "-q", "--bare", own}, kMostAskSeconds, most));
    TRY([[maybe_unused]] auto b,
        git(r, {dir, "fetch", "-q", "--depth=1", "--no-tags", "--", r.url, commit},
            kMostFetchSeconds, most));
    TRY([[maybe_unused]] auto c,
        git(r,
            {dir, tree, "-c", "core.bare=false", "checkout", "-q", "-f", "FETCH_HEAD", "--", "."},
            kMostFetchSeconds, most));
    int64_t left = most;
    return check_tree(folder, 0, left).context(r.shown);
  }();
  auto removed = remove_tree(own);
  TRY_STATUS(Status(fetched));
  return removed;
}

}  // namespace

std::string commit_of(std::string_view text, std::string_view ref) {
  if (ref.size() == 40 && ref.find_first_not_of("0123456789abcdef") == ref.npos)
    return std::string(ref);
  std::string found;
  int best = 0;
  for (auto line : split(text, '\n')) {
    const auto tab = line.find('\t');
    if (tab != 40) continue;
    const auto name = line.substr(41);
    const int rank = ref.empty()                             ? (name == "HEAD" ? 4 : 0)
                     : name == str("refs/heads/", ref)       ? 4
                     : name == str("refs/tags/", ref, "^{}") ? 3
                     : name == str("refs/tags/", ref)        ? 2
                     : name == ref                           ? 1
                                                             : 0;
    if (rank > best) {
      best = rank;
      found = line.substr(0, 40);
    }
  }
  return found;
}

Result<Resolved> resolve_git(const Uri& uri, const SourceOptions& options) {
  Repository r;
  r.options = options;
  const auto bare = uri.text.substr(0, uri.text.find_first_of("?#"));
  r.url = str(origin_of(bare), bare.substr(bare.find('/', bare.find("://") + 3)));
  r.shown = uri.shown;
  r.host = host_of(r.url);
  const auto host_port = authority_of(r.url);
  const auto colon = host_port.rfind(':');
  r.port = colon != host_port.npos && host_port.back() != ']' ? host_port.substr(colon + 1)
           : r.url.starts_with("http:")                       ? "80"
                                                              : "443";
  const auto user = value_in(options.env, "GIT_USERNAME"),
             password = value_in(options.env, "GIT_PASSWORD");
  if (!user.empty() || !password.empty()) r.login = str(user, ":", password);
  if (const auto origin = origin_of(uri.text); r.login.empty()) {
    const auto authority = uri.text.substr(origin.find("://") + 3);
    if (const auto at = authority.substr(0, authority.find('/')).rfind('@'); at != authority.npos)
      r.login = percent_decode(authority.substr(0, at)).value_or("");
  }
  TRY(auto ran, git(r, {"ls-remote", "-q", "--", r.url}, kMostAskSeconds, 1 << 20));
  const auto commit = commit_of(ran.out, uri.rev);
  if (commit.empty())
    return error(Code::kNotFound, str("git repository ", uri.shown, " has no ",
                                      uri.rev.empty() ? "commit" : "ref " + uri.rev));
  Resolved out;
  out.version = commit;
  out.unpack = Unpack::kNever;
  out.http = options.http;
  out.bring = [r, commit](const std::string& folder, const Bounds& bounds) {
    return bring(r, commit, folder, bounds);
  };
  return out;
}

}  // namespace proa::storage
