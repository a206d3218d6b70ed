/* The terminal for a line editor: typed bytes, the size, and the terminal's first
   state. That state is restored however the process ends.

   While the terminal is raw, it echoes nothing, and Ctrl-C and Ctrl-Z are plain bytes. */
#define _GNU_SOURCE
#include "bind/bind.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* A process has one terminal, so these are global. */
static struct termios found, edited;
static volatile sig_atomic_t is_raw, changed;

enum { ENDS = 9 };
static const int ends[ENDS] = {SIGTERM, SIGHUP, SIGQUIT, SIGSEGV, SIGBUS,
                               SIGFPE,  SIGILL, SIGABRT, SIGTRAP};
static struct sigaction before[ENDS];

static const char plain[] = "\x1b[?2004l\x1b[0m\r\n"; /* no bracketed paste, no colour */

static void restore(void) {
  if (!is_raw) return;
  is_raw = 0;
  tcsetattr(STDIN_FILENO, TCSADRAIN, &found);
}

/* Restores the terminal, then lets the signal end the process as usual. */
static void on_end(int number) {
  const int kept = errno;
  if (is_raw && write(STDOUT_FILENO, plain, sizeof plain - 1) < 0) changed = 1;
  restore();
  for (int i = 0; i < ENDS; i++)
    if (ends[i] == number) sigaction(number, &before[i], NULL);
  raise(number);
  errno = kept;
}

/* Called when the size changed, or the process goes on after a stop. */
static void on_change(int number) {
  const int kept = errno;
  changed = 1;
  if (number == SIGCONT && is_raw) tcsetattr(STDIN_FILENO, TCSADRAIN, &edited);
  errno = kept;
}

static void prepare(void) {
  static bool done;
  if (done) return;
  done = true;
  atexit(restore);
  struct sigaction change = {.sa_handler = on_change};
  sigaction(SIGWINCH, &change, NULL);
  sigaction(SIGCONT, &change, NULL);
}

static void watch_ends(bool on) {
  struct sigaction end = {.sa_handler = on_end, .sa_flags = SA_NODEFER};
  for (int i = 0; i < ENDS; i++)
    if (on)
      sigaction(ends[i], &end, &before[i]);
    else
      sigaction(ends[i], &before[i], NULL);
}

/* core.terminal_raw(on) -> whether the change succeeded */
static int terminal_raw(lua_State *L) {
  const bool on = lua_toboolean(L, 1);
  if (!on && is_raw) {
    restore();
    watch_ends(false);
  } else if (on && !is_raw && tcgetattr(STDIN_FILENO, &found) == 0) {
    prepare();
    edited = found;
    edited.c_iflag &= ~(tcflag_t)(BRKINT | ICRNL | INPCK | ISTRIP | IXON);
    edited.c_lflag &= ~(tcflag_t)(ECHO | ICANON | IEXTEN | ISIG);
    edited.c_cc[VMIN] = 1;
    edited.c_cc[VTIME] = 0;
    watch_ends(true);
    is_raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &edited) == 0;
    if (!is_raw) watch_ends(false);
  }
  lua_pushboolean(L, (is_raw != 0) == on);
  return 1;
}

/* Waits for bytes. Returns 1 if there are some. Returns 0 if the time is over, or with
   `changed` or errno set. Signals arrive only within the wait, so a change just before
   the wait ends it too. */
static int wait_for_bytes(double seconds) {
  struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
  struct timespec time = {.tv_sec = (time_t)seconds};
  time.tv_nsec = (long)((seconds - (double)time.tv_sec) * 1e9);
  sigset_t held, free;
  sigemptyset(&held);
  sigaddset(&held, SIGWINCH);
  sigaddset(&held, SIGCONT);
  sigprocmask(SIG_BLOCK, &held, &free);
  const int n = changed ? 0 : ppoll(&in, 1, seconds < 0 ? NULL : &time, &free);
  sigprocmask(SIG_SETMASK, &free, NULL);
  return n > 0;
}

/* core.terminal_read(seconds): the bytes that came; or nil and "time", "change" (draw
   again) or "end". It waits without limit if seconds is below 0. */
static int terminal_read(lua_State *L) {
  char bytes[4096];
  const char *why = "time";
  ssize_t n = -1;
  if (wait_for_bytes(luaL_checknumber(L, 1))) {
    do { n = read(STDIN_FILENO, bytes, sizeof bytes); } while (n < 0 && errno == EINTR);
    if (n <= 0) why = "end";
  } else if (changed) {
    changed = 0;
    why = "change";
  }
  if (n > 0) {
    lua_pushlstring(L, bytes, (size_t)n);
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, why);
  return 2;
}

/* core.terminal_size() -> columns, rows; 80, 24 if unknown */
static int terminal_size(lua_State *L) {
  struct winsize size;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
    size = (struct winsize){.ws_col = 80, .ws_row = 24};
  lua_pushinteger(L, size.ws_col);
  lua_pushinteger(L, size.ws_row > 0 ? size.ws_row : 24);
  return 2;
}

/* core.is_terminal(fd) */
static int is_terminal(lua_State *L) {
  lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
  return 1;
}

/* Stops the process as Ctrl-Z does. Returns when the shell continues it. */
static int terminal_stop(lua_State *L) {
  (void)L;
  raise(SIGTSTP);
  return 0;
}

void br_open_terminal(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"terminal_raw", terminal_raw},   {"terminal_read", terminal_read},
      {"terminal_size", terminal_size}, {"terminal_stop", terminal_stop},
      {"is_terminal", is_terminal},     {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
