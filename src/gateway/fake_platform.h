// For tests: a platform whose endpoints answer by script, with model and bill verbs beside it. Touch it only on the server's loop.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gateway/admin.h"
#include "invoke/platform.h"

namespace ebb::gateway {

class FakePlatform final : public invoke::Platform {
 public:
  // What an endpoint does with a call: push these events at once, or nothing and leave the stream to the test.
  struct Script {
    std::optional<Error> refusal = {};
    std::vector<domain::CallEvent> events = {};
    invoke::Dispatched dispatched = {.tier = domain::Tier::kParked, .queued = milliseconds(7), .start = milliseconds(5)};
    int64_t billed_ms = 12;
    domain::Pico cost = 123'456'789;
    std::optional<domain::Outcome> outcome = domain::Outcome::kOk;  // nullopt: no usage yet
  };
  struct Seen {
    domain::Call call;
    std::shared_ptr<invoke::CallStream> stream;
  };

  explicit FakePlatform(io::Executor executor) : executor_(std::move(executor)) {
    status_.version = "0.0.0-test";
    status_.home = "/home/test";
    status_.ready = true;
  }

  void add_endpoint(const std::string& name, Script script) {
    domain::EndpointSpec spec;
    spec.name = name;
    spec.engine = domain::Engine::kEcho;
    deploy(spec);
    scripts_[name] = std::move(script);
  }

  Result<std::shared_ptr<invoke::CallStream>> invoke(domain::Call call) override {
    const auto script = scripts_.find(call.endpoint);
    if (script == scripts_.end()) return fail(ErrorKind::kNotFound, "there is no endpoint '" + call.endpoint + "': `ebb ps` lists them", "endpoint");
    if (script->second.refusal) return fail(*script->second.refusal);
    invoke::StreamHooks hooks{.left = [this](CallId id) { left_.push_back(id); },
                              .input = [this](CallId, const std::string& piece, bool last) { input_ += piece + (last ? "|" : ""); },
                              .read = [this](CallId, size_t bytes) { read_ += bytes; }};
    auto stream = std::make_shared<invoke::CallStream>(executor_, call.id ? call.id : CallId{++last_call_}, std::move(hooks));
    stream->set_dispatched(script->second.dispatched);
    domain::UsageRecord usage;
    usage.tier = script->second.dispatched.tier;
    usage.billed_ms = script->second.billed_ms;
    usage.cost = script->second.cost;
    usage.outcome = script->second.outcome.value_or(domain::Outcome::kOk);
    if (script->second.outcome) stream->set_usage(usage);
    for (const domain::CallEvent& event : script->second.events)
      stream->push(event);
    seen_.push_back({.call = std::move(call), .stream = stream});
    return stream;
  }

  CallId reserve_ids(size_t count) override {
    const CallId first{last_call_ + 1};
    last_call_ += count;
    return first;
  }

  Result<domain::Revision> deploy(domain::EndpointSpec spec) override {
    if (deploy_error_) return fail(*deploy_error_);
    invoke::EndpointView view{.revision = {}, .state = "parked", .last_call = std::nullopt};
    view.revision.id = RevisionId{views_.size() + 1};
    view.revision.memory_mib = 128;
    view.revision.context_tokens = 4096;
    view.revision.created = WallTime(seconds(1'700'000'000));
    view.revision.spec = std::move(spec);
    const std::string name = view.revision.spec.name;
    views_[name] = view;
    return view.revision;
  }
  void make_function(const std::string& name) {
    add_endpoint(name, {});
    views_.at(name).revision.calls_per_instance = 1;
  }
  Status remove(const std::string& endpoint) override {
    if (views_.erase(endpoint) == 0) return fail(ErrorKind::kNotFound, "there is no endpoint '" + endpoint + "'", "endpoint");
    scripts_.erase(endpoint);
    return {};
  }
  std::vector<invoke::EndpointView> endpoints() const override {
    std::vector<invoke::EndpointView> all;
    for (const auto& [name, view] : views_)
      all.push_back(view);
    return all;
  }
  Result<invoke::EndpointView> endpoint(const std::string& name) const override {
    const auto found = views_.find(name);
    if (found == views_.end()) return fail(ErrorKind::kNotFound, "there is no endpoint '" + name + "': `ebb ps` lists them", "endpoint");
    return found->second;
  }
  Result<std::vector<invoke::DecisionView>> decisions(const std::string& endpoint) const override {
    if (!views_.contains(endpoint)) return fail(ErrorKind::kNotFound, "there is no endpoint '" + endpoint + "'", "endpoint");
    return decisions_;
  }
  std::optional<invoke::CallView> call(CallId call) const override {
    const auto found = calls_.find(call);
    return found == calls_.end() ? std::nullopt : std::optional(found->second);
  }
  Result<std::vector<invoke::LogLine>> log_lines(const std::string& endpoint, uint64_t after) const override {
    if (!views_.contains(endpoint)) return fail(ErrorKind::kNotFound, "there is no endpoint '" + endpoint + "'", "endpoint");
    std::vector<invoke::LogLine> out;
    for (const invoke::LogLine& line : log_) {
      if (line.sequence > after) out.push_back(line);
    }
    return out;
  }
  void set_budget(const domain::Budget& /*budget*/) override {}
  void budget_known(domain::BudgetId /*budget*/, domain::Pico /*spent*/) override {}
  void remove_budget(domain::BudgetId /*budget*/) override {}
  std::vector<control::Purse> purses() const override { return {}; }
  void set_prices(const domain::PriceList& /*prices*/) override {}
  void remove_prices(int64_t /*version*/) override {}
  void set_limit(const domain::RateLimit& /*limit*/) override {}
  void remove_limit(const domain::RateLimit& /*limit*/) override {}
  std::vector<invoke::LimitView> limits() const override { return {}; }
  invoke::StatusView status() const override { return status_; }

  io::Executor executor_;
  std::map<std::string, Script> scripts_;
  std::map<std::string, invoke::EndpointView> views_;
  std::vector<Seen> seen_;
  std::vector<CallId> left_;
  std::string input_;  // of bodies that came in pieces, "|" at their end
  size_t read_ = 0;    // of answers' bodies
  std::vector<invoke::DecisionView> decisions_;
  std::map<CallId, invoke::CallView> calls_;
  std::vector<invoke::LogLine> log_;
  invoke::StatusView status_;
  std::optional<Error> deploy_error_;
  uint64_t last_call_ = 0;
};

class FakeBudgets final : public BudgetAdmin {
 public:
  std::vector<wire::BudgetRow> list() const override { return rows_; }
  io::Task<Result<std::vector<wire::BudgetRow>>> forecasts(std::function<bool(const domain::Budget&)> wanted) override {
    std::vector<wire::BudgetRow> rows;
    for (const wire::BudgetRow& row : rows_) {
      if (wanted(row.budget)) rows.push_back(row);
    }
    co_return rows;
  }
  io::Task<Result<wire::BudgetRow>> set(domain::Budget budget) override {
    if (refusal_) co_return fail(*refusal_);
    rows_.push_back({.budget = std::move(budget)});
    co_return rows_.back();
  }
  Status remove(domain::BudgetOf of, std::string name, domain::Period period) override {
    const size_t gone =
        std::erase_if(rows_, [&](const wire::BudgetRow& row) { return row.budget.of == of && row.budget.name == name && row.budget.period == period; });
    return gone > 0 ? Status() : fail(ErrorKind::kNotFound, "there is no such budget");
  }
  void forget_tenant(const std::string& name, const std::vector<std::string>& /*lines*/) override { forgotten_ = name; }

  std::vector<wire::BudgetRow> rows_;
  std::optional<Error> refusal_;
  std::string forgotten_;
};

class FakePrices final : public PriceAdmin {
 public:
  std::vector<wire::PriceRow> list() const override { return {{.list = list_, .state = "in_force"}}; }
  const domain::PriceList& in_force() const override { return list_; }
  Result<wire::PriceRow> add(wire::AddPrices add) override {
    list_ = add.list;
    list_.version = 1;
    return list().front();
  }
  Status remove(int64_t version) override { return version == 1 ? Status() : fail(ErrorKind::kNotFound, "there is no such list"); }

  domain::PriceList list_;
};

class FakeLimits final : public LimitAdmin {
 public:
  std::vector<wire::LimitRow> list() const override { return rows_; }
  Result<wire::LimitRow> set(domain::RateLimit limit) override {
    rows_.push_back({.limit = std::move(limit)});
    return rows_.back();
  }
  Status remove(const domain::RateLimit& limit) override {
    const size_t gone = std::erase_if(rows_, [&](const wire::LimitRow& row) { return row.limit.name == limit.name && row.limit.of == limit.of; });
    return gone > 0 ? Status() : fail(ErrorKind::kNotFound, "there is no such limit");
  }
  void forget_tenant(const std::string& name, const std::vector<std::string>& /*lines*/) override {
    std::erase_if(rows_, [&](const wire::LimitRow& row) { return row.limit.name == name; });
  }

  std::vector<wire::LimitRow> rows_;
};

class FakeSeals final : public SealAdmin {
 public:
  Result<std::vector<domain::Seal>> list() const override { return seals_; }

  std::vector<domain::Seal> seals_;
};

class FakeModels final : public ModelAdmin {
 public:
  std::vector<domain::Model> list() const override { return models_; }
  Result<wire::ModelView> find(const domain::ModelRef& ref) const override {
    for (const domain::Model& model : models_) {
      if (model.name == ref.name) return wire::ModelView{.model = model, .not_prepared_why = "it waits"};
    }
    return fail(ErrorKind::kNotFound, "there is no model '" + domain::to_string(ref) + "'", "model");
  }
  // Reports the steps of `progress_`, one turn of the loop each; with `hang_` it then waits for its caller to leave.
  io::Task<Result<domain::Model>> add(wire::AddModel request, std::shared_ptr<AddProgress> progress) override {
    const auto executor = co_await io::asio::this_coro::executor;
    for (const wire::ModelProgress& step : progress_) {
      progress->report(step);
      co_await io::asio::post(executor, io::use_awaitable);
      co_await io::asio::post(executor, io::use_awaitable);
    }
    if (hang_) {
      io::Timer timer(executor, io::Timer::time_point::max());
      progress->on_cancel = [&timer] { timer.cancel(); };
      if (!progress->cancelled()) co_await timer.async_wait(io::asio::as_tuple(io::use_awaitable));
      cancelled_ = progress->cancelled();
      co_return fail(ErrorKind::kCancelled, "the caller left");
    }
    if (add_error_) co_return fail(*add_error_);
    domain::Model model;
    model.name = request.name;
    model.version = 1;
    model.source = request.source;
    co_return model;
  }
  Status remove(const domain::ModelRef& ref) override {
    if (ref.name != "smol") return fail(ErrorKind::kNotFound, "there is no model '" + domain::to_string(ref) + "'", "model");
    return {};
  }

  std::vector<domain::Model> models_;
  std::vector<wire::ModelProgress> progress_;
  std::optional<Error> add_error_;
  bool hang_ = false;
  bool cancelled_ = false;
};

class FakeImages final : public ImageAdmin {
 public:
  std::vector<domain::Image> list() const override { return images_; }
  Result<domain::Image> resolve(const domain::ImageRef& ref) const override {
    for (const domain::Image& image : images_) {
      if (image.name == ref.name) return image;
    }
    return fail(ErrorKind::kNotFound, "there is no image '" + domain::to_string(ref) + "'", "image");
  }
  io::Task<Result<domain::Image>> add(wire::AddImage request, std::shared_ptr<AddProgress> progress) override {
    for (const wire::ModelProgress& step : progress_)
      progress->report(step);
    if (add_error_) co_return fail(*add_error_);
    domain::Image image;
    image.name = request.name;
    image.version = 1;
    image.source = request.source;
    co_return image;
  }
  Status remove(const domain::ImageRef& ref) override {
    const Result<domain::Image> found = resolve(ref);
    return found ? Status() : fail(found.error());
  }
  std::vector<wire::LoginRow> logins() const override { return logins_; }
  Result<wire::LoginRow> log_in(const std::string& registry, wire::PutLogin login) override {
    password_ = login.password;
    logins_.push_back({.registry = registry, .username = login.username});
    return logins_.back();
  }
  Status log_out(const std::string& registry) override {
    if (std::erase_if(logins_, [&](const wire::LoginRow& row) { return row.registry == registry; }) > 0) return {};
    return fail(ErrorKind::kNotFound, "there is no login for '" + registry + "'", "registry");
  }

  std::vector<domain::Image> images_;
  std::vector<wire::ModelProgress> progress_;
  std::optional<Error> add_error_;
  std::vector<wire::LoginRow> logins_;
  std::string password_;  // that came last
};

class FakeBills final : public BillQuery {
 public:
  io::Task<Result<std::vector<wire::BillRow>>> bill(BillRequest request) override {
    asked_ = request;
    co_return rows_;
  }
  io::Task<Result<std::optional<domain::UsageRecord>>> record(CallId call) override {
    for (const domain::UsageRecord& record : records_) {
      if (record.call == call) co_return record;
    }
    co_return std::optional<domain::UsageRecord>();
  }
  // Records are told apart by their calls, which rise.
  io::Task<Result<std::vector<domain::UsageRecord>>> usage(UsageRequest request) override {
    std::vector<domain::UsageRecord> some;
    for (const domain::UsageRecord& record : records_) {
      if (request.after && record.call <= request.after->call) continue;
      if (some.size() < request.records_max) some.push_back(record);
    }
    usage_asked_.push_back(std::move(request));
    if (usage_error_ && usage_asked_.size() > 1) co_return fail(*usage_error_);
    co_return some;
  }
  io::Task<Result<std::vector<wire::LedgerRow>>> book(int64_t after, size_t limit) override {
    std::vector<wire::LedgerRow> some;
    for (int64_t number = after + 1; std::cmp_less_equal(number, records_.size()) && some.size() < limit; ++number)
      some.push_back({.number = number, .record = records_[static_cast<size_t>(number) - 1], .link = std::to_string(number)});
    co_return some;
  }
  io::Task<Result<wire::LedgerCheck>> check_book(std::vector<domain::Seal> seals) override {
    wire::LedgerCheck check;
    check.entries = static_cast<int64_t>(records_.size());
    check.seals = static_cast<int64_t>(seals.size());
    co_return check;
  }
  BillRequest asked_;
  std::vector<wire::BillRow> rows_;
  std::vector<domain::UsageRecord> records_;
  std::vector<UsageRequest> usage_asked_;
  std::optional<Error> usage_error_;  // of all parts but the first
};

}  // namespace ebb::gateway
