#include <gtest/gtest.h>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/features/text/analyzer.h"
#include "models/engines/sklearn/features/text/hash.h"
#include "models/engines/sklearn/features/text/makers.h"
#include "models/engines/sklearn/transform/testing.h"

namespace proa::engines {
namespace {

std::vector<std::string> found(std::string_view source, std::string_view text) {
  auto pattern = Pattern::compile(source);
  if (!pattern.ok()) return {pattern.error().message};
  std::vector<uint32_t> codes;
  for (size_t at = 0; at < text.size();) codes.push_back(next_code(text, at));
  std::vector<std::pair<size_t, size_t>> ranges;
  Status status = pattern->find_all(codes, ranges);
  if (!status.ok()) return {status.error().message};
  std::vector<std::string> out;
  for (auto [b, e] : ranges) out.emplace_back(text.substr(b, e - b));  // of ASCII
  return out;
}

using Words = std::vector<std::string>;

TEST(Pattern, FindsAsPythonDoes) {
  EXPECT_EQ(found("(?u)\\b\\w+\\b", "a bc, d_1"), (Words{"a", "bc", "d_1"}));
  EXPECT_EQ(found("[a-c]{2,3}", "aabbccab"), (Words{"aab", "bcc", "ab"}));
  EXPECT_EQ(found("a|ab", "abab"), (Words{"a", "a"}));
  EXPECT_EQ(found("(?:ab)+?", "ababab"), (Words{"ab", "ab", "ab"}));
  EXPECT_EQ(found("x(\\d+)y", "x12y x3y"), (Words{"12", "3"}));
  EXPECT_EQ(found("b*", "abb"), (Words{"", "bb", ""}));
  EXPECT_EQ(found("[^\\W\\d_]+", "ab1_c"), (Words{"ab", "c"}));
  EXPECT_EQ(found("^a|c$", "abac"), (Words{"a", "c"}));
}

TEST(Pattern, RefusesWhatItDoesNotKnow) {
  for (const char* p : {"(?=a)", "(a)(b)", "a**", "(a*)*", "\\1", "[a", "(a", "a)", "*a", "a{3,1}"})
    EXPECT_FALSE(Pattern::compile(p).ok()) << p;
}

TEST(Pattern, GivesUpOnEndlessBacktracking) {
  Words answer = found("(?:a|a)(?:a|a|a|a)+b", std::string(60, 'a'));
  ASSERT_EQ(answer.size(), 1u);
  EXPECT_NE(answer[0].find("too many steps"), std::string::npos);
}

TEST(Unicode, LowersAsPythonDoes) {
  EXPECT_EQ(lower_text("ABC"), "abc");
  EXPECT_EQ(lower_text("\xc3\x89T\xc3\x89"), "\xc3\xa9t\xc3\xa9");  // ÉTÉ
  EXPECT_EQ(lower_text("\xce\x91\xce\xa3"), "\xce\xb1\xcf\x82");    // ΑΣ: a final sigma
  EXPECT_EQ(lower_text("\xce\xa3\xce\x91"), "\xcf\x83\xce\xb1");    // ΣΑ
  EXPECT_EQ(lower_text("\xc4\xb0"), "i\xcc\x87");                   // İ
}

TEST(Unicode, StripsAccents) {
  EXPECT_EQ(AccentStripper(false).strip("\xc3\xa9\xce\xb1"), "e\xce\xb1");
  EXPECT_EQ(AccentStripper(true).strip("\xc3\xa9\xce\xb1"), "e");
  EXPECT_EQ(AccentStripper(false).strip("\xef\xac\x81n"), "fin");  // ﬁn
}

TEST(Unicode, TakesBytesThatAreNoTextAsReplacements) {
  std::string_view bad = "\xc3(\xf0\x9f";
  size_t at = 0;
  EXPECT_EQ(next_code(bad, at), 0xfffdu);
  EXPECT_EQ(next_code(bad, at), uint32_t{'('});
  while (at < bad.size()) EXPECT_EQ(next_code(bad, at), 0xfffdu);
}

TEST(Hash, IsMurmur3) {
  EXPECT_EQ(murmur3(""), 0);
  EXPECT_EQ(murmur3("foo"), -156908512);
  EXPECT_EQ(murmur3("foo", 42), -1322301282);
}

pickle::Node* vectorizer(Nodes& n, pickle::Node* vocabulary, const char* analyzer = "word") {
  return n.object("sklearn.feature_extraction.text.CountVectorizer",
                  {{"analyzer", n.text(analyzer)},
                   {"ngram_range", n.list({n.integer(1), n.integer(2)})},
                   {"token_pattern", n.text("(?u)\\b\\w\\w+\\b")},
                   {"vocabulary_", vocabulary}});
}

TEST(CountVectorizer, CountsKnownTermsAndPairs) {
  Nodes n;
  NoMaker maker;
  auto* words = n.dict({{"cat", n.integer(2)}, {"the cat", n.integer(0)}, {"dog", n.integer(1)}});
  auto v = make_count_vectorizer(Attributes(*vectorizer(n, words)), maker);
  ASSERT_TRUE(v.ok());
  Cell text{Cell::Kind::kText, 0, "The cat, the CAT. a cat"};
  Table in;
  in.form = Table::Form::kCells;
  in.rows = in.columns = 1;
  in.cells = &text;
  Workspace work;
  Table out;
  ASSERT_TRUE((*v)->transform(in, work, out).ok());
  ASSERT_EQ(out.starts[1], 2u);
  EXPECT_EQ(out.columns, 3u);
  EXPECT_EQ(out.indices[0], 0u);
  EXPECT_EQ(out.values[0], 2);
  EXPECT_EQ(out.indices[1], 2u);
  EXPECT_EQ(out.values[1], 3);
}

TEST(CountVectorizer, RefusesAVocabularyThatIsNoNumbering) {
  Nodes n;
  NoMaker maker;
  for (int64_t second : {int64_t{0}, int64_t{2}, int64_t{-1}}) {
    auto* words = n.dict({{"cat", n.integer(0)}, {"dog", n.integer(second)}});
    EXPECT_FALSE(make_count_vectorizer(Attributes(*vectorizer(n, words)), maker).ok());
  }
}

TEST(CountVectorizer, SaysWhichRowIsNoText) {
  Nodes n;
  NoMaker maker;
  auto v =
      make_count_vectorizer(Attributes(*vectorizer(n, n.dict({{"cat", n.integer(0)}}))), maker);
  ASSERT_TRUE(v.ok());
  double number = 3;
  Table in;
  in.rows = in.columns = 1;
  in.dense = &number;
  Workspace work;
  Table out;
  Status status = (*v)->transform(in, work, out);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message, "row 0 is no text, but 3");
}

TEST(DictVectorizer, TakesNoRowsAsTheReleaseDoes) {
  auto shape = [](Maker::Release release, bool sparse) {
    Nodes n;
    NoMaker maker(release);
    auto* node = n.object("sklearn.feature_extraction._dict_vectorizer.DictVectorizer",
                          {{"separator", n.text("=")},
                           {"sparse", n.flag(sparse)},
                           {"vocabulary_", n.dict({{"a", n.integer(0)}, {"b", n.integer(1)}})}});
    auto v = make_dict_vectorizer(Attributes(*node), maker);
    EXPECT_TRUE(v.ok());
    Workspace work;
    Table out;
    Status status = (*v)->transform(Table{}, work, out);
    return status.ok() ? str(out.rows, " of ", out.columns) : "refused";
  };
  EXPECT_EQ(shape({0, 24}, false), "0 of 2");
  EXPECT_EQ(shape({0, 24}, true), "refused");
  EXPECT_EQ(shape({1, 0}, false), "refused");
}

}  // namespace
}  // namespace proa::engines
