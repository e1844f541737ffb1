// What goes wrong in a world.
#include <algorithm>
#include <iterator>

#include "sim/world.h"

namespace ebb::sim {

void World::crash_or_lie_at_start(WorkerId id, Worker& worker, Course& course) {
  Random& random = worker.random;
  const MonoTime now = node_->now();
  if (faulty(Fault::kSlowLoad) && random.one_in(5)) course.after *= random.between(5, 40);
  if (faulty(Fault::kCrashAtStart) && random.one_in(4)) {
    const MonoTime at = now + random.between(nanoseconds(0), course.after);
    node_->die(id, at, static_cast<int>(random.below(kReasons)));
  }
  if (faulty(Fault::kCrashIdle) && random.one_in(4)) node_->die(id, now + course.after + random.between(nanoseconds(0), seconds(20)), 2);
  if (faulty(Fault::kLieReady) && random.one_in(6)) {
    if (random.one_in(2)) course.slots = static_cast<int>(random.between(-3, 40));
    for (auto lies = random.below(3); lies > 0; --lies) {
      const MonoTime at = now + random.between(nanoseconds(0), course.after * 3);
      node_->lie_ready(id, at, static_cast<int>(random.between(-3, 40)));
    }
  }
  if (faulty(Fault::kHang) && random.one_in(12)) {
    course.after = kNever;
    course.silent = random.one_in(2);
  }
}

void World::crash_or_hang_in_call(const control::Dispatch& dispatch, const Call& call, CallCourse& course, Random random) {
  const WorkerId id = dispatch.worker;
  const MonoTime now = node_->now();
  Random own = call.random;
  if (faulty(Fault::kPoison) && own.one_in(25)) node_->die(id, now + random.between(nanoseconds(0), std::min(course.first_text, course.ends)), 2);
  if (faulty(Fault::kCrashRunning) && random.one_in(25)) {
    const MonoTime at = now + random.between(nanoseconds(0), course.ends);
    node_->die(id, at, static_cast<int>(random.below(3)));
  }
  if (faulty(Fault::kLieCalls) && random.one_in(10))
    set_tag(now + course.ends + random.between(nanoseconds(0), seconds(1)), Tag::kEndAgain, dispatch.call.value);
  if (faulty(Fault::kStall) && random.one_in(20)) node_->stall(id, now + random.between(nanoseconds(0), seconds(2)));
  if (faulty(Fault::kHang) && random.one_in(60)) {
    course.ends = kNever;
    course.silent = random.one_in(2);
  }
}

nanoseconds World::until_next(Fault fault) {
  Random& random = streams_[static_cast<size_t>(fault)];
  switch (fault) {
    case Fault::kLieCalls: return random.between(milliseconds(1), milliseconds(500));
    case Fault::kDeploy:
    case Fault::kStore:
    case Fault::kAvailable:
    case Fault::kCores: return random.between(milliseconds(1), seconds(20));
    case Fault::kWall: return random.between(seconds(1), seconds(40));
    case Fault::kRemove: return random.between(seconds(10), seconds(120));
    default: return kNever / 4;  // happens to workers as they start and run
  }
}

void World::fault_comes(Fault fault) {
  Random& random = streams_[static_cast<size_t>(fault)];
  switch (fault) {
    case Fault::kLieCalls: lie_about_calls(random); break;
    case Fault::kStore: node_->feed(control::StoreWritable{.writable = random.one_in(2), .why = "the disk is full"}); break;
    case Fault::kAvailable: node_->set_available(random.one_in(2) ? plan_.available_bytes : plan_.available_bytes / 100 * random.below(100)); break;
    case Fault::kCores: node_->set_cores_elsewhere(static_cast<double>(random.below(64)) / 8); break;
    case Fault::kWall: node_->shift_wall(milliseconds(random.one_in(2) ? 3'600'000 : -3'600'000)); break;
    case Fault::kDeploy: deploy_again(random); break;
    case Fault::kRemove: {
      const EndpointPlan& plan = plan_.endpoints[random.below(plan_.endpoints.size())];
      deployed_.erase(plan.name);
      node_->feed(control::EndpointRemoved{plan.name});
      break;
    }
    default: break;
  }
  set_tag(node_->now() + until_next(fault), Tag::kFault, static_cast<uint64_t>(fault));
}

// Also one that was removed.
void World::deploy_again(Random& random) { deploy(plan_.endpoints[random.below(plan_.endpoints.size())]); }

// What the strict reading of a worker's frames would not let pass, and the core must not believe all the same.
void World::lie_about_calls(Random& random) {
  const std::vector<WorkerId> workers = node_->workers();
  const WorkerId alive = workers.empty() ? WorkerId{} : workers[random.below(workers.size())];
  const WorkerId unknown{1'000'000 + random.below(10)};
  const CallId no_call{100'000'000 + random.below(10)};
  switch (random.below(9)) {
    case 0: return node_->feed(control::CallEnded{.call = no_call});
    case 1: return node_->feed(control::CallFirstText{no_call});
    case 2: return node_->feed(control::CallCommitted{no_call});
    case 3: return node_->feed(control::CallLeft{no_call});
    case 4: return node_->feed(control::WorkerProgress{unknown});
    case 5: return node_->feed(control::WorkerReady{.worker = unknown, .slots = 3});
    case 6: return node_->feed(control::WorkerParked{alive ? alive : unknown});
    case 7: return node_->feed(control::WorkerDied{.worker = unknown, .reason = "signal 9", .error = std::nullopt});
    default: return node_->feed(control::WorkerProgress{alive ? alive : unknown});
  }
}

}  // namespace ebb::sim
