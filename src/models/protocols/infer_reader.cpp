#include "models/protocols/infer_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "foundation/base/strings.h"

namespace proa::protocols {
namespace {

using inference::Cell;

Error wrong(std::string message) { return error(Code::kInvalid, std::move(message)); }

// Well-formed, and a member that must be there is not.
Error incomplete(std::string message) { return error(Code::kUnprocessable, std::move(message)); }

Error at_input(const InputTensor& t, std::string_view what) {
  return wrong(str("input '", shorten(t.name, 100), "' ", what));
}

template <typename T, typename R>
std::span<const T> part(const std::vector<T>& all, R range) {
  return std::span<const T>(all).subspan(range.from, range.count);
}

}  // namespace

Status InferReader::parameter(Scanner& scan, std::string_view name) {
  Parameter p;
  p.name = name;
  char c = scan.peek();
  if (c == '"') {
    TRY_STATUS(scan.string(p.text));
  } else if (c == 't' || c == 'f') {
    p.kind = Parameter::Kind::kBool;
    p.integer = c == 't';
    TRY_STATUS(scan.skip());
  } else if (scan.at_number()) {
    const char* from = scan.mark();
    bool whole = false;
    TRY_STATUS(scan.number(p.number, whole));
    p.kind = Parameter::Kind::kDouble;
    std::string_view text(from, static_cast<size_t>(scan.mark() - from));
    if (auto integer = whole ? parse_int(text) : std::nullopt) {
      p.kind = Parameter::Kind::kInt64;
      p.integer = *integer;
    } else if (whole && std::from_chars(from, scan.mark(), p.natural).ptr == scan.mark() &&
               p.natural != 0) {
      p.kind = Parameter::Kind::kUint64;
    }
  } else {
    return scan.skip();  // null, lists and objects have no place in the protocol: MLServer's own
  }
  if (parameters_.size() >= kMostParameters * 16)
    return error(Code::kTooLarge, "the request has too many parameters");
  parameters_.push_back(p);
  return {};
}

Status InferReader::parameters(Scanner& scan, Range& range) {
  range = {parameters_.size(), 0};
  if (scan.take_word("null")) return {};
  if (!scan.take('{')) return scan.syntax("\"parameters\" is no object");
  scan.space();
  for (bool more = !scan.take('}'); more;) {
    std::string_view name;
    TRY_STATUS(scan.key(name));
    TRY_STATUS(parameter(scan, name));
    TRY_STATUS(scan.next('}', more));
  }
  range.count = parameters_.size() - range.from;
  return {};
}

Status InferReader::shape(Scanner& scan, Input& in) {
  if (!scan.take('[')) return scan.syntax("\"shape\" is no list");
  in.shape = {shapes_.size(), 0};
  scan.space();
  for (bool more = !scan.take(']'); more;) {
    double v = 0;
    bool whole = false;
    char c = scan.peek();
    if (c == 't' || c == 'f') return scan.syntax("\"shape\" holds what is no size");
    TRY_STATUS(scan.number(v, whole));
    if (!whole || !(std::fabs(v) <= 0x1p53)) return scan.syntax("\"shape\" holds what is no size");
    if (++in.shape.count > kMostRank) return scan.syntax("\"shape\" has too many dimensions");
    shapes_.push_back(static_cast<int64_t>(v));
    TRY_STATUS(scan.next(']', more));
  }
  in.has_shape = true;
  return {};
}

// Numbers, in lists of any depth. `other`: something else is there; nothing was decided.
Status InferReader::numbers(Scanner& scan, Input& in, bool& other) {
  auto before = work_->mark();
  double* values = work_->take<double>(scan.left() / 2 + 1).data();
  size_t n = 0;
  int depth = 0;
  bool all_whole = true, many = true, closed = false;
  for (bool more = true; more;) {  // before a value, blanks taken
    if (scan.take('[')) {
      if (++depth > Scanner::kMostDepth) return scan.syntax("nested too deeply");
      scan.space();
      many = true;
      if (scan.peek() != ']') continue;
    } else {
      if (many && depth > 0) {
        size_t read = scan.quick_numbers(values + n, all_whole, closed);
        n += read;
        many = read > 1;
        if (read != 0) scan.space();
        if (!closed && scan.peek() == '[') continue;
      }
      bool whole = true;
      if (!closed && !scan.quick_number(values[n], whole)) {
        if (!scan.at_number()) {
          other = true;
          return {};
        }
        TRY_STATUS(scan.number(values[n], whole));
      }
      n += !closed;
      all_whole &= whole;
      closed = false;
    }
    if (depth > 0 && scan.quick_comma()) continue;
    scan.space();
    while (depth > 0 && scan.take(']')) {
      --depth;
      scan.space();
    }
    more = depth > 0;
    if (more && !scan.take(',')) return scan.syntax("Expecting ',' delimiter");
    scan.space();
  }
  work_->release(before);  // and takes again what was used of it
  double* kept = work_->take<double>(std::max<size_t>(n, 1)).data();
  if (kept != values && n != 0) std::memmove(kept, values, n * sizeof(double));
  in.tensor.contents = {Contents::Kind::kDoubles, kept, n, all_whole};
  return {};
}

// Texts, or texts, numbers and nulls together.
Status InferReader::mixed(Scanner& scan, Input& in) {
  cells_.clear();
  bool texts = true;
  int depth = 0;
  for (bool more = true; more;) {
    Cell c;
    if (scan.take('[')) {
      if (++depth > Scanner::kMostDepth) return scan.syntax("nested too deeply");
      scan.space();
      if (scan.peek() != ']') continue;
    } else if (scan.peek() == '"') {
      c.kind = Cell::Kind::kText;
      TRY_STATUS(scan.string(c.text));
      cells_.push_back(c);
    } else if (scan.take_word("null")) {
      texts = false;
      cells_.push_back(c);
    } else if (scan.at_number()) {
      bool whole = true;
      texts = false;
      c.kind = Cell::Kind::kNumber;
      TRY_STATUS(scan.number(c.number, whole));
      cells_.push_back(c);
    } else {
      return scan.syntax("\"data\" holds what is no number, text or null");
    }
    scan.space();
    while (depth > 0 && scan.take(']')) {
      --depth;
      scan.space();
    }
    more = depth > 0;
    if (more && !scan.take(',')) return scan.syntax("Expecting ',' delimiter");
    scan.space();
  }
  if (texts) {
    auto all = work_->take<std::string_view>(cells_.size());
    for (size_t i = 0; i < cells_.size(); ++i) all[i] = cells_[i].text;
    in.tensor.contents = {Contents::Kind::kTexts, all.data(), all.size()};
  } else {
    auto all = work_->take<Cell>(cells_.size());
    std::copy(cells_.begin(), cells_.end(), all.begin());
    in.tensor.contents = {Contents::Kind::kCells, all.data(), all.size()};
  }
  return {};
}

Status InferReader::data(Scanner& scan, Input& in) {
  if (scan.take_word("null")) return {};
  in.has_data = true;
  const char* start = scan.mark();
  auto before = work_->mark();
  bool other = false;
  TRY_STATUS(numbers(scan, in, other));
  if (!other) return {};
  work_->release(before);
  scan.back_to(start);
  return mixed(scan, in);
}

Status InferReader::input_member(Scanner& scan, std::string_view name, Input& in) {
  if (name == "name") {
    in.has_name = true;
    return scan.string(in.tensor.name);
  }
  if (name == "shape") return shape(scan, in);
  if (name == "parameters") return parameters(scan, in.parameters);
  if (name == "data") return data(scan, in);
  if (name != "datatype") return scan.skip();
  std::string_view text;
  TRY_STATUS(scan.string(text));
  auto type = inference::data_type(text);
  if (!type) return wrong(str("invalid datatype ", shorten(text, 40), " in the input"));
  in.tensor.type = *type;
  in.has_type = true;
  return {};
}

Status InferReader::input(Scanner& scan) {
  if (!scan.take('{')) return scan.syntax("an input is no object");
  if (inputs_.size() >= kMostInputs)
    return error(Code::kTooLarge, "the request has too many inputs");
  Input in;
  scan.space();
  for (bool more = !scan.take('}'); more;) {
    std::string_view name;
    TRY_STATUS(scan.key(name));
    TRY_STATUS(input_member(scan, name, in));
    TRY_STATUS(scan.next('}', more));
  }
  if (!in.has_name) return incomplete("an input has no 'name'");
  if (!in.has_shape || !in.has_type)
    return incomplete(str("input '", shorten(in.tensor.name, 100), "' has no ",
                          in.has_shape ? "'datatype'" : "'shape'"));
  inputs_.push_back(in);
  return {};
}

Status InferReader::output(Scanner& scan) {
  if (!scan.take('{')) return scan.syntax("an output is no object");
  if (wanted_.size() >= kMostInputs)
    return error(Code::kTooLarge, "the request asks for too many outputs");
  Wanted w;
  scan.space();
  for (bool more = !scan.take('}'); more;) {
    std::string_view name;
    TRY_STATUS(scan.key(name));
    if (name == "name")
      TRY_STATUS(scan.string(w.output.name));
    else if (name == "parameters")
      TRY_STATUS(parameters(scan, w.parameters));
    else
      TRY_STATUS(scan.skip());
    TRY_STATUS(scan.next('}', more));
  }
  if (w.output.name.empty()) return incomplete("an output has no 'name'");
  wanted_.push_back(w);
  return {};
}

Status InferReader::member(Scanner& scan, std::string_view name, InferRequest& out) {
  if (name == "parameters") return parameters(scan, request_parameters_);
  if (name == "id") return scan.take_word("null") ? Status{} : scan.string(out.id);
  bool inputs = name == "inputs";
  if (!inputs && name != "outputs") return scan.skip();
  if (!inputs && scan.take_word("null")) return {};
  if (!scan.take('['))
    return scan.syntax(inputs ? "\"inputs\" is no list" : "\"outputs\" is no list");
  scan.space();
  for (bool more = !scan.take(']'); more;) {
    TRY_STATUS(inputs ? input(scan) : output(scan));
    TRY_STATUS(scan.next(']', more));
  }
  return {};
}

// Where an input's elements are, once the JSON part is read.
Status InferReader::finish_input(Input& in, std::string_view& binary) {
  InputTensor& t = in.tensor;
  t.shape = part(shapes_, in.shape);
  t.parameters = part(parameters_, in.parameters);
  const Parameter* size = find(t.parameters, "binary_data_size");
  if (!size) {
    if (!in.has_data) return at_input(t, "has no 'data', and no parameter 'binary_data_size'");
    if (t.type == DataType::kFp16 || t.type == DataType::kBf16)
      return wrong(str("Receiving ", to_string(t.type),
                       " data via JSON is not supported. Please use the binary data "
                       "format for input ",
                       shorten(t.name, 100)));
    return {};
  }
  if (in.has_data) return at_input(t, "has both 'data' and 'binary_data_size'");
  if (size->kind != Parameter::Kind::kInt64 || size->integer < 0)
    return at_input(t, "has a 'binary_data_size' that is no size");
  auto bytes = static_cast<uint64_t>(size->integer);
  if (bytes > binary.size())
    return at_input(t, str("says binary_data_size ", bytes, ", and only ", binary.size(),
                           " bytes follow the JSON part"));
  t.contents = Contents::raw(binary.substr(0, bytes));
  binary.remove_prefix(bytes);
  return {};
}

Status InferReader::finish(std::string_view binary, InferRequest& out) {
  tensors_.clear();
  outputs_.clear();
  for (Input& in : inputs_) {
    TRY_STATUS(finish_input(in, binary));
    tensors_.push_back(in.tensor);
  }
  if (!binary.empty())
    return wrong(str(binary.size(),
                     " bytes behind the JSON part belong to no input: each binary "
                     "input has a parameter 'binary_data_size'"));
  for (Wanted& w : wanted_) {
    w.output.parameters = part(parameters_, w.parameters);
    outputs_.push_back(w.output);
  }
  out.inputs = tensors_;
  out.outputs = outputs_;
  out.parameters = part(parameters_, request_parameters_);
  return {};
}

Status InferReader::read(std::string_view body, std::optional<size_t> json_length, Workspace& work,
                         InferRequest& out) {
  work_ = &work;
  inputs_.clear();
  wanted_.clear();
  parameters_.clear();
  shapes_.clear();
  request_parameters_ = {};
  out.id = {};
  if (json_length && *json_length > body.size())
    return wrong(str("Inference-Header-Content-Length is ", *json_length, ", the body has ",
                     body.size(), " bytes"));
  std::string_view text = body.substr(0, json_length.value_or(body.size()));
  Scanner scan(text, work);
  scan.space();
  if (!scan.take('{'))
    return scan.syntax(scan.ended() ? "the body is empty" : "the body is no JSON object");
  scan.space();
  for (bool more = !scan.take('}'); more;) {
    std::string_view name;
    TRY_STATUS(scan.key(name));
    TRY_STATUS(member(scan, name, out));
    TRY_STATUS(scan.next('}', more));
  }
  scan.space();
  if (!scan.ended()) return scan.syntax("Extra data");
  if (inputs_.empty()) return incomplete("the request has no 'inputs'");
  return finish(body.substr(text.size()), out);
}

}  // namespace proa::protocols
