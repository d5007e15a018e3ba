// hostile_file [--cuts] [--mutate N SEED] FILE…: reads each file as the scikit-learn engine does,
// in a child under strict seccomp: but for read, write and exit every system call kills it, so that
// what comes back has opened, run and sent nothing. What loads is asked for a prediction, too.
//
// A line a file: "FILE<tab>loaded" or "FILE<tab>refused: why". --cuts: the file cut at every byte
// instead, --mutate: N copies with some bytes changed; then a line is "FILE<tab>LOADED of COUNT
// loaded". Exit 1 if a child died or took too long. For tests/models.
#include <linux/seccomp.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "models/engines/sklearn_engine.h"

namespace {

using namespace proa;

constexpr size_t kArena = size_t{1} << 30;         // what a child may allocate
constexpr size_t kMemoryLimit = size_t{64} << 20;  // of a model
constexpr unsigned kSeconds = 300;                 // for one file and all its copies

struct Work {
  bool cuts = false;
  size_t mutations = 0;
  unsigned seed = 1;
};

// All memory is asked for before the door closes: malloc must find it without a system call.
void close_the_door() {
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, 2147483647);
  mallopt(M_ARENA_MAX, 1);
  void* volatile all = std::malloc(kArena);
  std::free(all);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0) std::abort();
}

void predict(const inference::Model& model) {
  size_t columns = model.info().features == 0 ? 3 : model.info().features;
  if (columns > 10'000) return;
  std::vector<double> rows(2 * columns, 0.5);
  inference::Table table;
  table.rows = 2;
  table.columns = columns;
  table.dense = rows.data();
  inference::Workspace work;
  for (inference::Method method : model.info().methods) {
    inference::Output out;
    (void)model.predict(table, method, work, out);
    work.reset();
  }
}

// "" if it loads.
std::string refusal(std::string bytes) {
  inference::LoadOptions options;
  options.memory_limit = kMemoryLimit;
  auto model = engines::read_sklearn(std::move(bytes), options);
  if (!model.ok()) return model.error().message;
  predict(**model);
  return {};
}

std::string mutated(const std::string& file, std::mt19937& random) {
  std::string out = file;
  for (unsigned n = 1 + random() % 6; n > 0 && !out.empty(); --n) {
    size_t at = random() % out.size();
    switch (random() % 6) {
      case 0:
        out[at] = static_cast<char>(out[at] ^ (1 << random() % 8));
        break;
      case 1:
        out.erase(at, 1 + random() % 8);
        break;
      case 2:
        out.insert(at, 1 + random() % 8, static_cast<char>(random()));
        break;
      case 3:  // a piece from elsewhere
        out.insert(at, file, random() % file.size(), random() % 64);
        break;
      case 4:
        out[at] = "\x00\x01\x7f\x80\xff.Rbco"[random() % 10];
        break;
      default:
        out[at] = static_cast<char>(random());
    }
  }
  return out;
}

std::string answer(const std::string& bytes, const Work& work) {
  if (!work.cuts && work.mutations == 0) {
    std::string why = refusal(bytes);
    return why.empty() ? "loaded" : str("refused: ", why);
  }
  size_t loaded = 0, count = work.cuts ? bytes.size() : work.mutations;
  std::mt19937 random(work.seed);
  for (size_t i = 0; i < count; ++i)
    loaded += refusal(work.cuts ? bytes.substr(0, i) : mutated(bytes, random)).empty();
  return str(loaded, " of ", count, " loaded");
}

[[noreturn]] void child(const std::string& bytes, const Work& work, int to) {
  close_the_door();
  std::string text = answer(bytes, work);
  for (char& c : text)
    if (c == '\n') c = ' ';
  bool sent = ::write(to, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  for (;;) ::syscall(SYS_exit, sent ? 0 : 1);
}

bool examine(const char* path, const Work& work) {
  auto bytes = read_file(path);
  if (!bytes.ok()) return std::printf("%s\t%s\n", path, bytes.error().message.c_str()), false;
  int ends[2];
  if (::pipe(ends) != 0) return false;
  pid_t pid = ::fork();
  if (pid == 0) child(*bytes, work, ends[1]);
  ::close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;) text.append(buffer, n);
  ::close(ends[0]);
  int state = 0;
  ::waitpid(pid, &state, 0);
  if (WIFSIGNALED(state)) text = str("DIED of signal ", WTERMSIG(state));
  std::printf("%s\t%s\n", path, text.c_str());
  std::fflush(stdout);
  return !WIFSIGNALED(state) && !text.empty();
}

}  // namespace

int main(int argc, char** argv) {
  Work work;
  int at = 1;
  for (; at < argc && !std::strncmp(argv[at], "--", 2); ++at) {
    if (!std::strcmp(argv[at], "--cuts")) {
      work.cuts = true;
    } else if (!std::strcmp(argv[at], "--mutate") && at + 2 < argc) {
      work.mutations = static_cast<size_t>(std::atoll(argv[at + 1]));
      work.seed = static_cast<unsigned>(std::atoi(argv[at + 2]));
      at += 2;
    }
  }
  ::alarm(kSeconds * static_cast<unsigned>(argc - at + 1));
  bool good = true;
  for (; at < argc; ++at) good = examine(argv[at], work) && good;
  return good ? 0 : 1;
}
