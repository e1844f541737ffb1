// What the admin API asks for beyond the platform: models, images, bills and usage, as interfaces that the composition fills in.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "domain/image.h"
#include "domain/model.h"
#include "domain/seal.h"
#include "domain/usage.h"
#include "io/asio.h"
#include "wire/account_json.h"
#include "wire/admin_json.h"
#include "wire/image_admin_json.h"
#include "wire/ledger_json.h"
#include "wire/price_json.h"

namespace ebb::gateway {

// How far an addition is, and whether its caller has left. Shared by the request that waits and the work that reports; both run on
// the server's loop.
class AddProgress {
 public:
  // Called by the work; only the newest value is kept.
  void report(wire::ModelProgress progress) {
    latest_ = std::move(progress);
    if (changed) changed();
  }
  // True once the caller is gone: the work stops soon (what was fetched may stay for a resume) and returns kCancelled.
  bool cancelled() const { return cancelled_; }
  // Set by work that waits, and called once at cancellation. Set it before the first wait, or look at `cancelled` after setting it.
  std::function<void()> on_cancel;

  // For the request.
  void cancel() {
    cancelled_ = true;
    if (on_cancel) std::exchange(on_cancel, nullptr)();
  }
  std::optional<wire::ModelProgress> take() { return std::exchange(latest_, std::nullopt); }
  std::function<void()> changed;
  // The work is over: neither side is called any more.
  void detach() {
    changed = nullptr;
    on_cancel = nullptr;
  }

 private:
  std::optional<wire::ModelProgress> latest_;
  bool cancelled_ = false;
};

class ModelAdmin {
 public:
  virtual ~ModelAdmin() = default;
  // All versions, by name and version.
  virtual std::vector<domain::Model> list() const = 0;
  // The newest of a name, or one version. kNotFound.
  virtual Result<wire::ModelView> find(const domain::ModelRef& ref) const = 0;
  // Fetches, checks and publishes the next version of a model.
  virtual io::Task<Result<domain::Model>> add(wire::AddModel request, std::shared_ptr<AddProgress> progress) = 0;
  // One version, or all of a name. kExists if an endpoint still needs it, kNotFound.
  virtual Status remove(const domain::ModelRef& ref) = 0;
};

class ImageAdmin {
 public:
  virtual ~ImageAdmin() = default;
  // All versions, by name and version.
  virtual std::vector<domain::Image> list() const = 0;
  // kNotFound.
  virtual Result<domain::Image> resolve(const domain::ImageRef& ref) const = 0;
  // Fetches, checks, unpacks and publishes the next version of an image.
  virtual io::Task<Result<domain::Image>> add(wire::AddImage request, std::shared_ptr<AddProgress> progress) = 0;
  // One version, or all of a name. kExists if an endpoint still needs it, kNotFound.
  virtual Status remove(const domain::ImageRef& ref) = 0;

  // Credentials for registries, by their host.
  virtual std::vector<wire::LoginRow> logins() const = 0;
  virtual Result<wire::LoginRow> log_in(const std::string& registry, wire::PutLogin login) = 0;
  virtual Status log_out(const std::string& registry) = 0;
};

// Budgets: kept, and told to the platform.
class BudgetAdmin {
 public:
  virtual ~BudgetAdmin() = default;
  // By whose they are, and period.
  virtual std::vector<wire::BudgetRow> list() const = 0;
  // With a forecast of the first kForecastsMax of those of which `wanted` is true.
  virtual io::Task<Result<std::vector<wire::BudgetRow>>> forecasts(std::function<bool(const domain::Budget&)> wanted) = 0;
  // A new one, or another amount of one that is there; it holds when this returns. kNotFound: nobody has that name. kInvalid.
  virtual io::Task<Result<wire::BudgetRow>> set(domain::Budget budget) = 0;
  virtual Status remove(domain::BudgetOf of, std::string name, domain::Period period) = 0;  // kNotFound
  // Of a tenant that was removed, with those of its lines of keys; the store has forgotten them already.
  virtual void forget_tenant(const std::string& name, const std::vector<std::string>& lines) = 0;
};

// Price lists: kept, and told to the platform.
class PriceAdmin {
 public:
  virtual ~PriceAdmin() = default;
  virtual std::vector<wire::PriceRow> list() const = 0;         // the oldest first
  virtual const domain::PriceList& in_force() const = 0;        // at this moment
  virtual Result<wire::PriceRow> add(wire::AddPrices add) = 0;  // kInvalid, kExists: its moment is over, or not past the last list's
  virtual Status remove(int64_t version) = 0;                   // kNotFound, kExists: calls were accepted by it
};

// Limits by rate, likewise.
class LimitAdmin {
 public:
  virtual ~LimitAdmin() = default;
  virtual std::vector<wire::LimitRow> list() const = 0;
  virtual Result<wire::LimitRow> set(domain::RateLimit limit) = 0;  // kNotFound: nobody has that name
  virtual Status remove(const domain::RateLimit& limit) = 0;        // kNotFound
  // As of budgets.
  virtual void forget_tenant(const std::string& name, const std::vector<std::string>& lines) = 0;
};

// What was said of the book at the end of each day: so that neither its end can be cut off nor all of it be written anew without that being seen.
class SealAdmin {
 public:
  virtual ~SealAdmin() = default;
  virtual Result<std::vector<domain::Seal>> list() const = 0;  // the oldest first; kCorrupt names the first that is not what was written
};

// Which usage records, and by which keys their sums are grouped. Without keys there is one row.
struct BillRequest {
  bool by_endpoint = false;
  bool by_day = false;
  bool by_tier = false;
  bool by_tenant = false;
  bool by_key = false;
  std::optional<std::string> endpoint;
  std::optional<std::string> tenant;
  std::optional<std::string> key;
  std::optional<WallTime> from;  // inclusive
  std::optional<WallTime> to;    // exclusive
};

// A part of the usage records, in the order in which their calls ended.
struct UsageRequest {
  std::optional<std::string> endpoint;
  std::optional<std::string> tenant;
  std::optional<WallTime> from;                   // inclusive
  std::optional<WallTime> to;                     // exclusive
  std::optional<domain::UsageRecord> after = {};  // the last of the part before
  size_t records_max = 1'000;                     // so many, unless no more are left
};

// What the ledger knows: only calls that have ended.
class BillQuery {
 public:
  virtual ~BillQuery() = default;
  // Rows in the order of their keys: endpoint, day, tier.
  virtual io::Task<Result<std::vector<wire::BillRow>>> bill(BillRequest request) = 0;
  // nullopt: the call has no record, or none yet.
  virtual io::Task<Result<std::optional<domain::UsageRecord>>> record(CallId call) = 0;
  virtual io::Task<Result<std::vector<domain::UsageRecord>>> usage(UsageRequest request) = 0;
  // Entries of the book after this one: fewer than `limit`, there are no more.
  virtual io::Task<Result<std::vector<wire::LedgerRow>>> book(int64_t after, size_t limit) = 0;
  // Reads all of it. kCorrupt: the first entry that is not what was written, or sums that are not those of the entries.
  // Also what each seal says of its entry.
  virtual io::Task<Result<wire::LedgerCheck>> check_book(std::vector<domain::Seal> seals) = 0;
};

}  // namespace ebb::gateway
