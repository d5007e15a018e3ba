// predict_file MODEL METHOD: rows as JSON on stdin, what the model says as JSON on stdout.
// predict_file --batch: on stdin a line "MODEL<tab>METHOD<tab>ROWS" a question; on stdout a line a
// question, {"arrays": [{"type", "shape", "data"}]} or {"error"}. A model is loaded once for lines
// in a row. `info` as METHOD tells the model's metadata. predict_file --allowed: lines "MODULE
// NAME", answered by the reader's verdict. predict_file --covers: what is covered, a name a line.
//
// For comparing with the frameworks themselves; see tests/models.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "foundation/base/strings.h"
#include "models/engines/boosted/catboost.h"
#include "models/engines/boosted/lightgbm.h"
#include "models/engines/boosted/xgboost.h"
#include "models/engines/files.h"
#include "models/engines/sklearn_engine.h"

namespace {

using namespace proa;
using inference::Cell;
using inference::Table;
using inference::Values;

const inference::Engine* const kEngines[] = {&engines::sklearn_engine(), &engines::xgboost_engine(),
                                             &engines::lightgbm_engine(),
                                             &engines::catboost_engine()};

// Rows as JSON: [[1, "a", null], …], [1, 2] (flat) or [{"a": 1}, …], with NaN and Infinity.
class Rows {
 public:
  bool read(const std::string& text);
  Table table() const;

 private:
  void blanks() {
    while (*at_ && std::strchr(" \t\r\n", *at_)) ++at_;
  }
  bool take(char c) {
    blanks();
    if (*at_ != c) return false;
    ++at_;
    return true;
  }
  bool word(const char* w) {
    size_t n = std::strlen(w);
    if (std::strncmp(at_, w, n) != 0) return false;
    at_ += n;
    return true;
  }
  bool text(std::string& out);
  bool cell();
  bool list();
  bool object();
  void join_objects();

  const char* at_ = nullptr;
  std::vector<Cell> cells_;
  std::vector<std::vector<Cell>> objects_;
  std::vector<double> numbers_;
  std::vector<std::unique_ptr<std::string>> texts_;
  std::vector<std::string_view> names_;
  std::vector<size_t> widths_;
  bool flat_ = false, plain_ = true, integers_ = true;
};

bool Rows::text(std::string& out) {
  for (++at_; *at_ && *at_ != '"'; ++at_) {
    if (*at_ != '\\') {
      out += *at_;
      continue;
    }
    ++at_;
    if (*at_ == 'u') return false;  // the harness writes UTF-8
    out += *at_ == 'n' ? '\n' : *at_ == 't' ? '\t' : *at_ == 'r' ? '\r' : *at_;
  }
  return *at_++ == '"';
}

bool Rows::cell() {
  blanks();
  Cell c;
  if (*at_ == '"') {
    auto& kept = texts_.emplace_back(std::make_unique<std::string>());
    if (!text(*kept)) return false;
    c.kind = Cell::Kind::kText;
    c.text = *kept;
    plain_ = false;
  } else if (word("null")) {
    plain_ = false;
  } else {
    c.kind = Cell::Kind::kNumber;
    if (word("true")) {
      c.number = 1;
    } else if (!word("false")) {
      char* end = nullptr;
      c.number = std::strtod(at_, &end);
      if (end == at_) return false;
      for (const char* p = at_; p != end; ++p) integers_ = integers_ && !std::strchr(".eEnN", *p);
      at_ = end;
    }
  }
  cells_.push_back(c);
  return true;
}

bool Rows::list() {
  size_t before = cells_.size();
  if (!take(']')) do {
      if (!cell()) return false;
    } while (take(','));
  if (cells_.size() != before && !take(']')) return false;
  widths_.push_back(cells_.size() - before);
  return true;
}

// The columns are all the keys that came so far, in order of coming; earlier rows lack later ones.
bool Rows::object() {
  std::vector<Cell> row(names_.size(), Cell{Cell::Kind::kAbsent});
  do {
    blanks();
    std::string* key = texts_.emplace_back(std::make_unique<std::string>()).get();
    if (*at_ != '"' || !text(*key) || !take(':') || !cell()) return false;
    size_t column = 0;
    while (column < names_.size() && names_[column] != *key) ++column;
    if (column == names_.size()) {
      names_.push_back(*key);
      row.push_back({});
    }
    row[column] = cells_.back();
    cells_.pop_back();
  } while (take(','));
  objects_.push_back(std::move(row));
  return take('}');
}

void Rows::join_objects() {
  for (const auto& row : objects_) {
    cells_.insert(cells_.end(), row.begin(), row.end());
    for (size_t i = row.size(); i < names_.size(); ++i) cells_.push_back({Cell::Kind::kAbsent});
    widths_.push_back(names_.size());
  }
  for (const Cell& c : cells_) plain_ = plain_ && c.kind == Cell::Kind::kNumber;
}

bool Rows::read(const std::string& text) {
  at_ = text.c_str();
  if (!take('[')) return false;
  if (take(']')) return true;
  do {
    if (take('[')) {
      if (!list()) return false;
    } else if (take('{')) {
      if (!object()) return false;
    } else {
      flat_ = true;
      if (!cell()) return false;
      widths_.push_back(1);
    }
  } while (take(','));
  join_objects();
  for (size_t w : widths_)
    if (w != widths_[0]) return false;
  for (const Cell& c : cells_) numbers_.push_back(c.number);
  return take(']');
}

Table Rows::table() const {
  Table t;
  t.rows = widths_.size();
  t.columns = widths_.empty() ? 0 : widths_[0];
  t.form = plain_ ? Table::Form::kDense : Table::Form::kCells;
  t.dense = numbers_.data();
  t.cells = cells_.data();
  t.names = names_;
  t.flat = flat_;
  if (integers_ && plain_) t.type = inference::DataType::kInt64;
  return t;
}

void append_json(std::string& out, std::string_view text) {
  out += '"';
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", c);
      out += code;
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_number(std::string& out, double v) {
  if (std::isnan(v)) {
    out += "NaN";
  } else if (std::isinf(v)) {
    out += v < 0 ? "-Infinity" : "Infinity";
  } else {
    char text[40];
    std::snprintf(text, sizeof text, "%.17g", v);
    out += text;
  }
}

std::string array_json(const Values& v) {
  std::string out = str("{\"type\": \"", inference::to_string(v.type), "\", \"shape\": [");
  for (uint8_t i = 0; i < v.rank; ++i) out += str(i ? ", " : "", v.shape[i]);
  out += "], \"data\": [";
  for (size_t i = 0, n = v.count(); i < n; ++i) {
    if (i) out += ", ";
    if (v.type == inference::DataType::kBytes)
      append_json(out, v.texts[i]);
    else if (inference::is_float(v.type))
      append_number(out, v.numbers[i]);
    else
      out += v.type == inference::DataType::kUint64 ? str(static_cast<uint64_t>(v.integers[i]))
                                                    : str(v.integers[i]);
  }
  return out + "]}";
}

std::string error_json(const Error& e) {
  std::string out = "{\"error\": ";
  append_json(out, e.message);
  return out + "}";
}

std::string infos_json(const std::vector<inference::TensorInfo>& infos) {
  std::string out = "[";
  for (const auto& i : infos) {
    out += out.size() > 1 ? ", {\"name\": " : "{\"name\": ";
    append_json(out, i.name);
    out += str(", \"datatype\": \"", inference::to_string(i.type), "\", \"shape\": [");
    for (size_t d = 0; d < i.shape.size(); ++d) out += str(d ? ", " : "", i.shape[d]);
    out += "]}";
  }
  return out + "]";
}

std::string info_json(const inference::ModelInfo& info) {
  std::string out = "{\"type\": ";
  append_json(out, info.type);
  out += str(", \"version\": \"", info.version, "\", \"features\": ", info.features,
             ", \"inputs\": ", infos_json(info.inputs), ", \"outputs\": ", infos_json(info.outputs),
             ", \"methods\": [");
  for (size_t i = 0; i < info.methods.size(); ++i)
    out += str(i ? ", " : "", "\"", inference::to_string(info.methods[i]), "\"");
  return out + "]}";
}

std::string answer(const inference::Model& model, std::string_view method, const std::string& text,
                   inference::Workspace& work) {
  if (method == "info") return info_json(model.info());
  auto how = inference::method(method == "default" ? "" : method);
  if (!how) return error_json(error(Code::kInvalid, str("no such method: ", method)));
  Rows rows;
  if (!rows.read(text)) return error_json(error(Code::kInvalid, "the rows are no rows"));
  inference::Output out;
  work.reset();
  auto status = model.predict(rows.table(), *how, work, out);
  if (!status.ok()) return error_json(status.error());
  std::string json = "{\"arrays\": [";
  for (size_t i = 0; i < out.count(); ++i) json += (i ? ", " : "") + array_json(out.at(i));
  return json + "]}";
}

bool read_line(std::string& line) {
  line.clear();
  int c = std::getchar();
  if (c == EOF) return false;
  for (; c != EOF && c != '\n'; c = std::getchar()) line += static_cast<char>(c);
  return true;
}

int batch() {
  std::string line, loaded, rows;
  Result<std::unique_ptr<inference::Model>> model;
  inference::Workspace work;
  while (read_line(line)) {
    auto parts = split(line, '\t');
    if (parts.size() != 3) return 2;
    if (parts[0] != loaded) {
      loaded = parts[0];
      model = engines::load_folder(loaded, {}, kEngines);
    }
    rows = parts[2];
    std::string out =
        model.ok() ? answer(**model, parts[1], rows, work) : error_json(model.error());
    std::puts(out.c_str());
    std::fflush(stdout);
  }
  return 0;
}

int allowed() {
  std::string line;
  while (read_line(line)) {
    auto words = split(line, ' ');
    if (words.size() != 2) return 2;
    auto verdict = engines::sklearn_allows(words[0], words[1]);
    std::puts(verdict == pickle::Verdict::kAllowed       ? "allowed"
              : verdict == pickle::Verdict::kUnsupported ? "unsupported"
                                                         : "refused");
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && !std::strcmp(argv[1], "--batch")) return batch();
  if (argc == 2 && !std::strcmp(argv[1], "--allowed")) return allowed();
  if (argc == 2 && !std::strcmp(argv[1], "--covers")) {
    for (const std::string& name : engines::sklearn_classes()) std::puts(name.c_str());
    return 0;
  }
  if (argc == 2 && !std::strcmp(argv[1], "--list-formats")) {
    std::fputs(engines::formats_text(kEngines).c_str(), stdout);
    return 0;
  }
  if (argc != 3) {
    std::fputs("usage: predict_file MODEL METHOD < ROWS | --batch | --allowed | --covers\n",
               stderr);
    return 2;
  }
  auto model = engines::load_folder(argv[1], {}, kEngines);
  if (!model.ok()) {
    std::puts(error_json(model.error()).c_str());
    return 1;
  }
  std::string text;
  for (int c = std::getchar(); c != EOF; c = std::getchar()) text += static_cast<char>(c);
  inference::Workspace work;
  std::string out = answer(**model, argv[2], text, work);
  std::puts(out.c_str());
  return out.starts_with("{\"error") ? 1 : 0;
}
