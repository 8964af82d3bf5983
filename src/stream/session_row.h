// session_row.h -- the open sessions of a key as the value of one state row.
//
//     value = expiry TIMESTAMP, sessions ARRAY<STRUCT<start, end, v0, v1, ...>>
//
// in the bytes of duck/row_codec.h, so that whoever reads state by its layout can read it. Sessions
// are in ascending order; those that a batch leaves alone are copied as bytes. `expiry` is when the
// key stands in the expiry table: at or before the first end, TIME_NEVER where nothing expires.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/row_codec.h"

// The columns of a session and of the value; in the arena.
Schema session_row_fields(Arena *arena, const Type *time, const Schema *partials);
Schema session_row_schema(Arena *arena, const Schema *fields);

typedef struct SessionRow {
    const Schema *fields;
    TimeUs expiry;
    uint32_t count;
    uint32_t index;
    Slice rest;
} SessionRow;

// One session; `bytes` are a row of the fields and live as long as the value.
typedef struct SessionBytes {
    TimeUs start;
    TimeUs end;
    Slice bytes;
} SessionBytes;

MUST_USE bool session_row_open(SessionRow *row, const Schema *fields, Slice value, Error *err);
// The next session. Not to be called more than `count` times.
MUST_USE bool session_row_next(SessionRow *row, SessionBytes *session, Error *err);

void session_row_write(Buffer *out, TimeUs expiry, const Slice *sessions, uint32_t count);
