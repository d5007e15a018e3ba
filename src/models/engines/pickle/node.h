// What a pickle says, as inert nodes: no class is looked up, nothing is ever called.
//
// Used by the reader (which makes them) and by the engines (which interpret them). Nodes live in a
// Document; pointers between them may form cycles, so whoever walks them bounds the depth.
// A read Document may be read by many threads.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"

namespace proa::pickle {

struct Node;

// A field of a structured dtype (kind 'V'): where it lies in an element. Scalars only.
struct Field {
  std::string name;
  char kind = 0;
  size_t size = 0;
  bool swap = false;
  size_t offset = 0;  // offset + size ≤ the element's size
};

// A numpy dtype: kind as numpy's one-letter code ('f', 'i', 'u', 'b', 'U', 'S', 'O', …).
struct DType {
  char kind = 0;
  size_t size = 0;            // bytes of one element; of 'U' four times the characters; 0 for 'O'
  bool swap = false;          // big-endian
  std::vector<Field> fields;  // of 'V', in the dtype's order; empty: not structured
  std::string name() const;   // "float64", "<U10"
};

// An array in place: `data` points into the Document.
struct Array {
  DType dtype;
  std::vector<size_t> shape;   // empty for a scalar
  bool fortran = false;        // column-major
  std::string_view data;       // exactly count × dtype.size bytes; with a stride: what reaches all
  std::vector<Node*> objects;  // instead of data for kind 'O'
  size_t stride = 0;           // bytes from element to element; 0: dtype.size
  size_t count() const;
  // One member of a structured array, as an array of the same shape; kDataLoss if there is none.
  Result<Array> field(std::string_view name) const;
  std::string shape_text() const;  // "(2, 60)"
};

enum class Kind : uint8_t {
  kNone,
  kBool,
  kInt,
  kBigInt,
  kFloat,
  kStr,    // text: UTF-8, or whatever Python 2 wrote
  kBytes,  // text: the bytes
  kTuple,
  kList,
  kSet,     // items
  kDict,    // items: key, value, key, value, …
  kGlobal,  // text: "module.name", one of the allow-list
  kObject,  // type and args as given to REDUCE or NEWOBJ; state by BUILD; items by APPEND, SETITEM
  kArray,
};
const char* to_string(Kind kind);

struct Node {
  Kind kind = Kind::kNone;
  bool boolean = false;
  int64_t integer = 0;
  double number = 0;
  std::string_view text;
  std::vector<Node*> items;
  Node* type = nullptr;
  Node* args = nullptr;
  Node* state = nullptr;
  std::unique_ptr<Array> array;

  // "sklearn.svm._classes.SVC" of an object made of that global, else "".
  std::string_view type_name() const;
  // A member of a kDict, or of the dict that is an object's state; nullptr if absent.
  const Node* get(std::string_view key) const;
  // "an integer", "a sklearn.svm._classes.SVC": for messages.
  std::string describe() const;
};

// Owns the bytes and the nodes that point into them.
class Document {
 public:
  const Node* root = nullptr;
  Node* make(Kind kind);
  std::string_view keep(std::string text);  // owned by this document from now on
  size_t nodes() const { return nodes_.size(); }
  size_t kept_bytes() const { return kept_bytes_; }
  std::string bytes;  // the (decompressed) file

 private:
  std::deque<Node> nodes_;
  std::deque<std::string> kept_;
  size_t kept_bytes_ = 0;
};

// Reading an array or a number as doubles or integers. Errors say what was there instead.
Result<std::vector<double>> doubles(const Array& array);    // row-major, whatever the order was
Result<std::vector<int64_t>> integers(const Array& array);  // kinds i, u and b
Result<double> as_double(const Node& node);                 // int, float, bool or 0-d array
Result<int64_t> as_int(const Node& node);

}  // namespace proa::pickle
