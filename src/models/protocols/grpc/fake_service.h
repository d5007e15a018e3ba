// For the tests here: a Service with one model, "sum", that adds up the columns of each row.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "foundation/base/strings.h"
#include "models/protocols/service.h"
#include "models/protocols/tensors.h"

namespace proa::protocols {

class FakeService : public Service {
 public:
  bool deferring = false, is_ready = true;
  std::vector<std::unique_ptr<Call>> waiting;
  inference::DataType answer_type = inference::DataType::kFp64;

  Status check(std::string_view model, std::string_view version) const {
    if (model != "sum")
      return error(Code::kNotFound, str("Model with name ", model, " does not exist."));
    if (!version.empty() && version != "1")
      return error(Code::kNotFound, str("Model sum has no version ", version, "."));
    if (!is_ready) return error(Code::kUnavailable, "Model with name sum is not ready.");
    return {};
  }
  bool defers(std::string_view, std::string_view) override { return deferring; }
  Status infer(const InferRequest& request, Workspace& work, InferResponse& out) override {
    TRY_STATUS(check(request.model, request.version));
    Table table;
    TRY_STATUS(to_table(request, work, table));
    if (table.form != Table::Form::kDense) return texts(table, work, request, out);
    auto sums = work.zeros<double>(table.rows);
    auto whole = work.take<int64_t>(table.rows);
    for (size_t r = 0; r < table.rows; ++r) {
      for (size_t c = 0; c < table.columns; ++c) sums[r] += table.row(r)[c];
      whole[r] = static_cast<int64_t>(sums[r]);
    }
    Values values = inference::vector_of(sums, answer_type);
    if (!inference::is_float(answer_type)) values.integers = whole.data();
    return answer(values, work, request, out);
  }
  void infer_later(std::unique_ptr<Call> call) override { waiting.push_back(std::move(call)); }
  void answer_waiting() {
    for (auto& call : std::exchange(waiting, {})) {
      if (call->abandoned()) continue;
      Status status = infer(call->request, call->work, call->response);
      call->done(std::move(status));
    }
  }
  bool live() const override { return true; }
  bool ready() const override { return is_ready; }
  Result<bool> model_ready(std::string_view model, std::string_view version) override {
    TRY_STATUS(check(model, version));
    return true;
  }
  ServerMetadata server_metadata() const override {
    return {"proa", "0", {"model_repository_extension"}};
  }
  Result<ModelMetadata> model_metadata(std::string_view model, std::string_view version) override {
    TRY_STATUS(check(model, version));
    ModelMetadata m;
    m.name = "sum";
    m.platform = "sklearn";
    m.versions = {"1"};
    m.inputs = {{"input-0", inference::DataType::kFp64, {-1, 4}}};
    m.outputs = {{"output-0", inference::DataType::kFp64, {-1}}};
    return m;
  }
  std::vector<std::string> models() override { return {"sum"}; }
  std::vector<IndexEntry> index(bool ready_only) override {
    if (ready_only && !is_ready) return {};
    return {{"sum", "1", is_ready ? "READY" : "UNAVAILABLE", ""}};
  }
  void load(std::string_view model, Done done) override {
    if (model != "sum")
      return done(error(Code::kNotFound, str("Model with name ", model, " does not exist.")));
    is_ready = true;
    done({});
  }
  void unload(std::string_view model, Done done) override {
    if (model != "sum")
      return done(error(Code::kNotFound, str("Model with name ", model, " does not exist.")));
    is_ready = false;
    done({});
  }

 private:
  // Texts come back as they are, one a row.
  Status texts(const Table& table, Workspace& work, const InferRequest& request,
               InferResponse& out) {
    auto all = work.take<std::string_view>(table.rows * table.columns);
    for (size_t i = 0; i < all.size(); ++i) all[i] = table.cells[i].text;
    Values values{inference::DataType::kBytes, 1, {all.size()}, nullptr, nullptr, all.data()};
    return answer(values, work, request, out);
  }
  Status answer(const Values& values, Workspace& work, const InferRequest& request,
                InferResponse& out) {
    auto outputs = work.take<OutputTensor>(1);
    outputs[0] = OutputTensor();
    outputs[0].name = "output-0";
    outputs[0].values = values;
    outputs[0].parameters = request.parameters;
    if (!request.outputs.empty()) outputs[0].request = &request.outputs[0];
    out.model = request.model;
    out.version = request.version;
    out.id = request.id.empty() ? "new-id" : request.id;
    out.parameters = request.parameters;
    out.outputs = outputs;
    return {};
  }
};

}  // namespace proa::protocols
