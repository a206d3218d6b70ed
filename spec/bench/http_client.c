/* Loads a server of HTTP: connections that each send the same request again as soon as
   it is answered.

   usage: http_client HOST PORT PATH TYPE FILE CONNECTIONS SECONDS; prints a line
   `ANSWERS ERRORS ANSWERS/S P50 P90 P99 MOST`, times in milliseconds. An answer other
   than 200, and a connection that ends, are errors. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 1 << 20, MOST = 1 << 20, CONNECTIONS = 1024 };

typedef struct client {
  pthread_t thread;
  float *times; /* milliseconds */
  int n, errors;
} client;

static struct sockaddr_in server;
static char *request;
static size_t bytes;
static double until;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int open_connection(void) {
  const int one = 1;
  const struct timeval patience = {.tv_sec = 30};
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (connect(fd, (struct sockaddr *)&server, sizeof server) == 0) return fd;
  close(fd);
  return -1;
}

static int send_all(int fd) {
  for (size_t at = 0; at < bytes;) {
    const ssize_t n = send(fd, request + at, bytes - at, MSG_NOSIGNAL);
    if (n <= 0) return 0;
    at += (size_t)n;
  }
  return 1;
}

/* Reads one answer into the buffer. Returns its status, or 0. */
static int receive(int fd, char *buffer) {
  size_t have = 0, all = 0;
  while (!all || have < all) {
    const ssize_t n = recv(fd, buffer + have, ROOM - 1 - have, 0);
    if (n <= 0) return 0;
    have += (size_t)n;
    buffer[have] = 0;
    char *end = all ? NULL : strstr(buffer, "\r\n\r\n");
    if (!end) continue;
    const char *length = strcasestr(buffer, "\r\ncontent-length:");
    if (!length || length > end) return 0;
    all = (size_t)(end - buffer) + 4 + strtoul(length + 17, NULL, 10);
  }
  return atoi(buffer + 9);
}

static void *run(void *of) {
  client *c = of;
  char *buffer = malloc(ROOM);
  int fd = open_connection();
  while (now() < until && c->n < MOST) {
    const double from = now();
    if (fd < 0 || !send_all(fd) || receive(fd, buffer) != 200) {
      c->errors++;
      if (fd >= 0) close(fd);
      usleep(10000);
      fd = open_connection();
      continue;
    }
    c->times[c->n++] = (float)((now() - from) * 1e3);
  }
  if (fd >= 0) close(fd);
  free(buffer);
  return NULL;
}

static int by_size(const void *a, const void *b) {
  const float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static int make_request(char **word) {
  FILE *f = fopen(word[5], "rb");
  static char body[16 << 20];
  if (!f) return 0;
  const size_t n = fread(body, 1, sizeof body, f);
  fclose(f);
  request = malloc(n + 1024);
  bytes = (size_t)snprintf(request, 1024,
                           "POST %s HTTP/1.1\r\nHost: %s:%s\r\nContent-Type: %s\r\n"
                           "Content-Length: %zu\r\n\r\n",
                           word[3], word[1], word[2], word[4], n);
  memcpy(request + bytes, body, n);
  bytes += n;
  return 1;
}

static void print_all(const client *c, int count, double seconds) {
  int n = 0, errors = 0;
  for (int i = 0; i < count; i++) n += c[i].n;
  float *all = malloc(((size_t)n + 1) * sizeof *all);
  n = 0;
  for (int i = 0; i < count; i++) {
    memcpy(all + n, c[i].times, (size_t)c[i].n * sizeof *all);
    n += c[i].n;
    errors += c[i].errors;
  }
  qsort(all, (size_t)n, sizeof *all, by_size);
  all[n] = n ? all[n - 1] : 0;
  printf("%d %d %.0f %.2f %.2f %.2f %.2f\n", n, errors, n / seconds, (double)all[n / 2],
         (double)all[n * 9L / 10], (double)all[n * 99L / 100], (double)all[n]);
  free(all);
}

int main(int count, char **word) {
  if (count != 8) return 2;
  const int connections = atoi(word[6]);
  const double from = now();
  client *c = calloc((size_t)connections, sizeof *c);
  if (connections < 1 || connections > CONNECTIONS || !c || !make_request(word)) return 2;
  server = (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((unsigned short)atoi(word[2]))};
  if (inet_pton(AF_INET, word[1], &server.sin_addr) != 1) return 2;
  until = from + atof(word[7]);
  for (int i = 0; i < connections; i++) {
    c[i].times = malloc(MOST * sizeof *c[i].times);
    pthread_create(&c[i].thread, NULL, run, &c[i]);
  }
  for (int i = 0; i < connections; i++) pthread_join(c[i].thread, NULL);
  print_all(c, connections, now() - from);
  return 0;
}
