// ebb-worker-probe: the attempts of probe_worker.h behind the confinement of the engines' programs.
#include "sandbox/confine.h"
#include "sandbox/probe_worker.h"

int main() {
  (void)ebb::sandbox::confine();
  return ebb::sandbox::run_probe(ebb::Fd(3));
}
