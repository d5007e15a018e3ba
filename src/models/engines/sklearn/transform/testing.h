// Nodes as the reader makes them, for the tests of the transformers.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "models/engines/sklearn/catalog.h"

namespace proa::engines {

class Nodes {
 public:
  using Node = pickle::Node;
  using Kind = pickle::Kind;
  Node* text(std::string v) {
    Node* n = document_.make(Kind::kStr);
    n->text = document_.keep(std::move(v));
    return n;
  }
  Node* number(double v) {
    Node* n = document_.make(Kind::kFloat);
    n->number = v;
    return n;
  }
  Node* integer(int64_t v) {
    Node* n = document_.make(Kind::kInt);
    n->integer = v;
    return n;
  }
  Node* flag(bool v) {
    Node* n = document_.make(Kind::kBool);
    n->boolean = v;
    return n;
  }
  Node* none() { return document_.make(Kind::kNone); }
  Node* global(std::string v) {
    Node* n = document_.make(Kind::kGlobal);
    n->text = document_.keep(std::move(v));
    return n;
  }
  Node* list(std::vector<Node*> items) {
    Node* n = document_.make(Kind::kList);
    n->items = std::move(items);
    return n;
  }
  Node* floats(std::vector<double> v, std::vector<size_t> shape = {}) {
    Node* n = document_.make(Kind::kArray);
    n->array = std::make_unique<pickle::Array>();
    n->array->dtype.kind = 'f';
    n->array->dtype.size = 8;
    n->array->shape = shape.empty() ? std::vector<size_t>{v.size()} : std::move(shape);
    n->array->data =
        document_.keep(std::string(reinterpret_cast<const char*>(v.data()), v.size() * 8));
    return n;
  }
  Node* integers(std::vector<int64_t> v) {
    Node* n = document_.make(Kind::kArray);
    n->array = std::make_unique<pickle::Array>();
    n->array->dtype.kind = 'i';
    n->array->dtype.size = 8;
    n->array->shape = {v.size()};
    n->array->data =
        document_.keep(std::string(reinterpret_cast<const char*>(v.data()), v.size() * 8));
    return n;
  }
  Node* objects(std::vector<Node*> items) {
    Node* n = document_.make(Kind::kArray);
    n->array = std::make_unique<pickle::Array>();
    n->array->dtype.kind = 'O';
    n->array->shape = {items.size()};
    n->array->objects = std::move(items);
    return n;
  }
  Node* dict(std::vector<std::pair<std::string, Node*>> members) {
    Node* n = document_.make(Kind::kDict);
    for (auto& [key, value] : members) {
      n->items.push_back(text(key));
      n->items.push_back(value);
    }
    return n;
  }
  Node* object(std::string type, std::vector<std::pair<std::string, Node*>> attributes) {
    Node* n = document_.make(Kind::kObject);
    n->type = global(std::move(type));
    n->args = document_.make(Kind::kTuple);
    n->state = dict(std::move(attributes));
    return n;
  }

 private:
  pickle::Document document_;
};

// Makes nothing but what a test gives it.
class NoMaker : public Maker {
 public:
  explicit NoMaker(Release release = {1, 7}) : release_(release) {}
  Result<std::unique_ptr<Estimator>> make(const pickle::Node*) override {
    return error(Code::kUnimplemented, "no nested estimators here");
  }
  Release release() const override { return release_; }

 private:
  Release release_;
};

}  // namespace proa::engines
