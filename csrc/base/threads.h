/* The one place that knows how many threads an operator may use. */
#ifndef BR_THREADS_H
#define BR_THREADS_H

int br_threads(void);
void br_set_threads(int n); /* n >= 1; 0 asks for the default again */
/* The threads that so many multiply-adds are worth: one where waking others takes longer.
 */
int br_threads_for(double work);

#endif
