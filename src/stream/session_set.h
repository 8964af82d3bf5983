// session_set.h -- the sessions of one batch: intervals of a key that overlap or touch are one.
//
//     row 5..15    row 30..40    row 12..31     gap 10: the third makes one session of all
//     [-------)    [-------)
//            [----------------)                 = [5 ---------------------- 40)
//
// Rows come in any order, so a session may turn out to belong to another one after values of its
// rows have been gathered under its number. Both numbers stay valid: they are *parts* of one
// session, whose values are merged in the end, in the order of `first`. A part is either a session
// that was open before the batch, with the rows that begin after it, or rows alone.
//
//     number = session_set_add(set, key, start, end)    which part gathers this row
//     root = session_set_find(set, number)              the session it is part of, in the end
//
// Costs of a row: a hash, and the logarithm of the sessions of its key where it does not extend the
// session before it. All memory is kept for the next batch, up to SESSION_SET_KEEP_BYTES.
// One thread at a time; running out of memory aborts.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/base.h"

enum { SESSION_NONE = 0xffffffff, SESSION_SET_KEEP_BYTES = 16 << 20 };

typedef struct Session {
    TimeUs start; // of a root: the whole session
    TimeUs end;
    TimeUs first;    // when the part began: its place among the parts
    uint32_t parent; // itself: a root
    uint32_t key;
    uint32_t left; // the tree of the key's roots
    uint32_t right;
    uint32_t next; // part of the same session; SESSION_NONE: the last
    uint32_t last; // of a root: its last part
    uint32_t rows; // of a root: its part that is rows alone; SESSION_NONE: none
    bool was_open; // before the batch
    bool has_rows; // of a root: rows of the batch are in it
    // The caller's: where the values of the part are.
    uint32_t value_size;
    size_t value;
} Session;

typedef struct SessionKey {
    uint64_t hash;
    size_t offset; // of its bytes
    uint32_t size;
    uint32_t tree; // of its sessions
    uint32_t session_count;
    uint32_t first_open; // those from before the batch have numbers in a row, by start
    uint32_t open_count;
    bool has_rows;
    // The caller's: when the key is looked at again; only with is_kept.
    bool is_kept;
    TimeUs expiry;
} SessionKey;

typedef struct SessionSet SessionSet;

SessionSet *session_set_create(void);
void session_set_destroy(SessionSet *set); // NULL is a no-op
void session_set_clear(SessionSet *set);

uint64_t session_set_hash(Slice bytes);
// Many keys, or sessions of keys, will be asked for: they wait for memory together.
void session_set_expect_keys(const SessionSet *set, const uint64_t *hashes, size_t count);
void session_set_expect_rows(const SessionSet *set, const uint32_t *keys, size_t count);
// The number of a key; its open sessions are wanted when it is new.
uint32_t session_set_key(SessionSet *set, Slice bytes, uint64_t hash, bool *is_new);
// A session from before the batch: in ascending order, before any row of the key.
uint32_t session_set_open(SessionSet *set, uint32_t key, TimeUs start, TimeUs end);
uint32_t session_set_add(SessionSet *set, uint32_t key, TimeUs start, TimeUs end);
uint32_t session_set_find(SessionSet *set, uint32_t number);

size_t session_set_key_count(const SessionSet *set);
// Valid until the next key, session or row comes.
SessionKey *session_set_key_at(SessionSet *set, uint32_t key);
Session *session_set_at(SessionSet *set, uint32_t number);
Slice session_set_key_bytes(const SessionSet *set, uint32_t key);
// Whether any session has several parts.
bool session_set_has_parts(const SessionSet *set);
// The roots of a key by start: session_count of them.
void session_set_list(const SessionSet *set, uint32_t key, uint32_t *numbers);
