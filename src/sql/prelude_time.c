// prelude_time.c -- fields of dates and times and arithmetic with them, for arguments of any type
// that Spark would cast to a date or timestamp. Everything is integers in UTC.
// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "sql/cast.h"
#include "sql/prelude_internal.h"

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

static int64_t weekday_of(int64_t days) // 0 Monday
{
    return ((days + 3) % 7 + 7) % 7;
}

static int month_length(int64_t year, int month)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return lengths[month - 1] + (month == 2 && leap ? 1 : 0);
}

static int64_t add_months(int64_t days, int64_t months)
{
    int year;
    int month;
    int day;
    time_civil(days, &year, &month, &day);
    int64_t index = (int64_t)year * 12 + month - 1 + months;
    int64_t to_year = floor_divide(index, 12);
    int to_month = (int)(index - to_year * 12) + 1;
    int last = month_length(to_year, to_month);
    return time_days((int)to_year, to_month, day < last ? day : last);
}

// ---- fields --------------------------------------------------------------------------------

typedef enum Field {
    FIELD_YEAR,
    FIELD_QUARTER,
    FIELD_MONTH,
    FIELD_DAY,
    FIELD_DAY_OF_WEEK,
    FIELD_WEEKDAY,
    FIELD_ISO_DAY,
    FIELD_DAY_OF_YEAR,
    FIELD_WEEK,
    FIELD_WEEK_YEAR,
    FIELD_HOUR,
    FIELD_MINUTE,
    FIELD_SECOND,
    FIELD_SECOND_MICROS,
} Field;

static int64_t date_field(Field field, int64_t days)
{
    int year;
    int month;
    int day;
    time_civil(days, &year, &month, &day);
    int64_t thursday = days - weekday_of(days) + 3; // decides the week's year
    int week_year;
    int ignored;
    switch (field) {
    case FIELD_YEAR:
        return year;
    case FIELD_QUARTER:
        return (month + 2) / 3;
    case FIELD_MONTH:
        return month;
    case FIELD_DAY:
        return day;
    case FIELD_DAY_OF_WEEK:
        return (weekday_of(days) + 1) % 7 + 1;
    case FIELD_WEEKDAY:
        return weekday_of(days);
    case FIELD_ISO_DAY:
        return weekday_of(days) + 1;
    case FIELD_DAY_OF_YEAR:
        return days - time_days(year, 1, 1) + 1;
    default:
        time_civil(thursday, &week_year, &ignored, &ignored);
        return field == FIELD_WEEK_YEAR ? week_year
                                        : (thursday - time_days(week_year, 1, 1)) / 7 + 1;
    }
}

static int64_t clock_field(Field field, int64_t micros)
{
    int64_t rest = micros - floor_divide(micros, TIME_DAY) * TIME_DAY;
    switch (field) {
    case FIELD_HOUR:
        return rest / TIME_HOUR;
    case FIELD_MINUTE:
        return rest / TIME_MINUTE % 60;
    case FIELD_SECOND:
        return rest / TIME_SECOND % 60;
    default:
        return rest % TIME_MINUTE;
    }
}

static bool field_rows(void *context, const DuckColumn *arguments, size_t argument_count,
                       uint64_t row_count, DuckColumn *result, Error *err)
{
    const Field field = *(const Field *)context;
    (void)argument_count;
    for (uint64_t row = 0; row < row_count; row++) {
        int64_t value;
        if (field < FIELD_HOUR) {
            if (!cast_read_date(&arguments[0], row, &value, err)) {
                return false;
            }
            duck_set_int(result, row, date_field(field, value));
        } else {
            if (!cast_read_timestamp(&arguments[0], row, &value, err)) {
                return false;
            }
            value = clock_field(field, value);
            if (field == FIELD_SECOND_MICROS) {
                duck_set_decimal(result, row, value);
            } else {
                duck_set_int(result, row, value);
            }
        }
    }
    return true;
}

static bool name_rows(void *context, const DuckColumn *arguments, size_t argument_count,
                      uint64_t row_count, DuckColumn *result, Error *err)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    static const char days[] = "MonTueWedThuFriSatSun";
    const Field field = *(const Field *)context;
    (void)argument_count;
    for (uint64_t row = 0; row < row_count; row++) {
        int64_t value;
        if (!cast_read_date(&arguments[0], row, &value, err)) {
            return false;
        }
        int64_t index = date_field(field, value);
        const char *name = field == FIELD_MONTH ? months + 3 * (index - 1) : days + 3 * index;
        duck_set_text(result, row, (Slice){name, 3});
    }
    return true;
}

// ---- arithmetic ----------------------------------------------------------------------------

static bool date_add_rows(void *context, const DuckColumn *arguments, size_t argument_count,
                          uint64_t row_count, DuckColumn *result, Error *err)
{
    bool months = context != NULL;
    (void)argument_count;
    for (uint64_t row = 0; row < row_count; row++) {
        int64_t days;
        int64_t count;
        if (!cast_read_date(&arguments[0], row, &days, err) ||
            !cast_read_bigint(&arguments[1], row, &count, err)) {
            return false;
        }
        int64_t sum = months ? add_months(days, count) : days + count;
        if (sum > INT32_MAX || sum < INT32_MIN) {
            return fail(err, ERROR_INPUT, "[DATETIME_OVERFLOW] the date is out of range");
        }
        duck_set_int(result, row, sum);
    }
    return true;
}

static bool datediff_rows(void *context, const DuckColumn *arguments, size_t argument_count,
                          uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    for (uint64_t row = 0; row < row_count; row++) {
        int64_t end;
        int64_t start;
        if (!cast_read_date(&arguments[0], row, &end, err) ||
            !cast_read_date(&arguments[1], row, &start, err)) {
            return false;
        }
        duck_set_int(result, row, end - start);
    }
    return true;
}

// Whole months when the days agree or both are the last of their month, else by days of 1/31.
static double months_between(int64_t later, int64_t earlier, bool rounds)
{
    int64_t days[2] = {floor_divide(later, TIME_DAY), floor_divide(earlier, TIME_DAY)};
    int year[2];
    int month[2];
    int day[2];
    for (int i = 0; i < 2; i++) {
        time_civil(days[i], &year[i], &month[i], &day[i]);
    }
    double whole = (year[0] - year[1]) * 12.0 + (month[0] - month[1]);
    bool both_last =
        day[0] == month_length(year[0], month[0]) && day[1] == month_length(year[1], month[1]);
    if (day[0] == day[1] || both_last) {
        return whole;
    }
    int64_t clock =
        (later - days[0] * TIME_DAY) / TIME_SECOND - (earlier - days[1] * TIME_DAY) / TIME_SECOND;
    double seconds = (double)(day[0] - day[1]) * 86400.0 + (double)clock;
    double months = whole + seconds / (31 * 86400.0);
    return rounds ? round(months * 1e8) / 1e8 : months;
}

static bool months_between_rows(void *context, const DuckColumn *arguments, size_t argument_count,
                                uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    for (uint64_t row = 0; row < row_count; row++) {
        int64_t later;
        int64_t earlier;
        bool rounds;
        if (!cast_read_timestamp(&arguments[0], row, &later, err) ||
            !cast_read_timestamp(&arguments[1], row, &earlier, err) ||
            !cast_read_boolean(&arguments[2], row, &rounds, err)) {
            return false;
        }
        duck_set_double(result, row, months_between(later, earlier, rounds));
    }
    return true;
}

static bool last_day_rows(void *context, const DuckColumn *arguments, size_t argument_count,
                          uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    for (uint64_t row = 0; row < row_count; row++) {
        int64_t days;
        int year;
        int month;
        int day;
        if (!cast_read_date(&arguments[0], row, &days, err)) {
            return false;
        }
        time_civil(days, &year, &month, &day);
        duck_set_int(result, row, days + month_length(year, month) - day);
    }
    return true;
}

static bool same_word(Slice text, const char *word)
{
    char copy[16] = {0};
    text = cast_trim(text);
    if (text.size >= sizeof copy) {
        return false;
    }
    memcpy(copy, text.data, text.size);
    return text_equal_nocase(copy, word);
}

static bool next_day_rows(void *context, const DuckColumn *arguments, size_t argument_count,
                          uint64_t row_count, DuckColumn *result, Error *err)
{
    static const char *const names[7][3] = {
        {"MO", "MON", "MONDAY"},   {"TU", "TUE", "TUESDAY"}, {"WE", "WED", "WEDNESDAY"},
        {"TH", "THU", "THURSDAY"}, {"FR", "FRI", "FRIDAY"},  {"SA", "SAT", "SATURDAY"},
        {"SU", "SUN", "SUNDAY"},
    };
    (void)context;
    (void)argument_count;
    for (uint64_t row = 0; row < row_count; row++) {
        int64_t days;
        int64_t wanted = -1;
        if (!cast_read_date(&arguments[0], row, &days, err)) {
            return false;
        }
        Slice name = duck_text(&arguments[1], row);
        for (int i = 0; i < 7; i++) {
            for (int j = 0; j < 3; j++) {
                wanted = same_word(name, names[i][j]) ? i : wanted;
            }
        }
        if (wanted < 0) {
            return fail(err, ERROR_INPUT, "[ILLEGAL_DAY_OF_WEEK] '%.*s' is no day of the week",
                        SLICE_ARG(name));
        }
        duck_set_int(result, row, days + 1 + (wanted - weekday_of(days + 1) + 7) % 7);
    }
    return true;
}

// ---- truncation and units ------------------------------------------------------------------

typedef enum Unit {
    UNIT_MICROSECOND,
    UNIT_MILLISECOND,
    UNIT_SECOND,
    UNIT_MINUTE,
    UNIT_HOUR,
    UNIT_DAY,
    UNIT_WEEK,
    UNIT_MONTH,
    UNIT_QUARTER,
    UNIT_YEAR,
    UNIT_NONE,
} Unit;

static Unit find_unit(Slice text)
{
    static const struct {
        const char *name;
        Unit unit;
    } units[] = {
        {"MICROSECOND", UNIT_MICROSECOND},
        {"MILLISECOND", UNIT_MILLISECOND},
        {"SECOND", UNIT_SECOND},
        {"MINUTE", UNIT_MINUTE},
        {"HOUR", UNIT_HOUR},
        {"DAY", UNIT_DAY},
        {"DD", UNIT_DAY},
        {"WEEK", UNIT_WEEK},
        {"MONTH", UNIT_MONTH},
        {"MON", UNIT_MONTH},
        {"MM", UNIT_MONTH},
        {"QUARTER", UNIT_QUARTER},
        {"YEAR", UNIT_YEAR},
        {"YYYY", UNIT_YEAR},
        {"YY", UNIT_YEAR},
        {"DAYOFYEAR", UNIT_DAY},
    };
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (same_word(text, units[i].name)) {
            return units[i].unit;
        }
    }
    return UNIT_NONE;
}

static const int64_t unit_micros[] = {1,
                                      TIME_MS,
                                      TIME_SECOND,
                                      60 * (int64_t)TIME_SECOND,
                                      3600 * (int64_t)TIME_SECOND,
                                      86400 * (int64_t)TIME_SECOND,
                                      7 * 86400 * (int64_t)TIME_SECOND};

static int64_t truncate_days(int64_t days, Unit unit)
{
    int year;
    int month;
    int day;
    time_civil(days, &year, &month, &day);
    switch (unit) {
    case UNIT_WEEK:
        return days - weekday_of(days);
    case UNIT_MONTH:
        return days - day + 1;
    case UNIT_QUARTER:
        return time_days(year, (month - 1) / 3 * 3 + 1, 1);
    case UNIT_YEAR:
        return time_days(year, 1, 1);
    default:
        return days;
    }
}

// date_trunc(unit, ts): an unknown unit gives NULL, as in Spark.
static bool date_trunc_rows(void *context, const DuckColumn *arguments, size_t argument_count,
                            uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    for (uint64_t row = 0; row < row_count; row++) {
        Unit unit = find_unit(duck_text(&arguments[0], row));
        int64_t micros;
        if (!cast_read_timestamp(&arguments[1], row, &micros, err)) {
            return false;
        }
        if (unit == UNIT_NONE) {
            duck_set_null(result, row);
        } else if (unit <= UNIT_DAY) {
            duck_set_int(result, row, floor_divide(micros, unit_micros[unit]) * unit_micros[unit]);
        } else {
            duck_set_int(result, row,
                         truncate_days(floor_divide(micros, TIME_DAY), unit) * TIME_DAY);
        }
    }
    return true;
}

static bool trunc_rows(void *context, const DuckColumn *arguments, size_t argument_count,
                       uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    for (uint64_t row = 0; row < row_count; row++) {
        Unit unit = find_unit(duck_text(&arguments[1], row));
        int64_t days;
        if (!cast_read_date(&arguments[0], row, &days, err)) {
            return false;
        }
        if (unit < UNIT_WEEK || unit == UNIT_NONE) {
            duck_set_null(result, row);
        } else {
            duck_set_int(result, row, truncate_days(days, unit));
        }
    }
    return true;
}

static int64_t months_of(Unit unit)
{
    return unit == UNIT_YEAR ? 12 : unit == UNIT_QUARTER ? 3 : 1;
}

static bool fail_unit(Slice text, Error *err)
{
    return fail(err, ERROR_INPUT,
                "[INVALID_PARAMETER_VALUE.DATETIME_UNIT] '%.*s' is no unit of time",
                SLICE_ARG(text));
}

static bool timestamp_add_rows(void *context, const DuckColumn *arguments, size_t argument_count,
                               uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    for (uint64_t row = 0; row < row_count; row++) {
        Slice name = duck_text(&arguments[0], row);
        Unit unit = find_unit(name);
        int64_t count;
        int64_t micros;
        if (!cast_read_bigint(&arguments[1], row, &count, err) ||
            !cast_read_timestamp(&arguments[2], row, &micros, err)) {
            return false;
        }
        if (unit == UNIT_NONE) {
            return fail_unit(name, err);
        }
        int64_t sum;
        int64_t move;
        if (unit <= UNIT_WEEK) {
            if (__builtin_mul_overflow(count, unit_micros[unit], &move) ||
                __builtin_add_overflow(micros, move, &sum)) {
                return fail(err, ERROR_INPUT, "[DATETIME_OVERFLOW] the time is out of range");
            }
        } else {
            int64_t days = floor_divide(micros, TIME_DAY);
            if (count > 1000000 || count < -1000000) {
                return fail(err, ERROR_INPUT, "[DATETIME_OVERFLOW] the time is out of range");
            }
            sum = add_months(days, count * months_of(unit)) * TIME_DAY + micros - days * TIME_DAY;
        }
        duck_set_int(result, row, sum);
    }
    return true;
}

// Whole months from start to end; a part of a month does not count.
static int64_t whole_months(int64_t start, int64_t end)
{
    int64_t days[2] = {floor_divide(start, TIME_DAY), floor_divide(end, TIME_DAY)};
    int64_t index[2];
    int64_t rest[2];
    for (int i = 0; i < 2; i++) {
        int year;
        int month;
        int day;
        time_civil(days[i], &year, &month, &day);
        index[i] = (int64_t)year * 12 + month;
        rest[i] = day * TIME_DAY + (i == 0 ? start : end) - days[i] * TIME_DAY;
    }
    int64_t months = index[1] - index[0];
    if (months > 0 && rest[1] < rest[0]) {
        months--;
    } else if (months < 0 && rest[1] > rest[0]) {
        months++;
    }
    return months;
}

static bool timestamp_diff_rows(void *context, const DuckColumn *arguments, size_t argument_count,
                                uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    for (uint64_t row = 0; row < row_count; row++) {
        Slice name = duck_text(&arguments[0], row);
        Unit unit = find_unit(name);
        int64_t start;
        int64_t end;
        if (!cast_read_timestamp(&arguments[1], row, &start, err) ||
            !cast_read_timestamp(&arguments[2], row, &end, err)) {
            return false;
        }
        if (unit == UNIT_NONE) {
            return fail_unit(name, err);
        }
        duck_set_int(result, row,
                     unit <= UNIT_WEEK ? (end - start) / unit_micros[unit]
                                       : whole_months(start, end) / months_of(unit));
    }
    return true;
}

// ---- making and unmaking -------------------------------------------------------------------

static bool fail_date(int64_t year, int64_t month, int64_t day, Error *err)
{
    return fail(err, ERROR_INPUT,
                "[DATETIME_FIELD_OUT_OF_BOUNDS] there is no date %04lld-%02lld-%02lld",
                (long long)year, (long long)month, (long long)day);
}

static bool make_days(int64_t year, int64_t month, int64_t day, int64_t *days, Error *err)
{
    if (year < -290000 || year > 290000 || month < 1 || month > 12 || day < 1 ||
        day > month_length(year, (int)month)) {
        return fail_date(year, month, day, err);
    }
    *days = time_days((int)year, (int)month, (int)day);
    return true;
}

static bool make_date_rows(void *context, const DuckColumn *arguments, size_t argument_count,
                           uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    for (uint64_t row = 0; row < row_count; row++) {
        int64_t days;
        if (!make_days(duck_int(&arguments[0], row), duck_int(&arguments[1], row),
                       duck_int(&arguments[2], row), &days, err)) {
            return false;
        }
        duck_set_int(result, row, days);
    }
    return true;
}

// Seconds with a fraction, in microseconds.
static bool read_seconds(const DuckColumn *column, uint64_t row, int64_t *micros, Error *err)
{
    double seconds;
    if (column->type->kind == TYPE_DECIMAL) {
        return cast_read_timestamp(column, row, micros, err);
    }
    if (!cast_read_double(column, row, &seconds, err)) {
        return false;
    }
    *micros = (int64_t)llround(seconds * (double)TIME_SECOND);
    return true;
}

static bool make_timestamp_rows(void *context, const DuckColumn *arguments, size_t argument_count,
                                uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    for (uint64_t row = 0; row < row_count; row++) {
        int64_t parts[5];
        int64_t seconds;
        int64_t days;
        for (size_t i = 0; i < 5; i++) {
            parts[i] = duck_int(&arguments[i], row);
        }
        if (!make_days(parts[0], parts[1], parts[2], &days, err) ||
            !read_seconds(&arguments[5], row, &seconds, err)) {
            return false;
        }
        bool sixty = seconds == TIME_MINUTE; // PostgreSQL's 60 seconds are the next minute
        if (parts[3] < 0 || parts[3] > 23 || parts[4] < 0 || parts[4] > 59 || seconds < 0 ||
            (seconds >= TIME_MINUTE && !sixty)) {
            return fail(err, ERROR_INPUT,
                        "[DATETIME_FIELD_OUT_OF_BOUNDS] there is no time %02lld:%02lld:%02lld",
                        (long long)parts[3], (long long)parts[4],
                        (long long)(seconds / TIME_SECOND));
        }
        duck_set_int(result, row,
                     days * TIME_DAY + parts[3] * TIME_HOUR + parts[4] * TIME_MINUTE + seconds);
    }
    return true;
}

static bool from_seconds_rows(void *context, const DuckColumn *arguments, size_t argument_count,
                              uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    for (uint64_t row = 0; row < row_count; row++) {
        int64_t micros;
        if (!cast_read_timestamp(&arguments[0], row, &micros, err)) {
            return false;
        }
        duck_set_int(result, row, micros);
    }
    return true;
}

static bool unix_rows(void *context, const DuckColumn *arguments, size_t argument_count,
                      uint64_t row_count, DuckColumn *result, Error *err)
{
    const int64_t unit = *(const int64_t *)context;
    (void)argument_count;
    for (uint64_t row = 0; row < row_count; row++) {
        int64_t micros;
        if (!cast_read_timestamp(&arguments[0], row, &micros, err)) {
            return false;
        }
        duck_set_int(result, row, floor_divide(micros, unit));
    }
    return true;
}

static const char marked[] = "set";
static const int64_t units[] = {1, TIME_MS, TIME_SECOND};
static const Field fields[] = {
    FIELD_YEAR,    FIELD_QUARTER, FIELD_MONTH,       FIELD_DAY,           FIELD_DAY_OF_WEEK,
    FIELD_WEEKDAY, FIELD_ISO_DAY, FIELD_DAY_OF_YEAR, FIELD_WEEK,          FIELD_WEEK_YEAR,
    FIELD_HOUR,    FIELD_MINUTE,  FIELD_SECOND,      FIELD_SECOND_MICROS,
};

#define FIELD(name, letter, field)                                                                 \
    {                                                                                              \
        name, "*", letter, PRELUDE_PLAIN, field_rows, &fields[field]                               \
    }

static const PreludeFunction functions[] = {
    FIELD("spark_year", 'i', FIELD_YEAR),
    FIELD("spark_quarter", 'i', FIELD_QUARTER),
    FIELD("spark_month", 'i', FIELD_MONTH),
    FIELD("spark_day", 'i', FIELD_DAY),
    FIELD("spark_dayofweek", 'i', FIELD_DAY_OF_WEEK),
    FIELD("spark_weekday", 'i', FIELD_WEEKDAY),
    FIELD("spark_isodow", 'i', FIELD_ISO_DAY),
    FIELD("spark_dayofyear", 'i', FIELD_DAY_OF_YEAR),
    FIELD("spark_weekofyear", 'i', FIELD_WEEK),
    FIELD("spark_yearofweek", 'i', FIELD_WEEK_YEAR),
    FIELD("spark_hour", 'i', FIELD_HOUR),
    FIELD("spark_minute", 'i', FIELD_MINUTE),
    FIELD("spark_second", 'i', FIELD_SECOND),
    FIELD("spark_seconds", 'c', FIELD_SECOND_MICROS),
    {"spark_dayname", "*", 's', PRELUDE_PLAIN, name_rows, &fields[FIELD_WEEKDAY]},
    {"spark_monthname", "*", 's', PRELUDE_PLAIN, name_rows, &fields[FIELD_MONTH]},
    {"spark_date_add", "*", 'D', PRELUDE_PLAIN, date_add_rows, NULL},
    {"spark_add_months", "*", 'D', PRELUDE_PLAIN, date_add_rows, marked},
    {"spark_datediff", "*", 'i', PRELUDE_PLAIN, datediff_rows, NULL},
    {"spark_months_between", "*", 'd', PRELUDE_PLAIN, months_between_rows, NULL},
    {"spark_last_day", "*", 'D', PRELUDE_PLAIN, last_day_rows, NULL},
    {"spark_next_day", "*", 'D', PRELUDE_PLAIN, next_day_rows, NULL},
    {"spark_date_trunc", "s*", 'T', PRELUDE_PLAIN, date_trunc_rows, NULL},
    {"spark_trunc", "*", 'D', PRELUDE_PLAIN, trunc_rows, NULL},
    {"spark_timestamp_add", "s*", 'T', PRELUDE_PLAIN, timestamp_add_rows, NULL},
    {"spark_timestamp_diff", "s*", 'l', PRELUDE_PLAIN, timestamp_diff_rows, NULL},
    {"spark_make_date", "iii", 'D', PRELUDE_PLAIN, make_date_rows, NULL},
    {"spark_make_timestamp", "iiiii*", 'T', PRELUDE_PLAIN, make_timestamp_rows, NULL},
    {"spark_from_seconds", "*", 'T', PRELUDE_PLAIN, from_seconds_rows, NULL},
    {"spark_unix_micros", "*", 'l', PRELUDE_PLAIN, unix_rows, &units[0]},
    {"spark_unix_millis", "*", 'l', PRELUDE_PLAIN, unix_rows, &units[1]},
    {"spark_unix_seconds", "*", 'l', PRELUDE_PLAIN, unix_rows, &units[2]},
};

const PreludeGroup prelude_times = {functions, sizeof functions / sizeof functions[0]};
