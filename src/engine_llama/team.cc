// One word for each thread. A replacement for two functions of the library; their names are the library's.
#include "engine_llama/team.h"

#include <ggml-cpu.h>
#include <ggml.h>

#include <algorithm>
#include <mutex>

#include "engine_llama/library_function.h"

namespace ebb::engine_llama {

namespace {

constexpr size_t kTeamsMax = 16;
// What a thread asks of the memory while it waits: a part of its cache of the second level.
constexpr size_t kAskedMax = size_t{256} << 10U;
constexpr size_t kLine = 64;

std::array<Team, kTeamsMax> teams;
std::mutex enlisting;
uint64_t last_enlisted = 0;
std::atomic<uint64_t> last_graph = 0;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

// Where a thread is. It belongs to one pool; who starts graphs may do so for several.
struct Team::Place {
  uint64_t enlisted = 0;
  int word = 0;
  int thread = 0;  // in the last product: 0 before the first
  uint32_t waits = 0;
  uint64_t graph = 0;
  size_t product = 0;  // the next one
  size_t asked = 0;    // bytes of its weights
};

namespace {

thread_local Team::Place of_thread;

}  // namespace

void Team::enlist(const ggml_threadpool* pool, int threads) {
  const std::scoped_lock lock(enlisting);
  const auto free = std::ranges::find_if(teams, [](const Team& team) { return team.pool_.load() == nullptr; });
  if (threads > kThreadsMax || free == teams.end()) return;
  free->threads_ = threads;
  free->enlisted_ = ++last_enlisted;
  free->places_ = 1;  // the first is of who starts graphs
  for (Word& word : free->words_)
    word.waits = 0;
  free->pool_ = pool;
}

void Team::dismiss(const ggml_threadpool* pool) {
  const std::scoped_lock lock(enlisting);
  for (Team& team : teams)
    if (team.pool_ == pool) team.pool_ = nullptr;
}

Team* Team::of(const ggml_threadpool* pool) {
  if (pool == nullptr) return nullptr;
  for (Team& team : teams)
    if (team.pool_.load(std::memory_order_relaxed) == pool) return team.computes_.load(std::memory_order_acquire) ? &team : nullptr;
  return nullptr;
}

Team* Team::begin(const ggml_threadpool* pool, ggml_cgraph& graph, int threads) {
  const auto team = std::ranges::find_if(teams, [pool](const Team& one) { return one.pool_.load() == pool; });
  if (pool == nullptr || team == teams.end() || team->threads_ != threads) return nullptr;
  team->prepare(graph);
  of_thread = {.enlisted = team->enlisted_, .word = 0, .waits = team->words_[0].waits.load(), .graph = team->graph_};
  team->waits_before_ = of_thread.waits;
  team->computes_.store(true, std::memory_order_release);
  return &*team;
}

void Team::end() { computes_.store(false, std::memory_order_release); }

void Team::prepare(ggml_cgraph& graph) {
  graph_ = ++last_graph;
  products_.clear();
  for (int i = 0; i < ggml_graph_n_nodes(&graph); ++i)
    if (const std::optional<ProductNode> product = product_node(*ggml_graph_node(&graph, i))) products_.push_back(*product);
}

Team::Place& Team::place() {
  if (of_thread.enlisted != enlisted_) of_thread = {.enlisted = enlisted_, .word = places_++, .waits = waits_before_};
  if (of_thread.graph != graph_) {
    of_thread.graph = graph_;
    of_thread.product = of_thread.asked = 0;
  }
  return of_thread;
}

void Team::wait() {
  Place& here = place();
  // Read before the others know that this thread has come: after the last wait all of it is made anew.
  ProductNode::Share ahead;
  if (here.product < products_.size()) ahead = products_[here.product].share(here.thread, threads_);
  const size_t most = std::min(ahead.bytes, kAskedMax);
  const int threads = threads_;
  const uint32_t waits = ++here.waits;
  words_[here.word].waits.store(waits, std::memory_order_release);
  for (int other = 0; other < threads; ++other) {
    while (static_cast<int32_t>(words_[other].waits.load(std::memory_order_acquire) - waits) < 0) {
      if (here.asked < most) {
        __builtin_prefetch(ahead.tiles + here.asked, 0, 2);
        __builtin_prefetch(ahead.tiles + here.asked + kLine, 0, 2);
        here.asked += 2 * kLine;
      } else {
        pause();
      }
    }
  }
}

const ProductNode* Team::arrive_at(const ggml_tensor& result, int thread) {
  Place& here = place();
  here.thread = thread;
  for (size_t i = here.product; i < products_.size(); ++i) {
    if (products_[i].result != &result) continue;
    here.product = i + 1;
    here.asked = 0;
    return &products_[i];
  }
  return nullptr;
}

const ProductNode& Team::next() const { return products_[of_thread.product % products_.size()]; }

}  // namespace ebb::engine_llama

extern "C" {

__attribute__((visibility("default"))) void ggml_barrier(ggml_threadpool* pool) {
  using namespace ebb::engine_llama;
  if (Team* const team = Team::of(pool)) return team->wait();
  static auto* const library = library_function<void(ggml_threadpool*)>("ggml_barrier");
  library(pool);
}

__attribute__((visibility("default"))) ggml_status ggml_graph_compute(ggml_cgraph* graph, ggml_cplan* plan) {
  using namespace ebb::engine_llama;
  static auto* const library = library_function<ggml_status(ggml_cgraph*, ggml_cplan*)>("ggml_graph_compute");
  Team* const team = Team::begin(plan->threadpool, *graph, plan->n_threads);
  const ggml_status status = library(graph, plan);
  if (team != nullptr) team->end();
  return status;
}
}
