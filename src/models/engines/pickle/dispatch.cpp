// Which opcode is of which family, and the families that have no file of their own: the stack's,
// and the stream's.
#include <array>

#include "models/engines/pickle/machine.h"

namespace proa::pickle {
namespace {

enum class Family : uint8_t {
  kNone,
  kStack,
  kStream,
  kNumber,
  kText,
  kMemo,
  kContainer,
  kObject,
  kOutside,  // names something outside of the file
  kBuffer,   // of protocol 5: bytes that are sent beside the pickle
};

constexpr std::array<Family, 256> families() {
  std::array<Family, 256> out{};
  auto all = [&](Family family, std::initializer_list<unsigned char> opcodes) {
    for (unsigned char op : opcodes) out[op] = family;
  };
  all(Family::kStack, {'(', '0', '1', '2', 'N', 0x88, 0x89});
  all(Family::kStream, {'.', 0x80, 0x95});
  all(Family::kNumber, {'I', 'L', 'J', 'K', 'M', 0x8a, 0x8b, 'F', 'G'});
  all(Family::kText, {'S', 'V', 'U', 'C', 0x8c, 'T', 'B', 'X', 0x8d, 0x8e, 0x96});
  all(Family::kMemo, {'p', 'g', 'q', 'r', 'h', 'j', 0x94});
  all(Family::kContainer, {']', '}', ')', 't', 'l', 'd', 'a', 's', 'e', 'u'});
  all(Family::kContainer, {0x85, 0x86, 0x87, 0x8f, 0x90, 0x91});
  all(Family::kObject, {'c', 'i', 'o', 'b', 'R', 0x81, 0x92, 0x93});
  all(Family::kOutside, {'P', 'Q', 0x82, 0x83, 0x84});
  all(Family::kBuffer, {0x97, 0x98});
  return out;
}

constexpr std::array<Family, 256> kFamilies = families();

Error refuse_outside(unsigned char op) {
  bool persistent = op == 'P' || op == 'Q';
  return error(Code::kForbidden,
               persistent ? "refused: a persistent id points outside of this file"
                          : "refused: an extension code names a class outside of this file");
}

std::string hexadecimal(unsigned char op) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  return {'0', 'x', kDigits[op >> 4], kDigits[op & 15]};
}

}  // namespace

Status Machine::step_stack(unsigned char op) {
  switch (op) {
    case '(':
      if (marks_.size() >= budget_.limits.marks) return error(Code::kTooLarge, "nested too deeply");
      marks_.push_back(stack_.size());
      return {};
    case '0': {
      if (!marks_.empty() && marks_.back() == stack_.size()) {  // POP takes a mark too
        marks_.pop_back();
        return {};
      }
      TRY([[maybe_unused]] Node * n, pop());
      return {};
    }
    case '1': {
      TRY([[maybe_unused]] auto items, pop_to_mark());
      return {};
    }
    case '2': {
      TRY(Node * n, top());
      stack_.push_back(n);
      return {};
    }
    case 'N':
      return push(Kind::kNone);
    default:  // NEWTRUE, NEWFALSE
      TRY_STATUS(push(Kind::kBool));
      stack_.back()->boolean = op == 0x88;
      return {};
  }
}

Status Machine::step_stream(unsigned char op) {
  if (op == '.') {
    stopped_ = true;
    return {};
  }
  if (op == 0x95) {  // FRAME
    TRY(uint64_t size, in_.number<uint64_t>());
    return in_.open_frame(size);
  }
  TRY(uint8_t version, in_.number<uint8_t>());
  if (version > 5) return bad(str("pickle protocol ", int{version}, " is not known"));
  return {};
}

Status Machine::step(unsigned char op) {
  switch (kFamilies[op]) {
    case Family::kStack:
      return step_stack(op);
    case Family::kStream:
      return step_stream(op);
    case Family::kNumber:
      return step_number(op);
    case Family::kText:
      return step_text(op);
    case Family::kMemo:
      return step_memo(op);
    case Family::kContainer:
      return step_container(op);
    case Family::kObject:
      return step_object(op);
    case Family::kOutside:
      return refuse_outside(op);
    case Family::kBuffer:
      return error(Code::kUnimplemented,
                   "out-of-band buffers are not supported; save the model as one file");
    case Family::kNone:
      break;
  }
  return bad(str(hexadecimal(op), " is no opcode"));
}

}  // namespace proa::pickle
