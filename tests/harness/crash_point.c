// Kills the server at its n-th sync of a file, before or after it: EBB_TEST_CRASH="17:before". Loaded into it by LD_PRELOAD; other programs are left alone.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_int syncs;
static int crash_at;
static int before;

__attribute__((constructor)) static void read_point(void) {
  const char *point = getenv("EBB_TEST_CRASH");
  if (point == NULL || strcmp(program_invocation_short_name, "ebb") != 0) return;
  crash_at = atoi(point);
  before = strstr(point, "before") != NULL;
}

static int sync_or_die(const char *name, int fd) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  int here = crash_at > 0 && atomic_fetch_add(&syncs, 1) + 1 == crash_at;
  if (here && before) kill(getpid(), SIGKILL);
  int result = real(fd);
  if (here) kill(getpid(), SIGKILL);
  return result;
}

int fsync(int fd) { return sync_or_die("fsync", fd); }
int fdatasync(int fd) { return sync_or_die("fdatasync", fd); }
