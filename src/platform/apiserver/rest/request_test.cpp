#include "platform/apiserver/rest/request.h"

#include <gtest/gtest.h>

namespace proa::apiserver {
namespace {

std::string target_text(std::string_view path) {
  auto t = parse_target(path);
  if (!t) return "none";
  return t->group + "|" + t->version + "|" + t->plural + "|" + t->ns + "|" + t->name + "|" +
         t->subresource;
}

TEST(Target, IsReadFromThePath) {
  EXPECT_EQ(target_text("/api/v1/pods"), "|v1|pods|||");
  EXPECT_EQ(target_text("/api/v1/namespaces/a/pods"), "|v1|pods|a||");
  EXPECT_EQ(target_text("/api/v1/namespaces/a/pods/p/log"), "|v1|pods|a|p|log");
  EXPECT_EQ(target_text("/api/v1/namespaces"), "|v1|namespaces|||");
  EXPECT_EQ(target_text("/api/v1/namespaces/a"), "|v1|namespaces||a|");
  EXPECT_EQ(target_text("/api/v1/namespaces/a/finalize"), "|v1|namespaces||a|finalize");
  EXPECT_EQ(target_text("/api/v1/namespaces/a/status"), "|v1|namespaces||a|status");
  EXPECT_EQ(target_text("/apis/apps/v1/namespaces/a/deployments/d/scale"),
            "apps|v1|deployments|a|d|scale");
  EXPECT_EQ(target_text("/apis/apps/v1"), "none");
  EXPECT_EQ(target_text("/version"), "none");
}

TEST(Query, IsDecodedOnce) {
  Query query("labelSelector=a%3Db%2Cc+in+%28d%29&watch=true&limit=5&empty&bad=x");
  EXPECT_EQ(query.get("labelSelector"), "a=b,c in (d)");
  EXPECT_TRUE(query.flag("watch"));
  EXPECT_TRUE(query.flag("empty"));
  EXPECT_FALSE(query.flag("absent"));
  EXPECT_EQ(**query.number("limit"), 5);
  EXPECT_FALSE(query.number("bad").ok());
}

TEST(Answering, TakesTheFirstFormThatIsKnown) {
  Query none("");
  auto table =
      parse_answering("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", none);
  EXPECT_EQ(table->form, Form::kTable);
  auto old =
      parse_answering("application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json", none);
  EXPECT_EQ(old->form, Form::kObject);
  EXPECT_TRUE(parse_answering("application/yaml", none)->yaml);
  EXPECT_EQ(parse_answering(
                "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;v=v1,application/"
                "json;as=PartialObjectMetadataList;v=v1",
                none)
                ->form,
            Form::kMetadata);
  EXPECT_TRUE(
      parse_answering(
          "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json",
          none)
          ->aggregated);
  EXPECT_FALSE(parse_answering("", none)->yaml);
  EXPECT_FALSE(parse_answering("*/*", Query("includeObject=Nonsense")).ok());
}

}  // namespace
}  // namespace proa::apiserver
