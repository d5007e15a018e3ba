// Service: what the protocols' faces call. One for each worker thread, used on its loop's thread
// only; the models behind it are shared by all threads.
//
// A face answers a request at once by infer(), or, where defers() says so (the model batches), by
// infer_later() with a Call that owns all that its request views.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"
#include "models/protocols/request.h"

namespace proa::protocols {

// A request that is answered later. A face derives from it, with the buffers that `request` views.
class Call {
 public:
  virtual ~Call() = default;
  // Called once, on the loop's thread, perhaps from inside infer_later(); the Call is destroyed
  // after it. `response` is set where status is ok, and views `work`, the model and `request`.
  virtual void done(Status status) = 0;
  virtual bool abandoned() const { return false; }  // the client went away: not predicted any more

  InferRequest request;
  InferResponse response;
  Workspace work;
};

struct ServerMetadata {
  std::string name, version;
  std::vector<std::string> extensions;
};

struct ModelMetadata {
  std::string name, platform;
  std::string version;  // the one that this describes, "" where there are none
  std::vector<std::string> versions;
  std::vector<inference::TensorInfo> inputs, outputs;
  std::vector<inference::Signature> signatures;  // of a SavedModel
  bool tensorflow = false;                       // it is one of TensorFlow's formats
};

// What TensorFlow Serving calls the state of a version.
struct VersionState {
  std::string version;
  bool available = false;
  std::string reason;  // why it is not
};

struct IndexEntry {
  std::string name, version, state, reason;  // state: READY, UNAVAILABLE, LOADING, UNLOADING
};

// Errors: kNotFound for an unknown model ("Model with name X does not exist.") or version,
// kUnavailable for one that is not ready ("Model with name X is not ready.") and for a full queue
// (the client should try again after retry_after() seconds), kInvalid for what is wrong with the
// request, kUnimplemented for a method that the model has not.
class Service {
 public:
  using Done = std::function<void(Status)>;
  virtual ~Service() = default;

  // True: requests to this model are to go through infer_later().
  virtual bool defers(std::string_view model, std::string_view version) = 0;
  // How its requests are to be given: `later` is what defers() says; `tensors`: V1 as the body.
  struct Handling {
    bool later = false, tensors = false;
  };
  virtual Handling handling(std::string_view model, std::string_view version) {
    return {defers(model, version), false};
  }
  // Predicts now. What `out` views is valid until `work` is reset, and no longer than this turn of
  // the loop or the next call of infer().
  virtual Status infer(const InferRequest& request, Workspace& work, InferResponse& out) = 0;
  virtual void infer_later(std::unique_ptr<Call> call) = 0;
  virtual int retry_after() const { return 1; }

  virtual bool live() const = 0;
  virtual bool ready() const = 0;  // all models are loaded, and the server is not draining
  virtual Result<bool> model_ready(std::string_view model, std::string_view version) = 0;
  virtual ServerMetadata server_metadata() const = 0;
  virtual Result<ModelMetadata> model_metadata(std::string_view model,
                                               std::string_view version) = 0;
  virtual std::vector<std::string> models() = 0;  // names, sorted
  // As TensorFlow Serving asks: the states of one version, or of all; and which version a label
  // stands for ("stable", "canary").
  virtual Result<std::vector<VersionState>> version_states(std::string_view model,
                                                           std::string_view version);
  virtual Result<std::string> version_of(std::string_view model, std::string_view label);

  // The model repository. `done` is called once on the loop's thread, perhaps at once.
  virtual std::vector<IndexEntry> index(bool ready_only) = 0;
  virtual void load(std::string_view model, Done done) = 0;  // loads, or loads again
  virtual void unload(std::string_view model, Done done) = 0;
};

}  // namespace proa::protocols
