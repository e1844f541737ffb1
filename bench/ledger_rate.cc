// ledger-rate: how fast usage records become durable, and a book of so many of them. Prints JSON for bench/ledger.py.
//
//   ledger-rate fill FOLDER RECORDS               a book with so many, of the last thirty days
//   ledger-rate settle FOLDER RECORDS AT_ONCE     so many calls end together, and the next when those are on the disk; 0: they end without waiting, as fast
//                                                 as the log takes them. The time ends when all are in the store
//
// settle then writes the bytes of the same records in the same groups (without waiting: in those of the store's transactions) to a file of the same folder,
// each group with one fdatasync.
#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "domain/price_list.h"
#include "ledger/usage_log.h"
#include "store/usage_book.h"
#include "store/usage_store.h"

namespace {

using namespace ebb;
using std::chrono::steady_clock;

constexpr int64_t kFillGroup = 10'000;
constexpr int64_t kDays = 30;

// What the store's connection wrote in each of its transactions.
struct Groups {
  size_t open = 0;
  std::vector<size_t> written;
} groups;

int watch(sqlite3* connection, char** /*error*/, const sqlite3_api_routines* /*api*/) {
  sqlite3_update_hook(
      connection, [](void*, int /*what*/, const char* /*file*/, const char* table, sqlite3_int64 /*row*/) { groups.open += std::string_view(table) == "book"; },
      nullptr);
  sqlite3_commit_hook(
      connection,
      [](void*) {
        if (groups.open > 0) groups.written.push_back(std::exchange(groups.open, 0));
        return 0;
      },
      nullptr);
  return SQLITE_OK;
}

domain::UsageRecord record(int64_t number, WallTime ended) {
  const int64_t busy_us = 900 + number * 7919 % 100'000;
  const int64_t billed_ms = domain::billed_milliseconds(microseconds(busy_us));
  const domain::Pico cost = list_cost_of({}, domain::Tier::kWarm, {.mib_ms = domain::mib_milliseconds(billed_ms, 256), .calls = 1});
  return {.call = CallId{static_cast<uint64_t>(number)},
          .endpoint = fmt::format("chat-{}", number % 4),
          .revision = RevisionId{1},
          .ended = ended,
          .queued = microseconds(3),
          .busy = microseconds(busy_us),
          .first_byte = microseconds(busy_us / 2),
          .total = microseconds(busy_us + 3),
          .billed_ms = billed_ms,
          .memory_mib = 256,
          .cost = cost,
          .prompt_tokens = 20 + number % 300,
          .completion_tokens = 1 + number % 200,
          .tenant = fmt::format("tenant-{}", number % 8),
          .key = fmt::format("{:012x}", number % 16),
          .prices = 0,
          .list_cost = cost};
}

std::unique_ptr<store::UsageStore> open_store(const char* folder) {
  Result<std::unique_ptr<store::UsageStore>> store = store::UsageStore::open(folder);
  if (store) return std::move(*store);
  fmt::print(stderr, "ledger-rate: {}\n", store.error().message);
  std::exit(1);
}

int fill(const char* folder, int64_t records) {
  const auto store = open_store(folder);
  const WallTime now = std::chrono::time_point_cast<WallTime::duration>(std::chrono::system_clock::now());
  std::vector<domain::UsageRecord> group;
  for (int64_t number = 1; number <= records; ++number) {
    const auto age = std::chrono::duration_cast<WallTime::duration>(std::chrono::days(kDays)) * (records - number) / records;
    group.push_back(record(number, now - age));
    if (number % kFillGroup != 0 && number != records) continue;
    if (const Result<store::Appended> written = store->append(group); !written) {
      fmt::print(stderr, "ledger-rate: {}\n", written.error().message);
      return 1;
    }
    group.clear();
  }
  return 0;
}

double settle(const char* folder, int64_t records, int64_t at_once) {
  std::optional<ledger::UsageLog> log;
  log.emplace(open_store(folder), folder, [](bool, const std::string& why) {
    if (!why.empty()) fmt::print(stderr, "ledger-rate: {}\n", why);
  });
  const auto patience = std::chrono::minutes(5);
  const WallTime ended = std::chrono::time_point_cast<WallTime::duration>(std::chrono::system_clock::now());
  std::vector<domain::UsageRecord> all;
  for (int64_t number = 1; number <= records; ++number)
    all.push_back(record(number, ended));
  const auto begun = steady_clock::now();
  for (int64_t number = 1; number <= records; ++number) {
    while (!log->append(all[static_cast<size_t>(number - 1)]))
      std::this_thread::yield();
    if (at_once > 0 && number % at_once == 0 && !log->flush(patience)) std::exit(1);
  }
  log.reset();
  return std::chrono::duration<double>(steady_clock::now() - begun).count();
}

struct Bare {
  double seconds = 0;
  size_t bytes = 0;
};

std::vector<size_t> groups_of(int64_t records, int64_t at_once) {
  if (at_once == 0) return groups.written;
  std::vector<size_t> sizes(static_cast<size_t>(records / at_once), static_cast<size_t>(at_once));
  if (records % at_once > 0) sizes.push_back(static_cast<size_t>(records % at_once));
  return sizes;
}

// What each group is to write.
std::vector<std::string> bytes_of_groups(const std::vector<size_t>& sizes) {
  const WallTime ended = std::chrono::time_point_cast<WallTime::duration>(std::chrono::system_clock::now());
  const std::string link(64, '0');
  std::vector<std::string> found;
  int64_t number = 0;
  for (const size_t many : sizes) {
    std::string& bytes = found.emplace_back();
    for (size_t i = 0; i < many; ++i)
      bytes += store::fields_of(record(++number, ended)) + "\t" + link + "\n";
  }
  return found;
}

Bare write_bare(const std::string& file, const std::vector<size_t>& sizes) {
  const std::vector<std::string> all = bytes_of_groups(sizes);
  const Fd out(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600));
  Bare bare;
  const auto begun = steady_clock::now();
  for (const std::string& bytes : all) {
    if (::write(out.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()) || ::fdatasync(out.get()) != 0) std::exit(1);
    bare.bytes += bytes.size();
  }
  bare.seconds = std::chrono::duration<double>(steady_clock::now() - begun).count();
  return bare;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "";
  const int64_t records = argc > 3 ? std::atoll(argv[3]) : 0;
  if (records <= 0 || !((verb == "fill" && argc == 4) || (verb == "settle" && argc == 5))) {
    std::fputs("ledger-rate fill FOLDER RECORDS | settle FOLDER RECORDS AT_ONCE\n", stderr);
    return 2;
  }
  if (verb == "fill") return fill(argv[2], records);
  sqlite3_auto_extension(reinterpret_cast<void (*)()>(watch));
  const int64_t at_once = std::atoll(argv[4]);
  const double durable_s = settle(argv[2], records, at_once);
  const std::vector<size_t> sizes = groups_of(records, at_once);
  const Bare bare = write_bare(std::string(argv[2]) + "/bare", sizes);
  fmt::print("{{\"records\": {}, \"groups\": {}, \"durable_s\": {:.6f}, \"bare_s\": {:.6f}, \"bare_bytes\": {}}}\n", records, sizes.size(), durable_s,
             bare.seconds, bare.bytes);
}
