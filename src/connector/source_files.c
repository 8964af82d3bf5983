// read_files(path, ...): files of a folder as a stream, each exactly once.
//
// A file is taken once it is visible under a final name, so writers make files elsewhere (or under
// a name that begins with '_' or '.' or ends in .tmp) and rename them. What was visible when the
// batch was planned is read; bytes appended later are not.
//
// Consumed: StateTable path -> {size, mtime}, two little-endian int64. Offset: the files of the
// batch, {"files":[[path, size, mtime],...]}; a file that is read in pieces (tests' one-row
// batches) has {..., from, to} in bytes, and the last piece of an offset says where to go on.
// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include "base/map.h"
#include "connector/file_piece.h"
#include "connector/registry.h"
#include "duck/decode.h"
#include "sql/parser.h"

typedef struct FilesConfig {
    const char *path;
    const char *format;
    const char *schema;
    bool header;
    const char *separator;
    const char *quote;
    const char *escape;
    const char *comment;
    const char *null_value;
    const char *mode;
    const char *corrupt_column;
    const char *date_format;
    const char *timestamp_format;
    bool trim_leading;
    bool trim_trailing;
    int64_t max_files;
    int64_t max_bytes;
    bool latest_first;
    const char *name_filter;
    bool recursive;
    const char *clean_source;
} FilesConfig;

typedef enum FilesFormat {
    FILES_JSON,
    FILES_CSV,
    FILES_TEXT,
    FILES_PARQUET,
} FilesFormat;

typedef struct FilesState {
    FilesFormat format;
    FileQuery query;
    DecodeTable *table; // not for Parquet
    char *table_name;

    Arena *listing;   // holds `backlog`
    FileList backlog; // listed, not yet planned: [head, count)
    size_t head;
    TimeUs folder_modified; // at the last listing, when that was long enough after it; else -1
    bool is_fixed;          // --once: no more listing

    FilePiece resume; // the rest of a file that is read in pieces; file.name NULL: none
    size_t old_head;  // before the last plan, for abandon
    FilePiece old_resume;
    size_t old_planned;
    Arena *planning;   // holds `planned`
    PieceList planned; // not yet recorded
    Map *taken;        // names in `planned`, or everything when there is no StateTable
    Buffer offset;

    Arena *reading; // holds what the statement reads
    Buffer scratch; // of lookups in the state
    Error problem;  // of a lookup that failed
} FilesState;

// ---- configuration -------------------------------------------------------------------------

// In the order of FilesFormat and of DecodeMode.
#define FORMATS "json|csv|text|parquet"
#define MODES   "PERMISSIVE|DROPMALFORMED|FAILFAST"

static bool one_char(const char *option, const char *text, char *out, Error *err)
{
    if (text == NULL) {
        return true;
    }
    if (strlen(text) != 1) {
        return fail(err, ERROR_INPUT, "option '%s' must be one character, not '%s'", option, text);
    }
    *out = text[0];
    return true;
}

static bool decode_options(const FilesConfig *config, FilesFormat format, DecodeOptions *options,
                           Error *err)
{
    *options = (DecodeOptions){
        .format = format == FILES_JSON  ? DECODE_JSON
                  : format == FILES_CSV ? DECODE_CSV
                                        : DECODE_TEXT,
        .corrupt_column = config->corrupt_column,
        .exact_names = true, // as Spark: a key of another case is another key
        .header = config->header && format == FILES_CSV,
        .separator = config->separator,
        .comment = config->comment,
        .null_value = config->null_value,
        .trim_leading = config->trim_leading,
        .trim_trailing = config->trim_trailing,
        .date_format = config->date_format,
        .timestamp_format = config->timestamp_format,
    };
    if (config->separator != NULL && config->separator[0] == '\0') {
        return fail(err, ERROR_INPUT, "option 'sep' must not be empty");
    }
    options->mode = (DecodeMode)option_choice(MODES, config->mode);
    return one_char("quote", config->quote, &options->quote, err) &&
           one_char("escape", config->escape, &options->escape, err);
}

// "./logs/" and "logs" are the same folder, also in the checkpoint.
static const char *plain_path(const char *path, Arena *arena)
{
    while (path[0] == '.' && path[1] == '/' && path[2] != '\0') {
        path += 2;
    }
    size_t size = strlen(path);
    while (size > 1 && path[size - 1] == '/') {
        size--;
    }
    return arena_text(arena, (Slice){path, size});
}

static bool is_consumed(void *context, const char *name)
{
    const Source *source = context;
    FilesState *state = source->state;
    Slice key = slice_of(name);
    Slice value;
    bool found = false;
    if (map_has(state->taken, key)) {
        return true;
    }
    // What cannot be known is left out here; the batch fails with the reason.
    return source->consumed != NULL && (!state_lookup(source->consumed, 0, key, &state->scratch,
                                                      &value, &found, &state->problem) ||
                                        found);
}

// The problem that is_consumed met, if any.
static bool check_problem(FilesState *state, Error *err)
{
    if (state->problem.kind == ERROR_NONE) {
        return true;
    }
    *err = state->problem;
    state->problem = (Error){0};
    return false;
}

// A name as a schema may say it, in backticks where it needs them.
static void print_schema_name(const char *name, Buffer *out)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    bool is_plain = name[strspn(name, plain)] == '\0' && (name[0] < '0' || name[0] > '9');
    buffer_printf(out, is_plain ? "%s" : "`%s`", name);
}

// A type as a schema may say it; what only DuckDB has (a UUID, a time of day) is a STRING.
static void print_schema_type(const Type *type, Buffer *out)
{
    switch (type->kind) {
    case TYPE_VOID:
    case TYPE_OTHER:
    case TYPE_INTERVAL:
        buffer_append_text(out, "STRING");
        break;
    case TYPE_TIMESTAMP_NTZ:
        buffer_append_text(out, "TIMESTAMP");
        break;
    case TYPE_ARRAY:
        buffer_append_text(out, "ARRAY<");
        print_schema_type(type->element, out);
        buffer_append_text(out, ">");
        break;
    case TYPE_MAP:
        buffer_append_text(out, "MAP<");
        print_schema_type(type->key, out);
        buffer_append_text(out, ", ");
        print_schema_type(type->element, out);
        buffer_append_text(out, ">");
        break;
    case TYPE_STRUCT:
        for (size_t i = 0; i < type->fields.count; i++) {
            buffer_append_text(out, i == 0 ? "STRUCT<" : ", ");
            print_schema_name(type->fields.columns[i].name, out);
            buffer_append_text(out, ": ");
            print_schema_type(type->fields.columns[i].type, out);
        }
        buffer_append_text(out, ">");
        break;
    default:
        type_print(type, out);
        break;
    }
}

// "name TYPE, ..." that fits the first files as they are now; empty when none can be read.
static void guess_schema(const Source *source, Buffer *out)
{
    enum { LOOK_AT = 8 };
    const FilesState *state = source->state;
    const FilesConfig *config = source->config;
    FileList found;
    Schema schema = {0};
    Buffer sql = {0};
    Error err;
    if (!file_list_read(&state->query, &found, state->listing, &err) || found.count == 0) {
        return;
    }
    buffer_printf(&sql, "SELECT * FROM %s([",
                  state->format == FILES_JSON  ? "read_json"
                  : state->format == FILES_CSV ? "read_csv"
                                               : "read_parquet");
    for (size_t i = 0; i < found.count && i < LOOK_AT; i++) {
        buffer_append_text(&sql, i == 0 ? "" : ", ");
        duck_quote_path(
            &sql, slice_of(file_list_resolve(&state->query, found.items[i].name, state->listing)));
    }
    buffer_append_text(&sql, state->format == FILES_JSON      ? "], format = 'newline_delimited')"
                             : state->format == FILES_PARQUET ? "])"
                             : config->header                 ? "], header = true)"
                                                              : "], header = false)");
    if (duck_describe(source->context.conn, buffer_text(&sql), &schema, state->listing, NULL,
                      &err)) {
        for (size_t i = 0; i < schema.count; i++) {
            buffer_append_text(out, i == 0 ? "" : ", ");
            print_schema_name(schema.columns[i].name, out);
            buffer_append_text(out, " ");
            print_schema_type(schema.columns[i].type, out);
        }
    }
    buffer_done(&sql);
}

static bool find_schema(Source *source, Error *err)
{
    const FilesConfig *config = source->config;
    FilesState *state = source->state;
    Arena *arena = source->context.arena;
    if (config->schema != NULL) {
        return sql_parse_columns(arena, slice_of(config->schema), &source->schema, err) ||
               fail_context(err, "option 'schema'");
    }
    if (state->format == FILES_TEXT) {
        schema_add(arena, &source->schema, "value", type_simple(TYPE_STRING), true);
        return true;
    }
    Buffer guess = {0};
    guess_schema(source, &guess);
    fail(err, ERROR_INPUT,
         "[CANNOT_INFER_EMPTY_SCHEMA] read_files needs a schema; %sschema => '%s'",
         guess.size == 0 ? "" : "this one fits the files that are there: ",
         guess.size == 0 ? "name TYPE, ..." : buffer_text(&guess));
    buffer_done(&guess);
    return false;
}

static bool files_open(Source *source, Error *err)
{
    const FilesConfig *config = source->config;
    FilesState *state = source->state;
    Arena *arena = source->context.arena;
    state->listing = arena_create(0);
    state->planning = arena_create(0);
    state->reading = arena_create(0);
    state->taken = map_create(false);
    state->folder_modified = -1;
    state->format = (FilesFormat)option_choice(FORMATS, config->format);
    if (!text_equal_nocase(config->clean_source, "off")) {
        return fail(err, ERROR_INPUT,
                    "cleanSource '%s' is not supported; files stay where they are",
                    config->clean_source);
    }
    if (strstr(config->path, "://") != NULL) {
        return fail(err, ERROR_INPUT,
                    "cannot read '%s': only folders of this machine are supported", config->path);
    }
    if (config->path[0] == '\0') {
        return fail(err, ERROR_INPUT, "the path is empty");
    }
    state->query = (FileQuery){
        .root = source->context.project_root,
        .path = plain_path(config->path, arena),
        .recursive = config->recursive,
        .newest_first = config->latest_first,
        .name_filter = config->name_filter,
        .skip = is_consumed,
        .context = source,
    };
    FileList found; // a missing folder is told now, not at the first batch
    if (!find_schema(source, err) || !file_list_read(&state->query, &found, state->listing, err)) {
        return false;
    }
    arena_reset(state->listing);
    if (state->format == FILES_PARQUET) {
        return true;
    }
    DecodeOptions options;
    state->table_name = arena_printf(arena, "read_files_%s", source->context.unique);
    return decode_options(config, state->format, &options, err) &&
           decode_table_create(source->context.conn, state->table_name, &source->schema, &options,
                               &state->table, err);
}

static bool files_seek(Source *source, Slice offset, Error *err)
{
    FilesState *state = source->state;
    PieceList pieces = {0};
    state->resume = (FilePiece){0};
    if (offset.size == 0) {
        return true;
    }
    if (!file_pieces_read(offset, &pieces, state->reading, err)) {
        return false;
    }
    if (pieces.count > 0) {
        FilePiece last = pieces.items[pieces.count - 1];
        if (last.to < last.file.size) {
            last.file.name = arena_text(source->context.arena, slice_of(last.file.name));
            last.from = last.to;
            last.to = last.file.size;
            state->resume = last;
        }
    }
    arena_reset(state->reading);
    return true;
}

// ---- planning ------------------------------------------------------------------------------

// The folder's own time, when a file cannot appear in it without changing that.
static TimeUs folder_time(const FilesState *state)
{
    struct stat st;
    if (state->query.recursive || strpbrk(state->query.path, "*?[{") != NULL) {
        return -1;
    }
    Buffer path = {0};
    if (state->query.path[0] != '/' && state->query.root != NULL) {
        buffer_printf(&path, "%s/", state->query.root);
    }
    buffer_append_text(&path, state->query.path);
    bool found = stat(buffer_text(&path), &st) == 0 && S_ISDIR(st.st_mode);
    buffer_done(&path);
    return found ? (TimeUs)st.st_mtim.tv_sec * TIME_SECOND + st.st_mtim.tv_nsec / 1000 : -1;
}

static bool list_files(Source *source, Error *err)
{
    FilesState *state = source->state;
    TimeUs modified = folder_time(state);
    if (modified >= 0 && modified == state->folder_modified) {
        return true; // nothing was added since all of it was seen
    }
    arena_reset(state->listing);
    state->backlog = (FileList){0};
    state->head = 0;
    state->folder_modified = -1;
    if (!file_list_read(&state->query, &state->backlog, state->listing, err) ||
        !check_problem(state, err)) {
        return false;
    }
    // A folder's time is coarse: only one that is well past is proof that nothing came since.
    if (modified >= 0 && clock_now(clock_system()) - modified > 2 * TIME_SECOND) {
        state->folder_modified = modified;
    }
    return true;
}

static bool check_name(const char *name, Error *err)
{
    static const char *const suffixes[] = {".gz",     ".bz2", ".zst",    ".lz4",
                                           ".snappy", ".xz",  ".deflate"};
    size_t size = strlen(name);
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        size_t suffix = strlen(suffixes[i]);
        if (size > suffix && text_equal_nocase(name + size - suffix, suffixes[i])) {
            return fail(err, ERROR_INPUT,
                        "'%s' is compressed, which is not supported; decompress it, or leave such "
                        "files out with pathGlobFilter",
                        name);
        }
    }
    return true;
}

// The next piece to read: the rest of a file in pieces, or the next file. False: none.
static bool next_piece(Source *source, FilePiece *piece)
{
    FilesState *state = source->state;
    if (state->resume.file.name != NULL) {
        *piece = state->resume;
        state->resume = (FilePiece){0};
        return true;
    }
    while (state->head < state->backlog.count) {
        const ListedFile *listed = &state->backlog.items[state->head++];
        ListedFile file;
        if (is_consumed(source, listed->name) ||
            !file_list_stat(&state->query, listed->name, &file)) {
            continue; // taken meanwhile, or gone
        }
        *piece = (FilePiece){.file = file, .to = file.size};
        return true;
    }
    return false;
}

static PieceFormat piece_format(const Source *source)
{
    const FilesConfig *config = source->config;
    const FilesState *state = source->state;
    return (PieceFormat){.has_header = state->format == FILES_CSV && config->header,
                         .counts_blanks = state->format == FILES_TEXT};
}

static int64_t smaller_limit(int64_t a, int64_t b)
{
    return a <= 0 ? b : b <= 0 || a < b ? a : b;
}

// Cuts the piece to what the limit on rows leaves; the rest becomes `resume`.
static bool cut_piece(Source *source, FilePiece *piece, int64_t *rows_left, Error *err)
{
    FilesState *state = source->state;
    if (*rows_left <= 0 || state->format == FILES_PARQUET) {
        return true;
    }
    int64_t rows = *rows_left;
    int64_t to = piece->to;
    const char *resolved = file_list_resolve(&state->query, piece->file.name, state->reading);
    if (!file_piece_find_rows(piece, resolved, piece_format(source), &rows, &to, err)) {
        return false;
    }
    *rows_left -= rows;
    if (to < piece->to) {
        state->resume = *piece;
        state->resume.from = to;
        if (piece->from == 0) { // a later piece's name outlives the listing already
            state->resume.file.name = arena_text(source->context.arena, slice_of(piece->file.name));
        }
        piece->to = to;
    }
    return true;
}

static void forget_plan(FilesState *state)
{
    state->head = state->old_head;
    state->resume = state->old_resume;
    for (size_t i = state->old_planned; i < state->planned.count; i++) {
        const FilePiece *piece = &state->planned.items[i];
        if (piece->from == 0) { // the start of the others was taken by an earlier batch
            map_remove_fast(state->taken, slice_of(piece->file.name));
        }
    }
    state->planned.count = state->old_planned;
}

static bool take_pieces(Source *source, const SourceLimit *limit, Error *err)
{
    const FilesConfig *config = source->config;
    FilesState *state = source->state;
    int64_t files_left = smaller_limit(config->max_files, limit->max_files);
    int64_t bytes_left = config->max_bytes > 0 ? config->max_bytes : limit->max_bytes;
    int64_t rows_left = limit->max_rows;
    FilePiece piece;
    size_t first = state->planned.count;
    while (next_piece(source, &piece)) {
        if (state->planned.count > first && piece.to - piece.from > bytes_left) {
            if (piece.from == 0) {
                state->head--; // for the next batch
            } else {
                state->resume = piece;
            }
            break;
        }
        if (!check_name(piece.file.name, err) || !cut_piece(source, &piece, &rows_left, err)) {
            return false;
        }
        piece.file.name = arena_text(state->planning, slice_of(piece.file.name));
        ARENA_PUSH(state->planning, state->planned.items, state->planned.count,
                   state->planned.capacity, piece);
        map_put(state->taken, slice_of(piece.file.name), source);
        bytes_left -= piece.to - piece.from;
        files_left--;
        if (files_left == 0 || bytes_left <= 0 || (limit->max_rows > 0 && rows_left <= 0)) {
            break;
        }
    }
    return check_problem(state, err);
}

static bool files_plan(Source *source, const SourceLimit *limit, Slice *end, bool *has_rows,
                       Error *err)
{
    const FilesConfig *config = source->config;
    FilesState *state = source->state;
    bool may_list = !(limit->to_end && state->is_fixed) && state->resume.file.name == NULL;
    if (may_list && state->head == state->backlog.count) {
        if (!list_files(source, err)) {
            return false;
        }
    } else if (may_list && config->latest_first) {
        state->folder_modified = -1; // the order may have changed at the top
        if (!list_files(source, err)) {
            return false;
        }
    }
    state->old_head = state->head;
    state->old_resume = state->resume;
    state->old_planned = state->planned.count;
    if (!take_pieces(source, limit, err)) {
        forget_plan(state);
        return false;
    }
    if (state->planned.count == state->old_planned) {
        return true;
    }
    PieceList fresh = {state->planned.items + state->old_planned,
                       state->planned.count - state->old_planned, 0};
    file_pieces_write(&fresh, &state->offset);
    *end = buffer_slice(&state->offset);
    *has_rows = true;
    return true;
}

static bool files_fix_end(Source *source, Error *err)
{
    FilesState *state = source->state;
    state->folder_modified = -1;
    if (!list_files(source, err)) {
        return false;
    }
    state->is_fixed = true;
    return true;
}

static void put_int(char *bytes, int64_t value)
{
    for (int i = 0; i < 8; i++) {
        bytes[i] = (char)((uint64_t)value >> (8 * i) & 0xff);
    }
}

static bool files_record(Source *source, Error *err)
{
    FilesState *state = source->state;
    if (source->consumed == NULL) {
        return true; // `taken` keeps them
    }
    for (size_t i = 0; i < state->planned.count; i++) {
        const ListedFile *file = &state->planned.items[i].file;
        char value[16];
        put_int(value, file->size);
        put_int(value + 8, file->modified);
        if (!state_put(source->consumed, 0, slice_of(file->name), (Slice){value, sizeof value},
                       err)) {
            return false;
        }
    }
    return true;
}

static void files_abandon(Source *source)
{
    FilesState *state = source->state;
    forget_plan(state);
    state->folder_modified = -1; // the next listing must find them again
}

static void files_confirmed(Source *source, Slice end)
{
    (void)end;
    FilesState *state = source->state;
    if (source->consumed != NULL) { // the StateTable knows them now
        map_clear(state->taken);
        state->planned = (PieceList){0};
        state->old_planned = 0;
        arena_reset(state->planning);
    }
}

// ---- reading -------------------------------------------------------------------------------

static void write_parquet(const Source *source, const PieceList *pieces, Buffer *sql)
{
    const FilesState *state = source->state;
    const Schema *schema = &source->schema;
    buffer_append_text(sql, "(SELECT ");
    for (size_t i = 0; i < schema->count; i++) {
        buffer_append_text(sql, i == 0 ? "CAST(" : ", CAST(");
        duck_quote_name(sql, slice_of(schema->columns[i].name));
        buffer_append_text(sql, " AS ");
        type_print_duck(schema->columns[i].type, sql);
        buffer_append_text(sql, ") AS ");
        duck_quote_name(sql, slice_of(schema->columns[i].name));
    }
    // The empty first part gives columns that no file has as NULL.
    buffer_append_text(sql, " FROM (SELECT ");
    for (size_t i = 0; i < schema->count; i++) {
        buffer_append_text(sql, i == 0 ? "NULL AS " : ", NULL AS ");
        duck_quote_name(sql, slice_of(schema->columns[i].name));
    }
    buffer_append_text(sql, " WHERE false UNION ALL BY NAME SELECT * FROM read_parquet([");
    for (size_t i = 0; i < pieces->count; i++) {
        if (i > 0) {
            buffer_append_text(sql, ", ");
        }
        duck_quote_path(sql, slice_of(file_list_resolve(&state->query, pieces->items[i].file.name,
                                                        state->reading)));
    }
    buffer_append_text(sql, "], union_by_name = true, hive_partitioning = false)))");
}

static bool write_relation(Source *source, const PieceList *pieces, Buffer *sql, Error *err)
{
    FilesState *state = source->state;
    if (state->format == FILES_PARQUET && pieces->count > 0) {
        write_parquet(source, pieces, sql);
        return true;
    }
    PieceFormat format = piece_format(source);
    DecodeInput *inputs = ARENA_ARRAY(state->reading, DecodeInput, pieces->count + 1);
    for (size_t i = 0; i < pieces->count; i++) {
        const FilePiece *piece = &pieces->items[i];
        const char *resolved = file_list_resolve(&state->query, piece->file.name, state->reading);
        if (!file_piece_is_whole(piece)) {
            if (!file_piece_load(piece, resolved, format, &inputs[i].memory, state->reading, err)) {
                return false;
            }
            continue;
        }
        inputs[i].path = resolved;
        inputs[i].size_bytes = piece->file.size;
    }
    decode_table_set(state->table, inputs, pieces->count);
    duck_quote_name(sql, slice_of(state->table_name));
    buffer_append_text(sql, "()");
    return true;
}

static bool files_relation(Source *source, Slice start, Slice end, Buffer *sql, Error *err)
{
    (void)start; // `end` lists the files
    FilesState *state = source->state;
    arena_reset(state->reading);
    PieceList pieces;
    return file_pieces_read(end, &pieces, state->reading, err) &&
           write_relation(source, &pieces, sql, err);
}

static bool files_whole(Source *source, Buffer *sql, Error *err)
{
    FilesState *state = source->state;
    arena_reset(state->reading);
    FileQuery query = state->query;
    query.skip = NULL;
    query.newest_first = false;
    FileList files;
    if (!file_list_read(&query, &files, state->reading, err)) {
        return false;
    }
    if (files.count == 0 && state->format == FILES_PARQUET) {
        return fail(err, ERROR_INPUT, "there is no Parquet file in '%s'", query.path);
    }
    PieceList pieces = {0};
    for (size_t i = 0; i < files.count; i++) {
        FilePiece piece = {.file = files.items[i], .to = files.items[i].size};
        if (!check_name(piece.file.name, err)) {
            return false;
        }
        ARENA_PUSH(state->reading, pieces.items, pieces.count, pieces.capacity, piece);
    }
    return write_relation(source, &pieces, sql, err);
}

static void files_metrics(Source *source, SourceMetrics *metrics)
{
    const FilesState *state = source->state;
    if (state->table != NULL) {
        DecodeCounts counts = decode_table_counts(state->table);
        metrics->rows = counts.rows;
        metrics->malformed = counts.malformed;
    }
    int64_t bytes = state->resume.to - state->resume.from;
    for (size_t i = state->head; i < state->backlog.count; i++) {
        bytes += state->backlog.items[i].size;
    }
    metrics->backlog_bytes = bytes;
    metrics->backlog_rows = bytes == 0 ? 0 : -1;
}

static void files_close(Source *source)
{
    FilesState *state = source->state;
    decode_table_destroy(state->table);
    state->table = NULL;
    map_destroy(state->taken);
    arena_destroy(state->listing);
    arena_destroy(state->planning);
    arena_destroy(state->reading);
    buffer_done(&state->scratch);
    buffer_done(&state->offset);
}

#define FIELD(name) offsetof(FilesConfig, name)

static const Option files_options[] = {
    {"path", OPTION_TEXT, true, NULL, FIELD(path), "a folder, a file or a glob"},
    {"format", OPTION_CHOICE, true, FORMATS, FIELD(format),
     "json (one object a line), csv, text, parquet"},
    {"schema", OPTION_TEXT, false, NULL, FIELD(schema),
     "'name TYPE, ...'; required but for text, which has one column, value"},
    {"header", OPTION_BOOL, false, "false", FIELD(header), "csv: the first line has the names"},
    {"sep", OPTION_TEXT, false, NULL, FIELD(separator), "csv: between fields; a comma by default"},
    {"delimiter", OPTION_TEXT, false, NULL, FIELD(separator), "csv: the same as sep"},
    {"quote", OPTION_TEXT, false, NULL, FIELD(quote), "csv: around fields; \" by default"},
    {"escape", OPTION_TEXT, false, NULL, FIELD(escape),
     "csv: before a quote inside quotes; a backslash by default"},
    {"comment", OPTION_TEXT, false, NULL, FIELD(comment),
     "csv: lines that begin with it are left out"},
    {"nullValue", OPTION_TEXT, false, NULL, FIELD(null_value),
     "csv: the text of NULL; empty by default"},
    {"mode", OPTION_CHOICE, false, MODES, FIELD(mode),
     "malformed rows: PERMISSIVE keeps them, DROPMALFORMED drops them, FAILFAST stops"},
    {"columnNameOfCorruptRecord", OPTION_TEXT, false, "_corrupt_record", FIELD(corrupt_column),
     "the column that receives the text of malformed rows, when the schema has it"},
    {"dateFormat", OPTION_TEXT, false, NULL, FIELD(date_format),
     "pattern of dates; ISO by default"},
    {"timestampFormat", OPTION_TEXT, false, NULL, FIELD(timestamp_format),
     "pattern of timestamps; ISO by default"},
    {"ignoreLeadingWhiteSpace", OPTION_BOOL, false, "false", FIELD(trim_leading),
     "csv: leave out spaces before a field"},
    {"ignoreTrailingWhiteSpace", OPTION_BOOL, false, "false", FIELD(trim_trailing),
     "csv: leave out spaces after a field"},
    {"maxFilesPerTrigger", OPTION_INT, false, "0", FIELD(max_files),
     "most files in a batch; 0: no limit"},
    {"maxBytesPerTrigger", OPTION_BYTES, false, "0", FIELD(max_bytes),
     "about the most bytes in a batch, at least one file; 0: the project's limit (64m)"},
    {"latestFirst", OPTION_BOOL, false, "false", FIELD(latest_first), "newest files first"},
    {"pathGlobFilter", OPTION_TEXT, false, NULL, FIELD(name_filter),
     "a glob that the names of files must match"},
    {"recursiveFileLookup", OPTION_BOOL, false, "false", FIELD(recursive), "read subfolders too"},
    {"cleanSource", OPTION_TEXT, false, "off", FIELD(clean_source),
     "only off: files stay where they are"},
    {"maxFileAge", OPTION_REFUSED, false, NULL, 0, "files of any age are read"},
    {"fileNameOnly", OPTION_REFUSED, false, NULL, 0, "files are known by their whole path"},
    {"sourceArchiveDir", OPTION_REFUSED, false, NULL, 0, "files stay where they are"},
    {"inferSchema", OPTION_REFUSED, false, NULL, 0, "give the schema"},
    {"multiLine", OPTION_REFUSED, false, NULL, 0, "a record is one line"},
    {"lineSep", OPTION_REFUSED, false, NULL, 0, "lines end with a line feed"},
    {"encoding", OPTION_REFUSED, false, NULL, 0, "files are UTF-8"},
    {"charset", OPTION_REFUSED, false, NULL, 0, "files are UTF-8"},
    {"compression", OPTION_REFUSED, false, NULL, 0, "files are not compressed"},
    {"emptyValue", OPTION_REFUSED, false, NULL, 0, "an empty field is NULL"},
    {"modifiedAfter", OPTION_REFUSED, false, NULL, 0, "files of any age are read"},
    {"modifiedBefore", OPTION_REFUSED, false, NULL, 0, "files of any age are read"},
};

const SourceType source_files = {
    .name = "read_files",
    .help = "files of a folder: JSON lines, CSV, text, Parquet",
    .flags = SOURCE_KEYED | SOURCE_BATCH,
    .positional = "path",
    .config_size = sizeof(FilesConfig),
    .options = files_options,
    .option_count = ARRAY_LEN(files_options),
    .state_size = sizeof(FilesState),
    .open = files_open,
    .seek = files_seek,
    .plan = files_plan,
    .fix_end = files_fix_end,
    .relation = files_relation,
    .whole = files_whole,
    .record = files_record,
    .abandon = files_abandon,
    .confirmed = files_confirmed,
    .metrics = files_metrics,
    .close = files_close,
};
