#include <gtest/gtest.h>

#include "foundation/base/strings.h"
#include "models/engines/pmml/pmml_engine.h"

namespace proa::engines {
namespace {

using inference::Cell;
using inference::Output;
using inference::Table;
using inference::Workspace;

// A document around a model; the fields x, y (numbers) and c (a text), the target t.
std::string document(std::string_view model, std::string_view target = "string",
                     std::string_view before = "") {
  return str(R"(<?xml version="1.0"?><PMML version="4.4" xmlns="http://www.dmg.org/PMML-4_4">
    <Header/><DataDictionary>
    <DataField name="x" optype="continuous" dataType="double"/>
    <DataField name="y" optype="continuous" dataType="double"/>
    <DataField name="c" optype="categorical" dataType="string"/>
    <DataField name="t" optype="categorical" dataType=")",
             target, "\"/></DataDictionary>", before, model, "</PMML>");
}

constexpr std::string_view kSchema = R"(<MiningSchema><MiningField name="x"/><MiningField name="y"/>
  <MiningField name="c" invalidValueTreatment="asIs"/>
  <MiningField name="t" usageType="target"/></MiningSchema>)";

struct Asked {
  std::unique_ptr<inference::Model> model;
  Workspace work;
  Output out;
  Status status;
  double number(size_t i) const { return out.at(i).numbers[0]; }
  std::string text(size_t i) const { return std::string(out.at(i).texts[0]); }
};

// The model's answer to one row; NaN and "" are missing.
void ask(Asked& a, std::string text, double x, double y, std::string_view c) {
  auto model = read_pmml(std::move(text), {});
  ASSERT_TRUE(model.ok()) << model.error().message;
  a.model = std::move(*model);
  Cell cells[3] = {{Cell::Kind::kNumber, x, {}}, {Cell::Kind::kNumber, y, {}}, {}};
  if (!c.empty()) cells[2] = {Cell::Kind::kText, 0, c};
  Table in;
  in.form = Table::Form::kCells;
  in.rows = 1;
  in.columns = 3;
  in.cells = cells;
  a.status = a.model->predict(in, inference::Method::kDefault, a.work, a.out);
}

TEST(Pmml, ATreeAnswersWithTheLabelAndItsProbabilities) {
  std::string model = str(R"(<TreeModel functionName="classification">)", kSchema, R"(
    <Node id="0" score="b"><True/>
      <Node id="1" score="a"><SimplePredicate field="x" operator="lessThan" value="1"/>
        <ScoreDistribution value="a" recordCount="3"/><ScoreDistribution value="b" recordCount="1"/></Node>
      <Node id="2" score="b"><SimpleSetPredicate field="c" booleanOperator="isIn">
        <Array n="2" type="string">red "dark blue"</Array></SimpleSetPredicate>
        <ScoreDistribution value="a" recordCount="1"/><ScoreDistribution value="b" recordCount="4"/></Node>
    </Node></TreeModel>)");
  Asked a;
  ask(a, document(model), 0, 0, "red");
  ASSERT_TRUE(a.status.ok()) << a.status.error().message;
  EXPECT_EQ(a.out.names[0], "predicted_t");
  EXPECT_EQ(a.text(0), "a");
  EXPECT_DOUBLE_EQ(a.number(1), 0.75);
  Asked b;
  ask(b, document(model), 2, 0, "dark blue");
  EXPECT_EQ(b.text(0), "b");
  EXPECT_DOUBLE_EQ(b.number(1), 0.8);
}

TEST(Pmml, ARegressionTakesCategoriesPowersAndInteractions) {
  std::string model = str(R"(<RegressionModel functionName="regression">)", kSchema, R"(
    <RegressionTable intercept="1"><NumericPredictor name="x" coefficient="2" exponent="2"/>
    <CategoricalPredictor name="c" value="red" coefficient="10"/>
    <PredictorTerm coefficient="0.5"><FieldRef field="x"/><FieldRef field="y"/></PredictorTerm>
    </RegressionTable></RegressionModel>)");
  Asked a;
  ask(a, document(model, "double"), 3, 4, "red");
  ASSERT_TRUE(a.status.ok()) << a.status.error().message;
  EXPECT_DOUBLE_EQ(a.number(0), 1 + 18 + 10 + 6);
}

TEST(Pmml, SegmentsInAChainKnowWhatThoseBeforeThemGave) {
  std::string model = str(R"(<MiningModel functionName="regression">)", kSchema, R"(
    <Segmentation multipleModelMethod="modelChain">
    <Segment id="1"><True/><RegressionModel functionName="regression">)",
                          kSchema, R"(
      <Output><OutputField name="first" feature="predictedValue"/></Output>
      <RegressionTable intercept="0"><NumericPredictor name="x" coefficient="2"/></RegressionTable>
      </RegressionModel></Segment>
    <Segment id="2"><True/><RegressionModel functionName="regression">
      <MiningSchema><MiningField name="first"/></MiningSchema>
      <RegressionTable intercept="1"><NumericPredictor name="first" coefficient="10"/></RegressionTable>
      </RegressionModel></Segment></Segmentation></MiningModel>)");
  Asked a;
  ask(a, document(model, "double"), 3, 0, "");
  ASSERT_TRUE(a.status.ok()) << a.status.error().message;
  EXPECT_DOUBLE_EQ(a.number(0), 61);
}

TEST(Pmml, OutputsAreThoseThatTheDocumentNames) {
  std::string model = str(R"(<RegressionModel functionName="regression">)", kSchema, R"(
    <Output><OutputField name="raw"/><OutputField name="twice" feature="transformedValue" dataType="double">
    <Apply function="*"><FieldRef field="raw"/><Constant>2</Constant></Apply></OutputField></Output>
    <Targets><Target field="t" rescaleConstant="1"/></Targets>
    <RegressionTable intercept="4"/></RegressionModel>)");
  Asked a;
  ask(a, document(model, "double"), 0, 0, "");
  ASSERT_TRUE(a.status.ok()) << a.status.error().message;
  ASSERT_EQ(a.out.count(), 2u);
  EXPECT_EQ(a.out.names[1], "twice");
  EXPECT_DOUBLE_EQ(a.number(0), 5);
  EXPECT_DOUBLE_EQ(a.number(1), 10);
}

TEST(Pmml, ACyclicOrHostileDocumentIsRefused) {
  EXPECT_FALSE(read_pmml("", {}).ok());
  EXPECT_FALSE(read_pmml("<PMML>", {}).ok());
  EXPECT_FALSE(read_pmml("<!DOCTYPE a [<!ENTITY b 'c'>]><PMML/>", {}).ok());
  std::string deep;
  for (int i = 0; i < 10000; ++i) deep += "<a>";
  EXPECT_FALSE(read_pmml(deep, {}).ok());
  auto unknown = read_pmml(
      document(str("<RuleSetModel functionName=\"classification\">", kSchema, "</RuleSetModel>")),
      {});
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code, Code::kUnimplemented);
}

TEST(Pmml, AValueThatIsNotValidIsRefusedByName) {
  std::string model = str(R"(<RegressionModel functionName="regression">)", kSchema, R"(
    <RegressionTable intercept="4"><NumericPredictor name="x" coefficient="1"/></RegressionTable>
    </RegressionModel>)");
  auto made = read_pmml(document(model, "double"), {});
  ASSERT_TRUE(made.ok());
  Cell cells[3] = {{Cell::Kind::kText, 0, "many"}, {}, {}};
  Table in;
  in.form = Table::Form::kCells;
  in.rows = 1;
  in.columns = 3;
  in.cells = cells;
  Workspace work;
  Output out;
  Status s = (*made)->predict(in, inference::Method::kDefault, work, out);
  ASSERT_FALSE(s.ok());
  EXPECT_EQ(s.error().message, "row 0: field 'x': 'many' is no valid value");
}

}  // namespace
}  // namespace proa::engines
