// decode.c -- the table function: units to threads, records to rows, Spark's modes, counts.
// SPDX-License-Identifier: Apache-2.0
#include "duck/decode.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "duck/decode_csv.h"
#include "duck/decode_json.h"
#include "duck/duck_internal.h"

enum {
    THREADS_MAX = 64,
    STAGED_MAX = 8 << 20, // a chunk with more bytes of long strings ends early
    SHOWN_MAX = 80,       // bytes of data shown in a message
};

struct DecodeTable {
    Duck *duck;
    Arena *arena; // name, schema, options
    char *name;
    Schema schema;
    DecodeOptions options;
    DecodePattern *date;
    DecodePattern *timestamp;
    size_t corrupt; // schema index; SIZE_MAX: none
    size_t path;
    const DecodeInput *inputs;
    size_t input_count;
    atomic_llong rows;
    atomic_llong malformed;
};

// One statement's scan of the table.
typedef struct DecodeScan {
    DecodeTable *table;
    Arena *arena;
    ReadPlan plan;
    size_t *columns; // schema index of each output column
    size_t column_count;
    _Atomic size_t next_unit;
} DecodeScan;

typedef struct DecodeThread {
    DecodeScan *scan;
    Arena *arena;
    Reader reader;
    DecodeSlot *slots; // one per output column: decoded ones first, then those filled in
    size_t *places;    // output column -> slot
    size_t decoded_count;
    DecodeSlot *corrupt;
    DecodeSlot *path;
    DecodeSlot **fields; // CSV: by place in the line
    JsonDecoder *json;
    CsvDecoder *csv;
    bool has_unit;
    bool has_block;
    int64_t rows; // of the current unit, not yet in the table's counts
    int64_t malformed;
    Buffer repaired;
} DecodeThread;

// ---- the table -------------------------------------------------------------------------------

static bool type_is_allowed(DecodeFormat format, const Type *type, const Type **offender)
{
    *offender = type;
    bool nested = type->kind == TYPE_ARRAY || type->kind == TYPE_MAP || type->kind == TYPE_STRUCT;
    if (format == DECODE_CSV && (nested || type->kind == TYPE_BINARY)) {
        return false;
    }
    if (format == DECODE_TEXT && type->kind != TYPE_STRING) {
        return false;
    }
    return true;
}

static size_t special_column(const Schema *schema, const char *name)
{
    int index = name == NULL ? -1 : schema_find(schema, slice_of(name));
    return index >= 0 && schema->columns[index].type->kind == TYPE_STRING ? (size_t)index
                                                                          : SIZE_MAX;
}

static bool check_columns(const DecodeTable *table, Arena *scratch, Error *err)
{
    static const char *const formats[] = {"JSON", "CSV", "text"};
    DecodeFormat format = table->options.format;
    size_t decoded = 0;
    for (size_t i = 0; i < table->schema.count; i++) {
        const Column *column = &table->schema.columns[i];
        const Type *offender;
        DecodeSlot slot;
        bool is_decoded = i != table->corrupt && i != table->path;
        decoded += is_decoded;
        if (is_decoded && (!type_is_allowed(format, column->type, &offender) ||
                           !decode_slot_init(&slot, scratch, column->name, column->type, NULL, NULL,
                                             &offender))) {
            Buffer text = {0};
            type_print(offender, &text);
            fail(err, ERROR_INPUT, "column '%s': type %s cannot be read from %s%s", column->name,
                 buffer_text(&text), formats[format],
                 offender->kind == TYPE_MAP ? " (keys of a map must be STRING)" : "");
            buffer_done(&text);
            return false;
        }
    }
    if (format == DECODE_TEXT && decoded > 1) {
        return fail(err, ERROR_INPUT, "a text source has one STRING column, not %zu", decoded);
    }
    return true;
}

static bool check_options(DecodeTable *table, Error *err)
{
    const DecodeOptions *options = &table->options;
    if (options->separator != NULL && options->separator[0] == '\0') {
        return fail(err, ERROR_INPUT, "option sep must not be empty");
    }
    if (options->separator != NULL && strpbrk(options->separator, "\r\n") != NULL) {
        return fail(err, ERROR_INPUT, "option sep must not hold an end of line");
    }
    if (options->date_format != NULL &&
        !decode_pattern_compile(table->arena, "dateFormat", options->date_format, &table->date,
                                err)) {
        return false;
    }
    return options->timestamp_format == NULL ||
           decode_pattern_compile(table->arena, "timestampFormat", options->timestamp_format,
                                  &table->timestamp, err);
}

static const char *copy_text(Arena *arena, const char *text)
{
    return text == NULL ? NULL : arena_text(arena, slice_of(text));
}

static DecodeTable *new_table(DuckConn *conn, const char *name, const Schema *schema,
                              const DecodeOptions *options)
{
    Arena *arena = arena_create(0);
    DecodeTable *table = ARENA_NEW(arena, DecodeTable);
    table->duck = conn->duck;
    table->arena = arena;
    table->name = arena_text(arena, slice_of(name));
    table->schema = schema_copy(arena, schema);
    table->options = *options;
    table->options.corrupt_column = copy_text(arena, options->corrupt_column);
    table->options.file_path_column = copy_text(arena, options->file_path_column);
    table->options.separator = copy_text(arena, options->separator);
    table->options.comment = copy_text(arena, options->comment);
    table->options.null_value = copy_text(arena, options->null_value);
    table->options.date_format = copy_text(arena, options->date_format);
    table->options.timestamp_format = copy_text(arena, options->timestamp_format);
    table->corrupt = special_column(
        schema, options->corrupt_column == NULL ? "_corrupt_record" : options->corrupt_column);
    table->path = special_column(schema, options->file_path_column);
    return table;
}

static void *scan_open(void *context, const size_t *columns, size_t column_count, int *max_threads,
                       Error *err);
static void *scan_open_thread(void *state);
static int64_t scan_next(void *state, void *context, DuckColumn *columns, uint64_t capacity,
                         Error *err);
static void scan_close_thread(void *context);
static void scan_close(void *state);

bool decode_table_create(DuckConn *conn, const char *name, const Schema *schema,
                         const DecodeOptions *options, DecodeTable **table, Error *err)
{
    DecodeTable *made = new_table(conn, name, schema, options);
    DuckTable function = {
        .name = made->name,
        .schema = &made->schema,
        .open = scan_open,
        .open_thread = scan_open_thread,
        .next = scan_next,
        .close_thread = scan_close_thread,
        .close = scan_close,
        .context = made,
    };
    if (!check_columns(made, made->arena, err) || !check_options(made, err) ||
        !duck_register_table(conn, &function, err)) {
        arena_destroy(made->arena);
        return false;
    }
    *table = made;
    return true;
}

void decode_table_destroy(DecodeTable *table)
{
    if (table == NULL) {
        return;
    }
    DuckConn conn = {.duck = table->duck};
    duck_function_retire(&conn, table->name);
    arena_destroy(table->arena);
}

void decode_table_set(DecodeTable *table, const DecodeInput *inputs, size_t input_count)
{
    table->inputs = inputs;
    table->input_count = input_count;
    atomic_store(&table->rows, 0);
    atomic_store(&table->malformed, 0);
}

DecodeCounts decode_table_counts(const DecodeTable *table)
{
    return (DecodeCounts){.rows = atomic_load(&table->rows),
                          .malformed = atomic_load(&table->malformed)};
}

// ---- a scan ----------------------------------------------------------------------------------

static void *scan_open(void *context, const size_t *columns, size_t column_count, int *max_threads,
                       Error *err)
{
    (void)err;
    DecodeTable *table = context;
    Arena *arena = arena_create(0);
    DecodeScan *scan = ARENA_NEW(arena, DecodeScan);
    scan->table = table;
    scan->arena = arena;
    scan->columns = ARENA_ARRAY(arena, size_t, column_count + 1);
    memcpy(scan->columns, columns, column_count * sizeof *columns);
    scan->column_count = column_count;
    bool apart =
        (table->options.format == DECODE_CSV && table->options.header) || table->path != SIZE_MAX;
    decode_read_plan(&scan->plan, arena, table->inputs, table->input_count, apart);
    *max_threads = scan->plan.count > THREADS_MAX ? THREADS_MAX : (int)scan->plan.count;
    return scan;
}

static void scan_close(void *state)
{
    DecodeScan *scan = state;
    arena_destroy(scan->arena);
}

// The fields of a CSV line are the schema's columns in order, without those that are filled in.
static void lay_out_fields(DecodeThread *thread)
{
    const DecodeScan *scan = thread->scan;
    const DecodeTable *table = scan->table;
    thread->fields = ARENA_ARRAY(thread->arena, DecodeSlot *, table->schema.count + 1);
    size_t count = 0;
    for (size_t i = 0; i < table->schema.count; i++) {
        if (i == table->corrupt || i == table->path) {
            continue;
        }
        for (size_t k = 0; k < scan->column_count; k++) {
            if (scan->columns[k] == i) {
                thread->fields[count] = &thread->slots[thread->places[k]];
            }
        }
        count++;
    }
    thread->csv = decode_csv_create(thread->arena, &table->options, thread->fields, count);
}

static void lay_out_slots(DecodeThread *thread)
{
    const DecodeScan *scan = thread->scan;
    const DecodeTable *table = scan->table;
    size_t last = scan->column_count;
    for (size_t i = 0; i < scan->column_count; i++) {
        size_t index = scan->columns[i];
        bool is_filled = index == table->corrupt || index == table->path;
        size_t place = is_filled ? --last : thread->decoded_count++;
        const Column *column = &table->schema.columns[index];
        const Type *offender; // the types were checked when the table was made
        (void)decode_slot_init(&thread->slots[place], thread->arena, column->name, column->type,
                               table->date, table->timestamp, &offender);
        thread->places[i] = place;
        if (index == table->corrupt) {
            thread->corrupt = &thread->slots[place];
        } else if (index == table->path) {
            thread->path = &thread->slots[place];
        }
    }
}

static void *scan_open_thread(void *state)
{
    DecodeScan *scan = state;
    const DecodeTable *table = scan->table;
    Arena *arena = arena_create(0);
    DecodeThread *thread = ARENA_NEW(arena, DecodeThread);
    thread->scan = scan;
    thread->arena = arena;
    thread->reader.plan = &scan->plan;
    thread->slots = ARENA_ARRAY(arena, DecodeSlot, scan->column_count + 1);
    thread->places = ARENA_ARRAY(arena, size_t, scan->column_count + 1);
    lay_out_slots(thread);
    if (table->options.format == DECODE_JSON) {
        thread->json = decode_json_create(arena, thread->slots, thread->decoded_count,
                                          table->options.exact_names);
    } else {
        lay_out_fields(thread);
    }
    return thread;
}

static void scan_close_thread(void *context)
{
    DecodeThread *thread = context;
    for (size_t i = 0; i < thread->scan->column_count; i++) {
        decode_slot_done(&thread->slots[i]);
    }
    decode_json_destroy(thread->json);
    decode_csv_destroy(thread->csv);
    decode_read_done(&thread->reader);
    buffer_done(&thread->repaired);
    arena_destroy(thread->arena);
}

// ---- records ---------------------------------------------------------------------------------

static bool next_record(DecodeThread *thread, uint64_t row, DecodeRecord *record)
{
    switch (thread->scan->table->options.format) {
    case DECODE_JSON:
        return decode_json_next(thread->json, row, record);
    case DECODE_CSV:
        return decode_csv_next(thread->csv, row, record);
    default:
        return decode_csv_next_text(thread->csv, row, record);
    }
}

static void publish_counts(DecodeThread *thread)
{
    DecodeTable *table = thread->scan->table;
    if (thread->rows > 0) {
        atomic_fetch_add(&table->rows, thread->rows);
    }
    if (thread->malformed > 0) {
        atomic_fetch_add(&table->malformed, thread->malformed);
    }
    thread->rows = thread->malformed = 0;
}

// Makes the next block current. 1: there is one; 0: nothing left; -1: error.
static int next_block(DecodeThread *thread, Error *err)
{
    DecodeScan *scan = thread->scan;
    ReadBlock block;
    while (!thread->has_unit || !decode_read_block(&thread->reader, &block)) {
        publish_counts(thread);
        size_t unit = atomic_fetch_add(&scan->next_unit, 1);
        thread->has_unit = false;
        if (unit >= scan->plan.count) {
            return 0;
        }
        if (!decode_read_unit(&thread->reader, &scan->plan.units[unit], err)) {
            return -1;
        }
        thread->has_unit = true;
    }
    if (thread->json != NULL) {
        decode_json_load(thread->json, &block);
    } else {
        decode_csv_load(thread->csv, &block);
    }
    return 1;
}

// What Spark calls the type in messages: INT, DECIMAL(10,2).
static void append_type(Buffer *out, const Type *type)
{
    size_t start = out->size;
    type_print(type, out);
    for (size_t i = start; i < out->size; i++) {
        char c = out->data[i];
        out->data[i] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
    }
}

static void append_shown(Buffer *out, DecodeThread *thread, Slice text)
{
    bool cut = text.size > SHOWN_MAX;
    text.size = cut ? SHOWN_MAX : text.size;
    buffer_append(out, decode_line_repair(text, &thread->repaired));
    buffer_append_text(out, cut ? "..." : "");
}

static bool fail_record(DecodeThread *thread, const DecodeRecord *record, Error *err)
{
    Buffer text = {0};
    decode_read_where(&thread->reader, record->line.data, &text);
    buffer_append_text(&text, ": cannot read '");
    if (record->bad_slot != NULL) {
        append_shown(&text, thread, record->bad_text);
        buffer_append_text(&text, "' as ");
        append_type(&text, record->bad_slot->type);
        buffer_printf(&text, " for column '%s'", record->bad_slot->name);
    } else {
        append_shown(&text, thread, record->line);
        buffer_printf(&text, "': %s", record->problem == NULL ? "malformed" : record->problem);
    }
    fail(err, ERROR_INPUT,
         "[MALFORMED_RECORD_IN_PARSING] %s (mode FAILFAST; PERMISSIVE reads such fields as NULL)",
         buffer_text(&text));
    buffer_done(&text);
    return false;
}

static void undo_row(DecodeThread *thread, uint64_t row)
{
    for (size_t i = 0; i < thread->scan->column_count; i++) {
        decode_slot_undo(&thread->slots[i], row);
    }
}

// A malformed record under the table's mode. *kept: row `row` stays.
static bool settle_malformed(DecodeThread *thread, const DecodeRecord *record, uint64_t row,
                             bool *kept, Error *err)
{
    thread->malformed++;
    DecodeMode mode = thread->scan->table->options.mode;
    *kept = mode == DECODE_PERMISSIVE;
    if (mode == DECODE_FAILFAST) {
        return fail_record(thread, record, err);
    }
    if (mode == DECODE_DROPMALFORMED) {
        undo_row(thread, row);
        return true;
    }
    if (record->outcome == RECORD_BROKEN) {
        undo_row(thread, row);
        for (size_t i = 0; i < thread->decoded_count; i++) {
            decode_slot_set_null(&thread->slots[i], row);
        }
    }
    if (thread->corrupt != NULL) {
        Slice line = decode_line_repair(record->line, &thread->repaired);
        decode_slot_set_text(thread->corrupt, row, line, NULL);
    }
    return true;
}

static void fill_path(DecodeThread *thread, uint64_t row)
{
    const char *path = thread->scan->plan.inputs[thread->reader.unit->input].path;
    if (path == NULL) {
        decode_slot_set_null(thread->path, row);
    } else {
        decode_slot_set_text(thread->path, row, slice_of(path), NULL);
    }
}

static bool take_record(DecodeThread *thread, const DecodeRecord *record, uint64_t *row, Error *err)
{
    bool kept = true;
    thread->rows++;
    if (record->outcome != RECORD_GOOD) {
        if (!settle_malformed(thread, record, *row, &kept, err)) {
            return false;
        }
    } else if (thread->corrupt != NULL) {
        decode_slot_set_null(thread->corrupt, *row);
    }
    if (kept) {
        if (thread->path != NULL) {
            fill_path(thread, *row);
        }
        (*row)++;
    }
    return true;
}

static bool is_full(const DecodeThread *thread)
{
    size_t staged = 0;
    for (size_t i = 0; i < thread->scan->column_count; i++) {
        staged += thread->slots[i].staged.size;
    }
    return staged > STAGED_MAX;
}

static int64_t scan_next(void *state, void *context, DuckColumn *columns, uint64_t capacity,
                         Error *err)
{
    DecodeScan *scan = state;
    DecodeThread *thread = context;
    for (size_t i = 0; i < scan->column_count; i++) {
        decode_slot_bind(&thread->slots[thread->places[i]], &columns[i]);
    }
    uint64_t row = 0;
    while (row < capacity) {
        DecodeRecord record;
        if (thread->has_block && next_record(thread, row, &record)) {
            if (!take_record(thread, &record, &row, err)) {
                return -1;
            }
            continue;
        }
        // Between blocks is often enough to look: a block bounds what it can stage.
        if (row > 0 && is_full(thread)) {
            thread->has_block = false;
            break;
        }
        int more = next_block(thread, err);
        thread->has_block = more > 0;
        if (more < 0) {
            return -1;
        }
        if (more == 0) {
            break;
        }
    }
    for (size_t i = 0; i < scan->column_count; i++) {
        decode_slot_flush(&thread->slots[i], row);
    }
    return (int64_t)row;
}
