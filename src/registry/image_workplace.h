// What the steps of one image fetch share: a staging folder with its parts, the two tools, and how children are run.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/json.h"
#include "base/result.h"
#include "domain/model.h"
#include "registry/child.h"
#include "registry/fetch_protocol.h"
#include "registry/image_manifest.h"
#include "registry/image_protocol.h"
#include "registry/image_store.h"

namespace ebb::registry {

// For the process with one thread that ebb-fetch is. Its folder goes with it.
class Workplace {
 public:
  using Progress = std::function<void(const FetchProgress&)>;

  // `request` and `progress` must outlive it.
  Workplace(const ImageFetchRequest& asked, ImageStore image_store, const Progress& say) : request(asked), progress(say), store(std::move(image_store)) {}
  ~Workplace();
  Workplace(const Workplace&) = delete;
  Workplace& operator=(const Workplace&) = delete;

  // Finds the tools and makes the folders. First of all.
  Status prepare();

  // Runs one of our own tasks in a child; what it lacked of its confinement is remembered or, if that was asked for, refused.
  Result<json::value> task(const ChildRights& rights, const std::function<Result<json::value>()>& job);
  // The same for a program.
  Result<ProgramEnd> program(const ProgramRun& run, const std::function<Status(uint64_t written)>& look);
  // kExhausted if the disk has not so many bytes left, beside the reserve.
  Status has_room(uint64_t wanted) const;

  // Absolute; of the folder itself for an empty name.
  std::string path_of(const std::string& name) const { return store.path() + "/staging/" + folder_name_ + (name.empty() ? "" : "/" + name); }
  // Below the store's staging folder.
  std::string staged(const std::string& name) const { return folder_name_ + "/" + name; }

  const ImageFetchRequest& request;
  const Progress& progress;
  const ImageStore store;
  const Platform here = this_platform();
  const bool as_owner = holds_ownership();
  std::string skopeo;  // paths of the tools
  std::string umoci;
  Fd folder;
  Fd source;  // folder/source: what skopeo copies from, where it is a layout, and its settings
  Fd work;    // folder/work: what skopeo may write to
  Fd layout;  // below work: the layout that it wrote
  std::set<std::string> missing_layers;
  std::set<domain::Digest> reused;  // layers that are in the store already: links to them stand in the layout

 private:
  Status note_missing(const std::vector<std::string>& layers);
  std::string folder_name_;  // in staging
};

}  // namespace ebb::registry
