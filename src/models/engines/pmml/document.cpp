#include "models/engines/pmml/document.h"

#include <algorithm>

#include "foundation/base/strings.h"
#include "models/engines/pmml/core/expression.h"

namespace proa::pmml {
namespace {

using inference::Cell;
using inference::DataType;
using inference::Table;

constexpr size_t kNone = SIZE_MAX;

Value value_of(const Table& in, size_t r, size_t c) {
  if (in.form == Table::Form::kDense) {
    double v = in.dense[r * in.columns + c];
    return std::isnan(v) ? Value{} : Value::of(v);
  }
  if (in.form == Table::Form::kSparse) {
    for (size_t i = in.starts[r]; i < in.starts[r + 1]; ++i)
      if (in.indices[i] == c) return Value::of(in.values[i]);
    return Value::of(0.0);
  }
  const Cell& cell = in.cells[r * in.columns + c];
  if (cell.kind == Cell::Kind::kText) return Value::of(cell.text);
  if (cell.kind == Cell::Kind::kNumber && !std::isnan(cell.number)) return Value::of(cell.number);
  return {};
}

bool lists(const std::vector<std::string_view>& values, const Value& v) {
  return std::any_of(values.begin(), values.end(),
                     [&](std::string_view text) { return v == Value::of(text); });
}

}  // namespace

Status Document::read_values(const Element& e, DataField& f) {
  for (const Element* v : e.all("Value")) {
    TRY(std::string_view value, v->required("value"));
    std::string_view property = v->get("property", "valid");
    (property == "missing"   ? f.missing
     : property == "invalid" ? f.invalid
                             : f.valid)
        .push_back(value);
  }
  for (const Element* i : e.all("Interval")) {
    TRY(double from, i->number("leftMargin", -HUGE_VAL));
    TRY(double to, i->number("rightMargin", HUGE_VAL));
    std::string_view closure = i->get("closure");
    if (closure.starts_with("open")) from = std::nextafter(from, HUGE_VAL);
    if (closure.ends_with("Open")) to = std::nextafter(to, -HUGE_VAL);
    f.intervals.emplace_back(from, to);
  }
  return {};
}

Status Document::read_dictionary(const Element& e) {
  for (const Element* d : e.all("DataField")) {
    DataField f;
    TRY(f.name, d->required("name"));
    std::string_view type = d->get("dataType", "string");
    f.is_text = is_text_type(type);
    f.is_boolean = type == "boolean";
    f.is_integer = type == "integer";
    TRY_STATUS(read_values(*d, f));
    f.place = fields_.add(f.name, f.is_text);
    scope_->set(f.name, f.place);
    data_.push_back(std::move(f));
  }
  return {};
}

// Which fields the model takes, and what it does with values that are not valid.
Status Document::read_treatments(const Element& model) {
  TRY(const Element* schema, model.required_child("MiningSchema"));
  for (const Element* m : schema->all("MiningField")) {
    std::string_view usage = m->get("usageType", "active"), name = m->get("name");
    if (usage != "active") continue;
    auto at =
        std::find_if(data_.begin(), data_.end(), [&](const auto& f) { return f.name == name; });
    if (at == data_.end()) continue;  // derived
    std::string_view how = m->get("invalidValueTreatment", "returnInvalid");
    at->treatment = how == "asIs"        ? DataField::Invalid::kAsIs
                    : how == "asMissing" ? DataField::Invalid::kAsMissing
                                         : DataField::Invalid::kRefuse;
    at->active = true;
    active_.push_back(static_cast<size_t>(at - data_.begin()));
  }
  return {};
}

// What the document names; else the target, and a probability for each class.
void Document::choose_columns() {
  for (const Part::Output& o : part_->outputs())
    columns_.push_back({o.name,
                        Column::Kind::kOutput,
                        {},
                        o.place,
                        o.is_text ? DataType::kBytes : DataType::kFp64});
  if (!columns_.empty()) return;
  auto target = std::find_if(data_.begin(), data_.end(),
                             [&](const DataField& f) { return f.name == part_->target(); });
  bool is_text = target == data_.end() ? part_->classifies() || !part_->labels().empty() ||
                                             info_.type == "ClusteringModel"
                                       : part_->classifies() && target->is_text;
  std::string name =
      part_->target().empty() ? "predictedValue" : str("predicted_", part_->target());
  DataType type = is_text                                     ? DataType::kBytes
                  : part_->classifies() && target->is_integer ? DataType::kInt64
                                                              : DataType::kFp64;
  columns_.push_back({name, Column::Kind::kPredicted, {}, 0, type});
  if (!part_->classifies() || part_->labels().empty()) return;
  columns_.push_back({"probability", Column::Kind::kWinner, {}, 0, DataType::kFp64});
  for (std::string_view label : part_->labels())
    columns_.push_back(
        {str("probability_", label), Column::Kind::kProbability, label, 0, DataType::kFp64});
}

void Document::describe(const Element& root, const Element& model) {
  info_.engine = info_.platform = "pmml";
  info_.type = model.name;
  if (const Element* header = root.child("Header"))
    if (const Element* application = header->child("Application"))
      info_.version =
          std::string(trim(str(application->get("name"), " ", application->get("version"))));
  info_.features = 0;
  for (size_t i : active_) {
    const DataField& f = data_[i];
    DataType type = f.is_text      ? DataType::kBytes
                    : f.is_boolean ? DataType::kBool
                    : f.is_integer ? DataType::kInt64
                                   : DataType::kFp64;
    info_.inputs.push_back({f.name, type, {-1}});
  }
  for (const Column& c : columns_) {
    info_.outputs.push_back({c.name, c.type, {-1}});
    names_.push_back(c.name);
  }
  info_.methods = {inference::Method::kPredict};
}

Result<std::unique_ptr<inference::Model>> Document::make(std::unique_ptr<Element> root,
                                                         size_t bytes) {
  if (!root->is("PMML")) return root->wrong("this is no PMML document");
  std::unique_ptr<Document> d(new Document);
  d->root_ = std::move(root);
  const Element& top = *d->root_;
  d->scope_ = std::make_unique<Scope>(d->fields_, nullptr);
  TRY(const Element* dictionary, top.required_child("DataDictionary"));
  TRY_STATUS(d->read_dictionary(*dictionary));
  if (const Element* transformations = top.child("TransformationDictionary"))
    TRY_STATUS(add_derived_fields(*transformations, *d->scope_));
  const Element* model = nullptr;
  for (const auto& c : top.children)
    if (is_model(*c) && !model && c->get("isScorable", "true") == "true") model = c.get();
  if (!model) return top.wrong("it holds no model that can be scored");
  TRY_STATUS(d->read_treatments(*model));
  TRY(d->part_, Part::make(*model, *d->scope_));
  d->info_.type = model->name;
  d->choose_columns();
  d->describe(top, *model);
  d->info_.file_bytes = bytes;
  d->info_.memory_bytes = bytes * 3;
  return std::unique_ptr<inference::Model>(std::move(d));
}

// A value as the field takes it: its type, its values, its intervals.
Result<Value> Document::admit(const DataField& f, Value v) const {
  if (v.missing() || lists(f.missing, v)) return Value{};
  bool valid = true;
  if (!f.is_text) {
    double n = number_of(v);
    valid = !std::isnan(n) && (!f.is_integer || n == std::trunc(n));
    if (!std::isnan(n)) v = Value::of(n);
    if (valid && !f.intervals.empty())
      valid = std::any_of(f.intervals.begin(), f.intervals.end(),
                          [&](auto i) { return n >= i.first && n <= i.second; });
  }
  if (valid && lists(f.invalid, v)) valid = false;
  if (valid && !f.valid.empty() && f.intervals.empty()) valid = lists(f.valid, v);
  if (valid || f.treatment == DataField::Invalid::kAsIs) return v;
  if (f.treatment == DataField::Invalid::kAsMissing) return Value{};
  return error(Code::kInvalid, str("field '", shorten(f.name, 100), "': '", shorten(text_of(v), 60),
                                   "' is no valid value"));
}

// For each active field the column of the table: by name where the request gave names, else by the
// mining schema's order.
Result<std::span<const size_t>> Document::columns_of(const Table& in,
                                                     inference::Workspace& work) const {
  auto columns = work.take<size_t>(std::max<size_t>(active_.size(), 1)).first(active_.size());
  if (in.names.empty()) {
    if (in.rows != 0 && in.columns != active_.size())
      return error(Code::kInvalid, str("the rows have ", in.columns, " values; the model takes ",
                                       active_.size(), " fields"));
    for (size_t i = 0; i < columns.size(); ++i) columns[i] = i;
    return std::span<const size_t>(columns);
  }
  for (size_t i = 0; i < columns.size(); ++i) {
    auto at = std::find(in.names.begin(), in.names.end(), data_[active_[i]].name);
    columns[i] = at == in.names.end() ? kNone : static_cast<size_t>(at - in.names.begin());
  }
  return std::span<const size_t>(columns);
}

Status Document::fill(const Table& in, size_t r, std::span<const size_t> columns, Row& row) const {
  for (const DataField& f : data_)
    if (!f.active) row.set(f.place, {});
  for (size_t i = 0; i < active_.size(); ++i) {
    const DataField& f = data_[active_[i]];
    Value given = columns[i] == kNone ? Value{} : value_of(in, r, columns[i]);
    if (f.is_text && given.is_number()) given = Value::of(row.work().keep(text_of(given)));
    auto v = admit(f, given);
    if (!v.ok()) return std::move(v).error().with_context(str("row ", uint64_t{r}));
    row.set(f.place, *v);
  }
  part_->treat(row);
  return {};
}

Value Document::column_value(const Column& c, Row& row, const Answer& a) const {
  switch (c.kind) {
    case Column::Kind::kPredicted:
      return a.predicted;
    case Column::Kind::kOutput:
      return row.get(c.place);
    case Column::Kind::kWinner:
      for (const Score& s : a.scores)
        if (Value::of(s.label) == a.predicted) return Value::of(s.probability);
      return {};
    case Column::Kind::kProbability:
      for (const Score& s : a.scores)
        if (s.label == c.label) return Value::of(s.probability);
      return a.scores.empty() ? Value{} : Value::of(0.0);
  }
  return {};
}

Status Document::predict(const Table& in, inference::Method method, inference::Workspace& work,
                         inference::Output& out) const {
  if (method != inference::Method::kDefault && method != inference::Method::kPredict)
    return error(Code::kUnimplemented,
                 str(info_.type, " of PMML has no ", inference::to_string(method)));
  TRY(auto columns, columns_of(in, work));
  size_t n = std::max<size_t>(in.rows, 1);
  auto values = work.take<inference::Values>(columns_.size());
  struct Cells {
    double* numbers;
    int64_t* integers;
    std::string_view* texts;
  };
  auto cells = work.take<Cells>(columns_.size());
  for (size_t c = 0; c < columns_.size(); ++c) {
    cells[c] = {};
    DataType type = columns_[c].type;
    if (type == DataType::kBytes) cells[c].texts = work.take<std::string_view>(n).data();
    if (type == DataType::kFp64) cells[c].numbers = work.take<double>(n).data();
    if (type == DataType::kInt64) cells[c].integers = work.take<int64_t>(n).data();
    values[c] = {type, 1, {in.rows}, cells[c].numbers, cells[c].integers, cells[c].texts};
  }
  Answer answer;
  for (size_t r = 0; r < in.rows; ++r) {
    Row row(fields_, work);
    TRY_STATUS(fill(in, r, columns, row));
    part_->evaluate(row, answer);
    if (!row.error().empty())
      return error(Code::kInvalid, str("row ", uint64_t{r}, ": ", row.error()));
    for (size_t c = 0; c < columns_.size(); ++c) {
      Value v = column_value(columns_[c], row, answer);
      double number = number_of(v);
      if (cells[c].texts) cells[c].texts[r] = v.missing() ? "" : work.keep(text_of(v));
      if (cells[c].numbers) cells[c].numbers[r] = number;
      if (cells[c].integers)
        cells[c].integers[r] = std::isnan(number) ? 0 : static_cast<int64_t>(number);
    }
  }
  out = {};
  out.first = values[0];
  out.rest = values.subspan(1);
  out.names = names_;
  return {};
}

}  // namespace proa::pmml
