// The verbs of the ledger's answers, awaited on the loop. `services` outlives the tasks.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "domain/kept_answer.h"
#include "io/asio.h"

namespace ebb::gateway {

struct Services;

// Errors are those of the store, and kOverloaded: too many wait for it.
io::Task<Result<std::optional<domain::KeptAnswer>>> find_kept(Services& services, std::string id);
// Durable when it is over.
io::Task<Status> put_kept(Services& services, domain::KeptAnswer answer);
// Some time later; if it never is, the book tells that the calls cost nothing.
void forget_kept(Services& services, std::string id);

}  // namespace ebb::gateway
