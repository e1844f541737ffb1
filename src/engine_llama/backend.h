// The engine library in this process: loading its back ends, and keeping it quiet. Called by one thread.
#pragma once

#include <string>
#include <vector>

struct ggml_threadpool;
struct llama_context;

namespace ebb::engine_llama {

// Loads the back ends for this machine's CPU from the directory, and sets the process up for the library (log, heap). Once, at start; no model is
// touched. Aborts if there is no back end: then the program was installed wrongly.
void init_backend(const std::string& directory);

// The directory of back ends for this program: `<directory of the program>/../lib/ebb` if it is there, else the given one.
std::string backends_directory(const std::string& otherwise);

std::string library_version();

// The last error that the library logged since the last call, for the message of a failure; empty if none.
std::string take_library_error();

// The number of threads that the library's graphs may use: exactly n, of a pool that we own. Its threads spin at barriers, so n
// must be cores that are free. One thread needs no pool.
//
// A context goes on touching the pool that it last computed with until it computes with another: so a pool that was replaced lives until
// drop_replaced, which is to be called when the context has computed since, or is gone.
class Threads {
 public:
  Threads() = default;
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  ~Threads();

  // Where threads cannot be made, it stays at one.
  void set(int count);
  void drop_replaced();
  int count() const { return count_; }
  // From its next batch on the context computes with these; they must outlive it, or the next attach.
  void attach(llama_context* context) const;

 private:
  void replace_pool();

  int count_ = 1;
  ggml_threadpool* pool_ = nullptr;
  std::vector<ggml_threadpool*> replaced_;
};

}  // namespace ebb::engine_llama
