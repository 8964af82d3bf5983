// SPDX-License-Identifier: Apache-2.0
#include "engine/change.h"

#include <ctype.h>
#include <jansson.h>
#include <unistd.h>

#include "base/log.h"
#include "base/store.h"
#include "engine/describe.h"
#include "engine/flow.h"
#include "lake/delta_schema.h"

typedef struct Change {
    Catalog *catalog;
    const FlowSpec *flow;
    const Plan *plan;
    bool warns;
    bool same_version; // generated SQL of another version of tarn differs for no reason
    Diagnostics *diagnostics;
    size_t problems;
} Change;

static const char *advice(const Catalog *catalog, const FlowSpec *flow)
{
    return arena_printf(catalog->arena, "change it back, or start anew with --full-refresh %s",
                        flow->target->name);
}

static void refuse(Change *change, Pos pos, const char *what, const char *before, const char *now)
{
    change->problems++;
    diagnose(change->diagnostics, pos, NULL, advice(change->catalog, change->flow),
             "the query of '%s' changed, and its state does not fit any more: %s \"%s\", "
             "now \"%s\"",
             change->flow->name, what, before, now);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

// ---- parts -------------------------------------------------------------------------------------

static const char *joined(const Change *change, const json_t *texts, const char *key)
{
    Buffer list = {0};
    for (size_t i = 0; i < json_array_size(texts); i++) {
        const json_t *item = json_array_get(texts, i);
        const char *text = key == NULL ? json_string_value(item) : text_of(item, key);
        buffer_printf(&list, "%s%s", i == 0 ? "" : ", ", text == NULL ? "" : text);
    }
    const char *copy =
        list.size == 0 ? "none" : arena_text(change->catalog->arena, buffer_slice(&list));
    buffer_done(&list);
    return copy;
}

static Pos query_pos(const Change *change)
{
    return change->flow->query->pos;
}

static void compare_sources(Change *change, const json_t *before, const json_t *after)
{
    const json_t *old = json_object_get(before, "sources");
    const json_t *now = json_object_get(after, "sources");
    if (json_equal(old, now)) {
        return;
    }
    Pos pos = query_pos(change);
    for (size_t i = 0; i < change->plan->source_count; i++) {
        if (!json_equal(json_array_get(old, i), json_array_get(now, i))) {
            pos = change->plan->sources[i].relation->pos;
            break;
        }
    }
    refuse(change, pos, "its sources were", joined(change, old, NULL), joined(change, now, NULL));
}

static void tell_delay(const Change *change, const json_t *old, const json_t *now)
{
    json_int_t before = json_integer_value(json_object_get(old, "delay"));
    json_int_t delay = json_integer_value(json_object_get(now, "delay"));
    if (before != delay && change->warns) {
        log_warn("flow '%s': the watermark on %s was %lld ms behind and is now %lld ms: what it "
                 "has passed stays passed",
                 change->flow->name, text_of(now, "column"), (long long)before / TIME_MS,
                 (long long)delay / TIME_MS);
    }
}

static void compare_watermarks(Change *change, const json_t *before, const json_t *after)
{
    const json_t *old = json_object_get(before, "watermarks");
    const json_t *now = json_object_get(after, "watermarks");
    const char *were = joined(change, old, "column");
    const char *are = joined(change, now, "column");
    if (strcmp(were, are) != 0) {
        refuse(change, query_pos(change), "its watermarks were on", were, are);
        return;
    }
    for (size_t i = 0; i < json_array_size(now); i++) {
        tell_delay(change, json_array_get(old, i), json_array_get(now, i));
    }
}

static Pos fact_pos(const PlanStage *stage, const char *label)
{
    for (size_t i = 0; i < stage->facts.count; i++) {
        if (strcmp(stage->facts.items[i].label, label) == 0) {
            return stage->facts.items[i].pos;
        }
    }
    return stage->pos;
}

// A fact, and what its columns are below.
static const char *whole_fact(const Change *change, const json_t *fact)
{
    const char *text = json_string_value(json_array_get(fact, 1));
    const char *origin = json_string_value(json_array_get(fact, 2));
    return text == NULL || origin == NULL
               ? text
               : arena_printf(change->catalog->arena, "%s, where %s", text, origin);
}

// Identifiers and keywords without case, texts with it.
static bool same_words(const char *a, const char *b)
{
    char quote = '\0';
    for (; *a != '\0' && *b != '\0'; a++, b++) {
        bool same =
            quote == '\0' ? tolower((unsigned char)*a) == tolower((unsigned char)*b) : *a == *b;
        if (!same) {
            return false;
        }
        if (quote == '\0') {
            quote = *a == '\'' || *a == '"' ? *a : '\0';
        } else if (*a == '\\' && a[1] != '\0' && a[1] == b[1]) {
            a++, b++;
        } else if (*a == quote) {
            quote = '\0';
        }
    }
    return *a == *b;
}

// The text of a fact; NULL: none.
static const char *fact_text(const Change *change, const json_t *stage, const char *label)
{
    const json_t *facts = json_object_get(stage, "facts");
    for (size_t i = 0; i < json_array_size(facts); i++) {
        const json_t *fact = json_array_get(facts, i);
        const char *name = json_string_value(json_array_get(fact, 0));
        if (name != NULL && strcmp(name, label) == 0) {
            return whole_fact(change, fact);
        }
    }
    return NULL;
}

static void compare_stage(Change *change, const PlanStage *stage, const json_t *old,
                          const json_t *now)
{
    size_t problems = change->problems;
    bool same_sql = json_equal(json_object_get(old, "sql"), json_object_get(now, "sql"));
    const json_t *facts = json_object_get(now, "facts");
    for (size_t i = 0; i < json_array_size(facts); i++) {
        const char *label = json_string_value(json_array_get(json_array_get(facts, i), 0));
        const char *text = whole_fact(change, json_array_get(facts, i));
        const char *before = fact_text(change, old, label);
        // Types change with the source's, too; but what was told of keys need not be told again.
        bool is_types = strcmp(label, DESCRIBE_TYPES) == 0;
        bool counts = is_types ? problems == change->problems : !same_sql;
        if (counts && before != NULL && !same_words(before, text)) {
            refuse(change, fact_pos(stage, label),
                   arena_printf(change->catalog->arena, "the %s of %s were", label, stage->name),
                   before, text);
        }
    }
    if (problems == change->problems && !same_sql && change->same_version && change->warns) {
        log_warn("flow '%s': what '%s' gets has changed (a filter, a projection or a view below "
                 "it): its state goes on with what it has; --full-refresh %s counts anew",
                 change->flow->name, stage->name, change->flow->target->name);
    }
}

static void compare_stages(Change *change, const json_t *before, const json_t *after)
{
    const json_t *old = json_object_get(before, "stages");
    const json_t *now = json_object_get(after, "stages");
    const char *were = joined(change, old, "kind");
    const char *are = joined(change, now, "kind");
    if (strcmp(were, are) != 0) {
        size_t count = change->plan->stage_count;
        Pos pos = count > 0 ? change->plan->stages[count - 1].pos : query_pos(change);
        refuse(change, pos, "its stateful operators were", were, are);
        return;
    }
    if (json_array_size(now) > 0 && strcmp(text_of(before, "mode"), text_of(after, "mode")) != 0) {
        refuse(change, query_pos(change), "its output mode was", text_of(before, "mode"),
               text_of(after, "mode"));
        return;
    }
    for (size_t i = 0; i < json_array_size(now); i++) {
        compare_stage(change, &change->plan->stages[i], json_array_get(old, i),
                      json_array_get(now, i));
    }
}

bool change_allows(Catalog *catalog, const FlowSpec *flow, const Plan *plan, const json_t *before,
                   const json_t *after, bool warns, Diagnostics *diagnostics)
{
    Change change = {catalog, flow, plan, warns, false, diagnostics, 0};
    change.same_version = strcmp(text_of(before, "tarn"), text_of(after, "tarn")) == 0;
    compare_sources(&change, before, after);
    compare_watermarks(&change, before, after);
    compare_stages(&change, before, after);
    return change.problems == 0;
}

// ---- a flow that opens -------------------------------------------------------------------------

static bool fail_all(const Diagnostics *diagnostics, Error *err)
{
    Buffer text = {0};
    diagnostics_print(diagnostics, &text);
    while (text.size > 0 && text.data[text.size - 1] == '\n') {
        text.data[--text.size] = '\0';
    }
    fail(err, ERROR_INPUT, "%s", buffer_text(&text));
    buffer_done(&text);
    return false;
}

bool change_accept(Catalog *catalog, const FlowSpec *flow, const Plan *plan, const char *folder,
                   bool has_batches, Error *err)
{
    json_t *before = NULL;
    if (!describe_read(folder, &before, err)) {
        return false;
    }
    json_t *after = describe_plan(catalog, plan);
    Diagnostics *diagnostics = diagnostics_create(catalog->arena, catalog->diagnostics->sources);
    bool ok = before == NULL || !has_batches ||
              change_allows(catalog, flow, plan, before, after, true, diagnostics) ||
              fail_all(diagnostics, err);
    if (ok && (before == NULL || !json_equal(before, after))) {
        ok = describe_write(folder, after, err);
    }
    json_decref(before);
    json_decref(after);
    return ok;
}

// ---- columns -----------------------------------------------------------------------------------

static void add_difference(Buffer *list, const char *format, ...) PRINTF_LIKE(2, 3);

static void add_difference(Buffer *list, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buffer_printf(list, "%s%s", list->size == 0 ? "" : ", ", text);
}

static void compare_columns(const Schema *table, const Schema *query, Buffer *list)
{
    Buffer was = {0};
    Buffer is = {0};
    for (size_t i = 0; i < query->count; i++) {
        const Column *column = &query->columns[i];
        int index = schema_find(table, slice_of(column->name));
        if (index < 0) {
            add_difference(list, "'%s' is new", column->name);
        } else if (!delta_schema_fits(column->type, table->columns[index].type)) {
            buffer_reset(&was);
            buffer_reset(&is);
            type_print(table->columns[index].type, &was);
            type_print(column->type, &is);
            add_difference(list, "'%s' was %s and is %s", column->name, buffer_text(&was),
                           buffer_text(&is));
        }
    }
    for (size_t i = 0; i < table->count; i++) {
        if (schema_find(query, slice_of(table->columns[i].name)) < 0) {
            add_difference(list, "'%s' is gone", table->columns[i].name);
        }
    }
    buffer_done(&was);
    buffer_done(&is);
}

bool change_check_table(Catalog *catalog, const FlowSpec *flow, const Schema *columns,
                        DuckConn *conn, Diagnostics *diagnostics, Error *err)
{
    const Dataset *target = flow->target;
    bool exists = false;
    if (target->kind != DATASET_STREAMING_TABLE) {
        return true;
    }
    DeltaTable *table = delta_open(target->table_path);
    bool ok = delta_refresh(table, conn, &exists, err);
    if (ok && exists) {
        Buffer list = {0};
        compare_columns(delta_schema(delta_snapshot(table)), columns, &list);
        if (list.size > 0) {
            diagnose(diagnostics, flow->query->pos, NULL, advice(catalog, flow),
                     "the query gives other columns than table '%s' has: %s", target->name,
                     buffer_text(&list));
        }
        buffer_done(&list);
    }
    delta_close(table);
    return ok;
}

// ---- dry-run -----------------------------------------------------------------------------------

static bool has_log(const char *folder, Arena *arena)
{
    StoreList list = {0};
    Error err;
    Store *store = store_local(folder);
    bool found = false;
    if (store_list(store, "", "log.", &list, arena, &err)) {
        for (size_t i = 0; i < list.count; i++) {
            found |= strncmp(list.entries[i].name, "log.", 4) == 0;
        }
    }
    store_destroy(store);
    return found;
}

static void check_flow(Catalog *catalog, const FlowSpec *flow, int number, DuckConn *conn)
{
    Error err;
    const char *folder =
        project_checkpoint_path(catalog->project, slice_of(flow->name), catalog->arena);
    json_t *before = NULL;
    StaticTables statics = {0};
    if (access(arena_printf(catalog->arena, "%s/%s", folder, FLOW_REPLACE_FILE), F_OK) == 0 ||
        !describe_read(folder, &before, &err) || before == NULL) {
        return; // it begins anew, or has not begun
    }
    const Plan *plan = catalog_plan(catalog, flow, number, conn, &statics);
    if (plan != NULL && has_log(folder, catalog->arena)) {
        json_t *after = describe_plan(catalog, plan);
        change_allows(catalog, flow, plan, before, after, false, catalog->diagnostics);
        json_decref(after);
    }
    if (plan != NULL &&
        !change_check_table(catalog, flow, &plan->output, conn, catalog->diagnostics, &err)) {
        diagnose(catalog->diagnostics, flow->pos, NULL, NULL, "%s", err.message);
    }
    json_decref(before);
}

void change_check_all(Catalog *catalog)
{
    Error err;
    for (size_t i = 0; i < catalog->flow_count; i++) {
        DuckConn *conn = NULL;
        if (duck_connect(catalog->duck, &conn, &err) &&
            duck_run(conn, "SET VARIABLE batch_time = now()", &err)) {
            check_flow(catalog, catalog->flows[i], 0, conn);
        }
        duck_disconnect(conn);
    }
}
