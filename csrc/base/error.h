/* Status codes and the thread-local message that goes with the last failure. */
#ifndef BR_ERROR_H
#define BR_ERROR_H

typedef enum br_status {
  BR_OK = 0,
  BR_EINVAL, /* the caller asked for something that has no meaning */
  BR_ENOMEM, /* an allocation failed; nothing was kept */
  BR_EIO,    /* a file is missing, unreadable or damaged */
  BR_ESTOP   /* the user interrupted the work; nothing was kept */
} br_status;

/* Stores a message for this thread and returns `status`, so that a function can end with
   `return br_fail(BR_EINVAL, ...)`. */
br_status br_fail(br_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The message of this thread's last failure (never NULL), and its status. */
const char *br_error_message(void);
br_status br_error_status(void);

#endif
