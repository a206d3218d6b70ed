/* Records which lines of Braid's Lua a process runs. At exit it writes them as
   `path:line` to a file of its own in the directory BRAID_COVERAGE. LUA_INIT loads this
   hook in every process of the specs; coroutines inherit it. A process that is killed
   writes nothing. */
#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_SOURCES = 65536, MAX_LINES = 1024 };

/* A file of Braid, found by the address of its chunk's name. Another chunk may get the
   same address later. */
typedef struct source {
  const char *key;
  char name[256];
  const char *path; /* in name, from lua/braid on */
  unsigned char reached[MAX_LINES];
} source;

static source *sources[MAX_SOURCES];
static char directory[4096];

static source *source_of(const char *name, const char *path) {
  size_t i = ((size_t)name >> 4) % MAX_SOURCES;
  while (sources[i] && (sources[i]->key != name || strcmp(sources[i]->name, name) != 0)) {
    i = (i + 1) % MAX_SOURCES;
  }
  if (sources[i]) return sources[i];
  source *s = sources[i] = calloc(1, sizeof *s);
  if (!s || strlen(name) >= sizeof s->name) abort();
  s->key = name;
  strcpy(s->name, name);
  s->path = s->name + (path - name);
  return s;
}

static void on_line(lua_State *L, lua_Debug *ar) {
  lua_getinfo(L, "S", ar);
  if (ar->source[0] != '@' || ar->currentline >= MAX_LINES) return;
  const char *path = strstr(ar->source, "lua/braid/");
  if (path) source_of(ar->source, path)->reached[ar->currentline] = 1;
}

static void write_lines(void) {
  char path[sizeof directory + 32];
  snprintf(path, sizeof path, "%s/%ld", directory, (long)getpid());
  FILE *file = fopen(path, "a");
  if (!file) return;
  for (int i = 0; i < MAX_SOURCES; i++) {
    const source *s = sources[i];
    for (int line = 0; s && line < MAX_LINES; line++) {
      if (s->reached[line]) fprintf(file, "%s:%d\n", s->path, line);
    }
  }
  fclose(file);
}

int luaopen_hook(lua_State *L);
int luaopen_hook(lua_State *L) {
  const char *into = getenv("BRAID_COVERAGE");
  if (!into || strlen(into) >= sizeof directory || directory[0]) return 0;
  strcpy(directory, into);
  lua_sethook(L, on_line, LUA_MASKLINE, 0);
  atexit(write_lines);
  return 0;
}
