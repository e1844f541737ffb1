// Images and logins for the gateway, from the registry.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gateway/admin.h"
#include "invoke/platform.h"
#include "io/clock.h"
#include "registry/fetcher.h"
#include "registry/images.h"
#include "registry/registry_logins.h"

namespace ebb::app {

// Lives on the server's loop; the parts must outlive it.
class RegistryImages final : public gateway::ImageAdmin {
 public:
  RegistryImages(registry::Images& images, registry::ImageStore& store, registry::RegistryLogins& logins, registry::Fetcher& fetcher,
                 const invoke::Platform& platform, const io::Clock& clock, bool require_confinement)
      : images_(images), store_(store), logins_(logins), fetcher_(fetcher), platform_(platform), clock_(clock), require_confinement_(require_confinement) {}

  std::vector<domain::Image> list() const override { return images_.list(); }
  Result<domain::Image> resolve(const domain::ImageRef& ref) const override { return images_.resolve(ref); }
  io::Task<Result<domain::Image>> add(wire::AddImage request, std::shared_ptr<gateway::AddProgress> progress) override;
  Status remove(const domain::ImageRef& ref) override;

  std::vector<wire::LoginRow> logins() const override;
  Result<wire::LoginRow> log_in(const std::string& registry, wire::PutLogin login) override;
  Status log_out(const std::string& registry) override;

 private:
  Result<registry::ImageFetchRequest> fetch_of(const wire::AddImage& request) const;

  registry::Images& images_;
  registry::ImageStore& store_;
  registry::RegistryLogins& logins_;
  registry::Fetcher& fetcher_;
  const invoke::Platform& platform_;
  const io::Clock& clock_;
  bool require_confinement_;
  int adding_ = 0;
};

}  // namespace ebb::app
