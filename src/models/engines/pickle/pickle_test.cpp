#include <gtest/gtest.h>

#include <random>

#include "foundation/base/strings.h"
#include "models/engines/pickle/allowed.h"
#include "models/engines/pickle/file.h"

namespace proa::pickle {
namespace {

using namespace std::string_literals;

std::string error_of(std::string bytes) {
  auto d = read_bytes(std::move(bytes));
  return d.ok() ? "" : d.error().message;
}

std::unique_ptr<Document> good(std::string bytes) {
  auto d = read_bytes(std::move(bytes));
  EXPECT_TRUE(d.ok()) << d.error().message;
  return d.ok() ? std::move(*d) : nullptr;
}

// An array of two doubles as numpy wrote it with protocol 0 to 2: REDUCE of _reconstruct, then
// BUILD.
std::string array_pickle(std::string_view module = "numpy._core.multiarray",
                         std::string data = ""s) {
  if (data.empty()) data = std::string("\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\x40", 16);
  return "\x80\x02"
         "c"s +
         std::string(module) + "\n_reconstruct\n" + "cnumpy\nndarray\nK\x00\x85"s +
         "U\x01"
         "b\x87R(K\x01K\x02\x85" +
         "cnumpy\ndtype\nU\x02"
         "f8\x89\x88\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"s +
         "\x89" + "U" + static_cast<char>(data.size()) + data + "tb.";
}

TEST(Pickle, ReadsPlainValues) {
  EXPECT_EQ(good("I42\n.")->root->integer, 42);
  EXPECT_EQ(good("L-7L\n.")->root->integer, -7);
  EXPECT_EQ(good("\x80\x02\x8a\x02\x00\xff."s)->root->integer, -256);
  EXPECT_EQ(good("F1.5\n.")->root->number, 1.5);
  EXPECT_EQ(good("G\x3f\xf0\0\0\0\0\0\0."s)->root->number, 1.0);
  EXPECT_EQ(good("I01\n.")->root->kind, Kind::kBool);
  EXPECT_EQ(good("S'a\\x41\\n'\n.")->root->text, "aA\n");
  EXPECT_EQ(good("V\\u00e9\xe9\n.")->root->text, "éé");
  EXPECT_EQ(good("(I1\nI2\nt.")->root->items.size(), 2u);
}

TEST(Pickle, ReadsACycle) {
  auto d = good(
      "]q\x00h\x00"
      "a."s);
  ASSERT_TRUE(d);
  EXPECT_EQ(d->root->items[0], d->root);
}

TEST(Pickle, ReadsAnArrayOfOldAndNewNumpy) {
  for (const char* module : {"numpy._core.multiarray", "numpy.core.multiarray"}) {
    auto d = good(array_pickle(module));
    ASSERT_TRUE(d && d->root->array);
    EXPECT_EQ(*doubles(*d->root->array), (std::vector<double>{1, 2}));
  }
}

TEST(Pickle, ChecksAnArraysSize) {
  EXPECT_NE(error_of(array_pickle("numpy._core.multiarray", "12345678"))
                .find("needs 16 bytes, 8 are there"),
            std::string::npos);
}

TEST(Pickle, RefusesWhatIsNotOnTheList) {
  EXPECT_EQ(error_of("cposix\nsystem\n(S'true'\ntR."),
            "refused: posix.system is not a known estimator part; this file may be malicious");
  for (const char* name :
       {"os\nsystem", "builtins\neval", "builtins\nexec", "builtins\ngetattr",
        "builtins\n__import__", "subprocess\nPopen", "numpy.testing._private.utils\nrunstring",
        "sklearn.utils\n_joblib", "sklearn\nos.system", "sklearn.svm._classes\nSVC.__init__",
        "operator\nattrgetter", "numpy\nload", "joblib\nload", "pickle\nloads", "torch\nload",
        "__main__\nf", "copyreg\n__newobj__", "_codecs\ndecode", "builtins\ncompile"})
    EXPECT_TRUE(error_of(str("c", name, "\n.")).starts_with("refused: "))
        << name << " " << error_of(str("c", name, "\n."));
}

TEST(Pickle, RefusesByEveryWayToNameAClass) {
  EXPECT_TRUE(error_of("(S'x'\niposix\nsystem\n.").starts_with("refused: posix.system"));
  EXPECT_TRUE(
      error_of("\x80\x04\x8c\x05posix\x8c\x06system\x93.").starts_with("refused: posix.system"));
  EXPECT_TRUE(error_of("Pid\n.").starts_with("refused: "));
  EXPECT_TRUE(error_of("S'a'\nQ.").starts_with("refused: "));
  EXPECT_TRUE(error_of("\x82\x01.").starts_with("refused: "));
}

TEST(Pickle, NamesEstimatorsThatAreNotSupported) {
  EXPECT_EQ(
      error_of("csklearn.ensemble._forest\nRandomForestClassifier\n.V_sklearn_version\nV1.5.2\n"),
      "sklearn.ensemble._forest.RandomForestClassifier (scikit-learn 1.5.2) is not supported yet");
}

TEST(Pickle, NeverCallsWhatIsOnTheList) {
  auto d = good("cbuiltins\nset\n(lp0\n\x85R.");  // set([]) is a set; nothing else is known of it
  EXPECT_EQ(d->root->kind, Kind::kSet);
  EXPECT_EQ(good("ccollections\ndeque\n)\x81.")->root->type_name(), "collections.deque");
}

TEST(Pickle, SaysThatOnesOwnFunctionsCannotBeRead) {
  EXPECT_EQ(
      error_of("c__main__\nclean\n."),
      "refused: __main__.clean is not a known estimator part (a model cannot hold classes and "
      "functions of your own program); this file may be malicious");
}

TEST(Pickle, TakesAnAllowListOfTheCaller) {
  FileLimits limits;
  limits.pickle.allow = [](std::string_view module, std::string_view name) {
    return module == "m" && name == "C" ? Verdict::kAllowed : classify(module, name);
  };
  auto d = read_bytes("cm\nC\n)\x81}S'x'\nI5\nsb.", limits);
  ASSERT_TRUE(d.ok()) << d.error().message;
  EXPECT_EQ((*d)->root->type_name(), "m.C");
  ASSERT_TRUE((*d)->root->get("x"));
  EXPECT_EQ((*d)->root->get("x")->integer, 5);
  EXPECT_FALSE(read_bytes("cm\nD\n)\x81.", limits).ok());
}

TEST(Pickle, ReadsPythonsContainers) {
  auto ordered = good(
      "ccollections\nOrderedDict\n(lI1\nI2\n\x86"
      "a\x85R.");
  EXPECT_EQ(ordered->root->kind, Kind::kDict);
  EXPECT_EQ(ordered->root->items.size(), 2u);
  auto defaults = good("ccollections\ndefaultdict\ncbuiltins\nint\n\x85RS'a'\nI1\ns.");
  EXPECT_EQ(defaults->root->kind, Kind::kDict);
  ASSERT_TRUE(defaults->root->get("a"));
  auto slice = good("cbuiltins\nslice\nI1\nI2\nN\x87R.");
  EXPECT_EQ(slice->root->type_name(), "builtins.slice");
}

TEST(Pickle, SeesTheClassThroughCythonsHelpers) {
  FileLimits limits;
  limits.pickle.allow = [](std::string_view, std::string_view) { return Verdict::kAllowed; };
  auto made = read_bytes("cm\nnewObj\ncm\nKDTree\n\x85R(I1\ntb.", limits);
  ASSERT_TRUE(made.ok()) << made.error().message;
  EXPECT_EQ((*made)->root->type_name(), "m.KDTree");
  EXPECT_EQ((*made)->root->state->items.size(), 1u);
  auto unpickled = read_bytes("cm\n__pyx_unpickle_Loss\ncm\nLoss\nI7\n(I1\nt\x87R.", limits);
  ASSERT_TRUE(unpickled.ok()) << unpickled.error().message;
  EXPECT_EQ((*unpickled)->root->type_name(), "m.Loss");
  EXPECT_EQ((*unpickled)->root->state->items.size(), 1u);
  EXPECT_FALSE(read_bytes("cm\nnewObj\n)R.", limits).ok());
}

// A dtype of two fields, 'a' of float64 and 'b' of int32, in `size` bytes, at `offset` and 8.
std::string structured(int size, int offset, std::string data) {
  std::string f8 =
      "cnumpy\ndtype\nS'f8'\n\x89\x88\x87R(K\x03S'<'\nNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"s;
  std::string i4 =
      "cnumpy\ndtype\nS'i4'\n\x89\x88\x87R(K\x03S'<'\nNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"s;
  return "cnumpy._core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85S'b'\n\x87R(K\x01K\x02\x85"s +
         "cnumpy\ndtype\nS'V" + std::to_string(size) +
         "'\n\x89\x88\x87R(K\x03S'|'\nN(S'a'\nS'b'\nt}" + "S'a'\n" + f8 + "I" +
         std::to_string(offset) + "\n\x86sS'b'\n" + i4 + "I8\n\x86sI" + std::to_string(size) +
         "\nI1\nI16\ntb\x89T" + static_cast<char>(data.size()) + "\0\0\0"s + data + "tb.";
}

TEST(Pickle, ReadsTheFieldsOfAStructuredArray) {
  std::string data = "\0\0\0\0\0\0\xf0\x3f\x05\0\0\0\0\0\0\0\0\0\0\x40\xff\xff\xff\xff"s;
  auto d = good(structured(12, 0, data));
  ASSERT_TRUE(d && d->root->array);
  auto a = d->root->array->field("a");
  ASSERT_TRUE(a.ok()) << a.error().message;
  EXPECT_EQ(*doubles(*a), (std::vector<double>{1, 2}));
  EXPECT_EQ(*integers(*d->root->array->field("b")), (std::vector<int64_t>{5, -1}));
  EXPECT_FALSE(d->root->array->field("c").ok());
  EXPECT_NE(error_of(structured(12, 5, data)).find("lies outside"), std::string::npos);
  EXPECT_NE(error_of(structured(12, -1, data)).find("lies outside"), std::string::npos);
}

TEST(Pickle, LetsGetattrPassOnlyAsScipyWritesIt) {
  std::string gen = "cscipy.stats._discrete_distns\nrandint_gen\n)\x81";
  EXPECT_EQ(error_of("cbuiltins\ngetattr\n" + gen + "S'_cdf_single'\n\x86R."), "");
  EXPECT_TRUE(
      error_of("cbuiltins\ngetattr\ncnumpy\nndarray\nS'tofile'\n\x86R.").starts_with("refused"));
  EXPECT_TRUE(error_of("(cbuiltins\ngetattr\nt.").starts_with("refused"));
}

TEST(Pickle, RefusesWhatShowsTheSameBytesAgainAndAgain) {
  std::string data(100, 'x'), bytes =
                                  "\x80\x04"
                                  "B\xa0\x86\x01\x00"s +
                                  std::string(100'000, 'x') + "p0\n0";
  bytes += "cnumpy\ndtype\nS'i1'\n\x89\x88\x87Rp1\n0";
  bytes += "cnumpy._core.numeric\n_frombuffer\np2\n0(";
  for (int i = 0; i < 100; ++i) bytes += "g2\n(g0\ng1\nI100000\n\x85S'C'\ntR";
  EXPECT_NE(error_of(bytes + "t.").find("shows the same data too often"), std::string::npos);
}

TEST(Pickle, RefusesWhatFollowsTheEnd) {
  EXPECT_EQ(error_of("I1\n.cposix\nsystem\n."), "refused: 15 bytes follow the end of the pickle");
}

TEST(Pickle, HoldsFrames) {
  EXPECT_EQ(error_of("\x80\x04\x95\x03\0\0\0\0\0\0\0K\x07."s), "");
  EXPECT_NE(error_of("\x80\x04\x95\x02\0\0\0\0\0\0\0M\x07\x07."s).find("straddles its frame"),
            std::string::npos);
  EXPECT_NE(error_of("\x80\x04\x95\xff\0\0\0\0\0\0\0K\x07."s).find("truncated"), std::string::npos);
}

TEST(Pickle, BoundsSizesAndDepths) {
  EXPECT_NE(error_of(std::string(1'000'000, '(')).find("nested too deeply"), std::string::npos);
  EXPECT_NE(error_of(std::string(5'000'000, ']')).find("more than 4000000 values"),
            std::string::npos);
  EXPECT_NE(error_of("Nr\xff\xff\xff\xff."s).find("memo is too large"), std::string::npos);
  EXPECT_NE(error_of("\x8e\xff\xff\xff\xff\xff\xff\xff\xff."s).find("truncated"),
            std::string::npos);
  EXPECT_NE(error_of("B\xff\xff\xff\xff."s).find("truncated"), std::string::npos);
}

TEST(Pickle, RefusesABrokenStack) {
  for (const char* bad : {"",       ".",   "a.",  "0.",   "1.",   "2.",    "t.",   "R.",    "b.",
                          "(.",     "NN.", "Nb.", "NNb.", "s.",   "u.",    "e.",   "\x85.", "\x93.",
                          "h\x00.", "o.",  "(o.", "NNR.", "]NR.", "]Na]N", "\xff."})
    EXPECT_NE(error_of(std::string(bad)), "") << bad;
}

TEST(Pickle, RefusesCompressedGarbage) {
  EXPECT_EQ(error_of("\x1f\x8b"
                     "garbage"),
            "the gzip data is damaged or truncated");
  EXPECT_EQ(error_of("BZhgarbage"), "the bz2 data is damaged or truncated");
  EXPECT_EQ(error_of("\x78\x9c"
                     "garbage"),
            "the zlib data is damaged or truncated");
  EXPECT_EQ(error_of("\xfd"
                     "7zXZ garbage"),
            "the xz data is damaged or truncated");
  EXPECT_EQ(error_of("\x04\x22\x4d\x18 garbage"), "the lz4 data is damaged or truncated");
}

TEST(Pickle, SurvivesEveryCutAndManyMutations) {
  std::string whole = array_pickle();
  for (size_t n = 0; n < whole.size(); ++n) EXPECT_FALSE(read_bytes(whole.substr(0, n)).ok()) << n;
  unsigned seed = 7;
  std::mt19937 random(seed);
  for (int i = 0; i < 20000; ++i) {
    std::string bytes = whole;
    for (int k = 0; k < 3; ++k) bytes[random() % bytes.size()] = static_cast<char>(random());
    auto d = read_bytes(bytes);
    if (d.ok() && (*d)->root->array) (void)doubles(*(*d)->root->array);
  }
}

TEST(Pickle, ClassifiesByExactPairs) {
  EXPECT_EQ(classify("numpy", "ndarray"), Verdict::kAllowed);
  EXPECT_EQ(classify("numpy", "ndarray dtype"), Verdict::kRefused);
  EXPECT_EQ(classify("numpy numpy", "ndarray"), Verdict::kRefused);
  EXPECT_EQ(classify("numpy", ""), Verdict::kRefused);
  EXPECT_EQ(classify("", ""), Verdict::kRefused);
  EXPECT_EQ(classify("sklearn.svm._classes", "SVR"), Verdict::kUnsupported);
  EXPECT_EQ(classify("sklearn.svm._classes", "system"), Verdict::kRefused);
  EXPECT_EQ(classify("sklearnx", "SVC"), Verdict::kRefused);
  EXPECT_EQ(classify("xgboost.sklearn", "XGBClassifier"), Verdict::kUnsupported);
}

}  // namespace
}  // namespace proa::pickle
