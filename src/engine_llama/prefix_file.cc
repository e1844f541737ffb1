// Reading and writing the file; the layout is in the header.
#include "engine_llama/prefix_file.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <future>
#include <type_traits>
#include <utility>

#include "base/check.h"
#include "io/write_whole.h"

namespace ebb::engine_llama {

namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kMagic = 0x3230584946455250;       // "PREFIX02"
constexpr size_t kSealedAloneMax = size_t{1} << 20U;  // bytes; of more a second thread takes half

// As it is in the file, of this machine and never of another.
struct Record {
  uint64_t magic = 0;
  uint64_t offset = 0;
  uint64_t tokens = 0;
  uint64_t state_bytes = 0;
  uint64_t used = 0;
  Seal state_seal{};
  Seal seal{};
  std::array<uint8_t, 24> unused{};
};
static_assert(sizeof(Record) == 128 && std::is_trivially_copyable_v<Record> && kPrefixBlocksMax * sizeof(Record) <= kPage);

uint64_t page_up(uint64_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

template <class T>
std::span<const uint8_t> bytes_of(const T& value) {
  static_assert(std::has_unique_object_representations_v<T>);
  return {reinterpret_cast<const uint8_t*>(&value), sizeof value};
}
std::span<const uint8_t> bytes_of(std::string_view text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }
std::span<const uint8_t> bytes_of(std::span<const Token> tokens) { return {reinterpret_cast<const uint8_t*>(tokens.data()), tokens.size_bytes()}; }

// By the plain call: the C library asks by newfstatat, which could name a path and is refused once the process is sealed.
uint64_t file_bytes(int file) {
  struct stat info {};
  return ::syscall(SYS_fstat, file, &info) == 0 && info.st_size > 0 ? static_cast<uint64_t>(info.st_size) : 0;
}

// [offset, offset + bytes) of the file. nullopt: the file ends before, or there is no address space.
std::optional<PrefixFile::State> map_part(int file, uint64_t offset, uint64_t bytes) {
  const uint64_t end = offset + bytes;
  if (bytes == 0 || end < offset || end > file_bytes(file)) return std::nullopt;
  const uint64_t begin = offset / kPage * kPage;
  void* const map = ::mmap(nullptr, end - begin, PROT_READ, MAP_SHARED, file, static_cast<off_t>(begin));
  if (map == MAP_FAILED) return std::nullopt;
  return PrefixFile::State(map, end - begin, offset - begin);
}

EVP_MAC* hmac() {
  static EVP_MAC* const algorithm = EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr);
  return algorithm;
}

}  // namespace

Fd prefix_memory() { return Fd(::memfd_create("prefixes", MFD_CLOEXEC)); }

void init_seals() {
  // Its configuration is a file of this machine, which says nothing that we need.
  EBB_CHECK(OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) == 1);
  EBB_CHECK(hmac() != nullptr);
}

PrefixFile::State::State(State&& other) noexcept : map_(std::exchange(other.map_, nullptr)), mapped_(other.mapped_), skipped_(other.skipped_) {}
PrefixFile::State::~State() {
  if (map_ != nullptr) ::munmap(map_, mapped_);
}

PrefixFile::PrefixFile(int file, std::string_view key, std::string_view shape, uint64_t bytes_max)
    : file_(file), key_(key), shape_(shape), bytes_max_(bytes_max) {
  take_over();
}

void PrefixFile::take_over() {
  const std::optional<State> table = map_part(file_, 0, kPage);
  if (!table) return;
  for (size_t index = 0; index < kPrefixBlocksMax; ++index) {
    Record record;
    std::memcpy(&record, table->bytes().data() + index * sizeof record, sizeof record);
    const bool sane = record.magic == kMagic && record.offset >= kPage && record.offset % kPage == 0 && record.offset <= bytes_max_ && record.tokens > 0 &&
                      record.tokens <= bytes_max_ / sizeof(Token) && record.state_bytes > 0 && record.state_bytes <= bytes_max_;
    if (!sane) continue;
    const std::optional<State> tokens = map_part(file_, record.offset, record.tokens * sizeof(Token));
    if (!tokens) continue;
    Block block{.tokens = std::vector<Token>(record.tokens),
                .offset = record.offset,
                .state_bytes = record.state_bytes,
                .used = record.used,
                .record = index,
                .state_seal = record.state_seal};
    std::memcpy(block.tokens.data(), tokens->bytes().data(), tokens->bytes().size());
    const Seal expected = record_seal(block);
    if (block.end() > bytes_max_ || CRYPTO_memcmp(expected.data(), record.seal.data(), expected.size()) != 0) continue;
    // Two that overlap cannot both be whole; the seal of the state tells later.
    uses_ = std::max(uses_, block.used);
    blocks_.push_back(std::move(block));
  }
}

bool PrefixFile::has_room_for(uint64_t state_bytes, size_t tokens) const { return kPage + page_up(tokens * sizeof(Token) + state_bytes) <= bytes_max_; }

std::optional<uint64_t> PrefixFile::gap_for(uint64_t bytes) const {
  std::vector<std::pair<uint64_t, uint64_t>> taken;
  for (const Block& block : blocks_)
    taken.emplace_back(block.offset, page_up(block.end()));
  std::ranges::sort(taken);
  uint64_t begin = kPage;
  for (const auto& [from, to] : taken) {
    if (from >= begin + bytes) break;
    begin = std::max(begin, to);
  }
  return begin + bytes <= bytes_max_ ? std::optional(begin) : std::nullopt;
}

std::optional<size_t> PrefixFile::free_record() const {
  for (size_t record = 0; record < kPrefixBlocksMax; ++record) {
    if (std::ranges::none_of(blocks_, [record](const Block& block) { return block.record == record; })) return record;
  }
  return std::nullopt;
}

bool PrefixFile::add(std::vector<Token> tokens, std::span<const uint8_t> state) {
  if (tokens.empty() || state.empty() || !has_room_for(state.size(), tokens.size())) return false;
  const uint64_t bytes = page_up(tokens.size() * sizeof(Token) + state.size());
  std::optional<uint64_t> offset;
  std::optional<size_t> record;
  while (!(offset = gap_for(bytes)) || !(record = free_record()))
    drop(static_cast<size_t>(std::ranges::min_element(blocks_, {}, &Block::used) - blocks_.begin()));
  Block block{.tokens = std::move(tokens), .offset = *offset, .state_bytes = state.size(), .used = ++uses_, .record = *record, .state_seal = state_seal(state)};
  const std::span<const uint8_t> token_bytes = bytes_of(std::span<const Token>(block.tokens));
  if (!write(block.offset, token_bytes) || !write(block.offset + token_bytes.size(), state) || !write_record(block)) return false;
  blocks_.push_back(std::move(block));
  return true;
}

std::optional<PrefixFile::State> PrefixFile::read(size_t index) {
  EBB_CHECK(index < blocks_.size());
  Block& block = blocks_[index];
  std::optional<State> state = map_part(file_, block.end() - block.state_bytes, block.state_bytes);
  if (state) {
    const Seal seal = state_seal(state->bytes());
    if (CRYPTO_memcmp(seal.data(), block.state_seal.data(), seal.size()) == 0) {
      block.used = ++uses_;
      (void)write_record(block);  // only an order of age, if it is lost
      return state;
    }
  }
  drop(index);
  return std::nullopt;
}

void PrefixFile::drop(size_t index) {
  EBB_CHECK(index < blocks_.size());
  // What cannot be crossed out here is overwritten, or fails its seal.
  (void)write(blocks_[index].record * sizeof(Record), bytes_of(Record{}));
  blocks_.erase(blocks_.begin() + static_cast<ptrdiff_t>(index));
}

Seal PrefixFile::record_seal(const Block& block) const {
  const std::array<uint64_t, 4> fields = {kMagic, block.offset, block.tokens.size(), block.state_bytes};
  return seal_of({bytes_of(std::string_view(shape_)), bytes_of(fields), block.state_seal, bytes_of(std::span<const Token>(block.tokens))});
}

Seal PrefixFile::state_seal(std::span<const uint8_t> state) const {
  const size_t half = state.size() / 2;
  const auto manner = state.size() > kSealedAloneMax ? std::launch::async | std::launch::deferred : std::launch::deferred;
  std::future<Seal> first = std::async(manner, [&] { return seal_of({state.first(half)}); });
  const Seal second = seal_of({state.subspan(half)});
  return seal_of({bytes_of(std::string_view(shape_)), first.get(), second});
}

// OpenSSL's calls fail only when memory is out.
Seal PrefixFile::seal_of(std::initializer_list<std::span<const uint8_t>> parts) const {
  const std::unique_ptr<EVP_MAC_CTX, void (*)(EVP_MAC_CTX*)> context(EVP_MAC_CTX_new(hmac()), EVP_MAC_CTX_free);
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
  EBB_CHECK(context && EVP_MAC_init(context.get(), reinterpret_cast<const uint8_t*>(key_.data()), key_.size(), parameters) == 1);
  for (const std::span<const uint8_t> part : parts) {
    const uint64_t length = part.size();
    EBB_CHECK(EVP_MAC_update(context.get(), bytes_of(length).data(), sizeof length) == 1 && EVP_MAC_update(context.get(), part.data(), part.size()) == 1);
  }
  Seal seal;
  size_t size = 0;
  EBB_CHECK(EVP_MAC_final(context.get(), seal.data(), &size, seal.size()) == 1 && size == seal.size());
  return seal;
}

bool PrefixFile::write(uint64_t offset, std::span<const uint8_t> bytes) const {
  return io::write_whole_at(file_, {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, offset) == 0;
}

bool PrefixFile::write_record(const Block& block) const {
  const Record record{.magic = kMagic,
                      .offset = block.offset,
                      .tokens = block.tokens.size(),
                      .state_bytes = block.state_bytes,
                      .used = block.used,
                      .state_seal = block.state_seal,
                      .seal = record_seal(block)};
  return write(block.record * sizeof record, bytes_of(record));
}

}  // namespace ebb::engine_llama
