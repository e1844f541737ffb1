// Rows: what a runtime asks, one after the other, and what it is told.
#include "function/lambda_state.h"

#include <gtest/gtest.h>

#include <vector>

namespace ebb::function {
namespace {

// A word for each request: next, r:ID (response or error), init; hand:ID, done and gone are ours. With the status: 0 goes on.
struct Step {
  std::string what;
  int status = 0;
};

int take(LambdaState& state, const std::string& what) {
  const auto status = [](const std::optional<Rejection>& rejection) { return rejection ? rejection->status : 0; };
  if (what == "next") return status(state.next());
  if (what == "init") return status(state.init_error());
  if (what.starts_with("r:")) return status(state.respond(what.substr(2)));
  if (what.starts_with("hand:")) state.hand_over(what.substr(5));
  if (what == "done") state.answered();
  if (what == "gone") state.waiter_gone();
  return 0;
}

TEST(LambdaState, Rows) {
  const std::vector<Step> rows[] = {
      // The whole of it, twice.
      {{"next"}, {"hand:a"}, {"r:a"}, {"done"}, {"next"}, {"hand:b"}, {"r:b"}, {"done"}, {"next"}},
      // Before the first invocation.
      {{"r:a", 403}, {"next"}, {"r:", 400}, {"init", 403}},
      {{"init"}, {"next", 403}, {"r:a", 403}, {"init", 403}},
      // Two at once.
      {{"next"}, {"next", 403}, {"hand:a"}, {"next", 403}, {"r:a"}, {"next", 403}},
      // Another's id, a finished one's, and a second answer.
      {{"next"}, {"hand:a"}, {"r:b", 400}, {"r:a"}, {"r:a", 403}, {"r:b", 400}, {"done"}, {"r:a", 403}, {"r:b", 400}, {"next"}, {"r:a", 400}},
      {{"next"}, {"hand:a"}, {"init", 403}, {"r:a"}, {"done"}, {"init", 403}},
      // A connection that waited and broke.
      {{"next"}, {"gone"}, {"next"}, {"hand:a"}, {"r:a"}},
  };
  for (const auto& row : rows) {
    LambdaState state;
    std::string path;
    for (const Step& step : row) {
      path += " " + step.what;
      ASSERT_EQ(take(state, step.what), step.status) << path;
    }
  }
}

}  // namespace
}  // namespace ebb::function
