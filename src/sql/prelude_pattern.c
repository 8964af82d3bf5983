// prelude_pattern.c -- to_date, to_timestamp and date_format by a pattern.
// SPDX-License-Identifier: Apache-2.0
#include "sql/cast.h"
#include "sql/format_internal.h"
#include "sql/prelude_internal.h"
#include "sql/time_pattern.h"

#include "base/clock.h"

typedef enum ParseInto {
    INTO_DATE,
    INTO_TIMESTAMP,
    INTO_SECONDS,
} ParseInto;

typedef struct Parse {
    ParseInto into;
    bool is_try;
} Parse;

// Patterns are nearly always constant: compiled anew only when the text changes.
static bool use_pattern(const DuckColumn *column, uint64_t row, TimePattern *pattern, Error *err)
{
    Slice text = duck_text(column, row);
    return (pattern->count > 0 && slice_equal(pattern->source, text)) ||
           time_pattern_compile(text, pattern, err);
}

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

static bool parse_row(const DuckColumn *column, uint64_t row, const TimePattern *pattern,
                      int64_t *micros, Error *err)
{
    if (column->type->kind != TYPE_STRING) {
        return cast_read_timestamp(column, row, micros, err);
    }
    Slice text = duck_text(column, row);
    if (time_pattern_parse(pattern, text, micros)) {
        return true;
    }
    return fail(err, ERROR_INPUT,
                "[CANNOT_PARSE_TIMESTAMP] '%.*s' does not fit the pattern '%.*s'; "
                "try_to_timestamp gives NULL instead",
                (int)(text.size > 200 ? 200 : text.size), text.data, SLICE_ARG(pattern->source));
}

static bool parse_rows(void *context, const DuckColumn *arguments, size_t argument_count,
                       uint64_t row_count, DuckColumn *result, Error *err)
{
    const Parse *parse = context;
    TimePattern pattern = {.count = 0};
    (void)argument_count;
    for (uint64_t row = 0; row < row_count; row++) {
        int64_t micros;
        if (!use_pattern(&arguments[1], row, &pattern, err)) {
            return false; // a bad pattern is an error in try_ functions too
        }
        if (!parse_row(&arguments[0], row, &pattern, &micros, err)) {
            if (!parse->is_try) {
                return false;
            }
            duck_set_null(result, row);
            continue;
        }
        duck_set_int(result, row,
                     parse->into == INTO_DATE      ? floor_divide(micros, TIME_DAY)
                     : parse->into == INTO_SECONDS ? floor_divide(micros, TIME_SECOND)
                                                   : micros);
    }
    return true;
}

static bool format_rows(void *context, const DuckColumn *arguments, size_t argument_count,
                        uint64_t row_count, DuckColumn *result, Error *err)
{
    TimePattern pattern = {.count = 0};
    Buffer text = {0};
    bool ok = true;
    (void)context;
    (void)argument_count;
    for (uint64_t row = 0; ok && row < row_count; row++) {
        int64_t micros;
        ok = use_pattern(&arguments[1], row, &pattern, err) &&
             cast_read_timestamp(&arguments[0], row, &micros, err);
        if (ok) {
            buffer_reset(&text);
            time_pattern_format(&pattern, micros, &text);
            duck_set_text(result, row, buffer_slice(&text));
        }
    }
    buffer_done(&text);
    return ok;
}

static const Parse parses[] = {
    {INTO_DATE, false},     {INTO_DATE, true},     {INTO_TIMESTAMP, false},
    {INTO_TIMESTAMP, true}, {INTO_SECONDS, false},
};

static const PreludeFunction functions[] = {
    {"spark_parse_date", "*", 'D', PRELUDE_PLAIN, parse_rows, &parses[0]},
    {"spark_try_parse_date", "*", 'D', PRELUDE_PLAIN, parse_rows, &parses[1]},
    {"spark_parse_timestamp", "*", 'T', PRELUDE_PLAIN, parse_rows, &parses[2]},
    {"spark_try_parse_timestamp", "*", 'T', PRELUDE_PLAIN, parse_rows, &parses[3]},
    {"spark_to_unix", "*", 'l', PRELUDE_PLAIN, parse_rows, &parses[4]},
    {"spark_date_format", "*", 's', PRELUDE_PLAIN, format_rows, NULL},
};

const PreludeGroup prelude_patterns = {functions, sizeof functions / sizeof functions[0]};
