// Weights laid out anew for the processor: made once, when a model is added, and mapped by every worker from then on.
//
// The library has kernels for weights in another order (`use_extra_bufts`), twice to four times as fast where the processor multiplies matrices by itself. It
// makes that order when it loads a model, in memory of each process. It takes the memory through ggml_aligned_malloc (tensor_memory.h) and fills it through
// ggml_backend_tensor_set, which this module replaces: a recorder notes what is filled, so that it can be written to a file (wire/weight_layout.h), and a
// mapper puts that file's pages in the place of the memory and fills nothing.
//
// One recorder or mapper at a time, of the thread that loads, for the time of one load.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "wire/weight_layout.h"

struct ggml_backend_buffer;
struct ggml_tensor;

namespace ebb::engine_llama {

// What a layout depends on besides the model: the library's build and the processor. [a-z0-9.-]. After init_backend().
std::string layout_key();

// Tells models apart that were mistaken for each other: their length, and a hash of both ends.
Result<std::string> model_mark(int file);

// What listens to the library while it loads.
class LoadObserver {
 public:
  LoadObserver();
  LoadObserver(const LoadObserver&) = delete;
  LoadObserver& operator=(const LoadObserver&) = delete;
  virtual ~LoadObserver();
  // The library fills a tensor of the model. True: it need not.
  virtual bool fill(const ggml_tensor& tensor, const void* data, size_t bytes) = 0;
  // The load is over; what comes now are inputs of computations.
  void stop();

 protected:
  struct Buffer {
    ggml_backend_buffer* buffer = nullptr;
    uint64_t tensors = 0;  // wire::WeightLayout::Part::tensors, so far
  };
  // Notes that the tensor lies in its buffer, and says which that is: the number of those before it.
  size_t note(const ggml_tensor& tensor, size_t bytes);

  std::vector<Buffer> buffers_;
};

class LayoutRecorder final : public LoadObserver {
 public:
  bool fill(const ggml_tensor& tensor, const void* data, size_t bytes) override;
  // The library has another layout for some of the weights.
  bool something() const { return !buffers_.empty(); }
  // While the model lives. Returns the file's length. Errors: kIo, kExhausted.
  Result<uint64_t> write(int to, const std::string& made_of, bool tokens_alike) const;
};

class LayoutMapper final : public LoadObserver {
 public:
  // Of two files: what was prepared, and the model. nullptr: the model is to be computed as it is stored. Errors: kCorrupt; kInvalid: made of another model,
  // or for another library or processor.
  static Result<std::unique_ptr<LayoutMapper>> make(int prepared, int model);
  bool fill(const ggml_tensor& tensor, const void* data, size_t bytes) override;
  // After the load: every buffer is there, each tensor where it was. If not, the model must not be used.
  bool fits() const;
  // wire::WeightLayout::tokens_alike.
  bool tokens_alike() const { return layout_.tokens_alike; }

 private:
  LayoutMapper(int prepared, wire::WeightLayout layout) : prepared_(prepared), layout_(std::move(layout)) {}
  bool bring(const Buffer& buffer, const wire::WeightLayout::Part& part);

  int prepared_;
  wire::WeightLayout layout_;
  bool failed_ = false;
};

// Writes a file without a layout, for a model that is better computed as it is stored. Returns its length.
Result<uint64_t> write_no_layout(int to, const std::string& made_of, const std::string& why);

}  // namespace ebb::engine_llama
