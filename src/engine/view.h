// view.h -- materialized views: recomputed as a batch after what they read has changed.
//
//     view_create -> { view_is_stale -> view_refresh }* -> view_destroy
//
// A refresh runs the query over the tables as they are and replaces the view's Delta table in one
// commit, so readers see the old rows or the new ones. A view is stale when what it reads is not
// as it was at its last refresh in this process: tables by their versions, files as outside.h says.
// One thread; view_status may be called from any.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/catalog.h"
#include "engine/control.h"
#include "engine/relation.h"

typedef struct View View;

MUST_USE bool view_create(Catalog *catalog, const Dataset *dataset, View **view, Error *err);
void view_destroy(View *view);
MUST_USE bool view_is_stale(View *view, bool *stale, Error *err);
MUST_USE bool view_refresh(View *view, TimeUs now, int64_t *row_count, Error *err);
const Dataset *view_dataset(const View *view);
// What its constraints saw in the last refresh; NULL: it has none.
const Expect *view_expect(const View *view);
// It reads what changes without a commit of the project's flows: look from time to time.
bool view_reads_outside(const View *view);
// Texts of `status` live as long as the view. A refresh sets state, sums and rows; what failed
// before it is for the caller to say.
void view_status(View *view, ControlView *status);
void view_set_failed(View *view, const char *error);
