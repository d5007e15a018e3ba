#include "models/engines/pickle/machine.h"

#include <bit>
#include <charconv>
#include <cmath>

#include "models/engines/pickle/texts.h"

namespace proa::pickle {

Error Machine::bad(std::string_view what) const {
  return error(Code::kDataLoss, str("damaged: ", what, " at byte ", in_.at()));
}

Result<Node*> Machine::run() {
  if (++budget_.streams > budget_.limits.nested_streams)
    return error(Code::kTooLarge, "too many pickles in the pickle");
  while (!stopped_) {
    if (++budget_.opcodes > budget_.limits.opcodes)
      return error(Code::kTooLarge, str("more than ", budget_.limits.opcodes, " opcodes"));
    TRY(std::string_view op, in_.take(1));
    TRY_STATUS(step(static_cast<unsigned char>(op[0])));
  }
  if (!marks_.empty() || stack_.size() != 1) return bad("STOP with something else than one value");
  if (in_.in_frame()) return bad("STOP before the end of its frame");
  return stack_[0];
}

Result<Node*> Machine::make(Kind kind) {
  if (document_.nodes() >= budget_.limits.nodes)
    return error(Code::kTooLarge, str("more than ", budget_.limits.nodes, " values"));
  return document_.make(kind);
}

Status Machine::push(Kind kind) {
  TRY(Node * n, make(kind));
  stack_.push_back(n);
  return {};
}

Status Machine::push_int(int64_t v) {
  TRY_STATUS(push(Kind::kInt));
  stack_.back()->integer = v;
  return {};
}

Status Machine::push_long(std::string_view bytes) {
  if (bytes.size() > 8) return push_view(Kind::kBigInt, bytes);
  uint64_t v = 0;
  for (size_t i = bytes.size(); i > 0; --i) v = v << 8 | static_cast<unsigned char>(bytes[i - 1]);
  if (!bytes.empty() && bytes.size() < 8 && (bytes.back() & 0x80))
    v |= ~uint64_t{0} << (8 * bytes.size());
  return push_int(static_cast<int64_t>(v));
}

// INT and LONG of protocol 0: "12", "-3L"; "00" and "01" are False and True.
Status Machine::push_long_line(std::string_view line) {
  if (line.ends_with('L')) line.remove_suffix(1);
  if (line.starts_with('+')) line.remove_prefix(1);
  int64_t v = 0;
  auto [end, err] = std::from_chars(line.data(), line.data() + line.size(), v);
  if (end != line.data() + line.size() || line.empty()) return bad("an integer is none");
  if (err == std::errc::result_out_of_range) return push_view(Kind::kBigInt, line);
  if (err != std::errc()) return bad("an integer is none");
  return push_int(v);
}

Status Machine::push_view(Kind kind, std::string_view text) {
  TRY_STATUS(push(kind));
  stack_.back()->text = text;
  return {};
}

Status Machine::push_kept(Kind kind, std::string text) {
  if (document_.kept_bytes() + text.size() > 4 * document_.bytes.size() + 65536)
    return error(Code::kTooLarge, "the texts of this file grow too large");
  return push_view(kind, document_.keep(std::move(text)));
}

Status Machine::push_utf8(std::string_view text) {
  if (!is_utf8(text)) return bad("a text is no UTF-8");
  return push_view(Kind::kStr, text);
}

Result<Node*> Machine::top() {
  size_t floor = marks_.empty() ? 0 : marks_.back();
  if (stack_.size() <= floor) return bad("the stack is empty");
  return stack_.back();
}

Result<Node*> Machine::pop() {
  TRY(Node * n, top());
  stack_.pop_back();
  return n;
}

Result<std::vector<Node*>> Machine::pop_to_mark() {
  if (marks_.empty()) return bad("there is no mark");
  auto from = stack_.begin() + static_cast<ptrdiff_t>(marks_.back());
  std::vector<Node*> out(from, stack_.end());
  stack_.erase(from, stack_.end());
  marks_.pop_back();
  return out;
}

Status Machine::put(uint64_t index) {
  if (index >= budget_.limits.memo) return error(Code::kTooLarge, "the memo is too large");
  TRY(Node * n, top());
  if (index >= memo_.size()) memo_.resize(index + 1, nullptr);
  memo_[index] = n;
  return {};
}

Status Machine::get(uint64_t index) {
  if (index >= memo_.size() || !memo_[index]) return bad(str("memo ", index, " was never set"));
  stack_.push_back(memo_[index]);
  return {};
}

Status Machine::append(Node* to, std::vector<Node*> items) {
  if (to->kind != Kind::kList && to->kind != Kind::kSet && to->kind != Kind::kObject)
    return bad(str("items are appended to ", to->describe()));
  to->items.insert(to->items.end(), items.begin(), items.end());
  return {};
}

Status Machine::set_items(Node* to, std::vector<Node*> items) {
  if (to->kind != Kind::kDict && to->kind != Kind::kObject)
    return bad(str("members are set of ", to->describe()));
  if (items.size() % 2 != 0) return bad("a key without a value");
  to->items.insert(to->items.end(), items.begin(), items.end());
  return {};
}

Status Machine::step_number(unsigned char op) {
  switch (op) {
    case 'I':
    case 'L': {
      TRY(std::string_view line, in_.line());
      if (op == 'I' && (line == "00" || line == "01")) {
        TRY_STATUS(push(Kind::kBool));
        stack_.back()->boolean = line == "01";
        return {};
      }
      return push_long_line(line);
    }
    case 'J': {
      TRY(int32_t v, in_.number<int32_t>());
      return push_int(v);
    }
    case 'K': {
      TRY(uint8_t v, in_.number<uint8_t>());
      return push_int(v);
    }
    case 'M': {
      TRY(uint16_t v, in_.number<uint16_t>());
      return push_int(v);
    }
    case 0x8a:
    case 0x8b: {  // LONG1, LONG4
      uint64_t n = 0;
      if (op == 0x8a) {
        TRY(n, in_.number<uint8_t>());
      } else {
        TRY(n, in_.number<uint32_t>());
      }
      if (n > 4096) return error(Code::kTooLarge, "an integer of more than 4096 bytes");
      TRY(std::string_view bytes, in_.take(n));
      return push_long(bytes);
    }
    case 'F': {
      TRY(std::string_view line, in_.line());
      auto v = parse_double(line);
      if (!v && line != "nan" && line != "inf" && line != "-inf") return bad("a float is none");
      TRY_STATUS(push(Kind::kFloat));
      stack_.back()->number = v ? *v : line == "nan" ? NAN : line == "inf" ? INFINITY : -INFINITY;
      return {};
    }
    default: {  // 'G', big-endian
      TRY(uint64_t bits, in_.number<uint64_t>());
      TRY_STATUS(push(Kind::kFloat));
      stack_.back()->number = std::bit_cast<double>(__builtin_bswap64(bits));
      return {};
    }
  }
}

Status Machine::step_text(unsigned char op) {
  uint64_t n = 0;
  switch (op) {
    case 'S': {
      TRY(std::string_view line, in_.line());
      TRY(std::string text, unquote(line));
      return push_kept(Kind::kStr, std::move(text));
    }
    case 'V': {
      TRY(std::string_view line, in_.line());
      TRY(std::string text, raw_unicode_escape(line));
      return push_kept(Kind::kStr, std::move(text));
    }
    case 'U':
    case 'C':
    case 0x8c: {
      TRY(n, in_.number<uint8_t>());
      break;
    }
    case 'T':
    case 'B':
    case 'X': {
      TRY(n, in_.number<uint32_t>());
      break;
    }
    default: {
      TRY(n, in_.number<uint64_t>());
      break;
    }  // 0x8d, 0x8e, 0x96
  }
  TRY(std::string_view text, in_.take(n));
  if (op == 'X' || op == 0x8c || op == 0x8d) return push_utf8(text);
  // What Python 2 calls str may be text or bytes; whoever uses it decides.
  return push_view(op == 'U' || op == 'T' ? Kind::kStr : Kind::kBytes, text);
}

Status Machine::step_memo(unsigned char op) {
  switch (op) {
    case 'p':
    case 'g': {
      TRY(std::string_view line, in_.line());
      auto index = parse_int(line);
      if (!index || *index < 0) return bad("a memo index is none");
      return op == 'p' ? put(static_cast<uint64_t>(*index)) : get(static_cast<uint64_t>(*index));
    }
    case 'q': {
      TRY(uint8_t v, in_.number<uint8_t>());
      return put(v);
    }
    case 'r': {
      TRY(uint32_t v, in_.number<uint32_t>());
      return put(v);
    }
    case 'h': {
      TRY(uint8_t v, in_.number<uint8_t>());
      return get(v);
    }
    case 'j': {
      TRY(uint32_t v, in_.number<uint32_t>());
      return get(v);
    }
    default:
      return put(memo_.size());  // MEMOIZE
  }
}

Status Machine::step_container(unsigned char op) {
  switch (op) {
    case ']':
      return push(Kind::kList);
    case '}':
      return push(Kind::kDict);
    case ')':
      return push(Kind::kTuple);
    case 0x8f:
      return push(Kind::kSet);
    case 'a': {
      TRY(Node * item, pop());
      TRY(Node * list, top());
      return append(list, {item});
    }
    case 's': {
      TRY(Node * value, pop());
      TRY(Node * key, pop());
      TRY(Node * dict, top());
      return set_items(dict, {key, value});
    }
    case 0x85:
    case 0x86:
    case 0x87: {  // TUPLE1 to TUPLE3
      std::vector<Node*> items(op - 0x84u);
      for (size_t i = items.size(); i > 0; --i) {
        TRY(items[i - 1], pop());
      }
      TRY_STATUS(push(Kind::kTuple));
      stack_.back()->items = std::move(items);
      return {};
    }
    default:
      break;
  }
  TRY(std::vector<Node*> items, pop_to_mark());
  if (op == 'e' || op == 0x90) {
    TRY(Node * list, top());
    return append(list, std::move(items));
  }
  if (op == 'u') {
    TRY(Node * dict, top());
    return set_items(dict, std::move(items));
  }
  if (op == 'd' && items.size() % 2 != 0) return bad("a key without a value");
  TRY_STATUS(push(op == 'd'    ? Kind::kDict
                  : op == 'l'  ? Kind::kList
                  : op == 0x91 ? Kind::kSet
                               : Kind::kTuple));
  stack_.back()->items = std::move(items);
  return {};
}

}  // namespace proa::pickle
