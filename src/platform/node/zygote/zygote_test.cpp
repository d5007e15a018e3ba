#include "platform/node/zygote/zygote.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "foundation/base/strings.h"
#include "platform/node/zygote/wire.h"

namespace proa::node {
namespace {

int64_t now_ns() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int program_clock(int, char**) {
  dprintf(1, "%lld", static_cast<long long>(now_ns()));
  return 0;
}

int program_facts(int argc, char** argv) {
  struct stat info {};
  dprintf(1, "argc=%d argv1=%s uid=%d pid=%d passwd=%d env=%s", argc, argv[1], ::getuid(),
          ::getpid(), ::stat("/etc/shadow", &info) == 0, ::getenv("GREETING"));
  execl("/bin/true", "true", nullptr);
  dprintf(1, " exec=%d nnp=%d", errno, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  return 3;
}

int program_hog(int, char**) {
  for (size_t i = 0; i < 512; ++i) {
    void* p = malloc(1 << 20);
    std::memset(p, 1, 1 << 20);
  }
  return 0;
}

int program_wait(int, char**) {
  for (;;) ::pause();
}

struct Ended {
  std::string out;
  std::string failed;
  Exit exit;
  pid_t pid = 0;
};

// Says something that stdio still holds, then ends as its argument says.
int program_ends(int, char** argv) {
  printf("said before its end");
  auto code = parse_int(argv[1]);
  if (!code) __builtin_trap();
  return static_cast<int>(*code);
}

class ZygoteTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/proa-zygote-XXXXXX";
    folder_ = ::mkdtemp(name);
    ::chmod(folder_.c_str(), 0755);
    ASSERT_TRUE(make_dirs(folder_ + "/root").ok());
    auto z = Zygote::start({{"clock", program_clock},
                            {"ends", program_ends},
                            {"facts", program_facts},
                            {"hog", program_hog},
                            {"wait", program_wait}});
    ASSERT_TRUE(z.ok()) << z.error().message;
    zygote_ = std::move(z).value();
    if (zygote_->isolation() == Isolation::kRoot)
      tree_ = find_cgroups("proa-test-" + std::to_string(::getpid()));
    ZygoteConfig config{folder_ + "/root", tree_.parents, tree_.v2, 1};
    ASSERT_TRUE(zygote_->attach(loop_, config, [] {}).ok());
  }
  void TearDown() override {
    zygote_.reset();
    for (const auto& path : tree_.parents) ::rmdir(path.c_str());
    (void)remove_tree(folder_);
  }

  void start(Launch launch, Ended& ended, Fd& out) {
    int pipe[2];
    ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
    out = Fd(pipe[0]);
    Fd theirs(pipe[1]), err(::dup(2));
    auto s = zygote_->launch(launch, std::move(theirs), std::move(err),
                             {[&](pid_t pid) { ended.pid = pid; },
                              [&](std::string why) { ended.failed = why, done_ = true; },
                              [&](Exit e) { ended.exit = e, done_ = true; }});
    ASSERT_TRUE(s.ok()) << s.error().message;
  }
  void turn_until(const std::function<bool()>& condition) {
    MonoTime end = real_clock().mono() + std::chrono::seconds(10);
    while (!condition() && real_clock().mono() < end)
      loop_.run_once(std::chrono::milliseconds(100));
  }
  Ended run(Launch launch) {
    Ended ended;
    Fd out;
    done_ = false;
    start(launch, ended, out);
    turn_until([&] { return done_; });
    char buffer[65536];
    for (ssize_t n; (n = ::read(out.get(), buffer, sizeof buffer)) > 0;)
      ended.out.append(buffer, static_cast<size_t>(n));
    return ended;
  }
  static Launch shell(const std::string& id, const std::string& script) {
    Launch l;
    l.id = id;
    l.argv = {"sh", "-c", script};
    l.env = {"PATH=/usr/bin:/bin"};
    l.host_root = true;
    l.uid = l.gid = 200123;
    return l;
  }
  bool plain() const { return zygote_->isolation() == Isolation::kPlain; }
  bool root() const { return zygote_->isolation() == Isolation::kRoot; }

  std::string folder_;
  async::Loop loop_;
  CgroupTree tree_;
  std::unique_ptr<Zygote> zygote_;
  bool done_ = false;
};

TEST_F(ZygoteTest, StartsANativeProgramWithArgumentsAndEnvironment) {
  Launch l;
  l.id = "a";
  l.native = "facts";
  l.argv = {"facts", "hello"};
  l.env = {"GREETING=hi"};
  l.uid = l.gid = 200123;
  Ended e = run(l);
  EXPECT_EQ(e.failed, "");
  EXPECT_EQ(e.exit.code, 3);
  EXPECT_TRUE(contains(e.out, "argc=2 argv1=hello")) << e.out;
  EXPECT_TRUE(contains(e.out, "env=hi")) << e.out;
  EXPECT_TRUE(contains(e.out, " exec=1 nnp=1")) << "a native program must not exec: " << e.out;
  if (root()) {
    EXPECT_TRUE(contains(e.out, "uid=200123 pid=1")) << e.out;
  }
  if (!plain()) {
    EXPECT_TRUE(contains(e.out, "passwd=0")) << e.out;
  }
}

TEST_F(ZygoteTest, LetsANativeProgramBecomeAnotherWhereThatIsAsked) {
  Launch l;
  l.id = "becomes";
  l.native = "facts";
  l.argv = {"facts", "hello"};
  l.env = {"GREETING=hi"};
  l.uid = l.gid = 200123;
  l.may_execute = true;
  Ended e = run(l);
  EXPECT_EQ(e.failed, "");
  EXPECT_EQ(e.exit.code, 0) << "/bin/true has ended, not the program: " << e.out;
}

TEST_F(ZygoteTest, RunsAShellOverTheHostsFilesReadOnly) {
  Ended e = run(shell(
      "b",
      "id -u; cat /proc/1/comm; echo x > /usr/x || echo denied; echo y > /tmp/y && cat /tmp/y"));
  EXPECT_EQ(e.failed, "");
  EXPECT_EQ(e.exit.code, 0);
  if (plain()) GTEST_SKIP() << "no namespaces here";
  EXPECT_EQ(e.out, "200123\nsh\ndenied\ny\n");
}

TEST_F(ZygoteTest, ShowsVolumesFilesAndLinksButNothingElse) {
  if (plain()) GTEST_SKIP() << "no namespaces here";
  ASSERT_TRUE(make_dirs(folder_ + "/vol/sub").ok());
  ASSERT_TRUE(write_file(folder_ + "/vol/sub/f", "content").ok());
  ::chmod((folder_ + "/vol").c_str(), 0777);
  Launch l = shell("c",
                   "cat /data/sub/f /one/f /etc/resolv.conf; hostname; echo no > /ro/x || echo ro; "
                   "echo yes > /data/y; "
                   "ls " +
                       folder_ + " 2>/dev/null | wc -l");
  l.mounts = {{Mount::Kind::kBind, folder_ + "/vol", "", "/data", false, 0},
              {Mount::Kind::kBind, folder_ + "/vol", "sub", "/one", true, 0},
              {Mount::Kind::kBind, folder_ + "/vol", "", "/ro", true, 0},
              {Mount::Kind::kTmpfs, "", "", "/cache", false, 1 << 20}};
  l.files = {{"/etc/resolv.conf", "nameserver 127.96.0.10\n"}};
  l.hostname = "iris";
  Ended e = run(l);
  EXPECT_EQ(e.failed, "");
  EXPECT_EQ(e.out, "contentcontentnameserver 127.96.0.10\niris\nro\n0\n");
  EXPECT_EQ(read_file(folder_ + "/vol/y").value_or(""), "yes\n");
}

TEST_F(ZygoteTest, RefusesASubPathThatLeavesTheVolume) {
  if (plain()) GTEST_SKIP() << "no namespaces here";
  ASSERT_TRUE(make_dirs(folder_ + "/vol").ok());
  ASSERT_EQ(::symlink("/etc", (folder_ + "/vol/evil").c_str()), 0);
  for (const char* sub : {"evil", "evil/ssl", "../.."}) {
    Launch l = shell(str("d-", sub), "true");
    l.mounts = {{Mount::Kind::kBind, folder_ + "/vol", sub, "/data", false, 0}};
    EXPECT_NE(run(l).failed, "") << sub;
  }
}

TEST_F(ZygoteTest, DoesNotFollowALinkOfAVolumeOutOfTheSandbox) {
  if (plain()) GTEST_SKIP() << "no namespaces here";
  ASSERT_TRUE(make_dirs(folder_ + "/vol").ok());
  ASSERT_TRUE(make_dirs(folder_ + "/outside").ok());
  ASSERT_EQ(::symlink((folder_ + "/outside").c_str(), (folder_ + "/vol/evil").c_str()), 0);
  Launch l = shell("d", "true");
  l.mounts = {{Mount::Kind::kBind, folder_ + "/vol", "", "/data", false, 0},
              {Mount::Kind::kBind, folder_ + "/vol", "", "/data/evil/x", false, 0}};
  (void)run(l);
  EXPECT_FALSE(exists(folder_ + "/outside/x"));
}

TEST_F(ZygoteTest, SaysWhyAProgramCannotStart) {
  Launch l = shell("e", "");
  l.argv = {"no-such-program"};
  EXPECT_EQ(run(l).failed, "exec: \"no-such-program\": executable file not found in $PATH");
  l.id = "f";
  l.native = "proa nothing";
  EXPECT_EQ(run(l).failed, "no native program \"proa nothing\"");
}

TEST_F(ZygoteTest, KillsAProcessAndAllThatItStarted) {
  Launch l = shell("g", "sleep 1000 & sleep 1000 & echo up; wait");
  Ended e;
  Fd out;
  start(l, e, out);
  turn_until([&] { return e.pid != 0; });
  char buffer[3];
  ASSERT_EQ(::read(out.get(), buffer, 3), 3);
  zygote_->kill("g", SIGKILL);
  turn_until([&] { return done_; });
  EXPECT_EQ(e.exit.signal, SIGKILL);
  EXPECT_EQ(e.exit.code, 137);
  EXPECT_EQ(::read(out.get(), buffer, 1), 0) << "something still holds the log pipe";
}

TEST_F(ZygoteTest, EndsAProgramWithoutAHandlerAsSigtermDoesElsewhere) {
  if (!root()) GTEST_SKIP() << "first processes of namespaces are seen through /proc as root only";
  Ended ended;
  Fd out;
  done_ = false;
  start(shell("t", "echo up; exec sleep 1000"), ended, out);
  char up[8];
  ASSERT_GT(::read(out.get(), up, sizeof up), 0);
  zygote_->kill("t", SIGTERM);
  turn_until([&] { return done_; });
  EXPECT_TRUE(done_);
  EXPECT_EQ(ended.exit.signal, SIGTERM);
  EXPECT_EQ(ended.exit.code, 128 + SIGTERM);
}

TEST_F(ZygoteTest, LeavesAProgramWithAHandlerTimeToEnd) {
  if (plain()) GTEST_SKIP() << "no namespaces here";
  Ended ended;
  Fd out;
  done_ = false;
  start(shell("h", "trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.02; done"), ended,
        out);
  char text[16];
  ASSERT_GT(::read(out.get(), text, sizeof text), 0);
  zygote_->kill("h", SIGTERM);
  turn_until([&] { return done_; });
  EXPECT_EQ(ended.exit.code, 7);
  EXPECT_EQ(ended.exit.signal, 0);
}

TEST_F(ZygoteTest, GoesOnWithANewOwner) {
  Ended ended;
  Fd out;
  done_ = false;
  start(shell("g", "trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.02; done"), ended,
        out);
  turn_until([&] { return ended.pid > 0; });
  char text[16];
  ASSERT_GT(::read(out.get(), text, sizeof text), 0);
  const pid_t pid = zygote_->pid();
  const Isolation isolation = zygote_->isolation();
  auto socket = zygote_->hand_over();
  ASSERT_TRUE(socket.ok()) << socket.error().message;
  zygote_.reset();  // ends nothing now
  zygote_ = Zygote::adopt(std::move(*socket), pid, isolation);
  Exit exit;
  bool over = false;
  zygote_->adopt_launch("g", ended.pid, {{}, {}, [&](Exit e) { exit = e, over = true; }});
  zygote_->resume(loop_, [] {});
  zygote_->kill("g", SIGTERM);
  turn_until([&] { return over; });
  EXPECT_TRUE(over);
  EXPECT_FALSE(done_);  // the old owner hears nothing
  EXPECT_EQ(exit.code, 3);
  EXPECT_TRUE(zygote_->idle());
}

TEST_F(ZygoteTest, TellsAKillForLackOfMemory) {
  if (tree_.parents.empty() || !contains(tree_.description, "memory"))
    GTEST_SKIP() << "no memory cgroup";
  Launch l;
  l.id = "h";
  l.native = "hog";
  l.argv = {"hog"};
  l.uid = l.gid = 200123;
  l.memory_bytes = 32 << 20;
  Ended e = run(l);
  EXPECT_TRUE(e.exit.oom_killed);
  EXPECT_EQ(e.exit.code, 137);
}

TEST_F(ZygoteTest, RunsAProbeInsideARunningContainer) {
  if (plain()) GTEST_SKIP() << "no namespaces here";
  Launch l = shell("i", "echo inside > /tmp/mark; echo up; sleep 1000");
  Ended e;
  Fd out;
  start(l, e, out);
  char buffer[3];
  turn_until([&] { return e.pid != 0; });
  ASSERT_EQ(::read(out.get(), buffer, 3), 3);
  Launch probe = shell("i-probe", "cat /tmp/mark; exit 4");
  probe.join = "i";
  Ended p = run(probe);
  EXPECT_EQ(p.failed, "");
  EXPECT_EQ(p.out, "inside\n");
  EXPECT_EQ(p.exit.code, 4);
}

TEST_F(ZygoteTest, ShowsRootInsideWithoutBeingIt) {
  if (!root()) GTEST_SKIP() << "needs root";
  Launch l =
      shell("j", "id -u; cat /proa/etc/shadow 2>/dev/null | wc -c; echo x > /x || echo denied");
  l.root_inside = true;
  Ended e = run(l);
  EXPECT_EQ(e.failed, "");
  EXPECT_EQ(e.out, "0\n0\ndenied\n");
}

TEST_F(ZygoteTest, TakesLaunchesLargerThanAMessage) {
  Launch l = shell("k", "echo ${#BIG}");
  l.env.push_back("BIG=" + std::string(100000, 'x'));
  EXPECT_EQ(run(l).out, "100000\n");
}

TEST_F(ZygoteTest, EndsWithItsParentTogetherWithEverythingItStarted) {
  int pipe[2];
  ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
  pid_t parent = ::fork();
  if (parent == 0) {
    ::close(pipe[0]);
    auto z = Zygote::start({{"wait", program_wait}});
    async::Loop loop;
    (void)(*z)->attach(loop, {folder_ + "/root", {}, false, 1}, [] {});
    Launch l;
    l.id = "x";
    l.native = "wait";
    l.argv = {"wait"};
    bool up = false;
    (void)(*z)->launch(l, Fd(::dup(pipe[1])), Fd(::dup(pipe[1])),
                       {[&](pid_t) { up = true; }, {}, {}});
    while (!up) loop.run_once(std::chrono::milliseconds(10));
    ::raise(SIGKILL);
  }
  ::close(pipe[1]);
  ::waitpid(parent, nullptr, 0);
  char c;
  EXPECT_EQ(::read(pipe[0], &c, 1), 0);  // end-of-file: the container's copy is closed as well
  ::close(pipe[0]);
}

TEST_F(ZygoteTest, HoldsAProgramThatIsMadeReadyUntilItMayRun) {
  auto lines = [&](bool release) {
    Launch l;
    l.id = release ? "let" : "never";
    l.native = "clock";
    l.argv = {"clock"};
    l.held = true;
    int out[2];
    EXPECT_EQ(::pipe2(out, O_CLOEXEC), 0);
    Ended e;
    bool ended = false;
    LaunchEvents events;
    events.started = [&](pid_t pid) { e.pid = pid; };
    events.exited = [&](const Exit& exit) { e.exit = exit, ended = true; };
    EXPECT_TRUE(zygote_->launch(l, Fd(::dup(out[1])), Fd(out[1]), std::move(events)).ok());
    for (int i = 0; i < 20; ++i) loop_.run_once(std::chrono::milliseconds(1));
    EXPECT_EQ(e.pid, 0) << "it has begun";
    EXPECT_FALSE(ended);
    if (release)
      zygote_->release(l.id);
    else
      zygote_->kill(l.id, SIGKILL);
    while (!ended) loop_.run_once(std::chrono::milliseconds(5));
    EXPECT_EQ(e.pid != 0, release);
    char text[64];
    ssize_t n = ::read(out[0], text, sizeof text);
    ::close(out[0]);
    return n;
  };
  EXPECT_GT(lines(true), 0);
  EXPECT_EQ(lines(false), 0);
}

TEST_F(ZygoteTest, TellsTheEndOfAProgramWhenItsMainReturns) {
  for (int code : {0, 7, 200}) {
    Launch l;
    l.id = str("tells", code);
    l.native = "ends";
    l.argv = {"ends", str(code)};
    l.tells_end = true;
    Ended e = run(l);
    EXPECT_NE(e.pid, 0);
    EXPECT_EQ(e.exit.code, code);
    EXPECT_EQ(e.exit.signal, 0);
    EXPECT_EQ(e.out, "said before its end");
  }
}

TEST_F(ZygoteTest, TellsOfAFaultBeforeMainReturns) {
  Launch l;
  l.id = "fault";
  l.native = "ends";
  l.argv = {"ends", "by a fault"};
  l.tells_end = true;
  Ended e = run(l);
  EXPECT_EQ(e.exit.signal, SIGILL);
  EXPECT_EQ(e.exit.code, 128 + SIGILL);
}

TEST_F(ZygoteTest, TakesMoreLaunchesThanItsSocketHolds) {
  constexpr int kMany = 60;
  int ended = 0, failed = 0;
  ::kill(zygote_->pid(), SIGSTOP);
  for (int i = 0; i < kMany; ++i) {
    Launch l;
    l.id = str("many", i);
    l.native = "ends";
    l.argv = {"ends", "0"};
    l.env = {"LONG=" + std::string(40000, 'x')};  // less than what travels as a file
    LaunchEvents events;
    events.failed = [&](const std::string&) { ++failed; };
    events.exited = [&](const Exit& e) { ended += e.code == 0; };
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    auto s = zygote_->launch(l, Fd(null), Fd(::dup(null)), std::move(events));
    ASSERT_TRUE(s.ok()) << i << ": " << s.error().message;
  }
  ::kill(zygote_->pid(), SIGCONT);
  turn_until([&] { return ended + failed == kMany; });
  EXPECT_EQ(ended, kMany);
}

// Not asserted: prints what a cold start costs, from the request to main's first instruction.
TEST_F(ZygoteTest, MeasuresTheStartOfANativeProgram) {
  const char* count = ::getenv("PROA_MEASURE_STARTS");
  if (!count) GTEST_SKIP() << "set PROA_MEASURE_STARTS=200";
  ASSERT_TRUE(make_dirs(folder_ + "/vol").ok());
  for (int pause_ms : {0, 30, 300}) {
    std::vector<int64_t> took;
    for (int i = 0; i < std::atoi(count) / (pause_ms > 100 ? 4 : 1); ++i) {
      MonoTime until = real_clock().mono() + std::chrono::milliseconds(pause_ms);
      while (real_clock().mono() < until) loop_.run_once(std::chrono::milliseconds(1));
      Launch l;
      l.id = str("m", i);
      l.native = "clock";
      l.argv = {"clock"};
      l.uid = l.gid = 200123;
      l.memory_bytes = 256 << 20;
      l.cpu_millis = 1000;
      l.mounts = {{Mount::Kind::kBind, folder_ + "/vol", "", "/mnt/models", false, 0}};
      l.files = {{"/etc/resolv.conf", "nameserver 127.96.0.10\n"},
                 {"/etc/hosts", "127.0.0.1 localhost\n"}};
      int64_t begin = now_ns();
      Ended e = run(l);
      took.push_back(parse_int(e.out).value_or(0) - begin);
    }
    std::sort(took.begin(), took.end());
    printf("start every %d ms: p50 %.3f ms, p99 %.3f ms, max %.3f ms (%s, %s)\n", pause_ms,
           took[took.size() / 2] / 1e6, took[took.size() * 99 / 100] / 1e6, took.back() / 1e6,
           to_string(zygote_->isolation()), tree_.description.c_str());
  }
}

}  // namespace
}  // namespace proa::node
