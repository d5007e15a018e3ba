// Opcodes that make objects, and read(). Nothing in here calls what a file names.
#include "models/engines/pickle/allowed.h"
#include "models/engines/pickle/machine.h"
#include "models/engines/pickle/numpy.h"
#include "models/engines/pickle/texts.h"

namespace proa::pickle {
namespace {

std::string printable(std::string_view text) {
  std::string out;
  for (char c : shorten(text, 100)) out += c >= ' ' && c != 0x7f ? c : '?';
  return is_utf8(out) ? out : "(unprintable)";
}

bool is_array_maker(std::string_view f) {
  return f == "numpy.core.multiarray._reconstruct" || f == "numpy._core.multiarray._reconstruct";
}

bool is_getattr(std::string_view f) {
  return f == "builtins.getattr" || f == "__builtin__.getattr";
}

Error refuse_getattr() {
  return error(Code::kForbidden, "refused: builtins.getattr; this file may be malicious");
}

bool is_wrapper(std::string_view f) {
  return f == "joblib.numpy_pickle.NumpyArrayWrapper" ||
         f == "sklearn.externals.joblib.numpy_pickle.NumpyArrayWrapper";
}

}  // namespace

std::string_view sklearn_version(std::string_view bytes) {
  constexpr std::string_view kKey = "_sklearn_version";
  size_t at = bytes.find(kKey);
  if (at == std::string_view::npos) return {};
  std::string_view rest = bytes.substr(at + kKey.size(), 32);
  auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  for (size_t i = 0; i + 2 < rest.size(); ++i) {
    if (!is_digit(rest[i]) || rest[i + 1] != '.' || !is_digit(rest[i + 2])) continue;
    size_t end = i;
    while (end < rest.size() && (is_digit(rest[end]) || rest[end] == '.')) ++end;
    return rest.substr(i, end - i);
  }
  return {};
}

Status Machine::charge(size_t bytes) {
  budget_.copied += bytes;
  if (budget_.copied > 2 * document_.bytes.size() + (size_t{1} << 20))
    return error(Code::kTooLarge, "refused: this file shows the same data too often");
  return {};
}

Error Machine::refuse_class(std::string_view module, std::string_view name) const {
  std::string what = printable(str(module, ".", name));
  if (budget_.limits.allow(module, name) == Verdict::kUnsupported) {
    std::string_view version = module.starts_with("sklearn") ? sklearn_version(in_.all()) : "";
    if (!version.empty()) what += str(" (scikit-learn ", version, ")");
    return error(Code::kUnimplemented, str(what, " is not supported yet"));
  }
  std::string_view own = module == "__main__"
                             ? " (a model cannot hold classes and functions of your own program)"
                             : "";
  return error(Code::kForbidden, str("refused: ", what, " is not a known estimator part", own,
                                     "; this file may be malicious"));
}

Result<Node*> Machine::global(std::string_view module, std::string_view name) {
  if (budget_.limits.allow(module, name) != Verdict::kAllowed) return refuse_class(module, name);
  TRY(Node * n, make(Kind::kGlobal));
  n->text = document_.keep(str(module, ".", name));
  budget_.loose_getattr += is_getattr(n->text);
  return n;
}

// codecs.encode(text, 'latin1'): how protocols 0 to 2 write bytes.
Status Machine::encode(Node* object) {
  const auto& args = object->args->items;
  bool latin = args.size() == 2 && args[0]->kind == Kind::kStr && args[1]->kind == Kind::kStr &&
               (args[1]->text == "latin1" || args[1]->text == "latin-1");
  if (!latin) return bad("_codecs.encode with something else than text and 'latin1'");
  TRY(std::string bytes, to_latin1(args[0]->text));
  if (document_.kept_bytes() + bytes.size() > 4 * document_.bytes.size() + 65536)
    return error(Code::kTooLarge, "the texts of this file grow too large");
  object->kind = Kind::kBytes;
  object->text = document_.keep(std::move(bytes));
  return {};
}

// getattr(a distribution, "_cdf_single"): how scipy.stats keeps its methods. Kept, never called;
// of anything else it is refused, as the step by which malicious files reach what they are after.
Status Machine::bound_method(Node* type, const Node* args) {
  bool method = args->items.size() == 2 &&
                args->items[0]->type_name().starts_with("scipy.stats._discrete_distns.") &&
                args->items[1]->kind == Kind::kStr;
  if (!method) return refuse_getattr();
  budget_.loose_getattr -= !type->boolean;
  type->boolean = true;
  return {};
}

// numpy's functions as releases to 1.19 wrote them: by module and name.
Status Machine::named_function(Node* object) {
  const auto& args = object->args->items;
  if (args.size() != 2 || args[0]->kind != Kind::kStr || args[1]->kind != Kind::kStr)
    return bad("a function without a name");
  TRY(Node * function, global(args[0]->text, args[1]->text));
  object->kind = Kind::kGlobal;
  object->text = function->text;
  return {};
}

Status Machine::known_constructions(Node* object) {
  std::string_view f = object->type->text;
  const auto& args = object->args->items;
  if (is_getattr(f)) return bound_method(object->type, object->args);
  if (f.ends_with("._ufunc_reconstruct")) return named_function(object);
  if (f == "_codecs.encode") return encode(object);
  if (f.ends_with(".bytes") || f.ends_with(".bytearray")) {
    if (args.size() > 1) return encode(object);
    if (args.size() == 1 && args[0]->kind != Kind::kBytes) return bad("bytes of something else");
    object->kind = Kind::kBytes;
    if (!args.empty()) object->text = args[0]->text;
    return {};
  }
  if (f.starts_with("numpy.") && f.ends_with("multiarray.scalar")) {
    TRY_STATUS(fill_scalar(object, object->args));
    return charge(object->array->data.size());
  }
  if (f.starts_with("numpy.") && f.ends_with("numeric._frombuffer")) {
    TRY_STATUS(fill_from_buffer(object, object->args));
    return charge(object->array->data.size());
  }
  std::string_view name = f.substr(f.rfind('.') + 1);
  // Functions that make an empty object of the class that comes first: what is made counts.
  bool empty_of = name == "newObj" || f == "copyreg._reconstructor" ||
                  f == "copy_reg._reconstructor" || name.starts_with("__pyx_unpickle_");
  if (!empty_of) return known_containers(object, name);
  if (args.empty() || args[0]->kind != Kind::kGlobal) return bad(str(name, " without a class"));
  object->type = args[0];
  if (args.size() != 3) return {};
  if (name.starts_with("__pyx_")) object->state = args[2];  // (class, checksum, state)
  // A subclass of dict as protocols 0 and 1 have it: (class, dict, its members).
  if (name == "_reconstructor" && args[2]->kind == Kind::kDict) {
    object->items = args[2]->items;
    return charge(8 * object->items.size());
  }
  return {};
}

// Python's own containers become nodes of their kind. Their state, if they have one, is refused.
Status Machine::known_containers(Node* object, std::string_view name) {
  std::string_view f = object->type->text;
  const auto& args = object->args->items;
  bool builtin = f.starts_with("builtins.") || f.starts_with("__builtin__.");
  if (builtin && (name == "set" || name == "frozenset")) {
    object->kind = Kind::kSet;
    if (args.size() == 1) object->items = args[0]->items;
    return charge(8 * object->items.size());
  }
  bool dict = f == "collections.OrderedDict" || f == "collections.defaultdict" ||
              f == "collections.Counter" || (builtin && name == "dict");
  if (!dict) return {};
  object->kind = Kind::kDict;
  if (args.empty() || name == "defaultdict") return {};
  if (args[0]->kind == Kind::kDict) {
    object->items = args[0]->items;
  } else {  // a list of pairs
    for (const Node* pair : args[0]->items) {
      if (pair->items.size() != 2) return bad("a dict is made of something else than pairs");
      object->items.insert(object->items.end(), pair->items.begin(), pair->items.end());
    }
  }
  return charge(8 * object->items.size());
}

Result<Node*> Machine::construct(Node* type, Node* args) {
  if (type->kind != Kind::kGlobal) return bad(str("something is made of ", type->describe()));
  if (args->kind != Kind::kTuple) return bad("arguments are no tuple");
  TRY(Node * n, make(Kind::kObject));
  n->type = type;
  n->args = args;
  TRY_STATUS(known_constructions(n));
  return n;
}

Status Machine::read_inline_array(Node* wrapper) {
  TRY(Inline what, inline_array(wrapper->state));
  auto array = std::make_unique<Array>(std::move(what.array));
  if (array->dtype.kind == 'O') {
    if (++budget_.depth > 8) return error(Code::kTooLarge, "pickles are nested too deeply");
    Machine nested(document_, in_, budget_);
    TRY(Node * inner, nested.run());
    --budget_.depth;
    if (inner->kind != Kind::kArray) return bad("joblib's array of objects is none");
    *array = *inner->array;
  } else {
    if (what.padded) {
      TRY(uint8_t padding, in_.number<uint8_t>());
      TRY([[maybe_unused]] std::string_view skipped, in_.take(padding));
    }
    TRY(array->data, in_.take(what.bytes));
  }
  wrapper->kind = Kind::kArray;
  wrapper->array = std::move(array);
  return {};
}

Status Machine::build(Node* object, Node* state) {
  if (object->kind != Kind::kObject) return bad(str("a state is set of ", object->describe()));
  if (is_array_maker(object->type->text)) {
    TRY_STATUS(fill_reconstructed(object, state));
    return charge(object->array->data.size() + 8 * object->array->objects.size());
  }
  object->state = state;
  if (is_wrapper(object->type->text)) return read_inline_array(object);
  return {};
}

Status Machine::step_object(unsigned char op) {
  switch (op) {
    case 'c':
    case 'i': {  // GLOBAL, INST
      TRY(std::string_view module, in_.line());
      TRY(std::string_view name, in_.line());
      TRY(Node * type, global(module, name));
      if (op == 'c') {
        stack_.push_back(type);
        return {};
      }
      TRY(Node * args, make(Kind::kTuple));
      TRY(args->items, pop_to_mark());
      TRY(Node * object, construct(type, args));
      stack_.push_back(object);
      return {};
    }
    case 0x93: {  // STACK_GLOBAL
      TRY(Node * name, pop());
      TRY(Node * module, pop());
      if (name->kind != Kind::kStr || module->kind != Kind::kStr)
        return bad("a class without a name");
      TRY(Node * type, global(module->text, name->text));
      stack_.push_back(type);
      return {};
    }
    case 'o': {  // OBJ: the class is the first after the mark
      TRY(std::vector<Node*> items, pop_to_mark());
      if (items.empty()) return bad("an object without a class");
      TRY(Node * args, make(Kind::kTuple));
      args->items.assign(items.begin() + 1, items.end());
      TRY(Node * object, construct(items[0], args));
      stack_.push_back(object);
      return {};
    }
    case 'b': {
      TRY(Node * state, pop());
      TRY(Node * object, top());
      return build(object, state);
    }
    default: {  // REDUCE, NEWOBJ, NEWOBJ_EX
      if (op == 0x92) {
        TRY(Node * keywords, pop());
        if (keywords->kind != Kind::kDict) return bad("keyword arguments are no dict");
      }
      TRY(Node * args, pop());
      TRY(Node * type, pop());
      TRY(Node * object, construct(type, args));
      stack_.push_back(object);
      return {};
    }
  }
}

Status read(Document& document, const Limits& limits) {
  document.root = nullptr;
  if (document.bytes.empty()) return error(Code::kDataLoss, "the file is empty");
  Stream in(document.bytes);
  Budget budget{limits};
  Machine machine(document, in, budget);
  TRY(Node * root, machine.run());
  if (in.left() != 0)
    return error(Code::kForbidden,
                 str("refused: ", in.left(), " bytes follow the end of the pickle"));
  if (budget.loose_getattr != 0) return refuse_getattr();
  document.root = root;
  return {};
}

}  // namespace proa::pickle
