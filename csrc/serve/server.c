/* A server's socket, its thread, and its end. */
#define _GNU_SOURCE
#include "serve/server.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

enum {
  BACKLOG = 128,
  TICK = 100,        /* milliseconds between looks at connections */
  HEADERS = 32 << 10 /* bytes of libmicrohttpd's memory for a connection */
};

/* ---- listening ---- */

static int listen_at(const struct addrinfo *a) {
  const int one = 1;
  const int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0) return fd;
  const int why = errno;
  close(fd);
  errno = why;
  return -1;
}

static br_status start_listening(br_http *h) {
  const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM,
                                  .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
  struct addrinfo *found = NULL;
  struct sockaddr_storage own;
  socklen_t size = sizeof own;
  char port[16], text[NI_MAXSERV];
  snprintf(port, sizeof port, "%d", h->o.port);
  const int wrong = getaddrinfo(h->o.host, port, &wanted, &found);
  if (wrong)
    return br_fail(BR_EINVAL, "host: '%s' is not an address of this machine: %s",
                   h->o.host, gai_strerror(wrong));
  for (struct addrinfo *a = found; a && h->listening < 0; a = a->ai_next)
    h->listening = listen_at(a);
  const int why = errno;
  freeaddrinfo(found);
  if (h->listening < 0)
    return br_fail(BR_EINVAL, "cannot listen at %s, port %d: %s", h->o.host, h->o.port,
                   strerror(why));
  if (getsockname(h->listening, (struct sockaddr *)&own, &size) == 0 &&
      getnameinfo((struct sockaddr *)&own, size, NULL, 0, text, sizeof text,
                  NI_NUMERICSERV) == 0)
    sscanf(text, "%d", &h->port);
  return BR_OK;
}

/* A condition that waits by the clock of br_http_now. */
static void init_condition(pthread_cond_t *c) {
  pthread_condattr_t a;
  pthread_condattr_init(&a);
  pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
  pthread_cond_init(c, &a);
  pthread_condattr_destroy(&a);
}

static br_status prepare(br_http *h, const br_http_options *o) {
  h->o = *o;
  if (o->token) {
    h->token_bytes = strlen(o->token);
    if (h->token_bytes < 1 || h->token_bytes >= BR_TOKEN)
      return br_fail(BR_EINVAL, "the token must have from 1 to %d bytes", BR_TOKEN - 1);
    memcpy(h->token, o->token, h->token_bytes);
  }
  snprintf(h->work, sizeof h->work, "%s", o->work);
  h->mhd = br_mhd_load();
  if (!h->mhd) return BR_EINVAL;
  h->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (h->wake < 0) return br_fail(BR_EINVAL, "no eventfd: %s", strerror(errno));
  return start_listening(h);
}

br_http *br_http_new(const br_http_options *o) {
  br_http *h = br_alloc_zero(sizeof *h);
  if (!h) return NULL;
  h->listening = h->wake = -1;
  pthread_mutex_init(&h->lock, NULL);
  init_condition(&h->came);
  if (prepare(h, o) == BR_OK) return h;
  br_http_free(h);
  return NULL;
}

int br_http_port(const br_http *h) { return h->port; }

static char *copy(const char *from, size_t n) {
  char *to = br_alloc(n + 1);
  if (!to) return NULL;
  memcpy(to, from, n);
  to[n] = 0;
  return to;
}

static void free_page(br_page *p) {
  br_free(p->path);
  br_free(p->type);
  br_free(p->body);
  br_free(p);
}

br_status br_http_page(br_http *h, const char *path, bool open, const br_http_answer *a) {
  br_page *p = br_alloc_zero(sizeof *p);
  if (!p) return BR_ENOMEM;
  p->path = copy(path, strlen(path));
  p->type = copy(a->type, strlen(a->type));
  p->body = copy(a->body, a->bytes);
  p->bytes = a->bytes;
  p->open = open;
  if (!p->path || !p->type || !p->body) {
    free_page(p);
    return BR_ENOMEM;
  }
  p->next = h->pages;
  h->pages = p;
  return BR_OK;
}

/* ---- the thread ---- */

static void stop_listening(br_http *h) {
  const int fd = h->mhd->quiesce_daemon(h->daemon);
  if (fd >= 0) close(fd);
  h->listening = -1;
}

/* Lets connections whose requests were answered go on. */
static void resume(br_http *h) {
  for (br_request *r = br_queue_answered(h), *next; r; r = next) {
    next = r->next;
    h->mhd->resume_connection(r->own);
  }
}

static void *serve(void *of) {
  br_http *h = of;
  const union MHD_DaemonInfo *info = h->mhd->get_daemon_info(h->daemon,
                                                             MHD_DAEMON_INFO_EPOLL_FD);
  struct pollfd fds[2] = {{.fd = info->epoll_fd, .events = POLLIN},
                          {.fd = h->wake, .events = POLLIN}};
  double looked = 0;
  while (!atomic_load(&h->stopping)) {
    MHD_UNSIGNED_LONG_LONG most;
    uint64_t count;
    int wait = atomic_load(&h->open) > 0 ? TICK : -1;
    if (h->mhd->get_timeout(h->daemon, &most) == MHD_YES && (wait < 0 || most < TICK))
      wait = most < TICK ? (int)most : TICK;
    poll(fds, 2, wait);
    if (read(h->wake, &count, sizeof count) < 0) errno = 0; /* it may not have been set */
    resume(h);
    h->mhd->run(h->daemon);
    if (atomic_load(&h->draining) && h->listening >= 0) stop_listening(h);
    if (atomic_load(&h->draining) || br_http_now() - looked > TICK / 2000.0) {
      br_http_tidy(h);
      looked = br_http_now();
    }
  }
  br_queue_end(h);
  resume(h);
  h->mhd->run(h->daemon);
  h->mhd->stop_daemon(h->daemon);
  return NULL;
}

/* The thread gets no signals: they are for the thread that runs Lua. */
static int start_thread(br_http *h) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int wrong = pthread_create(&h->thread, NULL, serve, h);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return wrong;
}

br_status br_http_begin(br_http *h) {
  h->daemon = h->mhd->start_daemon(
      MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, br_on_request, h,
      MHD_OPTION_LISTEN_SOCKET, h->listening, MHD_OPTION_CONNECTION_LIMIT,
      (unsigned)h->o.connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADERS,
      MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_NOTIFY_COMPLETED, br_on_completed, h,
      MHD_OPTION_NOTIFY_CONNECTION, br_on_connection, h, MHD_OPTION_URI_LOG_CALLBACK,
      br_on_line, h, MHD_OPTION_END);
  if (!h->daemon) {
    h->listening = -1; /* it may have been closed */
    return br_fail(BR_EINVAL, "libmicrohttpd does not start");
  }
  const int wrong = start_thread(h);
  if (!wrong) {
    h->running = true;
    return BR_OK;
  }
  h->mhd->stop_daemon(h->daemon);
  h->daemon = NULL;
  h->listening = -1;
  return br_fail(BR_ENOMEM, "no thread for connections: %s", strerror(wrong));
}

void br_http_drain(br_http *h) {
  atomic_store(&h->draining, true);
  br_http_wake(h);
}

bool br_http_drained(br_http *h) { return !h->running || atomic_load(&h->drained); }

void br_http_free(br_http *h) {
  if (!h) return;
  if (h->running) {
    atomic_store(&h->stopping, true);
    br_http_wake(h);
    pthread_join(h->thread, NULL); /* the daemon has closed the socket */
  } else if (h->listening >= 0) {
    close(h->listening);
  }
  if (h->wake >= 0) close(h->wake);
  for (br_page *p = h->pages, *next; p; p = next) {
    next = p->next;
    free_page(p);
  }
  pthread_cond_destroy(&h->came);
  pthread_mutex_destroy(&h->lock);
  br_free(h);
}
