// A PMML document as the protocols' Model: rows in, for each the outputs that the document names.
// Private to this folder. Immutable; shared by threads.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/engines/pmml/models/evaluator.h"
#include "models/inference/model.h"

namespace proa::pmml {

class Document : public inference::Model {
 public:
  static Result<std::unique_ptr<inference::Model>> make(std::unique_ptr<Element> root,
                                                        size_t bytes);
  const inference::ModelInfo& info() const override { return info_; }
  Status predict(const inference::Table& in, inference::Method method, inference::Workspace& work,
                 inference::Output& out) const override;

 private:
  struct DataField {
    std::string name;
    size_t place = 0;
    bool is_text = false, is_boolean = false, is_integer = false;
    bool active = false;
    std::vector<std::string_view> valid, missing, invalid;  // values that it lists
    std::vector<std::pair<double, double>> intervals;       // closed, where it lists any
    enum class Invalid : uint8_t { kRefuse, kAsIs, kAsMissing } treatment = Invalid::kRefuse;
  };
  struct Column {  // of the answer
    std::string name;
    enum class Kind : uint8_t { kPredicted, kWinner, kProbability, kOutput } kind;
    std::string_view label;
    size_t place = 0;
    inference::DataType type = inference::DataType::kFp64;
  };

  Document() = default;
  Status read_dictionary(const Element& e);
  Status read_values(const Element& e, DataField& f);
  Status read_treatments(const Element& model);
  void describe(const Element& root, const Element& model);
  void choose_columns();
  Status fill(const inference::Table& in, size_t r, std::span<const size_t> columns,
              Row& row) const;
  Result<Value> admit(const DataField& f, Value v) const;
  Result<std::span<const size_t>> columns_of(const inference::Table& in,
                                             inference::Workspace& work) const;
  Value column_value(const Column& c, Row& row, const Answer& answer) const;

  std::unique_ptr<Element> root_;
  Fields fields_;
  std::unique_ptr<Scope> scope_;
  std::unique_ptr<Part> part_;
  std::vector<DataField> data_;
  std::vector<size_t> active_;  // of data_, in the mining schema's order
  std::vector<Column> columns_;
  std::vector<std::string_view> names_;  // of columns_
  inference::ModelInfo info_;
};

}  // namespace proa::pmml
