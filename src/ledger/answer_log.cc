// The writer: wait, take all, write all, answer.
#include "ledger/answer_log.h"

#include <utility>

#include "base/log.h"

namespace ebb::ledger {

AnswerLog::AnswerLog(std::unique_ptr<store::Answers> store, const io::Clock& clock) : store_(std::move(store)), clock_(clock), writer_([this] { run(); }) {}

AnswerLog::~AnswerLog() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  waiting_.notify_one();
  writer_.join();
}

bool AnswerLog::find(std::string id, Found found) { return add({.answer = {.id = std::move(id)}, .found = std::move(found), .put = {}, .forgotten = {}}); }

bool AnswerLog::put(domain::KeptAnswer answer, Done done) { return add({.answer = std::move(answer), .found = {}, .put = std::move(done), .forgotten = {}}); }

bool AnswerLog::forget(std::string id, Done done) { return add({.answer = {.id = std::move(id)}, .found = {}, .put = {}, .forgotten = std::move(done)}); }

bool AnswerLog::add(Verb verb) {
  {
    const std::lock_guard lock(mutex_);
    if (verbs_.size() >= kAnswerVerbsMax) return false;
    verbs_.push_back(std::move(verb));
    if (verbs_.size() > 1) return true;  // the writer knows
  }
  waiting_.notify_one();
  return true;
}

Status AnswerLog::write(const store::AnswerChanges& changes) {
  Status written = store_->apply(changes);
  if (!written) {
    log_error("answers cannot be kept", {{"why", written.error().message}});
    broken_ = written.error().kind != ErrorKind::kExhausted;  // a full disk leaves the file sound
  }
  return written;
}

void AnswerLog::perform(std::vector<Verb> verbs) {
  store::AnswerChanges changes{.puts = {}, .forgets = {}, .now = clock_.wall()};
  for (Verb& verb : verbs) {
    if (verb.put) changes.puts.push_back(std::move(verb.answer));
    if (verb.forgotten) changes.forgets.push_back(std::move(verb.answer.id));
  }
  Status written;
  if (broken_) {
    written = store_->reopen();
    broken_ = !written;
  }
  if (written && (!changes.puts.empty() || !changes.forgets.empty())) written = write(changes);
  for (const Verb& verb : verbs) {
    if (verb.found) verb.found(store_->find(verb.answer.id, changes.now));
    if (verb.put) verb.put(written);
    if (verb.forgotten) verb.forgotten(written);
  }
}

void AnswerLog::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    waiting_.wait(lock, [this] { return ending_ || !verbs_.empty(); });
    const bool last = ending_;
    std::vector<Verb> verbs = std::exchange(verbs_, {});
    lock.unlock();
    perform(std::move(verbs));
    lock.lock();
    if (last && verbs_.empty()) return;
  }
}

}  // namespace ebb::ledger
