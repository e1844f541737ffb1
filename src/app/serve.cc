// The composition: who is made of what, in which order, and how it ends.
#include "app/serve.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "app/accounting.h"
#include "app/certificate.h"
#include "app/image_admin.h"
#include "app/model_admin.h"
#include "app/node.h"
#include "base/log.h"
#include "gateway/gateway.h"
#include "grpc_gateway/grpc_gateway.h"
#include "invoke/local_platform.h"
#include "io/clock.h"
#include "io/files.h"
#include "io/scheduling.h"
#include "ledger/home.h"
#include "registry/content_store.h"
#include "registry/prefix_files.h"
#include "registry/preparer.h"

namespace ebb::app {

namespace {

// From the first signal until nothing runs: the core bounds running calls by 30 s, connections get a little longer.
constexpr seconds kConnectionsEndMax{5};
constexpr int kTurnsToCloseMax = 100;
constexpr int kBlanksForLlama = 2;
constexpr int kBlanksForOnnx = 1;
constexpr int kInterruptedExit = 130;

std::filesystem::path own_folder() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
}

bool is_installed(const char* program) {
  std::error_code ignored;
  return std::filesystem::exists(own_folder() / program, ignored);
}

Status check_sandbox(const std::vector<invoke::SandboxLayer>& layers, bool required) {
  std::string missing;
  for (const auto& layer : layers) {
    if (layer.active) continue;
    missing += fmt::format("\n  {}: {}", layer.name, layer.detail);
    log_warn("workers lack a layer of confinement", {{"layer", layer.name}, {"detail", layer.detail}});
  }
  if (layers.empty()) missing = "\n  the spawner did not say which layers hold";
  if (!required || missing.empty()) return {};
  return fail(ErrorKind::kUnavailable, fmt::format("--require-sandbox: workers would not be confined by:{}", missing));
}

// All parts of a running server, in the order in which they are made; they go in reverse.
class Server {
 public:
  explicit Server(ServeOptions options, std::string version) : options_(std::move(options)), version_(std::move(version)) {}

  Status run();

 private:
  Status open();
  Status open_stores();
  Status open_images();
  void keep_blanks();
  io::Task<void> start();
  Status listen();
  void on_signal();
  [[noreturn]] void end_at_once();
  io::Task<void> shut_down();
  void stop(Status status);
  bool all_left() const { return gateway_->connections() == 0 && (!grpc_gateway_ || grpc_gateway_->stopped()); }

  ServeOptions options_;
  std::string version_;
  io::SystemClock clock_;
  ledger::Home home_;
  io::asio::io_context loop_{1};
  std::unique_ptr<Certificate> certificate_;  // where the server speaks TLS
  std::unique_ptr<instance::Fleet> fleet_;
  std::unique_ptr<store::Catalog> catalog_;
  std::unique_ptr<Accounting> accounting_;
  std::optional<registry::ContentStore> content_;
  std::unique_ptr<registry::Models> models_;
  std::unique_ptr<registry::Preparer> preparer_;
  std::unique_ptr<registry::Fetcher> fetcher_;
  std::optional<registry::ImageStore> image_store_;
  std::unique_ptr<registry::Images> images_;
  std::optional<registry::RegistryLogins> logins_;
  std::optional<registry::PrefixFiles> prefixes_;
  std::unique_ptr<ledger::UsageLog> usage_log_;
  std::unique_ptr<invoke::LocalPlatform> platform_;
  std::unique_ptr<RegistryAdmin> model_admin_;
  std::unique_ptr<RegistryImages> image_admin_;
  std::unique_ptr<LedgerBills> bills_;
  std::unique_ptr<gateway::Gateway> gateway_;
  std::unique_ptr<grpc_gateway::GrpcGateway> grpc_gateway_;  // where it is asked for
  std::unique_ptr<io::Signals> signals_;
  std::map<std::string, store::EndpointTotals> totals_;
  CallId highest_call_;
  std::map<std::string, domain::Use> used_;  // of this month, by each tenant
  bool stopping_ = false;
  Status outcome_;
};

Status Server::open() {
  Result<std::unique_ptr<Certificate>> certificate = Certificate::load(loop_.get_executor(), options_, clock_);
  if (!certificate) return fail(certificate.error());
  certificate_ = std::move(*certificate);
  Result<ledger::Home> home = ledger::open_home(options_.home);
  if (!home) return fail(home.error());
  home_ = std::move(*home);
  // The spawner comes first of all, while this process has one thread and no open store.
  fleet_ = std::make_unique<instance::Fleet>(
      loop_.get_executor(), instance::FleetOptions{.spawner_program = own_folder() / "ebb-spawner", .containers = container_ids_of(home_.path)});
  if (Status started = fleet_->start_spawner(); !started) return started;
  return open_stores();
}

Status Server::open_stores() {
  Result<std::unique_ptr<store::Catalog>> catalog = store::Catalog::open(home_.path);
  if (!catalog) return fail(catalog.error());
  catalog_ = std::move(*catalog);
  Result<std::unique_ptr<Accounting>> accounting = Accounting::open(home_.path, clock_);
  if (!accounting) return fail(accounting.error());
  accounting_ = std::move(*accounting);
  Result<std::unique_ptr<store::UsageStore>> usage = store::UsageStore::open(home_.path);
  if (!usage) return fail(usage.error());
  if (Status recovered = ledger::UsageLog::recover(**usage, home_.path); !recovered) return recovered;
  Result<std::map<std::string, store::EndpointTotals>> totals = (*usage)->totals();
  if (!totals) return fail(totals.error());
  totals_ = std::move(*totals);
  const Result<uint64_t> highest = (*usage)->highest_call_id();
  if (!highest) return fail(highest.error());
  highest_call_ = CallId{*highest};
  control::Tally month;
  control::turn_month(month, clock_.wall());
  Result<std::map<std::string, domain::Use>> used = (*usage)->used_since(std::chrono::floor<std::chrono::hours>(month.month.from));
  if (!used) return fail(used.error());
  used_ = std::move(*used);
  Result<registry::ContentStore> content = registry::ContentStore::open(home_.path / "models");
  if (!content) return fail(content.error());
  content_ = std::move(*content);
  Result<registry::Models> models = registry::Models::load(*catalog_, *content_);
  if (!models) return fail(models.error());
  models_ = std::make_unique<registry::Models>(std::move(*models));
  preparer_ = std::make_unique<registry::Preparer>(loop_.get_executor(), *content_, models_->prepared_files(),
                                                   registry::PreparerOptions{.programs = {{domain::ModelFormat::kOnnx, own_folder() / "ebb-prepare-onnx"},
                                                                                          {domain::ModelFormat::kGguf, own_folder() / "ebb-prepare-llama"}}});
  models_->use(*preparer_);
  if (const Result<size_t> cleared = models_->clear_rest(clock_.wall()); cleared && *cleared > 0) log_info("cleared unfinished files", {{"files", *cleared}});
  fetcher_ = std::make_unique<registry::Fetcher>(loop_.get_executor(), *content_, registry::FetcherOptions{.program = own_folder() / "ebb-fetch"});
  if (Status images = open_images(); !images) return images;

  if (Result<registry::PrefixFiles> prefixes = registry::PrefixFiles::open(home_.path / "prefixes")) {
    prefixes_ = std::move(*prefixes);
  } else {
    log_warn("what language models knew is not kept beyond their workers", {{"reason", prefixes.error().message}});
  }
  usage_log_ = std::make_unique<ledger::UsageLog>(std::move(*usage), home_.path, [this](bool writable, const std::string& why) {
    io::asio::post(loop_, [this, writable, why] {
      if (platform_) platform_->set_store_writable(writable, why);
    });
  });
  platform_ = std::make_unique<invoke::LocalPlatform>(
      loop_.get_executor(), clock_, *fleet_, *catalog_, *models_, *images_, *usage_log_,
      invoke::PlatformOptions{.version = version_, .home = home_.path, .node = node_of(options_), .prefixes = prefixes_ ? &*prefixes_ : nullptr});
  return {};
}

Status Server::open_images() {
  Result<registry::ImageStore> store = registry::ImageStore::open(home_.path / "images");
  if (!store) return fail(store.error());
  image_store_ = std::move(*store);
  Result<std::unique_ptr<registry::Images>> images = registry::Images::load(*catalog_, *image_store_);
  if (!images) return fail(images.error());
  images_ = std::move(*images);
  if (const Result<size_t> cleared = images_->clear_rest(); cleared && *cleared > 0) log_info("cleared the rest of images", {{"parts", *cleared}});
  Result<registry::RegistryLogins> logins = registry::RegistryLogins::load(home_.path / "registry-logins.json");
  if (!logins) return fail(logins.error());
  logins_ = std::move(*logins);
  return {};
}

// Blank workers are kept ready for engines that some model needs: until there is one, they would be memory for nothing.
void Server::keep_blanks() {
  const auto blanks = [this](domain::ModelFormat format, int some) {
    return std::ranges::any_of(models_->list(), [format](const domain::Model& model) { return model.facts.format == format; }) ? some : 0;
  };
  fleet_->keep_blanks(domain::Engine::kLlama, blanks(domain::ModelFormat::kGguf, kBlanksForLlama));
  if (is_installed("ebb-worker-onnx")) fleet_->keep_blanks(domain::Engine::kOnnx, blanks(domain::ModelFormat::kOnnx, kBlanksForOnnx));
}

namespace {

// One registry for the calls of both listeners. Must outlive what it returns.
grpc_gateway::Watch counted_by(gateway::GatewayMetrics& metrics) {
  return {.began = [&metrics] { metrics.call_began(); },
          .ended =
              [&metrics](const grpc_gateway::InferenceSeen& seen) {
                metrics.call_ended({.endpoint = seen.endpoint,
                                    .dialect = gateway::Dialect::kOip,
                                    .operation = wire::Operation::kInference,
                                    .status = seen.failed ? gateway::status_of(*seen.failed) : 200,
                                    .error = seen.failed ? std::string(to_string(*seen.failed)) : "",
                                    .total = seen.total,
                                    .dispatched = seen.dispatched});
              }};
}

}  // namespace

Status Server::listen() {
  model_admin_ = std::make_unique<RegistryAdmin>(*models_, *fetcher_, *preparer_, *platform_, clock_, options_.require_sandbox, [this] { keep_blanks(); });
  image_admin_ = std::make_unique<RegistryImages>(*images_, *image_store_, *logins_, *fetcher_, *platform_, clock_, options_.require_sandbox);
  gateway::GatewayOptions options;
  const io::TlsIdentity* const tls = certificate_ ? &certificate_->identity() : nullptr;
  options.host = options_.listen;
  options.port = options_.port;
  options.tls = tls;
  options.behind_proxy = options_.behind_proxy;
  gateway_ = std::make_unique<gateway::Gateway>(loop_.get_executor(), *platform_, *model_admin_, *image_admin_, *bills_, accounting_->for_gateway(), clock_,
                                                std::move(options));
  const Result<uint16_t> port = gateway_->listen();
  if (!port) return fail(port.error());
  log_info("listening", {{"url", fmt::format("{}://{}:{}", tls != nullptr ? "https" : "http", options_.listen, *port)}, {"home", home_.path.string()}});
  if (options_.grpc_port) {
    grpc_gateway_ =
        std::make_unique<grpc_gateway::GrpcGateway>(loop_.get_executor(), *platform_, accounting_->keyring(), clock_, counted_by(gateway_->metrics()));
    const Result<uint16_t> grpc_port =
        grpc_gateway_->listen({.host = options_.listen, .port = *options_.grpc_port, .tls = tls, .behind_proxy = options_.behind_proxy});
    if (!grpc_port) return fail(grpc_port.error());
    log_info("listening for gRPC", {{"port", *grpc_port}});
  }
  if (certificate_) certificate_->watch();
  if (options_.port_file.empty()) return {};
  return io::write_file_atomic(options_.port_file, fmt::format("{}\n", *port));  // whoever waits for it never reads half of it
}

io::Task<void> Server::start() {
  co_await preparer_->start();
  // With another library or processor than before, everything is prepared anew.
  for (const domain::Model& model : models_->list())
    models_->prepare(model);
  keep_blanks();
  const bool anything_spent = !totals_.empty();
  if (Status started = platform_->start(std::move(totals_), highest_call_, std::move(used_)); !started) co_return stop(started);
  bills_ = std::make_unique<LedgerBills>(loop_.get_executor(), *usage_log_);
  const Status accounted = co_await accounting_->start(*bills_, *platform_, options_.prices, anything_spent);
  if (!accounted) co_return stop(accounted);
  const std::vector<invoke::SandboxLayer> layers = co_await platform_->sandbox();
  if (Status confined = check_sandbox(layers, options_.require_sandbox); !confined) co_return stop(confined);
  if (Status listening = listen(); !listening) co_return stop(listening);
  usage_log_->check_store();
  // Last, so that what was started before does not inherit it: this thread has little to do at a time, and everybody waits for it.
  io::ask_for_short_slices();
}

void Server::on_signal() {
  signals_->async_wait([this](io::ErrorCode error, int) {
    if (error) return;
    if (!gateway_) return stop(fail(ErrorKind::kCancelled, "interrupted while starting"));
    if (stopping_) end_at_once();
    stopping_ = true;
    log_info("draining: running calls finish, new ones are refused; a second signal ends at once");
    io::asio::co_spawn(loop_, shut_down(), io::asio::detached);
    on_signal();
  });
}

io::Task<void> Server::shut_down() {
  preparer_->stop();
  if (certificate_) certificate_->stop();
  co_await platform_->drain();
  // They end while the last answers are written.
  fleet_->end_functions("the server stops", domain::kFunctionsStopTimeMax);
  gateway_->stop_accepting();
  if (grpc_gateway_) grpc_gateway_->stop(kConnectionsEndMax);
  io::Timer pause(loop_);
  const MonoTime functions_until = clock_.mono() + domain::kFunctionsStopTimeMax + domain::kFunctionEndReportMax;
  for (const MonoTime until = clock_.mono() + kConnectionsEndMax; !all_left() && clock_.mono() < until;) {
    pause.expires_after(milliseconds(20));
    co_await pause.async_wait(io::use_awaitable);
  }
  while (fleet_->functions() > 0 && clock_.mono() < functions_until) {
    pause.expires_after(milliseconds(5));
    co_await pause.async_wait(io::use_awaitable);
  }
  gateway_->close_all();
  // Their coroutines refer to the platform: it goes after the last of them.
  for (int turn = 0; !all_left() && turn < kTurnsToCloseMax; ++turn) {
    pause.expires_after(milliseconds(20));
    co_await pause.async_wait(io::use_awaitable);
  }
  stop({});
}

// A second signal: what ended is written, what runs is cut, and nothing of ours is left behind.
void Server::end_at_once() {
  log_warn("ending at once");
  usage_log_.reset();
  accounting_->close();
  fleet_->shut_down();
  ::_exit(kInterruptedExit);
}

void Server::stop(Status status) {
  outcome_ = std::move(status);
  loop_.stop();
}

Status Server::run() {
  if (Status opened = open(); !opened) return opened;
  signals_ = std::make_unique<io::Signals>(loop_, SIGINT, SIGTERM);
  on_signal();
  io::asio::co_spawn(loop_, start(), io::asio::detached);
  loop_.run();
  fleet_->shut_down();
  accounting_->audit().flush(clock_.wall());
  log_info("ended");
  return outcome_;
}

}  // namespace

Status serve(ServeOptions options, const std::string& version) {
  init_log(options.log_debug ? LogLevel::kDebug : LogLevel::kInfo, options.log_json);
  ::signal(SIGPIPE, SIG_IGN);
  return Server(std::move(options), version).run();
}

}  // namespace ebb::app
