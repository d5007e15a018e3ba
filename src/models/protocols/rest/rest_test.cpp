#include <gtest/gtest.h>

#include "foundation/base/strings.h"
#include "models/protocols/rest/cloud_events.h"
#include "models/protocols/rest/coding.h"
#include "models/protocols/rest/job.h"
#include "models/protocols/rest/route.h"

namespace proa::protocols {
namespace {

TEST(Route, KnowsThoseOfTensorFlowServing) {
  struct Case {
    const char* path;
    Endpoint endpoint;
    const char *model, *version, *label;
  };
  for (const Case& c : {
           Case{"/v1/models/a/versions/2", Endpoint::kV1Model, "a", "2", ""},
           Case{"/v1/models/a/labels/stable", Endpoint::kV1Model, "a", "", "stable"},
           Case{"/v1/models/a/metadata", Endpoint::kV1Metadata, "a", "", ""},
           Case{"/v1/models/a/versions/2/metadata", Endpoint::kV1Metadata, "a", "2", ""},
           Case{"/v1/models/a/labels/x:predict", Endpoint::kV1Predict, "a", "", "x"},
           Case{"/v1/models/a/versions/2:predict", Endpoint::kV1Predict, "a", "2", ""},
           Case{"/v1/models/a:classify", Endpoint::kV1Classify, "a", "", ""},
           Case{"/v1/models/a/versions/2:regress", Endpoint::kV1Regress, "a", "2", ""},
           Case{"/v1/models/a/versions/", Endpoint::kNone, "", "", ""},
           Case{"/v1/models/a/versions/2/x", Endpoint::kNone, "", "", ""},
           Case{"/v1/models/a/other/2", Endpoint::kNone, "", "", ""},
           Case{"/v1/models//metadata", Endpoint::kNone, "", "", ""},
       }) {
    Route r = route(c.path);
    EXPECT_EQ(r.endpoint, c.endpoint) << c.path;
    if (r.endpoint == Endpoint::kNone) continue;
    EXPECT_EQ(r.model, c.model) << c.path;
    EXPECT_EQ(r.version, c.version) << c.path;
    EXPECT_EQ(r.label, c.label) << c.path;
    bool post = c.endpoint != Endpoint::kV1Model && c.endpoint != Endpoint::kV1Metadata;
    EXPECT_EQ(r.post, post) << c.path;
  }
}

TEST(Route, KnowsThePathsOfBothProtocols) {
  struct Case {
    const char* path;
    Endpoint endpoint;
    const char *model, *version;
    bool post;
  };
  for (const Case& c : {
           Case{"/", Endpoint::kAlive, "", "", false},
           Case{"/v1/models/a:predict", Endpoint::kV1Predict, "a", "", true},
           Case{"/v1/models/a:explain", Endpoint::kV1Explain, "a", "", true},
           Case{"/v1/models/a", Endpoint::kV1Model, "a", "", false},
           Case{"/v1/models/a:b", Endpoint::kV1Model, "a:b", "", false},
           Case{"/v1/models/a:b:predict", Endpoint::kV1Predict, "a:b", "", true},
           Case{"/v1/models/a/b", Endpoint::kNone, "", "", false},
           Case{"/v1/models/", Endpoint::kNone, "", "", false},
           Case{"/v2/models/a", Endpoint::kModel, "a", "", false},
           Case{"/v2/models/a/ready", Endpoint::kModelReady, "a", "", false},
           Case{"/v2/models/a/infer", Endpoint::kInfer, "a", "", true},
           Case{"/v2/models/a/versions/3/infer", Endpoint::kInfer, "a", "3", true},
           Case{"/v2/models/a/versions/3", Endpoint::kModel, "a", "3", false},
           Case{"/v2/models/a/versions//infer", Endpoint::kNone, "", "", false},
           Case{"/v2/models/a/infer/x", Endpoint::kNone, "", "", false},
           Case{"/v2/models/a/", Endpoint::kNone, "", "", false},
           Case{"/v2/repository/index", Endpoint::kIndex, "", "", true},
           Case{"/v2/repository/models/a/load", Endpoint::kLoad, "a", "", true},
           Case{"/v2/repository/models/a/unload", Endpoint::kUnload, "a", "", true},
           Case{"/v2/health/live", Endpoint::kLive, "", "", false},
           Case{"/v3", Endpoint::kNone, "", "", false},
       }) {
    Route r = route(c.path);
    EXPECT_EQ(r.endpoint, c.endpoint) << c.path;
    if (r.endpoint == Endpoint::kNone) continue;
    EXPECT_EQ(r.model, c.model) << c.path;
    EXPECT_EQ(r.version, c.version) << c.path;
    EXPECT_EQ(r.post, c.post) << c.path;
  }
}

TEST(Coding, IsChosenByWhatTheClientAccepts) {
  EXPECT_EQ(accepted_coding("gzip, deflate, br"), Coding::kGzip);
  EXPECT_EQ(accepted_coding("deflate"), Coding::kDeflate);
  EXPECT_EQ(accepted_coding("gzip;q=0, deflate"), Coding::kDeflate);
  EXPECT_EQ(accepted_coding("br"), Coding::kIdentity);
  EXPECT_EQ(accepted_coding("*"), Coding::kGzip);
  EXPECT_EQ(coding_of("br").error().code, Code::kUnsupportedMedia);
}

TEST(Coding, ReadsDeflateWithoutItsHeader) {
  std::string packed, plain;
  ASSERT_TRUE(encode(Coding::kDeflate, "hello hello hello", packed).ok());
  ASSERT_TRUE(decode(Coding::kDeflate, packed.substr(2, packed.size() - 6), 100, plain).ok());
  EXPECT_EQ(plain, "hello hello hello");
}

TEST(Coding, RefusesWhatFollowsTheEnd) {
  std::string packed, plain;
  ASSERT_TRUE(encode(Coding::kGzip, "x", packed).ok());
  EXPECT_FALSE(decode(Coding::kGzip, packed + "y", 100, plain).ok());
}

TEST(CloudEvents, ReadsDataOrBase64) {
  auto e = cloud_event({}, "application/cloudevents+json; charset=utf-8",
                       R"({"specversion":"1.0","id":"1","source":"s","type":"t","n":5,)"
                       R"("data_base64":"e30="})");
  ASSERT_TRUE(e.ok() && *e);
  EXPECT_EQ((*e)->data, "{}");
  EXPECT_TRUE((*e)->structured);
  EXPECT_FALSE(cloud_event({}, "application/cloudevents+json", "{}").ok());
  EXPECT_FALSE(*cloud_event({}, "application/json", "{}"));
}

TEST(CloudEvents, MergesAttributesAndLetsNoLineIn) {
  CloudEvent request;
  request.attributes = {{"id", "old"}, {"myext", "a\r\nx: y"}, {"Bad Name", "x"}};
  CloudAnswer a = cloud_answer(request, {"my.type", "my/source", true}, "m", "new", "now", "{}");
  EXPECT_EQ(a.headers,
            "ce-specversion: 1.0\r\nce-id: new\r\nce-source: my/source\r\nce-type: my.type\r\n"
            "ce-time: now\r\nce-myext: a%0D%0Ax: y\r\n");
}

TEST(Errors, AreInKServesForm) {
  std::string out;
  EXPECT_EQ(error_answer(error(Code::kNotFound, "a \"b\""), out).status, 404);
  EXPECT_EQ(out, R"({"error":"a \"b\""})");
  EXPECT_EQ(error_answer(error(Code::kUnprocessable, "x"), out).status, 422);
  EXPECT_TRUE(contains(out, R"("detail":[{"type":"value_error","loc":["body"],"msg":"x"}])"));
}

}  // namespace
}  // namespace proa::protocols
