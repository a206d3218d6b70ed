/* The functions of http.h where Braid was built without libmicrohttpd. */
#include "serve/http.h"

br_http *br_http_new(const br_http_options *o) {
  (void)o;
  br_fail(BR_EINVAL,
          "this Braid was built without libmicrohttpd. On Debian: sudo apt-get install "
          "libmicrohttpd-dev, and build it again with make");
  return NULL;
}

int br_http_port(const br_http *h) {
  (void)h;
  return 0;
}

br_status br_http_page(br_http *h, const char *path, bool open, const br_http_answer *a) {
  (void)h, (void)path, (void)open, (void)a;
  return BR_EINVAL;
}

br_status br_http_begin(br_http *h) {
  (void)h;
  return BR_EINVAL;
}

int br_http_take(br_http *h, int most, double wait, double gather, br_http_request *to) {
  (void)h, (void)most, (void)wait, (void)gather, (void)to;
  return 0;
}

bool br_http_give(br_http *h, int64_t id, const br_http_answer *a) {
  (void)h, (void)id, (void)a;
  return false;
}

void br_http_give_up(br_http *h, const br_http_answer *a) { (void)h, (void)a; }

void br_http_drain(br_http *h) { (void)h; }

bool br_http_drained(br_http *h) {
  (void)h;
  return true;
}

void br_http_free(br_http *h) { (void)h; }
