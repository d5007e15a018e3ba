// The V1 protocol of one model: path → answer. What the HTTP server calls for every request.
//
// One thread. Answers are appended to a text that the caller owns and reuses; nothing is allocated
// for a prediction once the buffers have grown to the size of the requests.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "foundation/obs/metrics.h"
#include "models/engines/engine.h"
#include "models/server/rows.h"

namespace proa::models {

struct Answer {
  int status = 200;
  std::string_view content_type = "application/json";
  std::string_view extra;  // header lines, each with "\r\n"
};

class V1 {
 public:
  V1(std::string model_name, std::unique_ptr<engines::Model> model, metrics::Registry& registry);
  // Appends the body to `out`.
  Answer answer(std::string_view method, std::string_view path, std::string_view body,
                std::string& out);
  void set_ready(bool ready) { ready_ = ready; }  // false while draining: probes see 503
  const engines::ModelInfo& info() const { return model_->info(); }

 private:
  Answer predict(std::string_view body, std::string& out);
  Answer other(std::string_view method, std::string_view path, std::string& out);
  Answer model(std::string_view method, std::string_view rest, std::string_view body,
               std::string& out);
  Answer metrics_text(std::string& out);

  std::string name_, predict_path_;
  std::unique_ptr<engines::Model> model_;
  std::unique_ptr<engines::Session> session_;
  Rows rows_;
  engines::Output output_;
  bool ready_ = true;
  metrics::Registry& registry_;
  metrics::Histogram &preprocess_, &predict_, &postprocess_;
};

}  // namespace proa::models
