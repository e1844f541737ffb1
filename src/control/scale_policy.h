// How many slots a worker starts with, grows to, and when an idle one parks or goes.
#pragma once

#include "base/time.h"
#include "domain/endpoint.h"

namespace ebb::control {

// The most slots that a worker of this engine may have.
int slots_most(const domain::Scaling& scaling, domain::Engine engine);

// Slots that so many calls are to have, by scaling.target: more than they take, where it is below 100 %.
int slots_wanted(int calls, const domain::Scaling& scaling);

// Slots to start or wake with: for those that wait, in powers of two, never less than scaling.min, never more than slots_most. Where each costs memory and
// start time, not more than kSlotsAtStartMax at once.
int slots_at_start(int waiting, const domain::Scaling& scaling, domain::Engine engine);

// Slots that a ready worker should have while more calls wait than slots are free: enough for all, or twice as many where each is dear. The same number:
// leave it.
int slots_to_grow_to(int slots, int waiting, const domain::Scaling& scaling, domain::Engine engine);

// Instances to wake or start now, so that all who wait find a slot once they are there, and scaling.target is kept: `slots_coming` are those of instances that
// start already; `serving` counts these and the ready ones, `running` the calls in them.
int instances_to_add(int waiting, int running, int slots_coming, int serving, int calls_per_instance, const domain::Scaling& scaling);

enum class IdleStep { kStay, kPark, kGo };
// What becomes of an idle worker, and `next`: when to look again (only for kStay; MonoTime::max() for never).
struct IdleChoice {
  IdleStep step = IdleStep::kStay;
  MonoTime next{MonoTime::max()};
};
// By scaling's own times; `keep` must be one.
IdleChoice idle_step(bool parked, MonoTime idle_since, MonoTime parked_since, const domain::Scaling& scaling, MonoTime now);

// When an idle worker that stays ready for scaling.min gives back the slots beyond them; MonoTime::max(): never.
MonoTime shrink_at(int slots, MonoTime idle_since, const domain::Scaling& scaling);

}  // namespace ebb::control
