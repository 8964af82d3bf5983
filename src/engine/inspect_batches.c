// batches('flow'): what the records of the log say of their batches. See inspect.h.
// SPDX-License-Identifier: Apache-2.0
#include <jansson.h>
#include <stdlib.h>

#include "engine/inspect.h"
#include "state/records.h"

enum { COLUMN_COUNT = 10, OFFSETS = 8, MARKER = 9 };

typedef struct BatchRow {
    int64_t numbers[OFFSETS]; // TIME_MIN: NULL
    const char **offsets;     // NULL: the source has not been read yet
    size_t offset_count;
    const char *marker; // NULL: nothing was given to the sink
} BatchRow;

typedef struct BatchesView {
    Arena *arena; // of the rows
    BatchRow *rows;
    size_t count;
    size_t capacity;
    DuckConn *conn;
    const char *function;
} BatchesView;

static void make_schema(Arena *arena, Schema *schema)
{
    static const struct {
        const char *name;
        TypeKind type;
    } columns[] = {
        {"batch", TYPE_BIGINT},       {"time", TYPE_TIMESTAMP},     {"watermark", TYPE_TIMESTAMP},
        {"input_rows", TYPE_BIGINT},  {"output_rows", TYPE_BIGINT}, {"state_rows", TYPE_BIGINT},
        {"state_bytes", TYPE_BIGINT}, {"duration_ms", TYPE_BIGINT},
    };
    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        schema_add(arena, schema, columns[i].name, type_simple(columns[i].type), true);
    }
    schema_add(arena, schema, "offsets", type_array(arena, type_simple(TYPE_STRING)), true);
    schema_add(arena, schema, "marker", type_simple(TYPE_STRING), true);
}

// ---- reading the log ---------------------------------------------------------------------------

static int64_t number_of(const json_t *meta, const char *key)
{
    const json_t *value = json_object_get(meta, key);
    return json_is_integer(value) ? json_integer_value(value) : TIME_MIN;
}

static bool see_record(void *context, const LogRecord *record, Error *err)
{
    BatchesView *view = context;
    const StatePosition *position = &record->position;
    json_t *meta = json_loadb(position->meta.data, position->meta.size, 0, NULL);
    if (meta == NULL) {
        return fail(err, ERROR_CORRUPT, "the plan of batch %lld cannot be read",
                    (long long)position->batch);
    }
    int64_t duration = number_of(meta, "duration");
    BatchRow row = {.numbers = {
                        position->batch,
                        number_of(meta, "time"),
                        number_of(meta, "watermark"),
                        number_of(meta, "input_rows"),
                        number_of(meta, "sink_rows"),
                        number_of(meta, "state_rows"),
                        number_of(meta, "state_bytes"),
                        duration == TIME_MIN ? duration : duration / TIME_MS,
                    }};
    const json_t *sources = json_object_get(meta, "sources");
    row.offset_count = json_array_size(sources);
    row.offsets = ARENA_ARRAY(view->arena, const char *, row.offset_count + 1);
    for (size_t i = 0; i < row.offset_count; i++) {
        const char *text = json_string_value(json_array_get(sources, i));
        bool is_read = text != NULL && text[0] != '\0';
        row.offsets[i] = is_read ? arena_text(view->arena, slice_of(text)) : NULL;
    }
    if (number_of(meta, "given") == position->batch) {
        row.marker = arena_printf(view->arena, "epoch %lld, crc %08x", (long long)position->epoch,
                                  position->crc);
    }
    json_decref(meta);
    ARENA_PUSH(view->arena, view->rows, view->count, view->capacity, row);
    return true;
}

static bool read_batches(Source *source, Error *err)
{
    const InspectConfig *config = source->config;
    BatchesView *view = source->state;
    arena_reset(view->arena);
    view->rows = NULL;
    view->count = view->capacity = 0;
    return records_read(config->folder, see_record, view, err);
}

// ---- showing it --------------------------------------------------------------------------------

typedef struct BatchesScan {
    const BatchesView *view;
    size_t row;
    size_t columns[COLUMN_COUNT];
    size_t column_count;
} BatchesScan;

static void *scan_open(void *context, const size_t *columns, size_t column_count, int *max_threads,
                       Error *err)
{
    BatchesScan *scan = calloc(1, sizeof *scan);
    if (scan == NULL) {
        fail(err, ERROR_FAILED, "out of memory");
        return NULL;
    }
    *max_threads = 1;
    scan->view = context;
    scan->column_count = column_count < COLUMN_COUNT ? column_count : COLUMN_COUNT;
    memcpy(scan->columns, columns, scan->column_count * sizeof *columns);
    return scan;
}

static void show_offsets(const BatchRow *row, DuckColumn *column, uint64_t at)
{
    uint64_t first = duck_set_list(column, at, row->offset_count);
    DuckColumn texts = duck_child(column, 0);
    for (size_t i = 0; i < row->offset_count; i++) {
        if (row->offsets[i] == NULL) {
            duck_set_null(&texts, first + i);
        } else {
            duck_set_text(&texts, first + i, slice_of(row->offsets[i]));
        }
    }
}

static void show_value(const BatchRow *row, size_t index, DuckColumn *column, uint64_t at)
{
    if (index == OFFSETS) {
        show_offsets(row, column, at);
    } else if (index == MARKER && row->marker != NULL) {
        duck_set_text(column, at, slice_of(row->marker));
    } else if (index == MARKER || row->numbers[index] == TIME_MIN) {
        duck_set_null(column, at);
    } else {
        duck_set_int(column, at, row->numbers[index]);
    }
}

static int64_t scan_next(void *state, void *thread, DuckColumn *columns, uint64_t capacity,
                         Error *err)
{
    (void)thread;
    (void)err;
    BatchesScan *scan = state;
    uint64_t at = 0;
    for (; at < capacity && scan->row < scan->view->count; at++, scan->row++) {
        for (size_t i = 0; i < scan->column_count; i++) {
            if (scan->columns[i] < COLUMN_COUNT) {
                show_value(&scan->view->rows[scan->row], scan->columns[i], &columns[i], at);
            }
        }
    }
    return (int64_t)at;
}

static bool batches_open(Source *source, Error *err)
{
    const InspectConfig *config = source->config;
    BatchesView *view = source->state;
    Arena *arena = source->context.arena;
    view->arena = arena_create(0);
    make_schema(arena, &source->schema);
    if (!inspect_retry(read_batches, source, err) ||
        !duck_connect(config->duck, &view->conn, err)) {
        return false;
    }
    const char *name = arena_printf(arena, "inspect_batches_%s", source->context.unique);
    DuckTable table = {
        .name = name,
        .schema = &source->schema,
        .open = scan_open,
        .next = scan_next,
        .close = free,
        .context = view,
    };
    if (!duck_register_table(view->conn, &table, err)) {
        return false;
    }
    view->function = name;
    return true;
}

static bool batches_whole(Source *source, Buffer *sql, Error *err)
{
    (void)err;
    const BatchesView *view = source->state;
    buffer_printf(sql, "%s()", view->function);
    return true;
}

static void batches_close(Source *source)
{
    BatchesView *view = source->state;
    if (view->function != NULL) {
        duck_function_retire(view->conn, view->function);
    }
    duck_disconnect(view->conn);
    arena_destroy(view->arena);
}

static const Option batches_options[] = {
    {"flow", OPTION_TEXT, true, NULL, offsetof(InspectConfig, flow), "the flow whose batches"},
};

const SourceType inspect_batches = {
    .name = "batches",
    .help = "the batches of a flow that its log still has",
    .flags = SOURCE_BATCH,
    .positional = "flow",
    .config_size = sizeof(InspectConfig),
    .options = batches_options,
    .option_count = ARRAY_LEN(batches_options),
    .state_size = sizeof(BatchesView),
    .open = batches_open,
    .whole = batches_whole,
    .close = batches_close,
};
