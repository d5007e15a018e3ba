// Builds nodes as the pickle reader makes them, for tests of makers. Owns them; one thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "models/engines/pickle/node.h"

namespace proa::engines {

class TestNodes {
 public:
  using Node = pickle::Node;
  using Kind = pickle::Kind;

  Node* none() { return document_.make(Kind::kNone); }
  Node* text(std::string v) { return texted(Kind::kStr, std::move(v)); }
  Node* global(std::string v) { return texted(Kind::kGlobal, std::move(v)); }
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
  Node* list(std::vector<Node*> items, Kind kind = Kind::kList) {
    Node* n = document_.make(kind);
    n->items = std::move(items);
    return n;
  }
  Node* tuple(std::vector<Node*> items) { return list(std::move(items), Kind::kTuple); }
  Node* doubles(std::vector<double> v, std::vector<size_t> shape) {
    return array(v.data(), sizeof(double), 'f', std::move(shape), v.size());
  }
  Node* integers(std::vector<int64_t> v, std::vector<size_t> shape) {
    return array(v.data(), sizeof(int64_t), 'i', std::move(shape), v.size());
  }
  using Attribute = std::pair<std::string, Node*>;
  Node* dict(const std::vector<Attribute>& items) {
    Node* n = document_.make(Kind::kDict);
    for (const auto& [key, value] : items) {
      n->items.push_back(text(key));
      n->items.push_back(value);
    }
    return n;
  }
  Node* object(std::string type, const std::vector<Attribute>& attributes) {
    Node* n = document_.make(Kind::kObject);
    n->type = global(std::move(type));
    n->state = dict(attributes);
    return n;
  }

 private:
  Node* texted(Kind kind, std::string v) {
    Node* n = document_.make(kind);
    n->text = document_.keep(std::move(v));
    return n;
  }
  Node* array(const void* data, size_t size, char kind, std::vector<size_t> shape, size_t count) {
    Node* n = document_.make(Kind::kArray);
    n->array = std::make_unique<pickle::Array>();
    n->array->dtype.kind = kind;
    n->array->dtype.size = size;
    n->array->shape = std::move(shape);
    n->array->data = document_.keep(std::string(static_cast<const char*>(data), count * size));
    return n;
  }
  pickle::Document document_;
};

}  // namespace proa::engines
