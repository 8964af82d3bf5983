// key_set.h -- the distinct keys of one batch: bytes in, "was it new" out.
//
// Open addressing over one buffer of bytes: no malloc per key, all memory kept for the next batch
// up to KEY_SET_KEEP_BYTES. At most 4 GiB of key bytes (a batch is far smaller). One thread at a
// time.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"

enum { KEY_SET_KEEP_BYTES = 16 << 20 };

typedef struct KeySet KeySet;

KeySet *key_set_create(void);
void key_set_destroy(KeySet *set); // NULL is a no-op
void key_set_clear(KeySet *set);
MUST_USE bool key_set_add(KeySet *set, Slice key, bool *is_new, Error *err);
