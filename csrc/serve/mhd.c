#include "serve/mhd.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

static struct {
  pthread_mutex_t lock;
  void *library; /* NULL: it is not loaded */
  br_mhd functions;
} mhd = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool find(const char *name, void *function) {
  void *symbol = dlsym(mhd.library, name);
  memcpy(function, &symbol, sizeof symbol);
  return symbol != NULL;
}

static bool find_all(br_mhd *f) {
  return find("MHD_start_daemon", &f->start_daemon) &&
         find("MHD_stop_daemon", &f->stop_daemon) &&
         find("MHD_quiesce_daemon", &f->quiesce_daemon) && find("MHD_run", &f->run) &&
         find("MHD_get_timeout", &f->get_timeout) &&
         find("MHD_get_daemon_info", &f->get_daemon_info) &&
         find("MHD_get_connection_info", &f->get_connection_info) &&
         find("MHD_lookup_connection_value", &f->lookup_connection_value) &&
         find("MHD_create_response_from_buffer", &f->create_response_from_buffer) &&
         find("MHD_add_response_header", &f->add_response_header) &&
         find("MHD_queue_response", &f->queue_response) &&
         find("MHD_destroy_response", &f->destroy_response) &&
         find("MHD_suspend_connection", &f->suspend_connection) &&
         find("MHD_resume_connection", &f->resume_connection);
}

static br_status load(void) {
  static const char *const files[] = {"libmicrohttpd.so.12", "libmicrohttpd.so", NULL};
  for (int i = 0; files[i] && !mhd.library; i++)
    mhd.library = dlopen(files[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (mhd.library && find_all(&mhd.functions)) return BR_OK;
  mhd.library = NULL;
  return br_fail(BR_EINVAL,
                 "libmicrohttpd cannot be loaded (%s). On Debian: sudo apt-get install "
                 "libmicrohttpd12",
                 dlerror());
}

const br_mhd *br_mhd_load(void) {
  pthread_mutex_lock(&mhd.lock);
  const bool there = mhd.library || load() == BR_OK;
  pthread_mutex_unlock(&mhd.lock);
  return there ? &mhd.functions : NULL;
}
