// A replacement for one function of the engine library; its name is the library's. The others are in tensor_memory.cc.
#include "engine_llama/weight_layout.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <ggml-backend.h>
#include <ggml.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/fnv1a.h"
#include "engine_llama/tensor_memory.h"
#include "engine_llama/tiled_table.h"
#include "engine_llama/tiled_weights.h"
#include "io/write_whole.h"

namespace ebb::engine_llama {

namespace {

// A global, since the library calls a plain function.
LoadObserver* listening = nullptr;

constexpr size_t kMarkedBytes = 4096;
// The file system then keeps what is written in large pieces, which can be mapped as huge pages.
constexpr size_t kWrittenAtOnceBytes = 2 << 20;

Status write_at(int to, std::string_view bytes, uint64_t offset) {
  for (size_t at = 0; at < bytes.size(); at += kWrittenAtOnceBytes) {
    const int wrong = io::write_whole_at(to, bytes.substr(at, kWrittenAtOnceBytes), offset + at);
    if (wrong != 0) return fail(errno_error("writing the layout of the weights", wrong));
  }
  return {};
}

// The heap maps what is so large by itself (backend.cc: M_MMAP_THRESHOLD), so nothing else is in its pages.
constexpr uint64_t kMappedBytesMin = 8 << 20;

bool read_into(int from, std::span<char> into, uint64_t offset) {
  while (!into.empty()) {
    const ssize_t count = ::pread(from, into.data(), into.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    into = into.subspan(static_cast<size_t>(count));
    offset += static_cast<uint64_t>(count);
  }
  return true;
}

Result<std::string> read_at(int from, size_t bytes, uint64_t offset) {
  std::string text(bytes, '\0');
  const ssize_t count = ::pread(from, text.data(), text.size(), static_cast<off_t>(offset));
  if (count < 0) return fail(errno_error("reading a model or its layout", errno));
  text.resize(static_cast<size_t>(count));
  return text;
}

Result<uint64_t> length_of(int file) {
  struct stat info {};
  if (::fstat(file, &info) != 0) return fail(errno_error("looking at a model or its layout", errno));
  return static_cast<uint64_t>(info.st_size);
}

// Pages of the model's file that are needed no more: the mapping stays, what was mapped ahead goes. Small tensors between them are still used, and a huge page
// that is mapped for one of those would bring its neighbours back.
void forget_mapped(const void* data, size_t bytes) {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t before = (page - reinterpret_cast<uintptr_t>(data) % page) % page;
  if (bytes < before + page) return;
  auto* const begin = static_cast<char*>(const_cast<void*>(data)) + before;
  const size_t whole = (bytes - before) / page * page;
  (void)::madvise(begin, whole, MADV_NOHUGEPAGE);
  (void)::madvise(begin, whole, MADV_DONTNEED);
}

}  // namespace

std::string layout_key() {
  ggml_backend_dev_t device = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  EBB_CHECK(device != nullptr);
  ggml_backend_reg_t cpu = ggml_backend_dev_backend_reg(device);
  const auto features = reinterpret_cast<ggml_backend_get_features_t>(ggml_backend_reg_get_proc_address(cpu, "ggml_backend_get_features"));
  uint64_t processor = kFnv1aStart;
  if (features != nullptr) {
    for (const ggml_backend_feature* one = features(cpu); one->name != nullptr; ++one)
      processor = fnv1a(fmt::format("{}={} ", one->name, one->value), processor);
  }
  std::string key = fmt::format("layout2-{}-{}-{:016x}", ggml_version(), ggml_commit(), processor);
  for (char& c : key) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
    if (!plain) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : '-';
  }
  return key;
}

Result<std::string> model_mark(int file) {
  const Result<uint64_t> length = length_of(file);
  if (!length) return fail(length.error());
  const Result<std::string> head = read_at(file, kMarkedBytes, 0);
  const Result<std::string> tail = read_at(file, kMarkedBytes, *length - std::min<uint64_t>(*length, kMarkedBytes));
  if (!head) return fail(head.error());
  if (!tail) return fail(tail.error());
  return fmt::format("{}-{:016x}", *length, fnv1a(*tail, fnv1a(*head)));
}

LoadObserver::LoadObserver() {
  EBB_CHECK(listening == nullptr);
  take_from_heap(true);
  listening = this;
}

LoadObserver::~LoadObserver() { stop(); }

void LoadObserver::stop() {
  if (listening != this) return;
  listening = nullptr;
  take_from_heap(false);
}

size_t LoadObserver::note(const ggml_tensor& tensor, size_t bytes) {
  auto found = std::ranges::find(buffers_, tensor.buffer, &Buffer::buffer);
  if (found == buffers_.end()) found = buffers_.insert(found, Buffer{.buffer = tensor.buffer, .tensors = kFnv1aStart});
  const auto* const base = static_cast<const char*>(ggml_backend_buffer_get_base(tensor.buffer));
  found->tensors = fnv1a(fmt::format("{} {} {}\n", tensor.name, static_cast<const char*>(tensor.data) - base, bytes), found->tensors);
  return static_cast<size_t>(found - buffers_.begin());
}

bool LayoutRecorder::fill(const ggml_tensor& tensor, const void* /*data*/, size_t bytes) {
  (void)note(tensor, bytes);
  return false;
}

Result<uint64_t> LayoutRecorder::write(int to, const std::string& made_of, bool tokens_alike) const {
  EBB_CHECK(something() && buffers_.size() <= wire::kLayoutPartsMax);
  std::vector<uint64_t> sizes;
  for (const Buffer& one : buffers_)
    sizes.push_back(ggml_backend_buffer_get_size(one.buffer));
  wire::WeightLayout layout{.made_for = layout_key(), .made_of = made_of, .as_stored_why = {}, .tokens_alike = tokens_alike, .parts = wire::place_parts(sizes)};
  for (size_t i = 0; i < buffers_.size(); ++i) {
    layout.parts[i].tensors = buffers_[i].tensors;
    const std::string_view bytes(static_cast<const char*>(ggml_backend_buffer_get_base(buffers_[i].buffer)), sizes[i]);
    if (const Status written = write_at(to, bytes, layout.parts[i].offset); !written) return fail(written.error());
  }
  if (const Status written = write_at(to, wire::describe_layout(layout), 0); !written) return fail(written.error());
  return length_of(to);
}

Result<uint64_t> write_no_layout(int to, const std::string& made_of, const std::string& why) {
  const wire::WeightLayout layout{.made_for = layout_key(), .made_of = made_of, .as_stored_why = why, .tokens_alike = false, .parts = {}};
  if (const Status written = write_at(to, wire::describe_layout(layout), 0); !written) return fail(written.error());
  return length_of(to);
}

Result<std::unique_ptr<LayoutMapper>> LayoutMapper::make(int prepared, int model) {
  const Result<uint64_t> length = length_of(prepared);
  if (!length) return fail(length.error());
  const Result<std::string> page = read_at(prepared, wire::kLayoutDescriptionBytes, 0);
  if (!page) return fail(page.error());
  Result<wire::WeightLayout> layout = wire::read_layout(*page, *length);
  if (!layout) return fail(layout.error());
  if (layout->made_for != layout_key()) return fail(ErrorKind::kInvalid, fmt::format("it was made for '{}', and this is '{}'", layout->made_for, layout_key()));
  const Result<std::string> mark = model_mark(model);
  if (!mark) return fail(mark.error());
  if (layout->made_of != *mark) return fail(ErrorKind::kInvalid, "it was made of another model");
  if (layout->parts.empty()) return nullptr;
  return std::unique_ptr<LayoutMapper>(new LayoutMapper(prepared, std::move(*layout)));
}

// The part's pages take the place of the buffer's. A small buffer shares its pages with others of the heap, and is read.
bool LayoutMapper::bring(const Buffer& buffer, const wire::WeightLayout::Part& part) {
  auto* const base = static_cast<char*>(ggml_backend_buffer_get_base(buffer.buffer));
  if (ggml_backend_buffer_get_size(buffer.buffer) != part.bytes) return false;
  if (part.bytes < kMappedBytesMin) return read_into(prepared_, std::span(base, part.bytes), part.offset);
  if (reinterpret_cast<uintptr_t>(base) % kHugePageBytes != 0) return false;
  if (::mmap(base, part.bytes, PROT_READ, MAP_PRIVATE | MAP_FIXED | MAP_POPULATE, prepared_, static_cast<off_t>(part.offset)) != base) return false;
  // A heap may write into what is given back to it. Afterwards, since pages that are mapped ahead for writing would be copies.
  return ::mprotect(base, part.bytes, PROT_READ | PROT_WRITE) == 0;
}

bool LayoutMapper::fill(const ggml_tensor& tensor, const void* data, size_t bytes) {
  if (failed_) return true;  // nobody will compute with it
  const size_t before = buffers_.size();
  const size_t index = note(tensor, bytes);
  const bool is_new = buffers_.size() > before;
  failed_ = index >= layout_.parts.size() || (is_new && !bring(buffers_[index], layout_.parts[index]));
  TiledTables::note(tensor, data);
  forget_mapped(data, bytes);
  return true;
}

bool LayoutMapper::fits() const { return !failed_ && std::ranges::equal(buffers_, layout_.parts, {}, &Buffer::tensors, &wire::WeightLayout::Part::tensors); }

}  // namespace ebb::engine_llama

extern "C" {

__attribute__((visibility("default"))) void ggml_backend_tensor_set(struct ggml_tensor* tensor, const void* data, size_t offset, size_t size) {
  static auto* const of_library = reinterpret_cast<void (*)(struct ggml_tensor*, const void*, size_t, size_t)>(::dlsym(RTLD_NEXT, "ggml_backend_tensor_set"));
  auto* const observer = ebb::engine_llama::listening;
  if (observer != nullptr && observer->fill(*tensor, data, size)) return;
  if (ebb::engine_llama::fill_tiles(*tensor, data, offset, size)) return;
  of_library(tensor, data, offset, size);
}
}
