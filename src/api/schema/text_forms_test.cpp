// Quantities, selectors and JSON paths.
#include "api/schema/jsonpath.h"
#include "api/schema/quantity.h"
#include "api/schema/schema_test.h"
#include "api/schema/selectors.h"

namespace proa::api {
namespace {

TEST(Quantity, HasOneCanonicalText) {
  for (auto [in, out] : {std::pair{"0.1", "100m"},
                         {"1024Mi", "1Gi"},
                         {"1000m", "1"},
                         {"1.5Gi", "1536Mi"},
                         {"1e3", "1e3"},
                         {"0", "0"},
                         {"12345", "12345"},
                         {"1000000", "1M"},
                         {"500u", "500u"},
                         {"-2k", "-2k"},
                         {"1500", "1500"},
                         {"0.5Gi", "512Mi"},
                         {"100Pi", "100Pi"},
                         {"1100m", "1100m"},
                         {"0.1n", "1n"}})
    EXPECT_EQ(Quantity::parse(in).value().text(), out) << in;
  for (const char* bad : {"", "x", "1x", "1 Gi", "--1", "1.2.3", "1e", "Gi"})
    EXPECT_FALSE(Quantity::parse(bad)) << bad;
}

TEST(Quantity, ComparesAndRoundsUp) {
  EXPECT_LT(*Quantity::parse("900Mi"), *Quantity::parse("1Gi"));
  EXPECT_EQ(*Quantity::parse("1000m"), *Quantity::parse("1"));
  EXPECT_EQ(Quantity::parse("1500m")->value(), 2);
  EXPECT_EQ(Quantity::parse("2Gi")->value(), int64_t{2} << 30);
  EXPECT_EQ(Quantity::parse("1.5")->milli(), 1500);
  EXPECT_EQ((*Quantity::parse("1Gi") + *Quantity::parse("1Gi")).text(), "2Gi");
  EXPECT_EQ(Quantity::parse("99999999999999999999E")->value(), INT64_MAX);
}

TEST(LabelSelector, MatchesAsKubernetesDoes) {
  json::Value labels = js("{'a': 'b', 'c': 'd', 'n': '5'}");
  for (auto [text, want] : {std::pair{"", true},
                            {"a=b", true},
                            {"a==b,c!=x", true},
                            {"a!=b", false},
                            {"z!=b", true},
                            {"c in (d, e)", true},
                            {"c notin (d)", false},
                            {"z notin (d)", true},
                            {"a", true},
                            {"!a", false},
                            {"!z", true},
                            {"n>4", true},
                            {"n<4", false},
                            {" a = b , c ", true}}) {
    auto s = LabelSelector::parse(text);
    ASSERT_TRUE(s.ok()) << text << ": " << s.error().message;
    EXPECT_EQ(s->matches(labels), want) << text;
  }
  for (const char* bad : {"a=b,", "in (a)(", "a in b", "=", "a in (b"})
    EXPECT_FALSE(LabelSelector::parse(bad).ok()) << bad;
}

TEST(LabelSelector, ComesFromAnObjectToo) {
  auto s =
      LabelSelector::from(js("{'matchLabels': {'a': 'b'}, 'matchExpressions': [{'key': 'c', "
                             "'operator': 'In', 'values': ['x', 'y']}]}"));
  ASSERT_TRUE(s.ok());
  EXPECT_EQ(s->text(), "a=b,c in (x,y)");
  EXPECT_FALSE(s->matches(js("{'a': 'b'}")));
}

TEST(FieldSelector, ReadsDottedPaths) {
  json::Value pod = js("{'metadata': {'name': 'x'}, 'spec': {'nodeName': 'proa'}}");
  EXPECT_TRUE(FieldSelector::parse("metadata.name=x,spec.nodeName!=other")->matches(pod));
  EXPECT_TRUE(FieldSelector::parse("metadata.name==x")->matches(pod));
  EXPECT_FALSE(FieldSelector::parse("status.phase=Running")->matches(pod));
  EXPECT_TRUE(FieldSelector::parse("status.phase!=Running")->matches(pod));
  EXPECT_EQ(*FieldSelector::parse("metadata.name=x")->required("metadata.name"), "x");
  EXPECT_FALSE(FieldSelector::parse("metadata.name").ok());
}

TEST(JsonPath, CoversThePrinterColumns) {
  json::Value v =
      js("{'status': {'conditions': [{'type': 'A', 'status': 'False'}, {'type': 'Ready', 'status': "
         "'True'}],"
         "'traffic': [{'tag': 'prev', 'percent': 20}, {'latestRevision': true, 'percent': 80}]},"
         "'formats': [{'name': 'sklearn'}, {'name': 'onnx'}], 'labels': {'a.b/c': 'x'}}");
  auto first = [&](const char* path) {
    auto p = JsonPath::parse(path);
    if (!p.ok()) return p.error().message;
    auto found = p->find(v);
    return found.empty() ? std::string("none") : json::dump(*found[0]);
  };
  EXPECT_EQ(first(".status.conditions[?(@.type=='Ready')].status"), "\"True\"");
  EXPECT_EQ(first("{.status.conditions[?(@.type==\"Ready\")].status}"), "\"True\"");
  EXPECT_EQ(first(".status.traffic[?(@.tag=='prev')].percent"), "20");
  EXPECT_EQ(first(".status.traffic[?(@.latestRevision==true)].percent"), "80");
  EXPECT_EQ(first(".status.traffic[?(@.percent>50)].percent"), "80");
  EXPECT_EQ(first(".labels['a\\.b/c']"), "\"x\"");
  EXPECT_EQ(first(".labels.a\\.b/c"), "\"x\"");
  EXPECT_EQ(first(".formats[-1].name"), "\"onnx\"");
  EXPECT_EQ(first(".nothing.here"), "none");
  EXPECT_EQ(JsonPath::parse(".formats[*].name")->find(v).size(), 2u);
  EXPECT_FALSE(JsonPath::parse(".a[?(b)]").ok());
  EXPECT_FALSE(JsonPath::parse(".a[").ok());
}

}  // namespace
}  // namespace proa::api
