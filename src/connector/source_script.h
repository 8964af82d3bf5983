// source_script.h -- rows that a .test file pushes, in place of the real source.
//
//     ScriptFeed *feed = script_feed_create();          the test runner's, outlives restarts
//     script_feed_push(feed, "1,a\n2,b\n");             CSV rows in schema order
//     source_script_config(arena, feed, &schema)        config for source_open(&source_script, ...)
//
// Each push becomes a batch of its own (or several, under a limit on rows). Offsets count rows, so
// a source that is opened anew goes on where its checkpoint says. One thread at a time.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "stream/source.h"

typedef struct ScriptFeed ScriptFeed;

// `feed` and `schema` are borrowed.
void *source_script_config(Arena *arena, ScriptFeed *feed, const Schema *schema);

ScriptFeed *script_feed_create(void);
void script_feed_destroy(ScriptFeed *feed);
// Text is copied. Lines without text are left out; a last line needs no line feed.
void script_feed_push(ScriptFeed *feed, Slice csv);
int64_t script_feed_rows(const ScriptFeed *feed);
