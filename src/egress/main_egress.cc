// ebb-egress: goes out for functions that may. Started by ebb-spawner with its channel as descriptor 3.
#include <signal.h>
#include <unistd.h>

#include <cstdlib>

#include "egress/confine.h"
#include "egress/service.h"
#include "io/clock.h"

int main() {
  ::signal(SIGPIPE, SIG_IGN);
  // Few threads resolve for all: a server of names that is silent shall not hold one of them for longer.
  ::setenv("RES_OPTIONS", "timeout:2 attempts:2", 1);
  if (!ebb::egress::confine()) ::_exit(4);
  const ebb::io::SystemClock clock;
  const int status = ebb::egress::serve(ebb::Fd(3), clock);
  ::_exit(status);  // without waiting for names that are still being resolved
}
