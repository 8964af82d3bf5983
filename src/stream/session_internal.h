// session_internal.h -- what the files of the session operator share. See operator_session.c.
//
//     operator_session.c   the functions of the stage, and what a batch does to the state
//     session_merge.c      values of one session that were gathered in several parts
//     session_scan.c       the relation that the output query reads
//     session_set.h        the sessions of the batch;  session_row.h  those of a key in state
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>

#include "stream/key_set.h"
#include "stream/operator_internal.h"
#include "stream/session_row.h"
#include "stream/session_set.h"

enum { SESSION_CHUNK = 2048 }; // keys to a call of the state

// Values in Sessions.values.
typedef struct SessionPart {
    size_t value;
    uint32_t size;
} SessionPart;

typedef struct SessionPair {
    SessionPart earlier;
    SessionPart later;
    size_t to; // which of the parts it becomes
    uint32_t root;
} SessionPair;

typedef struct Sessions {
    StateTable *table;  // (0, key) -> expiry and sessions: session_row.h
    StateTable *expiry; // (time bucket, key) -> when it was to be looked at; NULL: nothing expires
    StateTable *total;  // (0, empty key) -> number of sessions
    int64_t session_count;
    Schema fields; // of a session
    SessionSet *set;
    KeySet *late;         // late rows: Spark counts those of one key and time once
    pthread_mutex_t lock; // of set, late, scratch and values while the statement runs
    Buffer scratch;       // of lookups
    Buffer values;        // of parts: rows of `fields`
    Buffer out;           // what the batch emits: {key size:4, session size:4, key, session}...
    Buffer rows;          // new rows of the state table
    SessionPair *pairs;   // to be merged by the running statement
    size_t pair_count;
    size_t pair_capacity;
    SessionPart *parts;
} Sessions;

// Rows of a statement: a number, then values. Encodes each as the session `root` says and tells
// where it is.
typedef uint32_t (*SessionRootFn)(Sessions *own, uint64_t number);
typedef void (*SessionStoreFn)(Sessions *own, uint64_t number, SessionPart part);
void session_merge_store(Operator *op, const DuckRows *rows, SessionRootFn root,
                         SessionStoreFn store);
// Afterwards each session that has rows of the batch has one value.
MUST_USE bool session_merge_parts(Operator *op, Error *err);
MUST_USE bool session_merge_register(Operator *op, Arena *arena, Error *err);

MUST_USE bool session_scan_register(Operator *op, Arena *arena, Error *err);
void session_scan_emit(Sessions *own, Slice key, Slice session);
