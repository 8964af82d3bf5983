// Opening a flow: lock, recovery, plan. See flow.h and F3, F4, F7 in README.md.
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/random.h"
#include "engine/change.h"
#include "engine/flow_side.h"
#include "sql/parser.h"

// ---- meta --------------------------------------------------------------------------------------

void flow_print_meta(const Flow *flow, const FlowMeta *meta, Buffer *json)
{
    buffer_printf(json,
                  "{\"v\":1,\"watermark\":%lld,\"next\":%lld,\"sink_rows\":%lld,"
                  "\"given\":%lld,\"given_before\":%lld,\"time\":%lld,\"duration\":%lld,"
                  "\"input_rows\":%lld,\"state_rows\":%lld,\"state_bytes\":%lld,\"watermarks\":[",
                  (long long)meta->watermark, (long long)meta->next, (long long)meta->sink_rows,
                  (long long)meta->given, (long long)meta->given_before, (long long)meta->time,
                  (long long)meta->duration, (long long)meta->input_rows,
                  (long long)meta->state_rows, (long long)meta->state_bytes);
    for (size_t i = 0; i < flow->plan->watermark_count; i++) {
        buffer_printf(json, "%s%lld", i == 0 ? "" : ",", (long long)flow->pending_watermarks[i]);
    }
    buffer_append_text(json, "],\"seen\":[");
    for (size_t i = 0; i < flow->plan->watermark_count; i++) {
        buffer_printf(json, "%s%lld", i == 0 ? "" : ",", (long long)flow->pending_seen[i]);
    }
    buffer_printf(json, "],\"rows_at\":%lld,\"base\":%lld,\"sources\":[",
                  (long long)flow->pending_rows_at, (long long)flow->pending_base);
    for (size_t i = 0; i < flow->plan->source_count; i++) {
        const FlowSource *source = &flow->sources[i];
        buffer_append_text(json, i == 0 ? "" : ",");
        buffer_append_json(json, source->has_rows ? source->planned_end : slice_of(source->offset));
    }
    buffer_append_char(json, ']');
    flow_side_print(flow, json);
    buffer_append_char(json, '}');
}

static int64_t meta_int(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static bool restore_positions(Flow *flow, const json_t *root, Error *err)
{
    const json_t *sources = json_object_get(root, "sources");
    const json_t *watermarks = json_object_get(root, "watermarks");
    if (json_array_size(sources) != flow->plan->source_count ||
        json_array_size(watermarks) != flow->plan->watermark_count) {
        return fail(err, ERROR_INPUT,
                    "the query of '%s' now reads %zu streams with %zu watermarks, its checkpoint "
                    "knows %zu and %zu; start it anew with --full-refresh %s",
                    flow->spec->name, flow->plan->source_count, flow->plan->watermark_count,
                    json_array_size(sources), json_array_size(watermarks),
                    flow->spec->target->name);
    }
    for (size_t i = 0; i < flow->plan->source_count; i++) {
        free(flow->sources[i].offset);
        flow->sources[i].offset = strdup(json_string_value(json_array_get(sources, i)));
    }
    for (size_t i = 0; i < flow->plan->watermark_count; i++) {
        flow->watermarks[i] = json_integer_value(json_array_get(watermarks, i));
        const json_t *seen = json_array_get(json_object_get(root, "seen"), i);
        flow->pace.seen[i] = json_is_integer(seen) ? json_integer_value(seen) : TIME_MIN;
    }
    const json_t *rows_at = json_object_get(root, "rows_at");
    flow->pace.rows_at = json_is_integer(rows_at) ? json_integer_value(rows_at) : TIME_MIN;
    flow->pace.base = meta_int(root, "base");
    flow->late = meta_int(root, "watermark");
    flow->watermark = meta_int(root, "next");
    flow->given = meta_int(root, "given");
    return true;
}

bool flow_read_meta(Flow *flow, Slice json, bool restore, FlowMeta *meta, Error *err)
{
    json_t *root = json_loadb(json.data, json.size, 0, NULL);
    if (root == NULL || meta_int(root, "v") != 1) {
        json_decref(root);
        return fail(err, ERROR_CORRUPT, "checkpoint %s: the plan of a batch cannot be read",
                    flow->folder);
    }
    *meta = (FlowMeta){
        .watermark = meta_int(root, "watermark"),
        .next = meta_int(root, "next"),
        .sink_rows = meta_int(root, "sink_rows"),
        .given = meta_int(root, "given"),
        .given_before = meta_int(root, "given_before"),
    };
    bool ok = !restore || restore_positions(flow, root, err);
    json_decref(root);
    return ok;
}

// ---- sinks without marker ----------------------------------------------------------------------

void flow_write_note(const Flow *flow, const SinkMarker *marker)
{
    if ((flow->sink->type->flags & SINK_NO_MARKER) == 0) {
        return;
    }
    // Not synced: such a sink is at-least-once, the note only keeps a clean restart from repeating.
    char text[64];
    int size = snprintf(text, sizeof text, "%lld %u\n", (long long)marker->batch, marker->crc);
    int fd = open(flow->sink_note, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd >= 0) {
        ssize_t written = write(fd, text, (size_t)size);
        (void)written; // without the note the last batch is printed again
        close(fd);
    }
}

void flow_read_note(const Flow *flow, SinkMarker *marker)
{
    FILE *file = fopen(flow->sink_note, "re");
    long long batch;
    unsigned crc;
    if (file != NULL && fscanf(file, "%lld %u", &batch, &crc) == 2) {
        *marker = (SinkMarker){.found = true, .batch = batch, .crc = crc};
    }
    if (file != NULL) {
        fclose(file);
    }
}

// ---- recovery ----------------------------------------------------------------------------------

static bool read_marker(Flow *flow, SinkMarker *marker, Error *err)
{
    *marker = (SinkMarker){0};
    if (flow->sink->type->flags & SINK_NO_MARKER) {
        flow_read_note(flow, marker);
        return true;
    }
    return sink_marker(flow->sink, state_epoch(flow->state), marker, err);
}

bool flow_marker_mismatch(const Flow *flow, const char *dataset, const SinkMarker *marker,
                          int64_t expected, Error *err)
{
    if (!marker->found) {
        return fail(err, ERROR_CORRUPT,
                    "'%s' was given batch %lld, but has no trace of it: it was emptied, replaced "
                    "or restored; to start anew run with --full-refresh %s",
                    dataset, (long long)expected, flow->spec->target->name);
    }
    if (expected < 0) {
        return fail(err, ERROR_CORRUPT,
                    "'%s' has batch %lld of this flow, the checkpoint %s has none: its log was "
                    "removed; restore it from a backup, or start anew with --full-refresh %s",
                    dataset, (long long)marker->batch, flow->folder, flow->spec->target->name);
    }
    return fail(err, ERROR_CORRUPT,
                "'%s' has batch %lld of this flow, the checkpoint %s expects %lld: one of the two "
                "was restored from a backup; to start anew run with --full-refresh %s",
                dataset, (long long)marker->batch, flow->folder, (long long)expected,
                flow->spec->target->name);
}

bool flow_has_batch(const SinkMarker *marker, int64_t batch)
{
    return batch < 0 ? !marker->found : marker->found && marker->batch == batch;
}

// The record that the log holds back: did its batch happen? (DESIGN 5, recovery)
static bool decide_pending(Flow *flow, const StatePosition *pending, const SinkMarker *marker,
                           Error *err)
{
    FlowMeta meta;
    if (!flow_read_meta(flow, pending->meta, false, &meta, err)) {
        return false;
    }
    bool was_given = meta.given == pending->batch;
    bool no_marker = (flow->sink->type->flags & SINK_NO_MARKER) != 0;
    if (was_given && marker->found && marker->batch == pending->batch &&
        marker->crc == pending->crc) {
        return state_apply_pending(flow->state, err);
    }
    if (!was_given && (no_marker || flow_has_batch(marker, meta.given))) {
        return state_apply_pending(flow->state, err);
    }
    bool proven = false;
    if (was_given && no_marker && !flow_side_proves(flow, pending, &proven, err)) {
        return false;
    }
    if (proven) {
        return state_apply_pending(flow->state, err);
    }
    if (was_given && (no_marker || flow_has_batch(marker, meta.given_before))) {
        return state_discard_pending(flow->state, err);
    }
    return flow_marker_mismatch(flow, flow->spec->target->name, marker,
                                was_given ? pending->batch : meta.given, err);
}

static bool recover(Flow *flow, Error *err)
{
    SinkMarker marker;
    StatePosition pending;
    if (!read_marker(flow, &marker, err)) {
        return false;
    }
    bool decided = state_pending(flow->state, &pending);
    if (decided && !decide_pending(flow, &pending, &marker, err)) {
        return false;
    }
    StatePosition last = state_last(flow->state);
    flow->batch = last.batch;
    bool no_marker = (flow->sink->type->flags & SINK_NO_MARKER) != 0;
    if (last.batch < 0) {
        return no_marker || flow_has_batch(&marker, -1) ||
               flow_marker_mismatch(flow, flow->spec->target->name, &marker, -1, err);
    }
    flow->sink->context.replace_first = false; // that was batch 0
    FlowMeta meta;
    if (!flow_read_meta(flow, last.meta, true, &meta, err)) {
        return false;
    }
    return no_marker || flow_has_batch(&marker, meta.given) ||
           flow_marker_mismatch(flow, flow->spec->target->name, &marker, meta.given, err);
}

// ---- parts -------------------------------------------------------------------------------------

static bool open_sink(Flow *flow, Error *err)
{
    char *replace = arena_printf(flow->batch_arena, "%s/%s", flow->folder, FLOW_REPLACE_FILE);
    StatePosition pending;
    bool is_new = state_last(flow->state).batch < 0;
    bool first = is_new && (!state_pending(flow->state, &pending) || pending.batch == 0);
    const Dataset *target = flow->spec->target;
    Arena *arena = flow->arena;
    size_t partitions = target->statement->partition_count;
    const char **columns = ARENA_ARRAY(arena, const char *, partitions + 1);
    for (size_t i = 0; i < partitions; i++) {
        columns[i] = arena_text(arena, target->statement->partitioned_by[i]);
    }
    SinkContext context = {
        .conn = flow->conn,
        .clock = flow->context.clock,
        .arena = arena,
        .flow = flow->spec->name,
        .dataset = target->name,
        .table_path = target->table_path,
        .checkpoint_id = state_checkpoint_id(flow->state),
        .schema = target->kind == DATASET_SINK ? &flow->plan->output : &target->schema,
        .mode = target->mode,
        .partition_columns = columns,
        .partition_count = partitions,
        .properties = &target->statement->properties,
        .comment = target->statement->comment.size == 0
                       ? NULL
                       : arena_text(arena, target->statement->comment),
        .replace_first = first && access(replace, F_OK) == 0,
    };
    return sink_open(target->sink, target->sink_config, &context, &flow->sink, err);
}

static bool open_sources(Flow *flow, Error *err)
{
    Arena *arena = flow->arena;
    for (size_t i = 0; i < flow->plan->source_count; i++) {
        FlowSource *source = &flow->sources[i];
        const PlanSource *planned = &flow->plan->sources[i];
        const SourceSpec *spec = catalog_source(flow->context.catalog, planned->relation);
        SourceContext context = {
            .conn = flow->conn,
            .clock = flow->context.clock,
            .project_root = project_root(flow->context.catalog->project),
            .unique = arena_printf(arena, "%d_%zu", flow->plan->flow, i),
            .arena = arena,
            .start_time = flow->context.identity.start_time,
            .seed = flow->context.identity.seed,
        };
        source->view = planned->view;
        if (!source_open(spec->type, spec->name, spec->config, planned->relation->pos, &context,
                         &source->source, err)) {
            return false;
        }
        StateTable *consumed = NULL;
        const char *name = arena_printf(arena, "source_%zu", i);
        if ((spec->type->flags & SOURCE_KEYED) &&
            !state_table(flow->state, name, slice_of("keys string; values binary"), &consumed,
                         err)) {
            return false;
        }
        if (!source_seek(source->source, consumed, slice_of(source->offset), err)) {
            return false;
        }
    }
    return true;
}

static bool open_operators(Flow *flow, Error *err)
{
    for (size_t i = 0; i < flow->plan->watermark_count; i++) {
        if (!operator_register_times(flow->conn, &flow->plan->watermarks[i], &flow->times[i],
                                     err)) {
            return false;
        }
    }
    for (size_t i = 0; i < flow->plan->stage_count; i++) {
        if (!operator_create(flow->plan, &flow->plan->stages[i], flow->conn, flow->state,
                             &flow->operators[i], err)) {
            return false;
        }
    }
    return flow->plan->expect == NULL ||
           expect_open(flow->plan->expect, flow->conn, &flow->expect, err);
}

// Plans on a connection of its own: its views without rows hide the functions that the flow
// registers.
static bool make_plan(Flow *flow, Error *err)
{
    Catalog *catalog = flow->context.catalog;
    int number = atomic_fetch_add(flow->context.next_number, 1) + 1;
    DuckConn *conn = NULL;
    if (!duck_connect(catalog->duck, &conn, err)) {
        return false;
    }
    bool ok = duck_run(conn, "SET VARIABLE batch_time = now()", err);
    if (ok) {
        flow->plan = catalog_plan(catalog, flow->spec, number, conn, &flow->statics);
        ok = flow->plan != NULL || diagnostics_fail(catalog->diagnostics, err);
    }
    duck_disconnect(conn);
    if (!ok) {
        return false;
    }
    size_t watermarks = flow->plan->watermark_count + 1;
    flow->sources = calloc(flow->plan->source_count + 1, sizeof *flow->sources);
    flow->operators = calloc(flow->plan->stage_count + 1, sizeof(Operator *));
    flow->times = calloc(watermarks, sizeof *flow->times);
    flow->watermarks = calloc(watermarks, sizeof *flow->watermarks); // 1970, as in Spark
    flow->pending_watermarks = calloc(watermarks, sizeof *flow->pending_watermarks);
    for (size_t i = 0; i < flow->plan->source_count; i++) {
        flow->sources[i].offset = strdup("");
    }
    flow->watermark = flow->plan->watermark_count > 0 ? 0 : TIME_MIN;
    flow->late = flow->watermark;
    const Project *project = catalog->project;
    flow->skips_no_data = !project_bool(project, "spark.sql.streaming.noDataMicroBatches.enabled");
    return flow_watermark_open(flow, err);
}

// Rows that appear with time alone are taken once a second, as Spark's rate source does: a batch
// for each of them would only make small files.
static void pace_endless(Flow *flow)
{
    bool endless = flow->plan->source_count > 0;
    for (size_t i = 0; i < flow->plan->source_count; i++) {
        endless &= (flow->sources[i].source->type->flags & SOURCE_ENDLESS) != 0;
    }
    if (endless && flow->trigger_interval == 0) {
        flow->trigger_interval = TIME_SECOND;
    }
}

static bool trigger_interval(Flow *flow, Error *err)
{
    const Properties *properties = &flow->spec->target->statement->properties;
    for (size_t i = 0; i < properties->count; i++) {
        if (slice_equal_nocase(properties->items[i].key, slice_of("pipelines.trigger.interval")) &&
            !sql_parse_duration(properties->items[i].value, &flow->trigger_interval, err)) {
            return fail_context(err, "pipelines.trigger.interval of '%s'",
                                flow->spec->target->name);
        }
    }
    flow->is_paced = flow->trigger_interval > 0;
    return true;
}

const char *flow_renewed_folder(const char *folder, Arena *arena)
{
    return arena_printf(arena, "%s~new", folder);
}

// A crash between the two renames of --full-refresh leaves the new checkpoint beside its place.
static bool finish_refresh(const Flow *flow, Error *err)
{
    const char *fresh = flow_renewed_folder(flow->folder, flow->batch_arena);
    const char *says = arena_printf(flow->batch_arena, "%s/%s", fresh, FLOW_REPLACE_FILE);
    if (access(flow->folder, F_OK) == 0 || access(says, F_OK) != 0 ||
        rename(fresh, flow->folder) == 0) {
        return true;
    }
    return fail_errno(err, "cannot rename %s", fresh);
}

// What the checkpoint and the table know of the query: it may have been edited since.
static bool check_change(Flow *flow, Error *err)
{
    Catalog *catalog = flow->context.catalog;
    StatePosition pending;
    bool has_batches = state_last(flow->state).batch >= 0 || state_pending(flow->state, &pending);
    Diagnostics *diagnostics = diagnostics_create(flow->arena, catalog->diagnostics->sources);
    if (!change_accept(catalog, flow->spec, flow->plan, flow->folder, has_batches, err)) {
        return false;
    }
    if (flow->sink->context.replace_first) {
        return true; // the table takes the query's columns
    }
    return change_check_table(catalog, flow->spec, &flow->plan->output, flow->conn, diagnostics,
                              err) &&
           (diagnostics->count == 0 || diagnostics_fail(diagnostics, err));
}

static bool open_parts(Flow *flow, Error *err)
{
    const Project *project = flow->context.catalog->project;
    StateOptions options = {
        .budget = memory_budget(flow->context.memory),
        .retain_batches = project_int(project, "tarn.state.retention"),
    };
    if (!finish_refresh(flow, err) ||
        !duck_connect(flow->context.catalog->duck, &flow->conn, err) || !make_plan(flow, err) ||
        !trigger_interval(flow, err) || !state_open(flow->folder, &options, &flow->state, err) ||
        !open_sink(flow, err) || !check_change(flow, err) ||
        !flow_side_open(flow, flow->sink->context.replace_first, err) || !recover(flow, err) ||
        !flow_side_recover(flow, err) || !open_sources(flow, err) || !open_operators(flow, err)) {
        return false;
    }
    pace_endless(flow);
    if (FAULT("flow.after_open")) {
        return fail(err, ERROR_CRASH, "fault point flow.after_open");
    }
    return true;
}

// The state does not know whose it is: its advice says <dataset>.
static void name_dataset(const FlowSpec *spec, Error *err)
{
    static const char word[] = "<dataset>";
    char *found = strstr(err->message, word);
    if (found == NULL) {
        return;
    }
    char rest[sizeof err->message];
    snprintf(rest, sizeof rest, "%s", found + sizeof word - 1);
    size_t left = sizeof err->message - (size_t)(found - err->message);
    snprintf(found, left, "%s%s", spec->target->name, rest);
}

bool flow_open(const FlowContext *context, const FlowSpec *spec, Flow **result, Error *err)
{
    Flow *flow = calloc(1, sizeof *flow);
    if (flow == NULL) {
        return fail(err, ERROR_FAILED, "out of memory");
    }
    flow->context = *context;
    flow->spec = spec;
    flow->batch = -1;
    flow->given = -1;
    flow->arena = arena_create(0);
    flow->batch_arena = arena_create(0);
    flow->tables = relation_tables_create();
    random_uuid(flow->run_id);
    pthread_mutex_init(&flow->lock, NULL);
    flow->folder = strdup(project_checkpoint_path(context->catalog->project, slice_of(spec->name),
                                                  flow->batch_arena));
    flow->sink_note = strdup(arena_printf(flow->batch_arena, "%s/given", flow->folder));
    flow->status = (ControlFlow){.flow = spec->name,
                                 .dataset = spec->target->name,
                                 .state = "idle",
                                 .batch = -1,
                                 .lag_rows = -1,
                                 .lag_ms = -1,
                                 .watermark = TIME_MIN};
    if (!open_parts(flow, err)) {
        name_dataset(spec, err);
        flow_close(flow);
        return err->kind == ERROR_CRASH ? false : fail_context(err, "flow '%s'", spec->name);
    }
    flow->status.batch = flow->batch;
    if (flow->plan->watermark_count > 0 && flow->batch >= 0) {
        flow->status.watermark = flow->late; // as the last batch reported it
    }
    flow->status.state_bytes = state_memory_bytes(flow->state);
    for (size_t i = 0; i < flow->plan->stage_count; i++) {
        flow->status.state_rows += operator_metrics(flow->operators[i]).rows_total;
    }
    *result = flow;
    return true;
}

void flow_close(Flow *flow)
{
    if (flow == NULL) {
        return;
    }
    for (size_t i = 0; flow->plan != NULL && i < flow->plan->stage_count; i++) {
        operator_destroy(flow->operators[i]);
    }
    for (size_t i = 0; flow->plan != NULL && i < flow->plan->watermark_count; i++) {
        duck_function_retire(flow->conn, flow->plan->watermarks[i].function);
    }
    for (size_t i = 0; flow->plan != NULL && i < flow->plan->source_count; i++) {
        source_close(flow->sources[i].source);
        free(flow->sources[i].offset);
        free(flow->sources[i].former);
        free(flow->sources[i].relation);
    }
    for (size_t i = 0; i < flow->statics.count; i++) {
        free(flow->statics.items[i].sql);
    }
    catalog_close_sources(&flow->reading);
    expect_close(flow->expect);
    flow_side_close(flow);
    sink_close(flow->sink);
    state_close(flow->state);
    relation_tables_destroy(flow->tables);
    duck_disconnect(flow->conn);
    free(flow->sources);
    free(flow->operators);
    free(flow->times);
    flow_watermark_close(flow);
    free(flow->watermarks);
    free(flow->pending_watermarks);
    free(flow->folder);
    free(flow->sink_note);
    buffer_done(&flow->progress);
    arena_destroy(flow->batch_arena);
    arena_destroy(flow->arena);
    pthread_mutex_destroy(&flow->lock);
    free(flow);
}
