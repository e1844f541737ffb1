// A model package that was loaded: the library's sessions over its mapping, and what the model takes and gives.
//
// The number of threads belongs to a session, so there is one for each number that was asked for, made when it is first used; the few used last are kept. Where
// the model was prepared, they look at the same mapped weights, and only one of them has packed ones. One thread at a time.
//
//   of what was prepared   quick    made in milliseconds; packs weights anew in every run
//                          full     has its weights packed, which takes longer; made beside the work once the model was used, and replaces the quick one
//   of the model itself    full     also optimises the graph: the slowest to make
#pragma once

#include <onnxruntime_cxx_api.h>

#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "domain/tensor.h"
#include "engine_onnx/mapping.h"
#include "wire/manifest.h"
#include "wire/package.h"

namespace ebb::engine_onnx {

enum class Packing { kQuick, kFull };

class Model {
 public:
  using Log = std::function<void(const std::string& line)>;

  // `prepared` (-1: none) is what prepare() made of the package. If it does not fit, `log` says so and the model is loaded from the package itself.
  // Errors: kCorrupt for what is no model or cannot run here, kExhausted.
  static Result<std::unique_ptr<Model>> load(const Fd& package, int prepared, int threads, const Log& log);

  const wire::Manifest& manifest() const { return manifest_; }
  // A file of the package; nullptr: there is none of this name.
  const std::span<const char>* file(std::string_view name) const { return package_.find(name); }
  const std::vector<domain::TensorSpec>& inputs() const { return inputs_; }
  const std::vector<domain::TensorSpec>& outputs() const { return outputs_; }
  // What a row becomes does not depend on the rows beside it. False where the model measures its numbers while it runs to quantise them: over all rows.
  bool keeps_rows_apart() const { return keeps_rows_apart_; }
  // Rows of several calls may go through the model together, since it keeps them apart: its makers named the first dimension of all inputs and outputs
  // as that of a batch.
  bool has_batches() const { return has_batches_; }
  bool is_prepared() const { return !prepared_.bytes().empty(); }

  // The tensors must fit inputs(), in that order, and `outputs` be names of outputs(). `options` can stop it from another thread.
  // Errors: kInvalid where the model's own operators find the input wrong, kExhausted, kTooLarge for more output than a call may have, kCancelled.
  // A session that is full by now is used from here on.
  Result<std::vector<domain::Tensor>> run(std::span<const domain::Tensor> inputs, std::span<const std::string> outputs, int threads,
                                          const Ort::RunOptions& options);

  // Begins to make a full session for so many threads, where there is a quick one. Returns at once. One for another number goes before, if this one was
  // used often enough to be worth it: two copies of packed weights are never held.
  void improve(int threads);

 private:
  struct Kept {
    Ort::Session session{nullptr};
    Packing packing = Packing::kFull;
    uint64_t used = 0;  // rising
    int runs = 0;
  };
  struct Improved {
    int threads = 1;
    Ort::Session session{nullptr};  // empty: it could not be made
  };

  explicit Model(Mapping package) : package_bytes_(std::move(package)) {}

  Status read_package();
  bool take_prepared(int prepared, const Log& log);
  Status describe();
  Result<Ort::Session*> session_for(int threads);
  Ort::Session make_session(int threads, Packing packing) const;
  void take_improved();
  void drop_oldest();

  Mapping package_bytes_;
  Mapping prepared_;
  wire::Package package_;
  std::span<const char> prepared_model_;
  wire::Manifest manifest_;
  std::vector<domain::TensorSpec> inputs_;
  std::vector<domain::TensorSpec> outputs_;
  bool keeps_rows_apart_ = true;
  bool has_batches_ = false;
  // Behind the mappings, at which they look until they are gone.
  std::map<int, Kept> sessions_;  // by their number of threads
  uint64_t uses_ = 0;
  std::future<Improved> improved_;
};

// A session's options that hold for every model: no operators of its own, no thread that we did not ask for, none that spins.
Ort::SessionOptions session_options(int threads);
// Whether the model has an operator that quantises by what all rows together have.
bool quantises_over_rows(std::span<const char> model);
// Gives the library the package's other files under their names, as the only external data that there is.
void add_external_data(Ort::SessionOptions& options, const wire::Package& package);

}  // namespace ebb::engine_onnx
