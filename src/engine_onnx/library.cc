// Process-wide state of the library.
#include "engine_onnx/library.h"

#include <cpuid.h>
#include <dlfcn.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <thread>

#include "base/check.h"
#include "engine_onnx/bounded_memory.h"

namespace ebb::engine_onnx {

namespace {

constexpr size_t kErrorBytesMax = 600;
// Of this machine's memory for the tensors of one worker: one in so many parts.
constexpr int64_t kShareOfMachine = 2;
constexpr int64_t kBesidesTensors = int64_t{1} << 30;

struct Library {
  Ort::Env env{nullptr};
  std::string version;
  unsigned cores = 1;
  int64_t share_of_machine = 0;
  BoundedMemory* memory = nullptr;  // lives as long as the process, as the library does
};

// A global, since the library's state is one.
Library& library() {
  static Library* const the_library = new Library;
  return *the_library;
}

void say_nothing(void* /*unused*/, OrtLoggingLevel /*unused*/, const char* /*unused*/, const char* /*unused*/, const char* /*unused*/, const char* /*unused*/) {
}

// y = x for one float, as an ONNX model: what a first session costs is paid by a worker that nobody waits for.
constexpr auto kIdentity = std::to_array<unsigned char>({
    0x08, 0x08, 0x3a, 0x2f,                                                                                // ir_version 8, a graph of 47 bytes
    0x0a, 0x10, 0x0a, 0x01, 'x', 0x12, 0x01, 'y',  0x22, 0x08, 'I',  'd',  'e',  'n', 't', 'i', 't', 'y',  // its node
    0x12, 0x01, 'g',                                                                                       // its name
    0x5a, 0x0b, 0x0a, 0x01, 'x', 0x12, 0x06, 0x0a, 0x04, 0x08, 0x01, 0x12, 0x00,                           // input, FP32, no dimensions
    0x62, 0x0b, 0x0a, 0x01, 'y', 0x12, 0x06, 0x0a, 0x04, 0x08, 0x01, 0x12, 0x00,                           // output, the same
    0x42, 0x02, 0x10, 0x0d,                                                                                // operators of version 13
});

void run_first_model() {
  Ort::SessionOptions options;
  options.SetIntraOpNumThreads(1);
  options.SetInterOpNumThreads(1);
  Ort::Session session(library().env, kIdentity.data(), kIdentity.size(), options);
}

int64_t share_of_machine() { return static_cast<int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE) / kShareOfMachine; }

// What is not a tensor of a run is bound by the kernel: while it optimises a graph, the library computes with memory of its own.
void bound_memory() {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // whose own memory is larger than any bound
  const auto bytes = static_cast<rlim_t>(share_of_machine() + kBesidesTensors);
  const rlimit both{.rlim_cur = bytes, .rlim_max = bytes};
  EBB_CHECK(::setrlimit(RLIMIT_DATA, &both) == 0);
#endif
}

}  // namespace

void init_library(const std::string& path) {
  // Freed memory stays in the heap until the worker parks: every run asks for the same megabytes again, and a fresh page costs more than most operators.
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 512 << 20);
  ::mallopt(M_ARENA_MAX, 1);  // one heap for all threads: what one run gave back the next takes
  ::setenv("TZ", "UTC0", 1);  // a message of the library has the time, and the time zone's file cannot be opened later
  // Of a model that does not parse, a part of the library writes to the standard error output, which may be a file, and a confined worker may write to none.
  std::signal(SIGXFSZ, SIG_IGN);
  void* const handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  EBB_CHECK(handle != nullptr);
  const auto base = reinterpret_cast<const OrtApiBase* (*)()>(::dlsym(handle, "OrtGetApiBase"));
  EBB_CHECK(base != nullptr);
  const OrtApi* const api = base()->GetApi(ORT_API_VERSION);
  EBB_CHECK(api != nullptr);
  Ort::InitApi(api);
  library().version = base()->GetVersionString();
  library().cores = std::max(1U, std::thread::hardware_concurrency());
  bound_memory();
  library().env = Ort::Env(ORT_LOGGING_LEVEL_FATAL, "ebb", say_nothing, nullptr);
  library().share_of_machine = share_of_machine();
  library().memory = new BoundedMemory(library().share_of_machine);
  Ort::ThrowOnError(api->RegisterAllocator(library().env, library().memory));
  run_first_model();
}

std::string library_path(const std::string& otherwise) {
  std::error_code ignored;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", ignored);
  const std::filesystem::path beside = program.parent_path().parent_path() / "lib" / "ebb" / std::filesystem::path(otherwise).filename();
  return !program.empty() && std::filesystem::is_regular_file(beside, ignored) ? beside.string() : otherwise;
}

std::string library_version() { return library().version; }

// The instruction sets by which the library chooses its kernels and the layout of what it prepares.
std::string preparation_key() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  std::string key = "ort" + library().version + "-x64";
  if (__get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_FMA) != 0) key += "-fma";
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return key;
  constexpr unsigned kAmxTile = 1U << 24U;
  constexpr unsigned kAvxVnni = 1U << 4U;
  if ((b & bit_AVX2) != 0) key += "-avx2";
  if ((b & bit_AVX512F) != 0) key += "-avx512";
  if ((c & bit_AVX512VNNI) != 0) key += "-vnni";
  if ((d & kAmxTile) != 0) key += "-amx";
  if (__get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & kAvxVnni) != 0) key += "-avxvnni";
  return key;
}

unsigned cores() { return library().cores; }

const Ort::Env& environment() { return library().env; }

int64_t tensor_bytes_max() { return library().memory->bytes_max(); }

void bound_tensors(uint64_t bytes_max) {
  const auto most = static_cast<uint64_t>(library().share_of_machine);
  library().memory->set_bytes_max(static_cast<int64_t>(bytes_max == 0 ? most : std::min(bytes_max, most)));
}

Error library_error(const Ort::Exception& thrown, ErrorKind kind) {
  std::string message = std::string(thrown.what()).substr(0, kErrorBytesMax);
  std::ranges::replace_if(
      message, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  const bool memory =
      message.find("alloc") != std::string::npos && (message.find("ailed to allocate") != std::string::npos || message.find("bad_alloc") != std::string::npos);
  return {.kind = memory ? ErrorKind::kExhausted : kind, .message = std::move(message)};
}

}  // namespace ebb::engine_onnx
