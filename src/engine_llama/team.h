// The threads that compute one of the library's graphs together.
//
// team.cc defines two of the library's functions (library_function.h): `ggml_graph_compute`, which says what is computed now, and `ggml_barrier`, where the
// threads of a pool wait for each other some five hundred times for each token. Here a thread writes only its own word and reads the others',
// and while it waits it asks the memory for the weights that it needs next. Pools that are not enlisted, and graphs that take fewer threads
// than their pool has, are the library's own affair.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "engine_llama/product_node.h"

struct ggml_cgraph;
struct ggml_threadpool;

namespace ebb::engine_llama {

class Team {
 public:
  struct Place;
  static constexpr int kThreadsMax = 64;

  // For a pool with so many threads, until it is dismissed; both by who made the pool, while it computes nothing. Where there are too many threads, or pools in
  // this process, the library's own barrier stays.
  static void enlist(const ggml_threadpool* pool, int threads);
  static void dismiss(const ggml_threadpool* pool);
  // That which computes with this pool now, or nullptr. Any thread.
  static Team* of(const ggml_threadpool* pool);
  // By the thread that starts a graph of so many threads, before the others know of it. nullptr: not with this pool, or not with all of it.
  static Team* begin(const ggml_threadpool* pool, ggml_cgraph& graph, int threads);
  // By the same, when the graph is computed.
  void end();

  // What follows is called by each of the threads that compute.

  // Until all have come.
  void wait();
  // The product that it computes now, in the graph's order; nullptr: none of ours.
  const ProductNode* arrive_at(const ggml_tensor& result, int thread);
  // The one behind that; after the last the first, since most graphs are computed again.
  const ProductNode& next() const;
  // Tells this computation from all others in the process.
  uint64_t graph() const { return graph_; }

 private:
  struct alignas(64) Word {
    std::atomic<uint32_t> waits = 0;  // how often the thread has come to wait
  };

  Place& place();
  void prepare(ggml_cgraph& graph);

  std::atomic<const ggml_threadpool*> pool_ = nullptr;
  std::atomic<bool> computes_ = false;
  std::atomic<int> places_ = 0;  // taken
  int threads_ = 0;
  uint64_t enlisted_ = 0;      // tells this pool from others that had this place before
  uint64_t graph_ = 0;         // the number of this computation
  uint32_t waits_before_ = 0;  // how often each thread had come to wait when the graph began
  std::vector<ProductNode> products_;
  std::array<Word, kThreadsMax> words_;
};

}  // namespace ebb::engine_llama
