// Process-wide state of the engine library.
#include "engine_llama/backend.h"

#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <llama.h>
#include <log.h>
#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

#include "base/check.h"
#include "engine_llama/team.h"
#include "engine_llama/tensor_memory.h"

namespace ebb::engine_llama {

namespace {

constexpr size_t kErrorBytesMax = 500;
constexpr int kThreadsMax = 256;

// A global, since the library's log is one.
std::string& last_error() {
  static std::string* const text = new std::string;
  return *text;
}

void keep_error(ggml_log_level level, const char* text, void* /*unused*/) {
  if (level != GGML_LOG_LEVEL_ERROR) return;
  std::string line = text;
  while (!line.empty() && line.back() == '\n')
    line.pop_back();
  if (!line.empty()) last_error() = line.substr(0, kErrorBytesMax);
}

ggml_backend_reg_t cpu_registry() {
  ggml_backend_dev_t device = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  EBB_CHECK(device != nullptr);
  return ggml_backend_dev_backend_reg(device);
}

// The CPU back end is loaded at run time, so its functions are looked up, not linked.
template <class Function>
Function* cpu_function(const char* name) {
  return reinterpret_cast<Function*>(ggml_backend_reg_get_proc_address(cpu_registry(), name));
}

bool can_make_threads() {
  try {
    std::thread([] {}).join();
    return true;
  } catch (const std::system_error&) {
    return false;  // a limit, or the seal; the library itself would abort
  }
}

}  // namespace

void init_backend(const std::string& directory) {
  // Freed memory stays in the heap: sampling and vocabularies ask for megabytes again and again, and a fresh page costs 20 µs.
  ::mallopt(M_MMAP_THRESHOLD, 4 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 64 << 20);
  ::setenv("TZ", "UTC0", 1);  // chat templates may ask for the date, and the time zone's file cannot be opened later
  (void)tensor_memory_bytes();
  llama_log_set(keep_error, nullptr);
  common_log_set_verbosity_thold(-1);  // its first line would start a thread
  ggml_backend_load_all_from_path(directory.c_str());
  (void)cpu_registry();
}

std::string backends_directory(const std::string& otherwise) {
  std::error_code ignored;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", ignored);
  const std::filesystem::path beside = program.parent_path().parent_path() / "lib" / "ebb";
  return !program.empty() && std::filesystem::is_directory(beside, ignored) ? beside.string() : otherwise;
}

std::string library_version() { return std::string("llama.cpp, ggml ") + ggml_version() + " (" + ggml_commit() + ")"; }

std::string take_library_error() { return std::exchange(last_error(), {}); }

Threads::~Threads() {
  replace_pool();
  drop_replaced();
}

void Threads::replace_pool() {
  if (pool_ != nullptr) replaced_.push_back(pool_);
  pool_ = nullptr;
}

void Threads::drop_replaced() {
  for (ggml_threadpool* pool : replaced_) {
    Team::dismiss(pool);
    cpu_function<void(ggml_threadpool*)>("ggml_threadpool_free")(pool);
  }
  replaced_.clear();
}

void Threads::set(int count) {
  count = std::clamp(count, 1, kThreadsMax);
  if (count == count_) return;
  replace_pool();
  count_ = 1;
  if (count == 1 || !can_make_threads()) return;
  ggml_threadpool_params params = ggml_threadpool_params_default(count);
  pool_ = cpu_function<ggml_threadpool*(ggml_threadpool_params*)>("ggml_threadpool_new")(&params);
  if (pool_ == nullptr) return;
  count_ = count;
  Team::enlist(pool_, count);
}

void Threads::attach(llama_context* context) const {
  llama_set_n_threads(context, count_, count_);
  if (pool_ == nullptr) {
    llama_detach_threadpool(context);
  } else {
    llama_attach_threadpool(context, pool_, pool_);
  }
}

}  // namespace ebb::engine_llama
