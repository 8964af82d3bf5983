// SPDX-License-Identifier: Apache-2.0
#include "engine/flow_side.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/fault.h"
#include "connector/registry.h"
#include "duck/row_codec.h"

enum { TAKEN_AT_ONCE = 65536 }; // rows of a quarantine: what is in memory beside the state

// ---- opening -----------------------------------------------------------------------------------

static bool open_side(Flow *flow, const Dataset *dataset, const PlanLate *late, bool replaces,
                      Error *err)
{
    FlowSide *side = &flow->sides[flow->side_count++];
    Arena *arena = flow->arena;
    *side = (FlowSide){.dataset = dataset, .late = late, .given = -1, .given_before = -1};
    side->function = arena_printf(arena, "side_%d_%zu", flow->plan->flow, flow->side_count - 1);
    SinkContext context = {
        .conn = flow->conn,
        .clock = flow->context.clock,
        .arena = arena,
        .flow = flow->spec->name,
        .dataset = dataset->name,
        .table_path = dataset->table_path,
        .checkpoint_id = state_checkpoint_id(flow->state),
        .schema = &dataset->schema,
        .mode = OUTPUT_APPEND,
        .replace_first = replaces,
    };
    return sink_open(sink_type_find(slice_of("delta")), NULL, &context, &side->sink, err);
}

bool flow_side_open(Flow *flow, bool replaces, Error *err)
{
    const Dataset *quarantine = flow->spec->target->quarantine;
    flow->sides = calloc(flow->plan->late_count + 1, sizeof *flow->sides);
    if (flow->sides == NULL) {
        return fail(err, ERROR_FAILED, "out of memory");
    }
    if (quarantine != NULL && !open_side(flow, quarantine, NULL, replaces, err)) {
        return false;
    }
    for (size_t i = 0; i < flow->plan->late_count; i++) {
        const PlanLate *late = &flow->plan->lates[i];
        const Dataset *dataset = catalog_find(flow->context.catalog, late->into);
        if (!open_side(flow, dataset, late, replaces, err)) {
            return false;
        }
    }
    return true;
}

void flow_side_close(Flow *flow)
{
    for (size_t i = 0; i < flow->side_count; i++) {
        FlowSide *side = &flow->sides[i];
        duck_function_retire(flow->conn, side->function);
        sink_close(side->sink);
    }
    free(flow->sides);
}

// ---- a batch -----------------------------------------------------------------------------------

void flow_side_begin(Flow *flow, int64_t batch)
{
    for (size_t i = 0; i < flow->side_count; i++) {
        FlowSide *side = &flow->sides[i];
        int64_t bucket;
        while (state_next_bucket(side->table, INT64_MIN, true, &bucket)) {
            state_drop_bucket(side->table, bucket);
        }
        side->rows = 0;
        side->given_before = side->given;
        if (batch == 0 && side->sink->context.replace_first) {
            side->given = 0; // the first batch of a refresh empties the table
        }
    }
}

void flow_side_undo(Flow *flow)
{
    for (size_t i = 0; i < flow->side_count; i++) {
        flow->sides[i].given = flow->sides[i].given_before;
    }
}

static bool put_rows(FlowSide *side, const DuckRows *rows, int64_t batch, Arena *arena, Error *err)
{
    Buffer key = {0};
    Buffer value = {0};
    size_t count = side->dataset->schema.count;
    bool ok = true;
    for (size_t chunk = 0; ok && chunk < duck_rows_chunk_count(rows); chunk++) {
        DuckColumn *columns = ARENA_ARRAY(arena, DuckColumn, count + 1);
        for (size_t c = 0; c <= count; c++) {
            columns[c] = duck_rows_column(rows, chunk, c);
        }
        for (uint64_t row = 0; ok && row < duck_rows_chunk_size(rows, chunk); row++) {
            buffer_reset(&key);
            buffer_reset(&value);
            row_encode(columns, 1, row, &key);
            row_encode(columns + 1, count, row, &value);
            ok = state_put(side->table, batch, buffer_slice(&key), buffer_slice(&value), err);
        }
    }
    buffer_done(&key);
    buffer_done(&value);
    return ok;
}

// Keeps the rows of a query that gives the table's columns in order.
static bool take(Flow *flow, FlowSide *side, int64_t batch, const char *query, Error *err)
{
    DuckRows *rows = NULL;
    bool ok = duck_query(flow->conn, query, &rows, err) &&
              put_rows(side, rows, batch, flow->batch_arena, err);
    side->rows += ok ? (int64_t)duck_rows_count(rows) : 0;
    duck_rows_destroy(rows);
    if (ok && side->rows > 0) {
        side->given = batch;
    }
    return ok || fail_context(err, "rows for '%s'", side->dataset->name);
}

// SELECT number, the first columns of the table as they are, and those that the caller appends.
static void begin_query(const FlowSide *side, size_t column_count, size_t first, Buffer *sql)
{
    buffer_printf(sql, "SELECT %zu + row_number() OVER () AS \"#row\"", first);
    for (size_t i = 0; i < column_count; i++) {
        buffer_append_text(sql, ", ");
        duck_quote_name(sql, slice_of(side->dataset->schema.columns[i].name));
    }
}

bool flow_side_take_late(Flow *flow, size_t stage, int64_t batch, TimeUs watermark, Error *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < flow->side_count; i++) {
        FlowSide *side = &flow->sides[i];
        if (side->late == NULL || side->late->stage != stage) {
            continue;
        }
        Buffer sql = {0};
        begin_query(side, side->late->schema.count, 0, &sql);
        buffer_printf(&sql, ", %lld::BIGINT, make_timestamptz(%lld) FROM (%s)", (long long)batch,
                      (long long)watermark, side->late->sql);
        ok = take(flow, side, batch, buffer_text(&sql), err);
        buffer_done(&sql);
    }
    return ok;
}

// The batch's range in each source: [{"source":"logs","start":...,"end":...}].
static void print_offsets(const Flow *flow, Buffer *json)
{
    buffer_append_char(json, '[');
    for (size_t i = 0; i < flow->plan->source_count; i++) {
        const FlowSource *source = &flow->sources[i];
        buffer_append_text(json, i == 0 ? "{\"source\":" : ",{\"source\":");
        buffer_append_json(json, slice_of(source->source->name));
        buffer_append_text(json, ",\"start\":");
        buffer_append_text(json, source->offset[0] == '\0' ? "null" : source->offset);
        buffer_append_text(json, ",\"end\":");
        if (source->has_rows) {
            buffer_append(json, source->planned_end);
        } else {
            buffer_append_text(json, source->offset[0] == '\0' ? "null" : source->offset);
        }
        buffer_append_char(json, '}');
    }
    buffer_append_char(json, ']');
}

static void print_by_rule(const ExpectPlan *plan, bool names, Buffer *sql)
{
    buffer_append_text(sql, ", CASE \"#rule\"");
    for (size_t i = 0; i < plan->rule_count; i++) {
        buffer_printf(sql, " WHEN %zu THEN ", i);
        duck_quote_text(sql, slice_of(names ? plan->rules[i].name : plan->rules[i].condition));
    }
    buffer_append_text(sql, " END");
}

static bool take_part(Flow *flow, FlowSide *side, int64_t batch, size_t first, Slice offsets,
                      Error *err)
{
    const ExpectPlan *plan = flow->plan->expect;
    Buffer sql = {0};
    expect_show(flow->expect, first, TAKEN_AT_ONCE);
    begin_query(side, plan->columns.count, first, &sql);
    print_by_rule(plan, false, &sql);
    print_by_rule(plan, true, &sql);
    buffer_printf(&sql, ", %lld::BIGINT, ", (long long)batch);
    duck_quote_text(&sql, offsets);
    buffer_printf(&sql, " FROM %s_rows()", plan->function);
    bool ok = take(flow, side, batch, buffer_text(&sql), err);
    buffer_done(&sql);
    return ok;
}

bool flow_side_take_bad(Flow *flow, int64_t batch, Error *err)
{
    size_t count = flow->expect == NULL ? 0 : expect_caught(flow->expect);
    Buffer offsets = {0};
    bool ok = true;
    if (count > 0) {
        print_offsets(flow, &offsets);
    }
    for (size_t first = 0; ok && first < count; first += TAKEN_AT_ONCE) {
        FlowSide *quarantine = &flow->sides[0]; // it comes first
        ok = take_part(flow, quarantine, batch, first, buffer_slice(&offsets), err);
    }
    buffer_done(&offsets);
    return ok;
}

void flow_side_print(const Flow *flow, Buffer *json)
{
    buffer_append_text(json, ",\"sides\":[");
    for (size_t i = 0; i < flow->side_count; i++) {
        const FlowSide *side = &flow->sides[i];
        buffer_append_text(json, i == 0 ? "{\"dataset\":" : ",{\"dataset\":");
        buffer_append_json(json, slice_of(side->dataset->key));
        buffer_printf(json, ",\"rows\":%lld,\"given\":%lld,\"given_before\":%lld}",
                      (long long)side->rows, (long long)side->given, (long long)side->given_before);
    }
    buffer_append_char(json, ']');
}

void flow_side_print_counts(const Flow *flow, bool is_first, Buffer *json)
{
    for (size_t i = 0; i < flow->side_count; i++) {
        buffer_printf(json, "%s%s", i > 0 ? "," : is_first ? "" : ",", i > 0 ? "" : "\"sides\":{");
        buffer_append_json(json, slice_of(flow->sides[i].dataset->name));
        buffer_printf(json, ":%lld", (long long)flow->sides[i].rows);
    }
    buffer_append_text(json, flow->side_count > 0 ? "}" : "");
}

void flow_side_report(const Flow *flow, int64_t batch, TimeUs now)
{
    History *history = flow->context.history;
    for (size_t i = 0; flow->expect != NULL && i < flow->plan->expect->rule_count; i++) {
        const ExpectRule *rule = &flow->plan->expect->rules[i];
        HistoryConstraint seen = {
            .dataset = flow->spec->target->name,
            .flow = flow->spec->name,
            .batch = batch,
            .started = now,
            .constraint = rule->name,
            .action = expect_action(rule->violation),
            .rows = expect_checked(flow->expect),
            .failed = expect_failed(flow->expect, i),
        };
        history_constraint(history, &seen);
    }
    for (size_t i = 0; i < flow->side_count; i++) {
        HistorySide side = {
            .dataset = flow->sides[i].dataset->name,
            .flow = flow->spec->name,
            .batch = batch,
            .started = now,
            .rows = flow->sides[i].rows,
        };
        history_side(history, &side);
    }
}

// ---- commit ------------------------------------------------------------------------------------

static bool commit_side(Flow *flow, FlowSide *side, const SinkMarker *marker, Error *err)
{
    char *sql =
        arena_printf(flow->batch_arena, "SELECT * EXCLUDE (\"#row\") FROM %s()", side->function);
    int64_t rows = 0;
    if (!sink_stage(side->sink, marker->batch, sql, &rows, err) ||
        !sink_commit(side->sink, marker, err)) {
        return false;
    }
    if (FAULT("flow.after_side")) {
        return fail(err, ERROR_CRASH, "fault point flow.after_side");
    }
    return true;
}

bool flow_side_commit(Flow *flow, const SinkMarker *marker, Error *err)
{
    for (size_t i = 0; i < flow->side_count; i++) {
        FlowSide *side = &flow->sides[i];
        if (side->given == marker->batch && !commit_side(flow, side, marker, err)) {
            return false;
        }
        side->sink->context.replace_first = false;
        side->given_before = side->given;
    }
    return true;
}

// ---- recovery ----------------------------------------------------------------------------------

bool flow_side_proves(Flow *flow, const StatePosition *record, bool *proven, Error *err)
{
    *proven = false;
    for (size_t i = 0; i < flow->side_count; i++) {
        SinkMarker marker = {0};
        if (!sink_marker(flow->sides[i].sink, state_epoch(flow->state), &marker, err)) {
            return false;
        }
        *proven |= marker.found && marker.batch == record->batch && marker.crc == record->crc;
    }
    return true;
}

static bool open_table(Flow *flow, FlowSide *side, Error *err)
{
    Arena *arena = flow->arena;
    const Schema *values = &side->dataset->schema;
    Schema *keys = ARENA_NEW(arena, Schema);
    schema_add(arena, keys, "#row", type_simple(TYPE_BIGINT), true);
    const char *name = arena_printf(arena, "side_%s", side->dataset->key);
    Slice layout = slice_of(operator_layout(keys, values, arena));
    side->relation = (StateRelation){.keys = keys, .values = values};
    if (!row_check_schema(values, err) ||
        !state_table(flow->state, name, layout, &side->table, err)) {
        return false;
    }
    side->relation.table = side->table;
    return state_relation_register(flow->conn, &side->relation, side->function, err);
}

// What the last record says of a side; false: it knows no such side.
static bool read_given(const json_t *sides, FlowSide *side)
{
    size_t index;
    const json_t *entry;
    json_array_foreach(sides, index, entry)
    {
        const char *name = json_string_value(json_object_get(entry, "dataset"));
        if (name != NULL && text_equal_nocase(name, side->dataset->key)) {
            side->rows = json_integer_value(json_object_get(entry, "rows"));
            side->given = json_integer_value(json_object_get(entry, "given"));
            side->given_before = json_integer_value(json_object_get(entry, "given_before"));
            return true;
        }
    }
    return false;
}

static bool recover_side(Flow *flow, FlowSide *side, const json_t *sides, Error *err)
{
    StatePosition last = state_last(flow->state);
    SinkMarker marker = {0};
    if (!sink_marker(side->sink, state_epoch(flow->state), &marker, err)) {
        return false;
    }
    if (!read_given(sides, side)) { // new in the query, or back again
        side->given = marker.found ? marker.batch : -1;
        return side->given <= last.batch ||
               flow_marker_mismatch(flow, side->dataset->name, &marker, last.batch, err);
    }
    if (side->given != last.batch || last.batch < 0) {
        return flow_has_batch(&marker, side->given) ||
               flow_marker_mismatch(flow, side->dataset->name, &marker, side->given, err);
    }
    if (marker.found && marker.batch == last.batch && marker.crc == last.crc) {
        return true;
    }
    if (!flow_has_batch(&marker, side->given_before)) {
        return flow_marker_mismatch(flow, side->dataset->name, &marker, side->given, err);
    }
    SinkMarker wanted = {true, last.batch, state_epoch(flow->state), last.crc};
    return commit_side(flow, side, &wanted, err);
}

// A side that the query had and has no longer: what the last batch put into it must be there.
static bool check_former(Flow *flow, const json_t *entry, const StatePosition *last, Error *err)
{
    const char *key = json_string_value(json_object_get(entry, "dataset"));
    const char *dot = key == NULL ? NULL : strchr(key, '.');
    if (dot == NULL || json_integer_value(json_object_get(entry, "given")) != last->batch) {
        return true;
    }
    Slice database = {key, (size_t)(dot - key)};
    Schema none = {0};
    SinkContext context = {
        .conn = flow->conn,
        .clock = flow->context.clock,
        .arena = flow->arena,
        .flow = flow->spec->name,
        .dataset = key,
        .table_path = project_table_path(flow->context.catalog->project, database,
                                         slice_of(dot + 1), flow->arena),
        .checkpoint_id = state_checkpoint_id(flow->state),
        .schema = &none,
        .mode = OUTPUT_APPEND,
    };
    Sink *sink = NULL;
    SinkMarker marker = {0};
    bool ok = sink_open(sink_type_find(slice_of("delta")), NULL, &context, &sink, err) &&
              sink_marker(sink, state_epoch(flow->state), &marker, err);
    sink_close(sink);
    bool has = marker.found && marker.batch == last->batch && marker.crc == last->crc;
    return ok &&
           (has || fail(err, ERROR_INPUT,
                        "batch %lld of this flow has rows for '%s', which its query no longer "
                        "fills; run it once with the clause that does, or start anew with "
                        "--full-refresh %s",
                        (long long)last->batch, key, flow->spec->target->name));
}

static bool is_side(const Flow *flow, const json_t *entry)
{
    const char *key = json_string_value(json_object_get(entry, "dataset"));
    for (size_t i = 0; key != NULL && i < flow->side_count; i++) {
        if (text_equal_nocase(flow->sides[i].dataset->key, key)) {
            return true;
        }
    }
    return false;
}

bool flow_side_recover(Flow *flow, Error *err)
{
    StatePosition last = state_last(flow->state);
    json_t *root = last.batch < 0 ? NULL : json_loadb(last.meta.data, last.meta.size, 0, NULL);
    const json_t *sides = json_object_get(root, "sides");
    bool ok = true;
    for (size_t i = 0; ok && i < flow->side_count; i++) {
        FlowSide *side = &flow->sides[i];
        ok = open_table(flow, side, err) && recover_side(flow, side, sides, err);
        if (ok && last.batch >= 0) {
            side->sink->context.replace_first = false; // that was batch 0
        }
        side->given_before = side->given;
    }
    size_t index;
    const json_t *entry;
    json_array_foreach(sides, index, entry)
    {
        ok = ok && (is_side(flow, entry) || check_former(flow, entry, &last, err));
    }
    json_decref(root);
    return ok;
}
