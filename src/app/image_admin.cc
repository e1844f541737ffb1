// Adding by ebb-fetch, with the one credential of the registry that it talks to.
#include "app/image_admin.h"

#include <functional>
#include <utility>

#include "base/log.h"

namespace ebb::app {

namespace {

// Made by plain functions: see model_admin.cc.
using Tell = std::function<void(const registry::FetchProgress&)>;

Tell telling(std::shared_ptr<gateway::AddProgress> progress) {
  return [progress = std::move(progress)](const registry::FetchProgress& said) { progress->report(said); };
}

void stop_when_cancelled(gateway::AddProgress& progress, std::shared_ptr<registry::FetchStop> stop) {
  progress.on_cancel = [stop = std::move(stop)] { stop->stop(); };
}

std::string shown(const std::string& source) {
  const Result<registry::ImageSource> parsed = registry::parse_image_source(source);
  return parsed ? registry::to_string(*parsed) : std::string();
}

wire::LoginRow row_of(const std::string& host, const registry::RegistryLogin& login) {
  return {.registry = host, .username = login.username, .token_server = login.token_server};
}

}  // namespace

Result<registry::ImageFetchRequest> RegistryImages::fetch_of(const wire::AddImage& request) const {
  const Result<registry::ImageSource> source = registry::parse_image_source(request.source);
  if (!source) return fail(source.error());
  registry::ImageFetchRequest fetch{.source = request.source, .require_confinement = require_confinement_};
  if (const auto* image = std::get_if<registry::RegistryImage>(&*source)) fetch.login = logins_.of(image->host);
  return fetch;
}

io::Task<Result<domain::Image>> RegistryImages::add(wire::AddImage request, std::shared_ptr<gateway::AddProgress> progress) {
  Result<registry::ImageFetchRequest> fetch = fetch_of(request);
  if (!fetch) co_return fail(fetch.error());
  const auto stop = std::make_shared<registry::FetchStop>();
  stop_when_cancelled(*progress, stop);
  Tell tell = telling(progress);
  ++adding_;
  io::Task<Result<registry::ImageFetchResult>> fetching = fetcher_.fetch_image(std::move(*fetch), store_.directory(), std::move(tell), stop);
  const Result<registry::ImageFetchResult> fetched = co_await std::move(fetching);
  progress->on_cancel = nullptr;
  // One that was killed could not clear up after itself.
  if (--adding_ == 0 && !fetched) images_.clear_staging();
  if (!fetched) co_return fail(fetched.error());
  for (const std::string& layer : fetched->missing_layers)
    log_warn("a child of ebb-fetch lacked a layer of confinement", {{"layer", layer}});
  const std::string source = shown(request.source);
  co_return images_.add(request.name, *fetched, source, clock_.wall());
}

Status RegistryImages::remove(const domain::ImageRef& ref) {
  const std::vector<invoke::EndpointView> endpoints = platform_.endpoints();
  return images_.remove(ref, [&endpoints](const domain::Image& image) -> std::string {
    for (const invoke::EndpointView& endpoint : endpoints) {
      const auto& used = endpoint.revision.function;
      if (used && used->image.name == image.name && used->image.version == image.version) return endpoint.revision.spec.name;
    }
    return {};
  });
}

std::vector<wire::LoginRow> RegistryImages::logins() const {
  std::vector<wire::LoginRow> rows;
  for (const auto& [host, login] : logins_.list())
    rows.push_back(row_of(host, login));
  return rows;
}

Result<wire::LoginRow> RegistryImages::log_in(const std::string& registry, wire::PutLogin login) {
  const Result<registry::RegistryHost> host = registry::parse_registry_host(registry);
  if (!host) return fail(host.error());
  if (Status put = logins_.put(*host, {.username = login.username, .password = login.password, .token_server = login.token_server}); !put)
    return fail(put.error());
  return row_of(host->text, *logins_.of(*host));
}

Status RegistryImages::log_out(const std::string& registry) {
  const Result<registry::RegistryHost> host = registry::parse_registry_host(registry);
  if (!host) return fail(host.error());
  return logins_.remove(*host);
}

}  // namespace ebb::app
