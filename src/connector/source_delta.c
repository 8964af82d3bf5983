// A Delta table as a stream: first its snapshot, then what each later version adds.
//
// Offset, as Delta's own: {"reservoirId", "reservoirVersion":v, "index":i, "rows":r,
// "isStartingVersion":b, "from":{...}}. Files up to index i of version v are consumed, and r rows
// of the next one (tests' one-row batches); index -1: nothing of v yet. Files of the snapshot
// (isStartingVersion) are ordered by modification time and path, which every process finds alike;
// those of a version as its commit lists them. "from" is where the batch starts, so that the
// batch can be read again from the offset alone.
// SPDX-License-Identifier: Apache-2.0
#include "connector/source_delta.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "connector/offset.h"
#include "connector/registry.h"
#include "lake/delta.h"

typedef struct SourceDeltaConfig {
    const char *path; // folder of the table; relative ones start at the project
    int64_t max_files;
    int64_t max_bytes;
    const char *starting_version; // a number, "latest", or NULL: the snapshot first
    bool ignore_deletes;
    bool ignore_changes;
    bool skip_change_commits;
    const Schema *schema_hint; // while the table is not there; NULL: it must be
} SourceDeltaConfig;

typedef struct DeltaPosition {
    int64_t version;
    int64_t index;
    int64_t rows;
    bool is_starting;
} DeltaPosition;

typedef struct DeltaState {
    DeltaTable *table;
    bool has_position;
    DeltaPosition current; // after the last planned batch
    bool had_position;
    DeltaPosition former; // before it, for abandon
    bool is_fixed;
    int64_t fixed_version;   // --once: no later version; -1: the table was not there
    DeltaSnapshot *starting; // while its files are read
    DeltaFiles starting_files;
    Arena *starting_arena;
    Arena *planning;
    Arena *reading;
    Buffer offset;
    char *table_id; // of the checkpoint; NULL: not known yet
    int64_t rows;   // of the last batch, -1: unknown
    int64_t backlog_bytes;
} DeltaState;

static const char *resolve(const Source *source, const char *path)
{
    if (path[0] == '/' || source->context.project_root == NULL) {
        return path;
    }
    return arena_printf(source->context.arena, "%s/%s", source->context.project_root, path);
}

static bool delta_source_open(Source *source, Error *err)
{
    const SourceDeltaConfig *config = source->config;
    DeltaState *state = source->state;
    state->planning = arena_create(0);
    state->reading = arena_create(0);
    state->starting_arena = arena_create(0);
    state->table = delta_open(resolve(source, config->path));
    bool exists = false;
    if (!delta_refresh(state->table, source->context.conn, &exists, err)) {
        return false;
    }
    if (!exists && (config->schema_hint == NULL || config->schema_hint->count == 0)) {
        return fail(err, ERROR_INPUT, "[DELTA_TABLE_NOT_FOUND] there is no Delta table in '%s'",
                    config->path);
    }
    source->schema =
        schema_copy(source->context.arena,
                    exists ? delta_schema(delta_snapshot(state->table)) : config->schema_hint);
    return true;
}

// ---- offsets -------------------------------------------------------------------------------

static void write_position(const DeltaPosition *position, Buffer *out)
{
    buffer_printf(out,
                  "\"reservoirVersion\":%" PRId64 ",\"index\":%" PRId64 ",\"rows\":%" PRId64
                  ",\"isStartingVersion\":%s",
                  position->version, position->index, position->rows,
                  position->is_starting ? "true" : "false");
}

static void write_offset(DeltaState *state, const DeltaPosition *from, const DeltaPosition *to)
{
    Buffer *out = &state->offset;
    buffer_reset(out);
    buffer_append_text(out, "{\"sourceVersion\":1,\"reservoirId\":");
    buffer_append_json(out, slice_of(state->table_id));
    buffer_append_char(out, ',');
    write_position(to, out);
    buffer_append_text(out, ",\"from\":{");
    write_position(from, out);
    buffer_append_text(out, "}}");
}

static bool read_position(const json_t *object, DeltaPosition *position, Error *err)
{
    position->is_starting = json_is_true(json_object_get(object, "isStartingVersion"));
    return offset_int(object, "reservoirVersion", &position->version, err) &&
           offset_int(object, "index", &position->index, err) &&
           offset_int(object, "rows", &position->rows, err);
}

// `table_id` goes into the arena.
static bool read_offset(Slice offset, DeltaPosition *from, DeltaPosition *to, char **table_id,
                        Arena *arena, Error *err)
{
    json_t *object = offset_parse(offset, err);
    if (object == NULL) {
        return false;
    }
    const char *id = json_string_value(json_object_get(object, "reservoirId"));
    bool good = id != NULL || fail(err, ERROR_CORRUPT,
                                   "the checkpoint holds an offset without "
                                   "'reservoirId'");
    good = good && read_position(object, to, err) &&
           read_position(json_object_get(object, "from"), from, err);
    if (good) {
        *table_id = arena_text(arena, slice_of(id));
    }
    json_decref(object);
    return good;
}

static bool delta_source_seek(Source *source, Slice offset, Error *err)
{
    DeltaState *state = source->state;
    if (offset.size == 0) {
        return true;
    }
    DeltaPosition from;
    if (!read_offset(offset, &from, &state->current, &state->table_id, source->context.arena,
                     err)) {
        return false;
    }
    state->has_position = true;
    return true;
}

// ---- files of a version --------------------------------------------------------------------

static int compare_files(const void *a, const void *b)
{
    const DeltaFile *x = a;
    const DeltaFile *y = b;
    if (x->modified_ms != y->modified_ms) {
        return x->modified_ms < y->modified_ms ? -1 : 1;
    }
    return strcmp(x->path, y->path);
}

static void forget_starting(DeltaState *state)
{
    delta_snapshot_destroy(state->starting);
    state->starting = NULL;
    state->starting_files = (DeltaFiles){0};
    arena_reset(state->starting_arena);
}

static bool load_starting(Source *source, int64_t version, DeltaFiles *files, Error *err)
{
    DeltaState *state = source->state;
    if (state->starting == NULL || delta_version(state->starting) != version) {
        forget_starting(state);
        if (!delta_snapshot_at_version(state->table, source->context.conn, version,
                                       &state->starting, err)) {
            return false;
        }
        const DeltaFiles *all = delta_files(state->starting);
        DeltaFiles sorted = {.count = all->count, .capacity = all->count};
        sorted.items = ARENA_ARRAY(state->starting_arena, DeltaFile, all->count + 1);
        if (all->count > 0) {
            memcpy(sorted.items, all->items, sizeof *all->items * all->count);
            qsort(sorted.items, sorted.count, sizeof *sorted.items, compare_files);
        }
        state->starting_files = sorted;
    }
    *files = state->starting_files;
    return true;
}

static bool check_removes(const Source *source, int64_t version, DeltaFiles *files, Error *err)
{
    const SourceDeltaConfig *config = source->config;
    if (config->skip_change_commits) {
        *files = (DeltaFiles){0};
        return true;
    }
    if (config->ignore_changes || (config->ignore_deletes && files->count == 0)) {
        return true;
    }
    if (files->count == 0) {
        return fail(
            err, ERROR_INPUT,
            "[DELTA_SOURCE_IGNORE_DELETE] version %" PRId64 " of '%s' deleted data, which a "
            "stream cannot take back; ignoreDeletes => true goes on without, or refresh this "
            "dataset fully",
            version, config->path);
    }
    return fail(
        err, ERROR_INPUT,
        "[DELTA_SOURCE_TABLE_IGNORE_CHANGES] version %" PRId64 " of '%s' changed or replaced "
        "data, which a stream cannot take back; skipChangeCommits => true leaves such versions "
        "out, ignoreChanges => true reads changed files again, or refresh this dataset fully",
        version, config->path);
}

// The files of a version in their order; *found false: there is no such version yet.
static bool load_files(Source *source, const DeltaPosition *position, DeltaFiles *files,
                       bool *found, Arena *arena, Error *err)
{
    DeltaState *state = source->state;
    *found = true;
    *files = (DeltaFiles){0};
    if (position->is_starting) {
        return load_starting(source, position->version, files, err);
    }
    bool removes = false;
    if (!delta_version_files(state->table, position->version, files, &removes, found, arena, err)) {
        return false;
    }
    return !*found || !removes || check_removes(source, position->version, files, err);
}

// ---- planning ------------------------------------------------------------------------------

static bool first_position(const Source *source, const SourceLimit *limit, DeltaPosition *position,
                           Error *err)
{
    const SourceDeltaConfig *config = source->config;
    const DeltaState *state = source->state;
    int64_t newest = delta_version(delta_snapshot(state->table));
    if (limit->to_end && state->is_fixed && state->fixed_version < newest) {
        newest = state->fixed_version;
    }
    const char *text = config->starting_version;
    if (text == NULL) {
        *position = (DeltaPosition){.version = newest, .index = -1, .is_starting = true};
        return true;
    }
    if (text_equal_nocase(text, "latest")) {
        *position = (DeltaPosition){.version = newest + 1, .index = -1};
        return true;
    }
    char *end = NULL;
    errno = 0;
    long long version = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || version < 0) {
        return fail(err, ERROR_INPUT,
                    "startingVersion must be a version's number or 'latest', not '%s'", text);
    }
    if (version > newest + 1) {
        return fail(err, ERROR_INPUT,
                    "startingVersion %lld does not exist: '%s' is at version %" PRId64, version,
                    config->path, newest);
    }
    *position = (DeltaPosition){.version = version, .index = -1};
    return true;
}

// The table must be the one that was read so far, with columns that still fit.
static bool check_table(Source *source, Error *err)
{
    const SourceDeltaConfig *config = source->config;
    DeltaState *state = source->state;
    const DeltaSnapshot *snapshot = delta_snapshot(state->table);
    const char *id = delta_table_id(snapshot);
    if (state->table_id == NULL) {
        state->table_id = arena_text(source->context.arena, slice_of(id));
    } else if (strcmp(state->table_id, id) != 0) {
        return fail(
            err, ERROR_INPUT,
            "[DIFFERENT_DELTA_TABLE_READ_BY_STREAMING_SOURCE] '%s' is another table than the "
            "one read so far (it was deleted and made again); refresh this dataset fully",
            config->path);
    }
    const Schema *now = delta_schema(snapshot);
    for (size_t i = 0; i < source->schema.count; i++) {
        const Column *column = &source->schema.columns[i];
        int at = schema_find(now, slice_of(column->name));
        if (at < 0 || !type_equal(now->columns[at].type, column->type)) {
            return fail(
                err, ERROR_INPUT,
                "[DELTA_SCHEMA_CHANGED] column '%s' of '%s' is gone or has another type than "
                "when the flow started; start it again with a query that fits",
                column->name, config->path);
        }
    }
    return true;
}

static int64_t file_rows(const DeltaFile *file)
{
    json_t *stats = file->stats == NULL ? NULL : json_loads(file->stats, 0, NULL);
    const json_t *rows = json_object_get(stats, "numRecords");
    int64_t count = json_is_integer(rows) ? json_integer_value(rows) : -1;
    json_decref(stats);
    return count;
}

typedef struct DeltaBudget {
    int64_t files;
    int64_t bytes;
    int64_t rows; // 0: no limit
    int64_t taken;
} DeltaBudget;

// Takes files of one version after *position. *full: the batch takes no more.
static void take_files(const DeltaFiles *files, DeltaPosition *position, DeltaBudget *budget,
                       bool *full)
{
    while (position->index + 1 < (int64_t)files->count) {
        const DeltaFile *file = &files->items[position->index + 1];
        if (budget->taken > 0 &&
            (budget->taken >= budget->files || budget->bytes < file->size_bytes)) {
            *full = true;
            return;
        }
        budget->taken++;
        budget->bytes -= file->size_bytes;
        // A file that is read in pieces is a batch's only file.
        bool in_pieces = budget->rows > 0 || position->rows > 0;
        int64_t rows = in_pieces ? file_rows(file) : -1;
        if (budget->rows > 0 && rows - position->rows > budget->rows) {
            position->rows += budget->rows;
            *full = true;
            return;
        }
        position->rows = 0;
        position->index++;
        if (in_pieces) {
            *full = true;
            break;
        }
    }
    if (position->index + 1 >= (int64_t)files->count) {
        *position = (DeltaPosition){.version = position->version + 1, .index = -1};
    }
}

static bool walk_versions(Source *source, const SourceLimit *limit, DeltaPosition *position,
                          DeltaBudget *budget, Error *err)
{
    DeltaState *state = source->state;
    bool full = false;
    while (!full) {
        if (limit->to_end && state->is_fixed && position->version > state->fixed_version) {
            return true;
        }
        DeltaFiles files;
        bool found;
        if (!load_files(source, position, &files, &found, state->planning, err)) {
            return false;
        }
        if (!found) {
            // Versions may have come since the plan began; only the newest of now can be too old.
            bool exists = true;
            if (!delta_refresh(state->table, source->context.conn, &exists, err)) {
                return false;
            }
            int64_t newest = exists ? delta_version(delta_snapshot(state->table)) : -1;
            if (position->version > newest + 1) {
                const SourceDeltaConfig *config = source->config;
                return fail(err, ERROR_CORRUPT,
                            "'%s' is at version %" PRId64 ", but %" PRId64
                            " was read already: the table "
                            "was restored or overwritten from outside",
                            config->path, newest, position->version - 1);
            }
            return true;
        }
        take_files(&files, position, budget, &full);
        full = full || budget->taken >= budget->files || budget->bytes <= 0;
    }
    return true;
}

static bool delta_source_plan(Source *source, const SourceLimit *limit, Slice *end, bool *has_rows,
                              Error *err)
{
    const SourceDeltaConfig *config = source->config;
    DeltaState *state = source->state;
    arena_reset(state->planning);
    if (!state->current.is_starting) {
        forget_starting(state); // the batch that used it is over
    }
    bool exists = false;
    if (!delta_refresh(state->table, source->context.conn, &exists, err)) {
        return false;
    }
    if (!exists || (limit->to_end && state->is_fixed && state->fixed_version < 0)) {
        return true;
    }
    if (!check_table(source, err)) {
        return false;
    }
    bool had_position = state->has_position;
    DeltaPosition from = state->current;
    if (!had_position && !first_position(source, limit, &from, err)) {
        return false;
    }
    DeltaBudget budget = {
        .files = config->max_files > 0 ? config->max_files : INT64_MAX,
        .bytes = config->max_bytes > 0 ? config->max_bytes : limit->max_bytes,
        .rows = limit->max_rows,
    };
    if (limit->max_files > 0 && limit->max_files < budget.files) {
        budget.files = limit->max_files;
    }
    DeltaPosition to = from;
    if (!walk_versions(source, limit, &to, &budget, err)) {
        return false;
    }
    if (budget.taken > 0) {
        state->had_position = had_position;
        state->former = state->current;
        write_offset(state, &from, &to);
        *end = buffer_slice(&state->offset);
        *has_rows = true;
    }
    state->current = to; // versions without rows are passed without a batch
    state->has_position = true;
    return true;
}

static bool delta_source_fix_end(Source *source, Error *err)
{
    DeltaState *state = source->state;
    bool exists = false;
    if (!delta_refresh(state->table, source->context.conn, &exists, err)) {
        return false;
    }
    state->fixed_version = exists ? delta_version(delta_snapshot(state->table)) : -1;
    state->is_fixed = true;
    return true;
}

// ---- reading -------------------------------------------------------------------------------

// Collects the files of (from, to].
static bool collect(Source *source, DeltaPosition at, const DeltaPosition *to, DeltaFiles *batch,
                    Error *err)
{
    DeltaState *state = source->state;
    while (at.version < to->version || (at.version == to->version && at.index <= to->index)) {
        bool is_last = at.version == to->version;
        if (is_last && at.index >= to->index && to->rows == 0) {
            return true;
        }
        DeltaFiles files;
        bool found;
        if (!load_files(source, &at, &files, &found, state->reading, err)) {
            return false;
        }
        if (!found) {
            const SourceDeltaConfig *config = source->config;
            return fail(err, ERROR_CORRUPT, "version %" PRId64 " of '%s' is gone", at.version,
                        config->path);
        }
        int64_t last = is_last ? to->index + (to->rows > 0 ? 1 : 0) : (int64_t)files.count - 1;
        for (int64_t i = at.index + 1; i <= last && i < (int64_t)files.count; i++) {
            ARENA_PUSH(state->reading, batch->items, batch->count, batch->capacity, files.items[i]);
        }
        if (is_last) {
            return true;
        }
        at = (DeltaPosition){.version = at.version + 1, .index = -1};
    }
    return true;
}

static void write_columns(const Schema *schema, Buffer *sql)
{
    for (size_t i = 0; i < schema->count; i++) {
        buffer_append_text(sql, i == 0 ? "" : ", ");
        duck_quote_name(sql, slice_of(schema->columns[i].name));
    }
}

static bool delta_source_relation(Source *source, Slice start, Slice end, Buffer *sql, Error *err)
{
    (void)start; // `end` says where the batch starts
    DeltaState *state = source->state;
    arena_reset(state->reading);
    DeltaPosition from;
    DeltaPosition to;
    char *table_id;
    DeltaFiles batch = {0};
    if (!read_offset(end, &from, &to, &table_id, state->reading, err)) {
        return false;
    }
    if (delta_snapshot(state->table) == NULL) {
        bool exists = false;
        if (!delta_refresh(state->table, source->context.conn, &exists, err)) {
            return false;
        }
        if (!exists) {
            const SourceDeltaConfig *config = source->config;
            return fail(err, ERROR_CORRUPT, "the table in '%s' is gone", config->path);
        }
    }
    if (!collect(source, from, &to, &batch, err)) {
        return false;
    }
    buffer_append_text(sql, "(SELECT ");
    write_columns(&source->schema, sql);
    buffer_append_text(sql, " FROM ");
    if (!delta_files_sql(delta_snapshot(state->table), &batch, sql, err)) {
        return false;
    }
    state->rows = 0;
    for (size_t i = 0; i < batch.count; i++) {
        int64_t rows = file_rows(&batch.items[i]);
        state->rows = rows < 0 || state->rows < 0 ? -1 : state->rows + rows;
    }
    if (from.rows > 0 || to.rows > 0) { // one file, in its own order
        buffer_printf(sql, " OFFSET %" PRId64, from.rows);
        if (to.rows > 0) {
            buffer_printf(sql, " LIMIT %" PRId64, to.rows - from.rows);
            state->rows = to.rows - from.rows;
        }
    }
    buffer_append_char(sql, ')');
    return true;
}

static bool delta_source_whole(Source *source, Buffer *sql, Error *err)
{
    DeltaState *state = source->state;
    bool exists = false;
    if (!delta_refresh(state->table, source->context.conn, &exists, err)) {
        return false;
    }
    if (!exists) {
        const SourceDeltaConfig *config = source->config;
        return fail(err, ERROR_INPUT, "[DELTA_TABLE_NOT_FOUND] there is no Delta table in '%s'",
                    config->path);
    }
    return delta_scan_sql(delta_snapshot(state->table), sql, err);
}

static void delta_source_abandon(Source *source)
{
    DeltaState *state = source->state;
    state->current = state->former;
    state->has_position = state->had_position;
}

static void delta_source_metrics(Source *source, SourceMetrics *metrics)
{
    const DeltaState *state = source->state;
    metrics->rows = state->rows;
}

static void delta_source_close(Source *source)
{
    DeltaState *state = source->state;
    delta_snapshot_destroy(state->starting);
    delta_close(state->table);
    arena_destroy(state->planning);
    arena_destroy(state->reading);
    arena_destroy(state->starting_arena);
    buffer_done(&state->offset);
}

#define FIELD(name) offsetof(SourceDeltaConfig, name)

static const Option delta_options[] = {
    {"path", OPTION_TEXT, true, NULL, FIELD(path), "the table's folder"},
    {"maxFilesPerTrigger", OPTION_INT, false, "1000", FIELD(max_files), "most files in a batch"},
    {"maxBytesPerTrigger", OPTION_BYTES, false, "0", FIELD(max_bytes),
     "about the most bytes in a batch, at least one file; 0: the project's limit (64m)"},
    {"startingVersion", OPTION_TEXT, false, NULL, FIELD(starting_version),
     "the first version to read, or 'latest'; by default the table's present rows come first"},
    {"ignoreDeletes", OPTION_BOOL, false, "false", FIELD(ignore_deletes),
     "go on after versions that only deleted data"},
    {"ignoreChanges", OPTION_BOOL, false, "false", FIELD(ignore_changes),
     "read files again that a version rewrote; their unchanged rows repeat"},
    {"skipChangeCommits", OPTION_BOOL, false, "false", FIELD(skip_change_commits),
     "leave out versions that deleted or changed data"},
    {"startingTimestamp", OPTION_REFUSED, false, NULL, 0, "use startingVersion"},
    {"readChangeFeed", OPTION_REFUSED, false, NULL, 0, "change feeds are not read"},
    {"withEventTimeOrder", OPTION_REFUSED, false, NULL, 0,
     "the first snapshot is read in commit order"},
    {"schemaTrackingLocation", OPTION_REFUSED, false, NULL, 0, "schema changes stop the flow"},
};

void *source_delta_config(Arena *arena, const char *path, const Schema *schema)
{
    SourceDeltaConfig *config = ARENA_NEW(arena, SourceDeltaConfig);
    options_default(delta_options, ARRAY_LEN(delta_options), config, arena);
    config->path = arena_text(arena, slice_of(path));
    config->schema_hint = schema;
    return config;
}

bool source_delta_configure(void *config, const Relation *relation, Arena *arena,
                            Diagnostics *diagnostics)
{
    SourceDeltaConfig *own = config;
    SourceDeltaConfig filled = {0};
    Expr path = {.kind = EXPR_STRING, .pos = relation->pos, .text = slice_of(own->path)};
    Expr *first = &path;
    Relation call = *relation; // as if it were delta('path', key => 'value')
    call.arguments = (ExprList){.items = &first, .count = 1};
    if (!options_fill(delta_options, ARRAY_LEN(delta_options), "the stream of a Delta table", &call,
                      "path", &filled, arena, diagnostics)) {
        return false;
    }
    filled.schema_hint = own->schema_hint;
    *own = filled;
    return true;
}

const SourceType source_delta = {
    .name = "delta",
    .help = "a Delta table: its rows, then what each version adds",
    .flags = SOURCE_BATCH,
    .positional = "path",
    .config_size = sizeof(SourceDeltaConfig),
    .options = delta_options,
    .option_count = ARRAY_LEN(delta_options),
    .state_size = sizeof(DeltaState),
    .open = delta_source_open,
    .seek = delta_source_seek,
    .plan = delta_source_plan,
    .fix_end = delta_source_fix_end,
    .relation = delta_source_relation,
    .whole = delta_source_whole,
    .abandon = delta_source_abandon,
    .metrics = delta_source_metrics,
    .close = delta_source_close,
};
