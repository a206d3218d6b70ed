/* Data computed from a tensor's values and valid until they change, such as weights in
   the order in which a kernel reads them. The storage owns them and frees them. */
#include <string.h>

#include "tensor/tensor.h"

struct br_derived {
  br_derived *next;
  const char *from; /* the tensor's first element */
  int64_t key[BR_DERIVED_KEY];
  void *data;
  void (*release)(void *data);
};

void br_derived_clear(br_storage *s) {
  while (s->derived) {
    br_derived *d = s->derived;
    s->derived = d->next;
    d->release(d->data);
    br_free(d);
  }
}

void *br_derived_find(br_tensor *t, const int64_t *key) {
  br_storage *s = t->storage;
  if (s->derived && s->derived_version != s->version) br_derived_clear(s);
  for (br_derived *d = s->derived; d; d = d->next)
    if (d->from == t->data && memcmp(d->key, key, sizeof d->key) == 0) return d->data;
  return NULL;
}

bool br_derived_keep(br_tensor *t, const int64_t *key, void *data,
                     void (*release)(void *data)) {
  br_derived *d = br_alloc(sizeof *d);
  if (!d) return false;
  d->next = t->storage->derived;
  d->from = t->data;
  memcpy(d->key, key, sizeof d->key);
  d->data = data;
  d->release = release;
  t->storage->derived = d;
  t->storage->derived_version = t->storage->version;
  return true;
}
