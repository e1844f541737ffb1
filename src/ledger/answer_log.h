// Kept answers on their way to the disk and back: a thread that writes everything that waits in one synced transaction, so that the loop waits for no disk.
//
// A verb is done when its callback is called, on the writer's thread. Nothing is tried again: who begins is refused, and an answer that cannot be kept is
// told apart later from one that cost nothing, by the book. After a failed write that is not for want of space the store is opened anew.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "domain/kept_answer.h"
#include "io/clock.h"
#include "store/answers.h"

namespace ebb::ledger {

// Verbs that wait for the writer: some for each of kKeyedCallsMax.
inline constexpr size_t kAnswerVerbsMax = 4 * domain::kKeyedCallsMax;

class AnswerLog {
 public:
  using Found = std::function<void(Result<std::optional<domain::KeptAnswer>>)>;
  using Done = std::function<void(Status)>;

  // `clock` must outlive this.
  AnswerLog(std::unique_ptr<store::Answers> store, const io::Clock& clock);
  // Does what waits, and ends the thread.
  ~AnswerLog();
  AnswerLog(const AnswerLog&) = delete;
  AnswerLog& operator=(const AnswerLog&) = delete;

  // From any thread. Verbs of one id must follow each other: the next one after the callback. False: too many wait, nothing is done or called.
  bool find(std::string id, Found found);
  bool put(domain::KeptAnswer answer, Done done);
  bool forget(std::string id, Done done);

 private:
  struct Verb {
    domain::KeptAnswer answer;  // of what is put, or the id alone
    Found found;                // one of these …
    Done put;
    Done forgotten;
  };

  bool add(Verb verb);
  void run();
  void perform(std::vector<Verb> verbs);
  Status write(const store::AnswerChanges& changes);

  // The writer's own.
  std::unique_ptr<store::Answers> store_;
  const io::Clock& clock_;
  bool broken_ = false;  // until it is opened anew

  std::mutex mutex_;
  std::condition_variable waiting_;
  std::vector<Verb> verbs_;
  bool ending_ = false;
  std::thread writer_;  // last: it uses all of the above
};

}  // namespace ebb::ledger
