// generate(kind, ...): the generators of `tarn generate` as a stream.
//
// Offset: {"from":a,"next":b,"start":us,"rate":r,"now":us}: the batch's events are [a, b), and
// event k happens at start + k / rate, whatever the clock says when the batch is read again. `now`
// is when it was planned: after a pause longer than PAUSE_US the events of the pause never happen,
// so that a project that was off for a night does not replay it. A new rate goes on from the old
// time.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <jansson.h>

#include "connector/generator.h"
#include "connector/offset.h"
#include "connector/registry.h"
#include "duck/decode.h"
#include "sql/parser.h"

enum { ROW_BYTES = 320 }; // of an event as text, about: a batch's limit in bytes becomes rows
#define PAUSE_US TIME_MINUTE

typedef struct GenerateConfig {
    const char *kind;
    double rate;
    int64_t count;
    int64_t seed;
    TimeUs history;
    double errors;
    double late;
    int64_t max_rows;
} GenerateConfig;

typedef struct GeneratePosition {
    int64_t from;
    int64_t next;
    TimeUs start;
    double rate;
    TimeUs now;
} GeneratePosition;

typedef struct GenerateState {
    GeneratorSettings settings;
    GeneratePosition current; // after the last planned batch
    GeneratePosition former;  // before it, for abandon
    bool is_fixed;
    TimeUs fixed_now;
    Buffer offset;
    Buffer rows;
    DecodeInput input;
    DecodeTable *table;
    char *table_name;
} GenerateState;

static bool generate_open(Source *source, Error *err)
{
    const GenerateConfig *config = source->config;
    GenerateState *state = source->state;
    GeneratorSettings *settings = &state->settings;
    const GeneratorKind *kind;
    if (!generator_find(config->kind, &kind, err)) {
        return false;
    }
    settings->kind = kind;
    if (config->rate < 0 || config->count < 0 || config->history < 0) {
        return fail(err, ERROR_INPUT, "rate, count and history must not be negative");
    }
    if (config->errors > 100 || config->late < 0 || config->late > 100) {
        return fail(err, ERROR_INPUT, "errors and late are percentages, 0 to 100");
    }
    if (config->errors >= 0 && kind->errors < 0) {
        return fail(err, ERROR_INPUT, "%s has no errors: leave the option 'errors' out",
                    config->kind);
    }
    settings->rate = config->rate > 0 ? config->rate : kind->rate;
    settings->seed = config->seed >= 0 ? (uint64_t)config->seed : source->context.seed;
    settings->errors = config->errors;
    settings->late = config->late;
    settings->start = source->context.start_time - config->history;
    state->current = (GeneratePosition){.start = settings->start, .rate = settings->rate};
    if (!sql_parse_columns(source->context.arena, slice_of(kind->schema), &source->schema, err)) {
        return false;
    }
    state->table_name = arena_printf(source->context.arena, "generate_%s", source->context.unique);
    DecodeOptions options = {.format = kind->is_csv ? DECODE_CSV : DECODE_JSON,
                             .mode = DECODE_FAILFAST};
    return decode_table_create(source->context.conn, state->table_name, &source->schema, &options,
                               &state->table, err);
}

static bool read_offset(Slice offset, GeneratePosition *position, Error *err)
{
    json_t *object = offset_parse(offset, err);
    if (object == NULL) {
        return false;
    }
    GeneratePosition read = {0};
    bool good = offset_int(object, "from", &read.from, err) &&
                offset_int(object, "next", &read.next, err) &&
                offset_int(object, "start", &read.start, err) &&
                offset_int(object, "now", &read.now, err);
    const json_t *rate = json_object_get(object, "rate");
    read.rate = json_number_value(rate);
    if (good &&
        (!json_is_number(rate) || read.rate <= 0 || read.from < 0 || read.next < read.from)) {
        good = fail(err, ERROR_CORRUPT, "the checkpoint holds an offset that makes no sense: %.*s",
                    SLICE_ARG(offset));
    }
    json_decref(object);
    if (good) {
        *position = read;
    }
    return good;
}

static GeneratorSettings settings_at(const GenerateState *state, const GeneratePosition *position)
{
    GeneratorSettings settings = state->settings;
    settings.start = position->start;
    settings.rate = position->rate;
    return settings;
}

static bool generate_seek(Source *source, Slice offset, Error *err)
{
    const GenerateConfig *config = source->config;
    GenerateState *state = source->state;
    if (offset.size == 0) {
        return true;
    }
    GeneratePosition read;
    if (!read_offset(offset, &read, err)) {
        return false;
    }
    GeneratorSettings old = settings_at(state, &read);
    TimeUs now = clock_now(source->context.clock);
    if (config->count == 0 && now - read.now > PAUSE_US) {
        int64_t last_due = generator_due(&old, read.now);
        // History that was not read yet is still to come; only the pause is left out.
        if (read.next >= last_due) {
            read.next = generator_due(&old, now);
        }
    }
    if (read.rate != state->settings.rate) {
        GeneratorSettings fresh = state->settings;
        fresh.start = 0;
        read.start = generator_time(&old, read.next) - generator_time(&fresh, read.next);
        read.rate = fresh.rate;
    }
    state->current = read;
    return true;
}

static void write_offset(const GeneratePosition *position, Buffer *out)
{
    buffer_reset(out);
    buffer_printf(out,
                  "{\"from\":%" PRId64 ",\"next\":%" PRId64 ",\"start\":%" PRId64
                  ",\"rate\":%.17g,\"now\":%" PRId64 "}",
                  position->from, position->next, position->start, position->rate, position->now);
}

static TimeUs plan_time(const Source *source, const SourceLimit *limit)
{
    const GenerateState *state = source->state;
    return limit->to_end && state->is_fixed ? state->fixed_now : clock_now(source->context.clock);
}

static int64_t due_at(const Source *source, TimeUs now)
{
    const GenerateConfig *config = source->config;
    const GenerateState *state = source->state;
    GeneratorSettings settings = settings_at(state, &state->current);
    int64_t due = generator_due(&settings, now);
    return config->count > 0 && due > config->count ? config->count : due;
}

static bool generate_plan(Source *source, const SourceLimit *limit, Slice *end, bool *has_rows,
                          Error *err)
{
    (void)err;
    const GenerateConfig *config = source->config;
    GenerateState *state = source->state;
    TimeUs now = plan_time(source, limit);
    int64_t due = due_at(source, now);
    int64_t rows = limit->max_bytes / ROW_BYTES > 0 ? limit->max_bytes / ROW_BYTES : 1;
    if (limit->max_rows > 0 && rows > limit->max_rows) {
        rows = limit->max_rows;
    }
    if (config->max_rows > 0 && rows > config->max_rows) {
        rows = config->max_rows;
    }
    GeneratePosition next = state->current;
    next.from = next.next;
    if (due <= next.from) {
        return true;
    }
    next.next = due - next.from > rows ? next.from + rows : due;
    next.now = now;
    state->former = state->current;
    state->current = next;
    write_offset(&next, &state->offset);
    *end = buffer_slice(&state->offset);
    *has_rows = true;
    return true;
}

static bool generate_fix_end(Source *source, Error *err)
{
    (void)err;
    GenerateState *state = source->state;
    state->is_fixed = true;
    state->fixed_now = clock_now(source->context.clock);
    return true;
}

static void write_rows(GenerateState *state, const GeneratorSettings *settings, int64_t from,
                       int64_t to, Buffer *sql)
{
    buffer_reset(&state->rows);
    for (int64_t index = from; index < to; index++) {
        generator_write(settings, index, &state->rows);
    }
    state->input = (DecodeInput){.memory = buffer_slice(&state->rows)};
    decode_table_set(state->table, &state->input, 1);
    duck_quote_name(sql, slice_of(state->table_name));
    buffer_append_text(sql, "()");
}

static bool generate_relation(Source *source, Slice start, Slice end, Buffer *sql, Error *err)
{
    (void)start; // `end` says all
    GenerateState *state = source->state;
    GeneratePosition position;
    if (!read_offset(end, &position, err)) {
        return false;
    }
    GeneratorSettings settings = settings_at(state, &position);
    write_rows(state, &settings, position.from, position.next, sql);
    return true;
}

// Everything there will be (with a count), or what has happened so far.
static bool generate_whole(Source *source, Buffer *sql, Error *err)
{
    (void)err;
    const GenerateConfig *config = source->config;
    GenerateState *state = source->state;
    int64_t rows = config->count > 0
                       ? config->count
                       : generator_due(&state->settings, clock_now(source->context.clock));
    write_rows(state, &state->settings, 0, rows, sql);
    return true;
}

static void generate_abandon(Source *source)
{
    GenerateState *state = source->state;
    state->current = state->former;
}

static void generate_metrics(Source *source, SourceMetrics *metrics)
{
    GenerateState *state = source->state;
    DecodeCounts counts = decode_table_counts(state->table);
    metrics->rows = counts.rows;
    metrics->malformed = counts.malformed;
    int64_t due = due_at(source, clock_now(source->context.clock));
    metrics->backlog_rows = due > state->current.next ? due - state->current.next : 0;
    metrics->backlog_bytes = metrics->backlog_rows * ROW_BYTES;
}

static void generate_close(Source *source)
{
    GenerateState *state = source->state;
    decode_table_destroy(state->table);
    state->table = NULL;
    buffer_done(&state->offset);
    buffer_done(&state->rows);
}

#define FIELD(name) offsetof(GenerateConfig, name)

static const Option generate_options[] = {
    {"kind", OPTION_TEXT, true, NULL, FIELD(kind), "web-logs, app-logs or csv-events"},
    {"rate", OPTION_NUMBER, false, NULL, FIELD(rate),
     "events per second; 10 for web-logs and app-logs, ten rows every three seconds for "
     "csv-events"},
    {"count", OPTION_INT, false, "0", FIELD(count), "events in all; 0: no end"},
    {"maxRowsPerTrigger", OPTION_INT, false, "0", FIELD(max_rows),
     "most events in a batch; 0: the project's limit in bytes"},
    {"seed", OPTION_INT, false, "-1", FIELD(seed),
     "the same seed gives the same events; -1: the project's seed"},
    {"history", OPTION_DURATION, false, NULL, FIELD(history),
     "this much of the past comes first, at full speed: '1 hour'"},
    {"errors", OPTION_NUMBER, false, "-1", FIELD(errors),
     "percentage of events that are errors; -1: the kind's own"},
    {"late", OPTION_NUMBER, false, "0", FIELD(late),
     "percentage of events whose timestamp is up to five minutes old"},
    {"anomalies", OPTION_REFUSED, false, NULL, 0,
     "the generators of this version have no anomalies"},
};

const SourceType source_generate = {
    .name = "generate",
    .help = "synthetic events: web-logs, app-logs, csv-events",
    .flags = SOURCE_ENDLESS | SOURCE_BATCH,
    .positional = "kind",
    .config_size = sizeof(GenerateConfig),
    .options = generate_options,
    .option_count = ARRAY_LEN(generate_options),
    .state_size = sizeof(GenerateState),
    .open = generate_open,
    .seek = generate_seek,
    .plan = generate_plan,
    .fix_end = generate_fix_end,
    .relation = generate_relation,
    .whole = generate_whole,
    .abandon = generate_abandon,
    .metrics = generate_metrics,
    .close = generate_close,
};
