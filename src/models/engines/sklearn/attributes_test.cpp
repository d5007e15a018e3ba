#include "models/engines/sklearn/attributes.h"

#include <gtest/gtest.h>

#include <cmath>

#include "foundation/base/strings.h"

namespace proa::engines {
namespace {

using pickle::Document;
using pickle::Kind;
using pickle::Node;

// Nodes as the reader makes them.
struct Maker {
  Document document;
  Node* text(std::string v) {
    Node* n = document.make(Kind::kStr);
    n->text = document.keep(std::move(v));
    return n;
  }
  Node* number(double v) {
    Node* n = document.make(Kind::kFloat);
    n->number = v;
    return n;
  }
  Node* integer(int64_t v) {
    Node* n = document.make(Kind::kInt);
    n->integer = v;
    return n;
  }
  Node* list(std::vector<Node*> items, Kind kind = Kind::kList) {
    Node* n = document.make(kind);
    n->items = std::move(items);
    return n;
  }
  template <typename T>
  Node* array(std::vector<T> v, std::vector<size_t> shape, char kind) {
    Node* n = document.make(Kind::kArray);
    n->array = std::make_unique<pickle::Array>();
    n->array->dtype.kind = kind;
    n->array->dtype.size = sizeof(T);
    n->array->shape = std::move(shape);
    n->array->data =
        document.keep(std::string(reinterpret_cast<const char*>(v.data()), v.size() * sizeof(T)));
    return n;
  }
  Node* objects(std::vector<Node*> items) {
    Node* n = array<char>({}, {items.size()}, 'O');
    n->array->objects = std::move(items);
    return n;
  }
  Node* object(std::string type, std::vector<std::pair<std::string, Node*>> attributes) {
    Node* n = document.make(Kind::kObject);
    n->type = document.make(Kind::kGlobal);
    n->type->text = document.keep(std::move(type));
    n->state = document.make(Kind::kDict);
    for (auto& [key, value] : attributes) {
      n->state->items.push_back(text(key));
      n->state->items.push_back(value);
    }
    return n;
  }
  Node* csr(std::string type, std::vector<double> data, std::vector<int32_t> indices,
            std::vector<int32_t> starts, int64_t rows, int64_t columns) {
    size_t n = data.size(), k = starts.size();
    return object(std::move(type),
                  {{"data", array(std::move(data), {n}, 'f')},
                   {"indices", array(std::move(indices), {n}, 'i')},
                   {"indptr", array(std::move(starts), {k}, 'i')},
                   {"_shape", list({integer(rows), integer(columns)}, Kind::kTuple)}});
  }
};

TEST(Attributes, ReadVectorsOfArraysListsAndNumbers) {
  Maker m;
  Attributes a(*m.object("sklearn.x.C", {{"array", m.array<double>({1, 2}, {2}, 'f')},
                                         {"list", m.list({m.integer(1), m.number(2.5)})},
                                         {"number", m.number(3)},
                                         {"matrix", m.array<double>({1, 2}, {1, 2}, 'f')},
                                         {"none", m.document.make(Kind::kNone)}}));
  EXPECT_EQ(*a.vector({"array"}), (std::vector<double>{1, 2}));
  EXPECT_EQ(*a.vector({"list"}), (std::vector<double>{1, 2.5}));
  EXPECT_EQ(*a.vector({"number"}), (std::vector<double>{3}));
  EXPECT_EQ(*a.vector({"new", "array"}), (std::vector<double>{1, 2}));
  EXPECT_FALSE(a.vector({"matrix"}).ok());
  EXPECT_FALSE(a.vector({"none"}).ok());
  EXPECT_FALSE(a.has("none"));
  EXPECT_EQ(a.vector({"gone"}).error().message, "C: attribute gone is missing; was it fitted?");
}

TEST(Attributes, RefuseNanUnlessItIsAllowed) {
  Maker m;
  Attributes a(*m.object("C", {{"x", m.array<double>({1, NAN}, {2}, 'f')},
                               {"y", m.array<double>({1, INFINITY}, {2}, 'f')}}));
  EXPECT_FALSE(a.vector({"x"}).ok());
  EXPECT_TRUE(a.vector({"x"}, Attributes::Finite::kNanAllowed).ok());
  EXPECT_FALSE(a.vector({"y"}, Attributes::Finite::kNanAllowed).ok());
  EXPECT_TRUE(a.vector({"y"}, Attributes::Finite::kAny).ok());
}

TEST(Attributes, ReadLabelsOfEveryType) {
  Maker m;
  Attributes a(*m.object("C", {{"int", m.array<int64_t>({3, -1}, {2}, 'i')},
                               {"bool", m.array<uint8_t>({0, 1}, {2}, 'b')},
                               {"float", m.array<float>({0.5f}, {1}, 'f')},
                               {"text", m.array<char32_t>({U'é', U'日'}, {2}, 'U')},
                               {"object", m.objects({m.text("a"), m.text("b")})},
                               {"mixed", m.objects({m.text("a"), m.integer(1)})}}));
  EXPECT_EQ(a.labels("int")->integers, (std::vector<int64_t>{3, -1}));
  EXPECT_EQ(a.labels("bool")->type, DataType::kBool);
  EXPECT_EQ(a.labels("float")->type, DataType::kFp32);
  EXPECT_EQ(a.labels("text")->texts, (std::vector<std::string>{"é", "日"}));
  EXPECT_EQ(a.labels("object")->texts, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(a.labels("mixed").error().code, Code::kUnimplemented);
  EXPECT_EQ(a.label_sets("int")->size(), 1u);
}

TEST(Attributes, ReadSparseMatrices) {
  Maker m;
  // [[0, 5], [7, 0], [0, 0]], the second row with a duplicate entry.
  Attributes a(*m.object(
      "C",
      {{"csr", m.csr("scipy.sparse._csr.csr_matrix", {5, 3, 4}, {1, 0, 0}, {0, 1, 3, 3}, 3, 2)},
       {"csc", m.csr("scipy.sparse.csc.csc_matrix", {7, 5}, {1, 0}, {0, 1, 2}, 3, 2)},
       {"dok", m.csr("scipy.sparse.dok.dok_matrix", {}, {}, {0}, 0, 2)}}));
  std::vector<double> filled{0, 5, 7, 0, 0, 0};
  EXPECT_EQ(a.matrix({"csr"})->values, filled);
  EXPECT_EQ(a.matrix({"csc"})->values, filled);
  EXPECT_EQ(a.sparse({"csr"})->starts, (std::vector<size_t>{0, 1, 2, 2}));
  EXPECT_EQ(a.sparse({"csr"})->values, (std::vector<double>{5, 7}));
  EXPECT_EQ(a.matrix({"dok"}).error().code, Code::kUnimplemented);
}

TEST(Attributes, RefuseSparseMatricesWhosePartsDoNotAgree) {
  Maker m;
  const char* type = "scipy.sparse._csr.csr_matrix";
  for (Node* bad :
       {m.csr(type, {1}, {2}, {0, 1}, 1, 2), m.csr(type, {1}, {-1}, {0, 1}, 1, 2),
        m.csr(type, {1}, {0}, {0, 2}, 1, 2), m.csr(type, {1}, {0}, {1, 1}, 1, 2),
        m.csr(type, {1}, {0}, {0, 1}, 2, 2), m.csr(type, {1}, {0}, {0, 1}, -1, 2),
        m.csr(type, {1, 2}, {0, 1}, {0, 2, 1}, 2, 2), m.csr(type, {}, {}, {}, 0, 1LL << 40)})
    EXPECT_EQ(Attributes(*m.object("C", {{"x", bad}})).matrix({"x"}).error().code, Code::kDataLoss);
}

TEST(Estimator, ConvertsCellsAsNumpyDoes) {
  struct Any : Estimator {
    bool has(Method) const override { return false; }
  } e;
  e.name = "SVC";
  e.features = 2;
  Workspace work;
  auto ask = [&](std::vector<Cell> cells, Missing missing = Missing::kRefused) {
    Table t;
    t.form = Table::Form::kCells;
    t.rows = 1;
    t.columns = cells.size();
    t.cells = cells.data();
    auto out = dense_input(t, e, work, missing);
    return out.ok() ? str((*out)[0], " ", (*out)[1]) : out.error().message;
  };
  auto text = [](std::string_view v) { return Cell{Cell::Kind::kText, 0, v}; };
  Cell one{Cell::Kind::kNumber, 1, {}};
  EXPECT_EQ(ask({one, text(" +2.5e1\n")}), "1 25");
  EXPECT_EQ(ask({one, text("1_000")}), "1 1000");
  EXPECT_EQ(ask({one, text("abc")}), "could not convert string to float: 'abc'");
  EXPECT_EQ(ask({one, text("--1")}), "could not convert string to float: '--1'");
  EXPECT_EQ(ask({one, text("")}), "could not convert string to float: ''");
  EXPECT_EQ(ask({one, text("nan")}), "Input X contains NaN.");
  EXPECT_TRUE(ask({one, text("-Infinity")}).starts_with("Input X contains infinity"));
  EXPECT_EQ(ask({one, Cell{}}), "Input X contains NaN.");
  EXPECT_TRUE(contains(ask({one, Cell{}}, Missing::kNanAllowed), "1 "));
  EXPECT_EQ(ask({one}), "X has 1 features, but SVC is expecting 2 features as input.");
}

}  // namespace
}  // namespace proa::engines
