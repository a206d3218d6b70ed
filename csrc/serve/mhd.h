/* libmicrohttpd, which is loaded when the first server starts: with the libraries that it
   needs itself it would make every start of Braid slower. */
#ifndef BR_SERVE_MHD_H
#define BR_SERVE_MHD_H

#include <microhttpd.h>

#include "base/error.h"

/* MHD_create_response_from_buffer and its like, without the prefix. */
typedef struct br_mhd {
  __typeof__(MHD_start_daemon) *start_daemon;
  __typeof__(MHD_stop_daemon) *stop_daemon;
  __typeof__(MHD_quiesce_daemon) *quiesce_daemon;
  __typeof__(MHD_run) *run;
  __typeof__(MHD_get_timeout) *get_timeout;
  __typeof__(MHD_get_daemon_info) *get_daemon_info;
  __typeof__(MHD_get_connection_info) *get_connection_info;
  __typeof__(MHD_lookup_connection_value) *lookup_connection_value;
  __typeof__(MHD_create_response_from_buffer) *create_response_from_buffer;
  __typeof__(MHD_add_response_header) *add_response_header;
  __typeof__(MHD_queue_response) *queue_response;
  __typeof__(MHD_destroy_response) *destroy_response;
  __typeof__(MHD_suspend_connection) *suspend_connection;
  __typeof__(MHD_resume_connection) *resume_connection;
} br_mhd;

/* NULL with a message if the library is not there. */
const br_mhd *br_mhd_load(void);

#endif
