// Answers of calls with an Idempotency-Key, for a repeat of their request. Durable before a verb returns.
//
// Bounded by age, and for each tenant and in all by number and bytes: what ended first goes first, what is only begun goes last. One owner at a time (the
// writer thread of ledger/answer_log.h).
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "domain/kept_answer.h"
#include "domain/limits.h"
#include "store/database.h"

namespace ebb::store {

// What a row takes besides its answer: the most of its other fields, about.
inline constexpr int64_t kKeptAnswerRowBytes = 512;

struct AnswerBounds {
  int64_t per_tenant = domain::kKeptAnswersPerTenantMax;
  int64_t bytes_per_tenant = domain::kKeptAnswerBytesPerTenantMax;
  int64_t in_all = domain::kKeptAnswersMax;
  int64_t bytes_in_all = domain::kKeptAnswerBytesInAllMax;
};

// kBegun and what became of it later are put under the same id: the later one counts.
struct AnswerChanges {
  std::vector<domain::KeptAnswer> puts;
  std::vector<std::string> forgets;  // ids, also of what is not there
  WallTime now{};                    // what ended, or else began, kKeptAnswerTimeMax before goes
};

class Answers {
 public:
  // <home>/answers.db
  static Result<std::unique_ptr<Answers>> open(const std::filesystem::path& home, AnswerBounds bounds = {});
  // The same, after a write failed (see UsageStore::reopen).
  Status reopen();

  // All or none.
  Status apply(const AnswerChanges& changes);
  // nullopt: there is none, or it is too old.
  Result<std::optional<domain::KeptAnswer>> find(const std::string& id, WallTime now);

 private:
  Answers(std::filesystem::path file, Database database, AnswerBounds bounds) : file_(std::move(file)), database_(std::move(database)), bounds_(bounds) {}
  Status put(const domain::KeptAnswer& answer);
  Status remove(const std::string& id);
  Status make_room(const std::string& tenant, int64_t count_max, int64_t bytes_max);

  std::filesystem::path file_;
  Database database_;
  AnswerBounds bounds_;
};

}  // namespace ebb::store
