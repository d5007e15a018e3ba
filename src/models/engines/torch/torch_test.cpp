#include <gtest/gtest.h>
#include <unistd.h>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "models/engines/torch/archive.h"
#include "models/engines/torch/torch_engine.h"
#include "models/engines/torch/triton_names.h"
#include "models/engines/torch/zip_maker.h"

namespace proa::torch {
namespace {

class TorchFiles : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = str(testing::TempDir(), "proa-torch-", static_cast<int>(::getpid()));
    ASSERT_TRUE(make_dirs(folder_).ok());
    ::setenv("PROA_ENGINES_DIR", folder_.c_str(), 1);
  }
  void TearDown() override {
    ::unsetenv("PROA_ENGINES_DIR");
    (void)remove_tree(folder_);
  }
  std::string put_file(const std::string& name, std::string_view content) {
    std::string path = str(folder_, "/", name);
    EXPECT_TRUE(write_file(path, content).ok());
    return path;
  }
  std::string refusal(const std::string& name, std::string_view content) {
    auto model = engines::torch_engine().load(put_file(name, content), {});
    return model.ok() ? "" : model.error().message;
  }
  std::string folder_;
};

std::string manifest(std::string_view more) {
  return str(R"({"runtime": "python", "model": {"modelName": "m", "modelVersion": "1.0")", more,
             "}}");
}

TEST_F(TorchFiles, AnArchivesManifestAndScriptAreRead) {
  std::string mar =
      make_zip({{"net.pt", "the script"},
                {"MAR-INF/MANIFEST.json",
                 manifest(R"(, "serializedFile": "net.pt", "handler": "base_handler")")}});
  auto archive = read_archive(put_file("m.mar", mar), 0);
  ASSERT_TRUE(archive.ok()) << archive.error().message;
  EXPECT_EQ(archive->manifest.name, "m");
  EXPECT_EQ(archive->script, "the script");
  auto small = read_archive(put_file("m.mar", mar), 5);
  ASSERT_FALSE(small.ok());
  EXPECT_EQ(small.error().code, Code::kTooLarge);
}

TEST_F(TorchFiles, AnArchiveThatNeedsPythonIsRefusedWithTheWayOut) {
  std::string own = make_zip(
      {{"MAR-INF/MANIFEST.json", manifest(R"(, "serializedFile": "n.pt", "handler": "mine.py")")}});
  EXPECT_TRUE(contains(refusal("a.mar", own), "mine.py, is Python code"));
  EXPECT_TRUE(contains(refusal("a.mar", own), "torch.jit.script"));
  std::string eager = make_zip({{"MAR-INF/MANIFEST.json", manifest(R"(, "serializedFile": "n.pt",
      "modelFile": "net.py", "handler": "image_classifier")")}});
  EXPECT_TRUE(contains(refusal("b.mar", eager), "the code of the network, net.py"));
  std::string empty = make_zip({{"MAR-INF/MANIFEST.json", manifest("")}});
  EXPECT_TRUE(contains(refusal("c.mar", empty), "holds no model"));
  EXPECT_TRUE(contains(refusal("d.mar", make_zip({{"x", "y"}})), "MAR-INF/MANIFEST.json"));
  std::string lost =
      make_zip({{"MAR-INF/MANIFEST.json", manifest(R"(, "serializedFile": "n.pt")")}});
  EXPECT_TRUE(contains(refusal("e.mar", lost), "has no file n.pt"));
}

TEST_F(TorchFiles, WhatIsNoTorchScriptIsToldApart) {
  EXPECT_TRUE(contains(refusal("w.pt", make_zip({{"w/data.pkl", "x"}, {"w/data/0", "y"}})),
                       "weights only"));
  EXPECT_TRUE(contains(refusal("p.pt2", make_zip({{"serialized_exported_program.json", "{}"}})),
                       "torch.export"));
  EXPECT_TRUE(contains(refusal("q.pt2", make_zip({{"q/archive_format", "pt2"}})), "torch.export"));
  EXPECT_TRUE(contains(refusal("x.pt", make_zip({{"readme", "x"}})), "no TorchScript file"));
  EXPECT_TRUE(contains(refusal("y.pt", "not a zip file at all"), "no TorchScript file"));
  EXPECT_TRUE(contains(refusal("z.pt", ""), "no TorchScript file"));
}

TEST_F(TorchFiles, WithoutLibtorchTheErrorSaysHowToInstallIt) {
  std::string script = make_zip({{"m/code/__torch__.py", "x"}, {"m/constants.pkl", "y"}});
  std::string message = refusal("m.pt", script);
  EXPECT_TRUE(contains(message, "the engine torch is not installed")) << message;
  EXPECT_TRUE(contains(message, "tools/engines/install torch")) << message;
}

TEST_F(TorchFiles, ADamagedZipFileIsRefused) {
  std::string whole = make_zip({{"a", "content of it"}, {"b", "more"}});
  for (size_t cut = 1; cut < whole.size(); ++cut)
    EXPECT_FALSE(Zip::open(put_file("cut.zip", whole.substr(0, whole.size() - cut))).ok()) << cut;
  std::string flipped = whole;
  flipped[35] ^= 1;  // of the first entry's content
  auto zip = Zip::open(put_file("flipped.zip", flipped));
  ASSERT_TRUE(zip.ok());
  auto content = zip->read(*zip->find("a"), 1000);
  ASSERT_FALSE(content.ok());
  EXPECT_TRUE(contains(content.error().message, "checksum"));
  EXPECT_EQ(zip->read(*zip->find("b"), 1000).value(), "more");
}

TEST(TritonNames, AreTakenByTheirIndex) {
  GivenNames given = given_names(R"(name: "m__7" platform: "pytorch_libtorch" # "input__9"
input [ { name: "INPUT__1" data_type: TYPE_FP32 dims: [ 4 ] }, { name: "x" }, { name: "a__0" } ]
output { name: "OUTPUT__0" label_filename: "l__1" })");
  EXPECT_EQ(given.inputs, (std::vector<std::string>{"a__0", "INPUT__1"}));
  EXPECT_EQ(given.outputs, std::vector<std::string>{"OUTPUT__0"});
  EXPECT_TRUE(given_names("input { name: \"a__99999\" } input { name: \"b").inputs.empty());
  EXPECT_TRUE(given_names_beside("/nonexistent/1/model.pt").inputs.empty());
}

}  // namespace
}  // namespace proa::torch
