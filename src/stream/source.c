// Checked wrappers around SourceType: defaults, empty batches, and "source 'name'" before errors.
// SPDX-License-Identifier: Apache-2.0
#include "stream/source.h"

#include <assert.h>

enum { DEFAULT_BATCH_BYTES = 64 * 1024 * 1024 };

bool source_open(const SourceType *type, const char *name, void *config, Pos pos,
                 const SourceContext *context, Source **source, Error *err)
{
    Source *opened = ARENA_NEW(context->arena, Source);
    opened->type = type;
    opened->name = name;
    opened->pos = pos;
    opened->config = config;
    opened->context = *context;
    opened->state = arena_alloc(context->arena, type->state_size);
    if (!type->open(opened, err)) {
        source_close(opened);
        return fail_context(err, "source '%s'", name);
    }
    assert(opened->schema.count > 0);
    *source = opened;
    return true;
}

bool source_seek(Source *source, StateTable *consumed, Slice offset, Error *err)
{
    source->consumed = consumed;
    return source->type->seek(source, offset, err) ||
           fail_context(err, "source '%s'", source->name);
}

bool source_plan(Source *source, const SourceLimit *limit, Slice *end, bool *has_rows, Error *err)
{
    SourceLimit effective = *limit;
    if (effective.max_bytes <= 0) {
        effective.max_bytes = DEFAULT_BATCH_BYTES;
    }
    if (source->is_planned) {
        source_abandon(source);
    }
    bool found = false;
    Slice planned = {0};
    if (!source->type->plan(source, &effective, &planned, &found, err)) {
        return fail_context(err, "source '%s'", source->name);
    }
    assert(!found || planned.size > 0);
    source->is_planned = found;
    *end = planned;
    *has_rows = found;
    return true;
}

bool source_fix_end(Source *source, Error *err)
{
    return source->type->fix_end(source, err) || fail_context(err, "source '%s'", source->name);
}

// The schema's columns and no row.
static void empty_relation(const Schema *schema, Buffer *sql)
{
    buffer_append_text(sql, "(SELECT ");
    for (size_t i = 0; i < schema->count; i++) {
        buffer_append_text(sql, i == 0 ? "CAST(NULL AS " : ", CAST(NULL AS ");
        type_print_duck(schema->columns[i].type, sql);
        buffer_append_text(sql, ") AS ");
        duck_quote_name(sql, slice_of(schema->columns[i].name));
    }
    buffer_append_text(sql, " WHERE false)");
}

bool source_relation(Source *source, Slice start, Slice end, Buffer *sql, Error *err)
{
    if (end.size == 0 || slice_equal(start, end)) {
        empty_relation(&source->schema, sql);
        return true;
    }
    return source->type->relation(source, start, end, sql, err) ||
           fail_context(err, "source '%s'", source->name);
}

bool source_whole(Source *source, Buffer *sql, Error *err)
{
    if ((source->type->flags & SOURCE_BATCH) == 0) {
        return fail(err, ERROR_INPUT,
                    "source '%s' can only be read as a stream: FROM STREAM %s(...)", source->name,
                    source->type->name);
    }
    return source->type->whole(source, sql, err) || fail_context(err, "source '%s'", source->name);
}

bool source_record(Source *source, Error *err)
{
    if (source->type->record == NULL) {
        return true;
    }
    return source->type->record(source, err) || fail_context(err, "source '%s'", source->name);
}

void source_abandon(Source *source)
{
    if (source->is_planned) {
        source->is_planned = false;
        source->type->abandon(source);
    }
}

void source_confirmed(Source *source, Slice end)
{
    source->is_planned = false;
    if (source->type->confirmed != NULL) {
        source->type->confirmed(source, end);
    }
}

SourceMetrics source_metrics(Source *source)
{
    SourceMetrics metrics = {.backlog_rows = -1, .backlog_bytes = -1};
    source->type->metrics(source, &metrics);
    return metrics;
}

void source_close(Source *source)
{
    if (source != NULL && source->type->close != NULL) {
        source->type->close(source);
    }
}
