// rate(rowsPerSecond => n): Spark's rate source, columns timestamp and value.
//
// Offset: {"from":a,"value":b,"start":us,"rate":n}: the batch's values are [a, b). Value v carries
// the timestamp start + v / rate and is there once its share of the second is over, so after ten
// seconds there are exactly ten times rowsPerSecond rows.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <jansson.h>

#include "connector/offset.h"
#include "connector/registry.h"

enum { ROW_BYTES = 16 };

typedef struct RateConfig {
    int64_t rows_per_second;
    int64_t partitions; // accepted; one relation is read by all threads anyway
    int64_t max_rows;
} RateConfig;

typedef struct RatePosition {
    int64_t from;
    int64_t value;
    TimeUs start;
    int64_t rate;
} RatePosition;

typedef struct RateState {
    RatePosition current; // after the last planned batch
    RatePosition former;  // before it, for abandon
    bool is_fixed;
    TimeUs fixed_now;
    Buffer offset;
} RateState;

static bool rate_open(Source *source, Error *err)
{
    const RateConfig *config = source->config;
    RateState *state = source->state;
    if (config->rows_per_second <= 0 || config->rows_per_second > 1000000000) {
        return fail(err, ERROR_INPUT,
                    "rowsPerSecond must be between 1 and 1000000000, not %" PRId64,
                    config->rows_per_second);
    }
    state->current =
        (RatePosition){.start = source->context.start_time, .rate = config->rows_per_second};
    Arena *arena = source->context.arena;
    schema_add(arena, &source->schema, "timestamp", type_simple(TYPE_TIMESTAMP), true);
    schema_add(arena, &source->schema, "value", type_simple(TYPE_BIGINT), true);
    return true;
}

static bool read_offset(Slice offset, RatePosition *position, Error *err)
{
    json_t *object = offset_parse(offset, err);
    if (object == NULL) {
        return false;
    }
    RatePosition read = {0};
    bool good = offset_int(object, "from", &read.from, err) &&
                offset_int(object, "value", &read.value, err) &&
                offset_int(object, "start", &read.start, err) &&
                offset_int(object, "rate", &read.rate, err);
    if (good && (read.rate <= 0 || read.from < 0 || read.value < read.from)) {
        good = fail(err, ERROR_CORRUPT, "the checkpoint holds an offset that makes no sense: %.*s",
                    SLICE_ARG(offset));
    }
    json_decref(object);
    if (good) {
        *position = read;
    }
    return good;
}

// __int128: value * 1,000,000 leaves 64 bits after some months at a high rate.
static TimeUs time_of(const RatePosition *position, int64_t value)
{
    return position->start + (TimeUs)((__int128)value * TIME_SECOND / position->rate);
}

static int64_t due_at(const RatePosition *position, TimeUs now)
{
    if (now <= position->start) {
        return 0;
    }
    return (int64_t)((__int128)(now - position->start) * position->rate / TIME_SECOND);
}

static bool rate_seek(Source *source, Slice offset, Error *err)
{
    const RateConfig *config = source->config;
    RateState *state = source->state;
    RatePosition read;
    if (offset.size == 0) {
        return true;
    }
    if (!read_offset(offset, &read, err)) {
        return false;
    }
    if (read.rate != config->rows_per_second) { // the next value keeps its time
        RatePosition fresh = {.rate = config->rows_per_second};
        read.start = time_of(&read, read.value) - time_of(&fresh, read.value);
        read.rate = fresh.rate;
    }
    state->current = read;
    return true;
}

static bool rate_plan(Source *source, const SourceLimit *limit, Slice *end, bool *has_rows,
                      Error *err)
{
    (void)err;
    const RateConfig *config = source->config;
    RateState *state = source->state;
    TimeUs now =
        limit->to_end && state->is_fixed ? state->fixed_now : clock_now(source->context.clock);
    RatePosition next = state->current;
    next.from = next.value;
    int64_t due = due_at(&next, now);
    if (due <= next.from) {
        return true;
    }
    int64_t rows = limit->max_bytes / ROW_BYTES > 0 ? limit->max_bytes / ROW_BYTES : 1;
    if (limit->max_rows > 0 && rows > limit->max_rows) {
        rows = limit->max_rows;
    }
    if (config->max_rows > 0 && rows > config->max_rows) {
        rows = config->max_rows;
    }
    next.value = due - next.from > rows ? next.from + rows : due;
    state->former = state->current;
    state->current = next;
    buffer_reset(&state->offset);
    buffer_printf(&state->offset,
                  "{\"from\":%" PRId64 ",\"value\":%" PRId64 ",\"start\":%" PRId64
                  ",\"rate\":%" PRId64 "}",
                  next.from, next.value, next.start, next.rate);
    *end = buffer_slice(&state->offset);
    *has_rows = true;
    return true;
}

static bool rate_fix_end(Source *source, Error *err)
{
    (void)err;
    RateState *state = source->state;
    state->is_fixed = true;
    state->fixed_now = clock_now(source->context.clock);
    return true;
}

static bool rate_relation(Source *source, Slice start, Slice end, Buffer *sql, Error *err)
{
    (void)source;
    (void)start; // `end` says all
    RatePosition position;
    if (!read_offset(end, &position, err)) {
        return false;
    }
    buffer_printf(sql,
                  "(SELECT make_timestamptz(%" PRId64 " + CAST(CAST(range AS HUGEINT) * 1000000 // "
                  "%" PRId64 " AS BIGINT)) AS \"timestamp\", range AS \"value\" FROM "
                  "range(%" PRId64 ", %" PRId64 "))",
                  position.start, position.rate, position.from, position.value);
    return true;
}

static void rate_abandon(Source *source)
{
    RateState *state = source->state;
    state->current = state->former;
}

static void rate_metrics(Source *source, SourceMetrics *metrics)
{
    const RateState *state = source->state;
    int64_t due = due_at(&state->current, clock_now(source->context.clock));
    metrics->rows = state->current.value - state->current.from;
    metrics->backlog_rows = due > state->current.value ? due - state->current.value : 0;
    metrics->backlog_bytes = metrics->backlog_rows * ROW_BYTES;
}

static void rate_close(Source *source)
{
    RateState *state = source->state;
    buffer_done(&state->offset);
}

static const Option rate_options[] = {
    {"rowsPerSecond", OPTION_INT, false, "1", offsetof(RateConfig, rows_per_second),
     "rows per second"},
    {"numPartitions", OPTION_INT, false, NULL, offsetof(RateConfig, partitions),
     "accepted for Spark's sake; has no effect"},
    {"maxRowsPerTrigger", OPTION_INT, false, "0", offsetof(RateConfig, max_rows),
     "most rows in a batch; 0: the project's limit in bytes"},
    {"rampUpTime", OPTION_REFUSED, false, NULL, 0, "rows come at the full rate from the start"},
};

const SourceType source_rate = {
    .name = "rate",
    .help = "counted rows at a steady rate: timestamp TIMESTAMP, value BIGINT",
    .flags = SOURCE_ENDLESS,
    .config_size = sizeof(RateConfig),
    .options = rate_options,
    .option_count = ARRAY_LEN(rate_options),
    .state_size = sizeof(RateState),
    .open = rate_open,
    .seek = rate_seek,
    .plan = rate_plan,
    .fix_end = rate_fix_end,
    .relation = rate_relation,
    .abandon = rate_abandon,
    .metrics = rate_metrics,
    .close = rate_close,
};
