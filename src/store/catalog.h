// What was added and deployed: models, images, and the revisions of endpoints. Durable before a verb returns.
//
// One owner, on the server's loop: these verbs are rare and take about a millisecond.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "domain/endpoint.h"
#include "domain/image.h"
#include "domain/model.h"
#include "store/database.h"

namespace ebb::store {

class Catalog {
 public:
  // <home>/catalog.db
  static Result<std::unique_ptr<Catalog>> open(const std::filesystem::path& home);

  Result<std::vector<domain::Model>> models();                    // by name and version
  Status put_model(const domain::Model& model);                   // kExists for a name and version that are there
  Status delete_model(const std::string& name, int64_t version);  // also when it is not there

  Result<std::vector<domain::Image>> images();                    // by name and version
  Status put_image(const domain::Image& image);                   // kExists for a name and version that are there
  Status delete_image(const std::string& name, int64_t version);  // also when it is not there

  Result<std::vector<domain::Revision>> current_revisions();  // by endpoint
  // The new current revision of its endpoint; older ones are kept for bills and history.
  // kExists for an id that was used.
  // `function`: of a function, its text (wire/spec_function.h).
  Status put_revision(const domain::Revision& revision, const std::string& function = {});
  // The text that its revision was put with: current_revisions() gives functions without it. kCorrupt if there is none.
  Result<std::string> function_of(RevisionId revision);
  Status delete_endpoint(const std::string& name);  // also when it is not there; its revisions stay
  Result<uint64_t> highest_revision_id();

 private:
  explicit Catalog(Database database) : database_(std::move(database)) {}
  Status put_function(RevisionId revision, const std::string& function);
  Result<domain::Revision> revision_of(const std::string& endpoint, int64_t id);
  Database database_;
};

}  // namespace ebb::store
