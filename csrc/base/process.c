/* Processes by posix_spawn, which is safe whatever threads there are. */
#define _GNU_SOURCE
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

struct br_process {
  pid_t id;
  bool ended;
  int code, signal;
};

/* The added variables, then those of the environment that these do not replace. */
static char **environment(char *const *added) {
  size_t n = 0, m = 0;
  while (added[n]) n++;
  while (environ[m]) m++;
  char **all = br_alloc((n + m + 1) * sizeof *all);
  if (!all) return NULL;
  memcpy(all, added, n * sizeof *all);
  size_t k = n;
  for (size_t i = 0; i < m; i++) {
    bool replaced = false;
    for (size_t j = 0; j < n && !replaced; j++) {
      const size_t name = strcspn(added[j], "=") + 1;
      replaced = strncmp(environ[i], added[j], name) == 0;
    }
    if (!replaced) all[k++] = environ[i];
  }
  all[k] = NULL;
  return all;
}

/* Gives the new process the default handling of all signals. */
static int set_attributes(posix_spawnattr_t *attributes) {
  sigset_t none, usual;
  sigemptyset(&none);
  sigemptyset(&usual);
  sigaddset(&usual, SIGINT);
  sigaddset(&usual, SIGTERM);
  posix_spawnattr_setsigmask(attributes, &none);
  posix_spawnattr_setsigdefault(attributes, &usual);
  posix_spawnattr_setpgroup(attributes, 0);
  return posix_spawnattr_setflags(
      attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
}

static int spawn(pid_t *id, const char *path, char *const *arguments, char *const *all,
                 const char *output) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  int why = posix_spawn_file_actions_init(&files);
  if (why) return why;
  why = posix_spawnattr_init(&attributes);
  if (why) {
    posix_spawn_file_actions_destroy(&files);
    return why;
  }
  why = set_attributes(&attributes);
  if (!why) why = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  if (!why)
    why = posix_spawn_file_actions_addopen(&files, 1, output,
                                           O_WRONLY | O_CREAT | O_APPEND, 0666);
  if (!why) why = posix_spawn_file_actions_adddup2(&files, 1, 2);
  if (!why) why = posix_spawn(id, path, &files, &attributes, arguments, all);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return why;
}

br_process *br_process_start(const char *path, char *const *arguments, char *const *added,
                             const char *output) {
  br_process *p = br_alloc(sizeof *p);
  char **all = p ? environment(added) : NULL;
  if (!all) {
    br_free(p);
    br_fail(BR_ENOMEM, "out of memory");
    return NULL;
  }
  *p = (br_process){0};
  const int why = spawn(&p->id, path, arguments, all, output);
  br_free(all);
  if (!why) return p;
  br_free(p);
  br_fail(BR_EIO, "cannot start a process: %s", strerror(why));
  return NULL;
}

bool br_process_ended(br_process *p, int *code, int *signal) {
  int status = 0;
  if (!p->ended) {
    pid_t got;
    do got = waitpid(p->id, &status, WNOHANG);
    while (got < 0 && errno == EINTR);
    if (got == 0) return false;
    p->ended =
        true; /* also if other code has waited for it; its status is then unknown */
    if (got > 0 && WIFSIGNALED(status)) p->signal = WTERMSIG(status);
    if (got > 0 && WIFEXITED(status)) p->code = WEXITSTATUS(status);
    if (got < 0) p->code = 255;
  }
  *code = p->code;
  *signal = p->signal;
  return true;
}

void br_process_signal(br_process *p, int signal) {
  if (!p->ended) kill(-p->id, signal);
}

long br_process_id(const br_process *p) { return (long)p->id; }

void br_process_free(br_process *p) {
  if (!p) return;
  int code, signal;
  if (!br_process_ended(p, &code, &signal)) {
    kill(-p->id, SIGKILL);
    while (waitpid(p->id, NULL, 0) < 0 && errno == EINTR) continue;
  }
  br_free(p);
}

bool br_process_end_with(long parent) {
  return prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && (long)getppid() == parent;
}

void br_process_pause(double seconds) {
  if (!(seconds > 0)) return;
  if (seconds > 3600) seconds = 3600;
  struct timespec t = {.tv_sec = (time_t)seconds};
  t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
  nanosleep(&t, NULL);
}
