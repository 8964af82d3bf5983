// view.h -- materialized views: recomputed as a batch after what they read has changed.
//
//     view_create -> { view_is_stale -> view_refresh }* -> view_destroy
//
// A refresh runs the query over the tables as they are and replaces the view's Delta table in one
// commit, so readers see the old rows or the new ones. A view is stale when a table it reads has
// another version than at its last refresh in this process. One thread.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/catalog.h"
#include "engine/relation.h"

typedef struct View View;

MUST_USE bool view_create(Catalog *catalog, const Dataset *dataset, View **view, Error *err);
void view_destroy(View *view);
MUST_USE bool view_is_stale(View *view, bool *stale, Error *err);
MUST_USE bool view_refresh(View *view, TimeUs now, int64_t *row_count, Error *err);
const Dataset *view_dataset(const View *view);
