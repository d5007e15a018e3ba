// The stack machine behind read(): one Machine a pickle stream; a stream in the stream (joblib's
// arrays of objects) gets its own. Private to this folder.
//
//   bytes ──opcode──▶ stack of nodes, marks, memo ──STOP──▶ one root node
#pragma once

#include <string_view>
#include <vector>

#include "models/engines/pickle/node.h"
#include "models/engines/pickle/reader.h"
#include "models/engines/pickle/stream.h"

namespace proa::pickle {

// What all streams of one file share.
struct Budget {
  const Limits& limits;
  size_t opcodes = 0;
  size_t streams = 0;
  size_t depth = 0;          // of streams in streams
  size_t loose_getattr = 0;  // named, and not (yet) what bound_method() lets pass
  size_t copied = 0;         // bytes that several nodes show; see Machine::charge
};

class Machine {
 public:
  Machine(Document& document, Stream& in, Budget& budget)
      : document_(document), in_(in), budget_(budget) {}
  Result<Node*> run();

 private:
  Status step(unsigned char op);
  Status step_stack(unsigned char op);
  Status step_stream(unsigned char op);
  Status step_number(unsigned char op);
  Status step_text(unsigned char op);
  Status step_container(unsigned char op);
  Status step_memo(unsigned char op);
  Status step_object(unsigned char op);

  Result<Node*> make(Kind kind);
  Status push(Kind kind);
  Status push_int(int64_t v);
  Status push_long(std::string_view little_endian);
  Status push_long_line(std::string_view line);
  Status push_view(Kind kind, std::string_view text);
  Status push_kept(Kind kind, std::string text);  // copied: its bytes are counted
  Status push_utf8(std::string_view text);
  Result<Node*> pop();
  Result<Node*> top();
  Result<std::vector<Node*>> pop_to_mark();
  Status put(uint64_t index);
  Status get(uint64_t index);

  Status append(Node* to, std::vector<Node*> items);
  Status set_items(Node* to, std::vector<Node*> items);
  Result<Node*> global(std::string_view module, std::string_view name);
  Error refuse_class(std::string_view module, std::string_view name) const;
  Result<Node*> construct(Node* type, Node* args);  // REDUCE and NEWOBJ: a node, no call
  Status known_constructions(Node* object);
  Status known_containers(Node* object, std::string_view name);
  Status bound_method(Node* type, const Node* args);
  Status named_function(Node* object);
  Status encode(Node* object);
  // What a file may show again and again without writing it again is counted: arrays over the same
  // bytes, sets of the same list. Honest files show everything about once.
  Status charge(size_t bytes);
  Status build(Node* object, Node* state);
  Status read_inline_array(Node* wrapper);
  Error bad(std::string_view what) const;

  Document& document_;
  Stream& in_;
  Budget& budget_;
  std::vector<Node*> stack_, memo_;
  std::vector<size_t> marks_;
  bool stopped_ = false;
};

}  // namespace proa::pickle
