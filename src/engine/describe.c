// SPDX-License-Identifier: Apache-2.0
#include "engine/describe.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "base/store.h"

const char *describe_kind(StageKind kind)
{
    switch (kind) {
    case STAGE_AGGREGATE:
        return "aggregation";
    case STAGE_DEDUPLICATE:
        return "DROP DUPLICATES";
    case STAGE_TOP:
        return "first rows of each group";
    case STAGE_LIMIT:
        return "LIMIT";
    case STAGE_SESSION:
        return "session windows";
    case STAGE_JOIN:
        return "join of two streams";
    }
    return "";
}

// What makes a source another one: its function and what it reads, not how fast.
static const Expr *source_subject(const Relation *relation)
{
    static const char *const names[] = {"path", "kind", "subscribe", "subscribePattern", "assign"};
    if (relation->arguments.count > 0) {
        return relation->arguments.items[0];
    }
    for (size_t i = 0; i < relation->named.count; i++) {
        for (size_t n = 0; n < ARRAY_LEN(names); n++) {
            if (slice_equal_nocase(relation->named.items[i].name, slice_of(names[n]))) {
                return relation->named.items[i].value;
            }
        }
    }
    return NULL;
}

const char *describe_source(Catalog *catalog, const Relation *relation)
{
    Slice name = relation->name.parts[relation->name.count - 1];
    if (relation->kind == RELATION_FUNCTION) {
        const Expr *subject = source_subject(relation);
        Slice text = subject != NULL && subject->kind == EXPR_STRING ? subject->text : (Slice){0};
        const char *quote = text.size == 0 ? "" : "'";
        return arena_printf(catalog->arena, "%.*s(%s%.*s%s)", SLICE_ARG(name), quote,
                            SLICE_ARG(text), quote);
    }
    Dataset *dataset = catalog_find(catalog, &relation->name);
    return dataset != NULL ? arena_printf(catalog->arena, "STREAM %s", dataset->name)
                           : arena_printf(catalog->arena, "STREAM %.*s", SLICE_ARG(name));
}

// The statement without the flow's number, which is another one in each process.
static uint32_t sql_mark(const Plan *plan, const char *sql, Arena *arena)
{
    const char *number = arena_printf(arena, "_%d_", plan->flow);
    size_t size = strlen(number);
    uint32_t crc = 0;
    for (const char *at = sql; *at != '\0';) {
        const char *next = strstr(at, number);
        size_t plain = next == NULL ? strlen(at) : (size_t)(next - at) + 1;
        crc = crc32c_update(crc, at, plain);
        at = next == NULL ? at + plain : next + size - 1;
    }
    return crc;
}

static const PlanShown *find_shown(const PlanStage *stage, const char *column)
{
    for (size_t i = 0; i < stage->facts.shown_count; i++) {
        if (strcmp(stage->facts.shown[i].column, column) == 0) {
            return &stage->facts.shown[i];
        }
    }
    return NULL;
}

// The log has types in order: columns are called by their places, k0 ... and v0 ...
static void describe_part(const PlanStage *stage, const Schema *schema, char letter,
                          json_t *columns)
{
    for (size_t i = 0; i < schema->count; i++) {
        const char *name = schema->columns[i].name;
        const PlanShown *shown = find_shown(stage, name);
        char place[16];
        snprintf(place, sizeof place, "%c%zu", letter, i);
        json_t *column =
            json_pack("{s:s, s:s}", "column", place, "name", shown == NULL ? name : shown->name);
        if (shown != NULL && shown->window > 0) {
            Buffer type = {0};
            type_print(shown->time, &type);
            json_object_set_new(column, "size", json_integer(shown->window));
            json_object_set_new(column, "type", json_string(buffer_text(&type)));
            buffer_done(&type);
        }
        json_array_append_new(columns, column);
    }
}

static json_t *describe_columns(const PlanStage *stage)
{
    json_t *columns = json_array();
    describe_part(stage, &stage->keys, 'k', columns);
    describe_part(stage, &stage->values, 'v', columns);
    return columns;
}

static void print_types(const Schema *schema, Buffer *out)
{
    for (size_t i = 0; i < schema->count; i++) {
        buffer_append_text(out, out->size == 0 ? "" : ", ");
        type_print(schema->columns[i].type, out);
    }
}

static json_t *describe_types(const PlanStage *stage)
{
    Buffer text = {0};
    print_types(&stage->keys, &text);
    print_types(&stage->values, &text);
    json_t *fact = json_pack("[s, s]", DESCRIBE_TYPES, buffer_text(&text));
    buffer_done(&text);
    return fact;
}

// Of the statement, and of what a join reads of its sides.
static json_int_t stage_mark(const Plan *plan, const PlanStage *stage, Arena *arena)
{
    if (stage->join == NULL) {
        return sql_mark(plan, stage->sql, arena);
    }
    const PlanJoinSide *sides = stage->join->sides;
    return sql_mark(plan, arena_printf(arena, "%s; %s; %s", stage->sql, sides[0].sql, sides[1].sql),
                    arena);
}

static json_t *describe_stage_of(const Plan *plan, const PlanStage *stage, Arena *arena)
{
    json_t *facts = json_array();
    for (size_t i = 0; i < stage->facts.count; i++) {
        const PlanFact *fact = &stage->facts.items[i];
        json_array_append_new(facts,
                              json_pack("[s, s, s*]", fact->label, fact->text, fact->origin));
    }
    json_array_append_new(facts, describe_types(stage));
    return json_pack("{s:s, s:s, s:b, s:I, s:o, s:o}", "name", stage->name, "kind",
                     describe_kind(stage->kind), "closes", stage->has_event_time, "sql",
                     stage_mark(plan, stage, arena), "facts", facts, "columns",
                     describe_columns(stage));
}

json_t *describe_plan(Catalog *catalog, const Plan *plan)
{
    json_t *sources = json_array();
    json_t *watermarks = json_array();
    json_t *stages = json_array();
    for (size_t i = 0; i < plan->source_count; i++) {
        json_array_append_new(sources,
                              json_string(describe_source(catalog, plan->sources[i].relation)));
    }
    for (size_t i = 0; i < plan->watermark_count; i++) {
        const PlanWatermark *watermark = &plan->watermarks[i];
        json_array_append_new(watermarks, json_pack("{s:s, s:I}", "column", watermark->column,
                                                    "delay", (json_int_t)watermark->delay));
    }
    for (size_t i = 0; i < plan->stage_count; i++) {
        json_array_append_new(stages, describe_stage_of(plan, &plan->stages[i], catalog->arena));
    }
    return json_pack("{s:i, s:s, s:s, s:o, s:o, s:o}", "v", 1, "tarn", TARN_VERSION, "mode",
                     plan_mode_name(plan->mode), "sources", sources, "watermarks", watermarks,
                     "stages", stages);
}

bool describe_read(const char *folder, json_t **description, Error *err)
{
    Buffer bytes = {0};
    bool found = false;
    Store *store = store_local(folder);
    bool ok = store_get(store, DESCRIBE_FILE, &bytes, &found, err);
    store_destroy(store);
    json_t *read = ok && found ? json_loadb(bytes.data, bytes.size, 0, NULL) : NULL;
    buffer_done(&bytes);
    if (read != NULL && json_integer_value(json_object_get(read, "v")) != 1) {
        json_decref(read); // of another version of tarn: as if it were not there
        read = NULL;
    }
    *description = read;
    return ok;
}

bool describe_write(const char *folder, const json_t *description, Error *err)
{
    char *text = json_dumps(description, JSON_COMPACT);
    if (text == NULL) {
        return fail(err, ERROR_FAILED, "out of memory");
    }
    Store *store = store_local(folder);
    bool ok = store_put(store, DESCRIBE_FILE, slice_of(text), err);
    store_destroy(store);
    free(text);
    return ok;
}

const json_t *describe_stage(const json_t *description, const char *name)
{
    const json_t *stages = json_object_get(description, "stages");
    for (size_t i = 0; i < json_array_size(stages); i++) {
        const json_t *stage = json_array_get(stages, i);
        const char *text = json_string_value(json_object_get(stage, "name"));
        if (text != NULL && strcmp(text, name) == 0) {
            return stage;
        }
    }
    return NULL;
}
