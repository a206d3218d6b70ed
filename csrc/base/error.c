/* The thread-local error message. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char message[512];
static _Thread_local br_status last;

br_status br_fail(br_status status, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  last = status;
  /* The sign of a NaN means nothing on x86, so it goes. A name such as "x-nan.png"
     stays. */
  for (char *at = message; (at = strstr(at, "-nan")); at++)
    if (at == message || strchr(" ([{,=", at[-1])) memmove(at, at + 1, strlen(at));
  return status;
}

const char *br_error_message(void) { return message; }

br_status br_error_status(void) { return last; }
