// An endpoint as its owner wrote it (EndpointSpec), and as the platform runs it (Revision: immutable).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "domain/cron.h"
#include "domain/function_spec.h"
#include "domain/model.h"
#include "domain/priority.h"

namespace ebb::domain {

enum class Engine { kLlama, kEcho, kOnnx, kContainer };
std::string_view to_string(Engine engine);
// Slots that one worker may have at most; and whether a slot costs so little that as many as are wanted may be made at once.
int slots_max(Engine engine);
bool slots_are_cheap(Engine engine);
// Whether a call that runs may be held between two steps, its slot given to another, and go on later where it was.
bool can_hold(Engine engine);

// Names of endpoints and models: [a-z0-9] first, then [a-z0-9._-], at most kEndpointNameBytesMax bytes.
bool is_name(std::string_view name);
inline constexpr std::string_view kNameRule = "use a-z, 0-9, '.', '_' and '-', a letter or digit first, at most 63 characters";

// From when the line fires until another entry of the schedule does.
struct ProvisionedAt {
  Cron cron;
  int provisioned = 0;
  bool operator==(const ProvisionedAt&) const = default;
};

struct Scaling {
  int min = 0;                       // slots kept ready even without traffic
  int max = 16;                      // slots at most
  int target_percent = 100;          // of the ready slots, how many calls are to take: beyond it more are made before anybody waits. At least kTargetPercentMin
  std::optional<milliseconds> idle;  // ready without a call for this long: parked. Absent is `auto`: kIdleAuto
  std::optional<milliseconds> keep;  // parked without a call for this long: gone. Absent is `auto`: as long as it is worth its memory
  // Slots (of functions: instances) kept warm; domain/schedule.h says how many at a time. Neither is more than `max`.
  int provisioned = 0;                  // where the schedule says nothing
  std::vector<ProvisionedAt> schedule;  // at most kScheduleEntriesMax
  bool operator==(const Scaling&) const = default;
};
inline constexpr milliseconds kIdleAuto{30'000};
inline constexpr int kTargetPercentMin = 10;

struct CallLimits {
  int queue = 200;             // calls that may wait at once
  milliseconds wait{30'000};   // longest wait for a slot, starts included
  milliseconds time{120'000};  // longest execution
  bool operator==(const CallLimits&) const = default;
};

struct EndpointSpec {
  std::string name;
  Engine engine = Engine::kLlama;
  std::optional<ModelRef> model;          // absent for the echo engine and for functions
  std::optional<FunctionSpec> function;   // kContainer
  std::optional<int64_t> memory_mib;      // what a call is billed for; absent: estimated from the model
  std::optional<int64_t> context_tokens;  // of one slot; absent: the model's own, at most kContextAuto…
  Scaling scaling;
  CallLimits limits;
  Priority priority = Priority::kNormal;  // of calls that do not say theirs
  bool operator==(const EndpointSpec&) const = default;
};
inline constexpr int64_t kContextAuto = 4096;
// Of models that give vectors: a text is computed in one piece, during which the worker does nothing else.
inline constexpr int64_t kContextAutoOfVectors = 2048;

struct Revision {
  RevisionId id;
  EndpointSpec spec;
  std::optional<Model> model;  // as resolved when it was deployed
  std::optional<Function> function;
  int64_t memory_mib = 0;      // billed for each call
  int64_t context_tokens = 0;  // of one slot; 0: the model takes no text
  // Of a function: each worker is one instance that takes so many calls at once. 0: one worker has as many slots as are wanted.
  int calls_per_instance = 0;
  WallTime created{};

  bool by_instances() const { return calls_per_instance > 0; }

  // For admission, until measured: what one worker takes besides its weights, and what each slot adds.
  uint64_t weights_bytes() const { return model ? model->facts.weights_bytes : 0; }
  uint64_t slot_bytes() const;
  // Of a model whose callers choose how large their inputs are: what all executions of one worker may take together. 0: the engine sees to that itself.
  uint64_t tensor_bytes_max() const;
  bool operator==(const Revision&) const = default;
};

// What a worker of a revision takes apart from weights and slots: program, vocabulary, scratch. Measured for SmolLM2 and rounded up.
inline constexpr uint64_t kWorkerBaseBytes = 64ULL << 20U;
// What a prepared instance takes: its worker, and what waits in its sandbox.
inline constexpr uint64_t kInstanceBaseBytes = 8ULL << 20U;

// Fills in what the spec left out, the engine by the model's format among it. `model` must be given exactly when the spec names one, `function`
// likewise. Error: kInvalid with the param at fault.
Result<Revision> make_revision(RevisionId id, EndpointSpec spec, std::optional<Model> model, WallTime created, std::optional<Function> function = std::nullopt);

}  // namespace ebb::domain
