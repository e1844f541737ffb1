// ebb-fetch: brings one model or image into its store. Started by the server only; registry/fetch_protocol.h has what is said.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "base/time.h"
#include "io/clock.h"
#include "registry/fetch_protocol.h"
#include "registry/fetch_run.h"
#include "registry/files.h"
#include "registry/image_run.h"

namespace {

using namespace ebb;

void say(const json::value& value) {
  const std::string line = json::serialize(value) + "\n";
  // A server that is gone takes nothing more: there is nobody to work for.
  if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) ::_exit(1);
}

// Lines at most every tenth of a second, but the first and the last of each phase always.
class Reporter {
 public:
  void operator()(const registry::FetchProgress& progress) {
    const MonoTime now = clock_.mono();
    const bool border = progress.phase != phase_ || progress.done_bytes == progress.total_bytes;
    if (!border && now - last_ < milliseconds(100)) return;
    phase_ = progress.phase;
    last_ = now;
    say(registry::progress_line(progress));
  }

 private:
  io::SystemClock clock_;
  std::string phase_;
  MonoTime last_{};
};

// The last line.
Result<json::value> fetch() {
  const Result<std::string> text = registry::read_small(STDIN_FILENO, registry::kFetchRequestBytesMax);
  if (!text) return fail(text.error());
  const Result<json::value> value = parse_json(*text);
  if (!value) return fail(value.error());
  Reporter reporter;
  const auto progress = [&reporter](const registry::FetchProgress& said) { reporter(said); };
  if (const json::object* object = value->if_object(); object != nullptr && object->contains("image")) {
    const Result<registry::ImageFetchRequest> request = registry::image_fetch_request_from_json(*value);
    if (!request) return fail(request.error());
    const Result<registry::ImageFetchResult> result = registry::run_image_fetch(*request, Fd(registry::kFetchStoreFd), progress);
    if (!result) return fail(result.error());
    return registry::to_json(*result);
  }
  const Result<registry::FetchRequest> request = registry::fetch_request_from_json(*value);
  if (!request) return fail(request.error());
  const Result<registry::FetchResult> result = registry::run_fetch(*request, Fd(registry::kFetchStoreFd), progress);
  if (!result) return fail(result.error());
  return registry::to_json(*result);
}

}  // namespace

int main() {
  // It must not outlive the server, and holds nothing that it was not given.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  ::syscall(SYS_close_range, registry::kFetchStoreFd + 1, ~0U, 0);
  const Result<json::value> last = fetch();
  say(last ? *last : wire::to_json(last.error()));
  // Not exit(): sanitizers' own work at the end needs calls that are denied by now.
  ::_exit(last ? 0 : 1);
}
