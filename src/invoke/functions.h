// Container functions between the registry and a worker: what a specification means when it is deployed, and what a worker is told to start.
//
// Lives on the server's loop; reads the catalog's images and models, and the /etc/passwd and /etc/group of an image's root.
#pragma once

#include <string>

#include "base/result.h"
#include "domain/endpoint.h"
#include "registry/images.h"
#include "registry/models.h"

namespace ebb::invoke {

class Functions {
 public:
  // All must outlive it.
  Functions(const registry::Images& images, const registry::Models& models) : images_(images), models_(models) {}

  // Error: kNotFound or kInvalid with the field of the specification as param.
  Result<domain::Function> resolve(const domain::FunctionSpec& spec) const;

  // Of a function's revision. kNotFound: its image's root or a mounted model is gone.
  Result<domain::FunctionStart> start_of(const domain::Revision& revision) const;

 private:
  const registry::Images& images_;
  const registry::Models& models_;
};

}  // namespace ebb::invoke
