#include "models/storage/transfer/xml.h"

#include <gtest/gtest.h>

namespace proa::storage {
namespace {

TEST(Xml, ReadsElementsAndText) {
  const auto x = parse_xml(
      "<?xml version=\"1.0\"?><!-- c --><s:A x='1' y=\"&quot;\"><B>a &amp; &#x41;&#66;</B><B/>"
      "<C><![CDATA[<raw>]]></C></s:A>\n");
  ASSERT_TRUE(x.ok()) << x.error().message;
  EXPECT_EQ(x->name, "A");
  ASSERT_EQ(x->children.size(), 3u);
  EXPECT_EQ((*x)["B"], "a & AB");
  EXPECT_EQ((*x)["C"], "<raw>");
  EXPECT_EQ((*x)["none"], "");
}

TEST(Xml, RefusesWhatIsNotWellFormedOrDangerous) {
  for (auto text : {"", "<a>", "<a></b>", "<a><b></a></b>", "<a>&bomb;</a>", "<a>&#0;</a>",
                    "<a>&#xd800;</a>", "<a b></a>", "<a b=c></a>", "<a/><b/>", "<a/>x",
                    "<!DOCTYPE a [<!ENTITY b 'c'>]><a/>", "<a><![CDATA[x</a>", "<a><!-- </a>"})
    EXPECT_FALSE(parse_xml(text).ok()) << text;
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "<a>";
  EXPECT_FALSE(parse_xml(deep).ok());
  std::string many = "<a>";
  for (int i = 0; i < 100; ++i) many += "<b/>";
  EXPECT_FALSE(parse_xml(many + "</a>", {32, 50}).ok());
}

}  // namespace
}  // namespace proa::storage
