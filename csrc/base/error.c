/* The thread-local error message. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char message[512];

br_status br_fail(br_status status, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  return status;
}

const char *br_error_message(void) { return message; }
