// The step loop and the verbs. What actions do is in actions.cc, what workers report in reports.cc, what people see in views.cc.
#include "invoke/local_platform.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/heap.h"
#include "base/log.h"
#include "control/memory_policy.h"
#include "domain/limits.h"
#include "io/random.h"
#include "wire/spec_function.h"

namespace ebb::invoke {

namespace {

constexpr milliseconds kMeasureEvery{2'000};
// The caller, and what it waited for, have gone to sleep; and enough of the processors' ticks have passed to say what others take.
constexpr milliseconds kLookAgain{20};
constexpr milliseconds kMeasureSoon{250};
constexpr milliseconds kSandboxReportMax{5'000};

}  // namespace

LocalPlatform::LocalPlatform(io::Executor executor, const io::Clock& clock, instance::Fleet& fleet, store::Catalog& catalog, registry::Models& models,
                             const registry::Images& images, ledger::UsageLog& usage_log, PlatformOptions options)
    : executor_(executor),
      clock_(clock),
      fleet_(fleet),
      catalog_(catalog),
      models_(models),
      functions_(images, models),
      usage_log_(usage_log),
      options_(std::move(options)),
      state_(options_.node),
      rng_(io::random_seed()),
      call_ids_(clock.wall().time_since_epoch().count() * 1000),
      cpu_(options_.node.cores),
      awake_(executor, io::CpuLatency::open()),
      wake_(executor),
      spawner_restart_(executor),
      cpu_again_(executor),
      sandbox_known_(executor),
      drained_(executor, io::Timer::time_point::max()) {}

namespace {

struct Bounds {
  int64_t texts = 1;
  std::optional<int64_t> answer_max;
};
Bounds token_bounds(const domain::Call& call) {
  if (const auto* texts = std::get_if<domain::Texts>(&call.input)) return {.texts = static_cast<int64_t>(texts->inputs.size()), .answer_max = 0};
  if (const auto* samples = std::get_if<domain::Samples>(&call.input)) return {.texts = static_cast<int64_t>(samples->items.size()), .answer_max = 0};
  return {.answer_max = call.sampling.max_tokens};
}

}  // namespace

void LocalPlatform::set_prices(const domain::PriceList& prices) { feed(control::PricesSet{prices}); }
void LocalPlatform::remove_prices(int64_t version) { feed(control::PricesRemoved{version}); }
void LocalPlatform::set_limit(const domain::RateLimit& limit) { feed(control::RateSet{limit}); }
void LocalPlatform::remove_limit(const domain::RateLimit& limit) { feed(control::RateRemoved{limit}); }

void LocalPlatform::set_budget(const domain::Budget& budget) { feed(control::BudgetSet{.budget = budget, .wall = clock_.wall()}); }
void LocalPlatform::budget_known(domain::BudgetId budget, domain::Pico spent) { feed(control::BudgetKnown{.budget = budget, .spent = spent}); }
void LocalPlatform::remove_budget(domain::BudgetId budget) { feed(control::BudgetRemoved{budget}); }

std::vector<control::Purse> LocalPlatform::purses() const {
  std::vector<control::Purse> all;
  for (const auto& [id, purse] : state_.purses) {
    all.push_back(purse);
    control::turn_page(all.back(), clock_.wall());  // nobody called since it began
  }
  return all;
}

Status LocalPlatform::start(std::map<std::string, store::EndpointTotals> totals, CallId highest_call, std::map<std::string, domain::Use> used) {
  totals_ = std::move(totals);
  call_ids_.skip_past(highest_call.value);
  const Result<uint64_t> highest = catalog_.highest_revision_id();
  if (!highest) return fail(highest.error());
  next_revision_ = *highest + 1;
  Result<std::vector<domain::Revision>> revisions = catalog_.current_revisions();
  if (!revisions) return fail(revisions.error());
  feed(control::ClockRead{.wall = clock_.wall()});
  feed(control::UsedBefore{.of_tenants = std::move(used), .wall = clock_.wall()});
  read_node_memory();
  for (domain::Revision& revision : *revisions) {
    if (revision.spec.engine == domain::Engine::kContainer) {
      if (Status read = read_function(revision); !read) return read;
    }
    feed(control::RevisionDeployed{.revision = std::move(revision)});
  }
  io::asio::co_spawn(executor_, read_reports(), io::asio::detached);
  io::asio::co_spawn(executor_, measure_memory(), io::asio::detached);
  return {};
}

// What the catalog keeps of a function as text.
Status LocalPlatform::read_function(domain::Revision& revision) {
  const Result<std::string> text = catalog_.function_of(revision.id);
  if (!text) return fail(text.error());
  Result<wire::StoredFunction> stored = wire::read_stored_function(*text);
  if (!stored) return fail(stored.error().with_context(fmt::format("the function of endpoint '{}' in the catalog", revision.spec.name)));
  domain::EndpointSpec spec = revision.spec;
  spec.function = std::move(stored->spec);
  Result<domain::Revision> whole = domain::make_revision(revision.id, std::move(spec), std::nullopt, revision.created, std::move(stored->function));
  if (!whole) return fail(whole.error());
  revision = std::move(*whole);
  return {};
}

void LocalPlatform::feed(control::Event event) {
  events_.push_back(std::move(event));
  if (stepping_) return;  // an action of the step under way caused it: it is next
  stepping_ = true;
  while (!events_.empty()) {
    const control::Event next = std::move(events_.front());
    events_.pop_front();
    const control::Actions actions = control::step(state_, next, clock_.mono(), rng_);
    for (const control::Action& action : actions)
      perform(action);
  }
  stepping_ = false;
}

Result<std::shared_ptr<CallStream>> LocalPlatform::invoke(domain::Call call) {
  used_since_idle_ = true;
  awake_.call_came(clock_.mono());
  if (clock_.mono() - memory_read_ > kMeasureEvery) read_node_memory();
  const CallId id = call.id ? call.id : CallId{call_ids_.next()};
  StreamHooks hooks{.left = [this](CallId left) { feed(control::CallLeft{left}); },
                    .input = [this](CallId to, std::string piece, bool last) { send_input(to, std::move(piece), last); },
                    .read = [this](CallId of, size_t bytes) { give_credit(of, bytes); }};
  auto stream = std::make_shared<CallStream>(executor_, id, std::move(hooks));
  const MonoTime deadline = call.deadline ? clock_.mono() + *call.deadline : MonoTime::max();
  const Bounds bounds = token_bounds(call);
  control::CallArrived arrived{.call = id,
                               .endpoint = call.endpoint,
                               .deadline = deadline,
                               .wall = clock_.wall(),
                               .alone = computes_here(call.endpoint) && begins_alone(),
                               .priority = call.priority,
                               .tenant = call.tenant,
                               .key = call.key,
                               .max_cost = call.max_cost,
                               .texts = bounds.texts,
                               .answer_tokens_max = bounds.answer_max};
  calls_.emplace(id, LiveCall{.call = std::move(call), .stream = stream});
  arriving_ = id;
  feed(std::move(arrived));
  arriving_ = {};
  // A refusal before anything was reserved is an ordinary error of this verb: the core forgot the call in the same step.
  if (refused_) {
    stream->push(domain::Failed{.error = *refused_});
    return fail(*std::exchange(refused_, std::nullopt));
  }
  return stream;
}

CallId LocalPlatform::reserve_ids(size_t count) {
  const CallId first{call_ids_.next()};
  call_ids_.skip_past(first.value + count - 1);
  return first;
}

Result<domain::Revision> LocalPlatform::deploy(domain::EndpointSpec spec) {
  if (!domain::is_name(spec.name)) return fail(ErrorKind::kInvalid, fmt::format("'{}' is not an endpoint name: {}", spec.name, domain::kNameRule), "endpoint");
  const std::vector<EndpointView> known = endpoints();
  const bool replaces = std::any_of(known.begin(), known.end(), [&](const EndpointView& view) { return view.revision.spec.name == spec.name; });
  if (!replaces && known.size() >= domain::kEndpointsMax)
    return fail(ErrorKind::kTooLarge, fmt::format("there are {} endpoints already, the most that one node keeps: remove some first", known.size()));
  std::optional<domain::Model> model;
  if (spec.model) {
    Result<domain::Model> found = models_.resolve(*spec.model);
    if (!found) return fail(found.error());
    model = std::move(*found);
  }
  std::optional<domain::Function> function;
  if (spec.function) {
    Result<domain::Function> found = functions_.resolve(*spec.function);
    if (!found) return fail(found.error());
    function = std::move(*found);
  }
  Result<domain::Revision> revision = domain::make_revision(RevisionId{next_revision_}, std::move(spec), std::move(model), clock_.wall(), std::move(function));
  if (!revision) return revision;
  if (Status fits = control::fits_node(*revision, options_.node.memory_limit_bytes); !fits) return fail(fits.error());
  if (Status fits = control::warm_fits_node(*revision, options_.node.memory_limit_bytes); !fits) return fail(fits.error());
  const std::string text = revision->function ? wire::store_function({.spec = *revision->spec.function, .function = *revision->function}) : std::string();
  if (Status stored = catalog_.put_revision(*revision, text); !stored) return fail(stored.error());
  ++next_revision_;
  used_since_idle_ = true;
  if (revision->model) models_.prepare(*revision->model);
  note(revision->spec.name, fmt::format("deployed revision {}", revision->id.value));
  feed(control::RevisionDeployed{.revision = *revision});
  return revision;
}

Status LocalPlatform::remove(const std::string& endpoint) {
  if (Result<EndpointView> known = this->endpoint(endpoint); !known) return fail(known.error());
  if (Status stored = catalog_.delete_endpoint(endpoint); !stored) return stored;
  feed(control::EndpointRemoved{.endpoint = endpoint});
  if (options_.prefixes != nullptr) options_.prefixes->remove(endpoint);
  log_.forget(endpoint);
  egress_.erase(endpoint);
  return {};
}

io::Task<std::vector<SandboxLayer>> LocalPlatform::sandbox() {
  if (sandbox_.empty()) {
    sandbox_known_.expires_after(kSandboxReportMax);
    [[maybe_unused]] const auto woken = co_await sandbox_known_.async_wait(io::asio::as_tuple(io::use_awaitable));
  }
  co_return sandbox_;
}

io::Task<void> LocalPlatform::drain() {
  feed(control::DrainRequested{});
  while (!drain_done_) {
    [[maybe_unused]] const auto woken = co_await drained_.async_wait(io::asio::as_tuple(io::use_awaitable));
  }
}

void LocalPlatform::set_store_writable(bool writable, const std::string& why) { feed(control::StoreWritable{.writable = writable, .why = why}); }

void LocalPlatform::read_node_memory() {
  memory_read_ = clock_.mono();
  memory_.node_available_bytes = instance::node_available_bytes();
  tell_readings();
}

void LocalPlatform::tell_readings() {
  const double busy_elsewhere = cpu_.read(instance::read_cpu_times(fleet_.processes()));
  control::Readings readings{.cores_busy_elsewhere = busy_elsewhere, .node_available_bytes = memory_.node_available_bytes, .workers = {}};
  for (const auto& [worker, pss] : memory_.pss_bytes)
    readings.workers.push_back({.worker = worker, .pss_bytes = pss});
  feed(std::move(readings));
}

io::Task<void> LocalPlatform::measure_memory() {
  io::Timer pause(executor_);
  for (;;) {
    pause.expires_after(kMeasureEvery);
    const auto [error] = co_await pause.async_wait(io::asio::as_tuple(io::use_awaitable));
    if (error) co_return;
    feed(control::ClockRead{.wall = clock_.wall()});
    const auto processes = fleet_.processes();
    if (processes.empty()) {
      memory_.pss_bytes.clear();
      memory_.huge_page_bytes = 0;
      memory_.unseen.clear();
      cpu_.begin(instance::read_cpu_times({}));
      give_back_memory();
      continue;
    }
    // Walking page tables takes milliseconds, so it is done beside the loop.
    instance::MemoryReadings readings = co_await io::asio::co_spawn(
        measuring_,
        [](std::vector<std::pair<WorkerId, int>> of, std::map<WorkerId, std::string> containers) -> io::PoolTask<instance::MemoryReadings> {
          co_return instance::measure(of, containers);
        }(processes, fleet_.containers()),
        io::use_awaitable);
    memory_ = std::move(readings);
    memory_read_ = clock_.mono();
    tell_readings();
  }
}

// Idle is free, also in the server: what calls and deployments left in the allocator goes back to the system, once after each of them.
void LocalPlatform::give_back_memory() {
  if (!std::exchange(used_since_idle_, false)) return;
  give_back_free_memory();
}

// A function's program has its own threads, and the echo engine computes nothing.
bool LocalPlatform::computes_here(const std::string& endpoint) const {
  const auto found = state_.endpoints.find(endpoint);
  if (found == state_.endpoints.end()) return false;
  const domain::Engine engine = found->second.revision.spec.engine;
  return engine == domain::Engine::kLlama || engine == domain::Engine::kOnnx;
}

// What others did in the last seconds says little of the next. Where nothing of ours runs yet, a look at the moment gives engines all cores
// back at once, and what others take is counted from here on. Not worth it, and not to be seen, while our own calls run.
bool LocalPlatform::begins_alone() {
  const auto runs = [](const auto& entry) { return !entry.second.running.empty(); };
  if (std::ranges::any_of(state_.workers, runs)) return false;
  if (look_around()) return true;
  if (state_.engine_cores < state_.node.cores) look_again();
  return false;
}

bool LocalPlatform::look_around() {
  const auto processes = fleet_.processes();
  const bool alone = instance::alone_now(processes);
  const instance::CpuTimes times = instance::read_cpu_times(processes);
  if (alone) {
    cpu_.begin_alone(times);
  } else {
    cpu_.begin(times);
  }
  return alone;
}

// Often only the caller still ran.
void LocalPlatform::look_again() {
  cpu_again_.expires_after(kLookAgain);
  cpu_again_.async_wait([this](io::ErrorCode error) {
    if (error) return;
    if (look_around()) return tell_readings();
    cpu_again_.expires_after(kMeasureSoon);
    cpu_again_.async_wait([this](io::ErrorCode ended) {
      if (!ended) tell_readings();
    });
  });
}

void LocalPlatform::note(const std::string& endpoint, std::string line) { log_.add(endpoint, clock_.wall(), std::move(line)); }

std::string LocalPlatform::endpoint_of(WorkerId worker) const {
  const auto found = worker_endpoints_.find(worker);
  return found == worker_endpoints_.end() ? std::string() : found->second;
}

}  // namespace ebb::invoke
