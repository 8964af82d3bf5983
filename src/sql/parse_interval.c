// INTERVAL in all of Spark's forms, and durations in settings.
//
//     INTERVAL 10 SECONDS       INTERVAL 1 DAY 2 HOURS      INTERVAL '10' SECOND
//     INTERVAL '1 day 2 hours'  INTERVAL '1-2' YEAR TO MONTH  INTERVAL '1 02:03:04.5' DAY TO SECOND
//
// Months, days and microseconds stay apart: a month and a day have their calendar meaning.
// SPDX-License-Identifier: Apache-2.0
#include "sql/parse_internal.h"

#include <strings.h>

typedef enum Field {
    FIELD_YEAR,
    FIELD_MONTH,
    FIELD_DAY,
    FIELD_HOUR,
    FIELD_MINUTE,
    FIELD_SECOND,
} Field;

static const char *const field_names[] = {"YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"};

typedef struct Unit {
    const char *name; // singular; a plural S may follow
    Field field;      // what Spark's interval type calls it
    int64_t months;   // of one unit
    int64_t days;
    int64_t micros;
} Unit;

static const Unit units[] = {
    {"YEAR", FIELD_YEAR, 12, 0, 0},
    {"MONTH", FIELD_MONTH, 1, 0, 0},
    {"WEEK", FIELD_DAY, 0, 7, 0},
    {"DAY", FIELD_DAY, 0, 1, 0},
    {"HOUR", FIELD_HOUR, 0, 0, TIME_HOUR},
    {"MINUTE", FIELD_MINUTE, 0, 0, TIME_MINUTE},
    {"SECOND", FIELD_SECOND, 0, 0, TIME_SECOND},
    {"MILLISECOND", FIELD_SECOND, 0, 0, TIME_MS},
    {"MICROSECOND", FIELD_SECOND, 0, 0, 1},
};

typedef struct Sum {
    int64_t months;
    int64_t days;
    int64_t micros;
    Field first;
    Field last;
    bool any;
} Sum;

static const Unit *find_unit(Slice word)
{
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        size_t size = strlen(units[i].name);
        bool plural = word.size == size + 1 && (word.data[size] | 0x20) == 's';
        if ((word.size == size || plural) && strncasecmp(word.data, units[i].name, size) == 0) {
            return &units[i];
        }
    }
    return NULL;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// Digits at the start of *text as a number, which moves past them; false: none or too large.
static bool take_digits(Slice *text, int64_t *number)
{
    size_t at = 0;
    *number = 0;
    while (at < text->size && is_digit(text->data[at])) {
        if (__builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, text->data[at] - '0', number)) {
            return false;
        }
        at++;
    }
    *text = (Slice){text->data + at, text->size - at};
    return at > 0;
}

// ".5" as microseconds; digits beyond the sixth are cut, as in Spark.
static void take_fraction(Slice *text, int64_t *micros)
{
    int64_t scale = TIME_SECOND;
    size_t at = 1;
    *micros = 0;
    while (at < text->size && is_digit(text->data[at])) {
        scale /= 10;
        *micros += (text->data[at] - '0') * scale;
        at++;
    }
    *text = (Slice){text->data + at, text->size - at};
}

static void take_space(Slice *text)
{
    while (text->size > 0 && (*text->data == ' ' || (*text->data >= '\t' && *text->data <= '\r'))) {
        *text = (Slice){text->data + 1, text->size - 1};
    }
}

static bool take_sign(Slice *text)
{
    bool negative = text->size > 0 && text->data[0] == '-';
    if (negative || (text->size > 0 && text->data[0] == '+')) {
        *text = (Slice){text->data + 1, text->size - 1};
    }
    return negative;
}

static bool add_scaled(int64_t *total, int64_t number, int64_t scale, bool negative)
{
    int64_t value;
    if (__builtin_mul_overflow(number, scale, &value)) {
        return false;
    }
    return negative ? !__builtin_sub_overflow(*total, value, total)
                    : !__builtin_add_overflow(*total, value, total);
}

// Adds `number` units and a fraction in microseconds (of seconds); NULL or what is wrong.
static const char *add_unit(Sum *sum, const Unit *unit, int64_t number, int64_t fraction,
                            bool negative)
{
    bool is_month = unit->field <= FIELD_MONTH;
    if (sum->any && is_month != (sum->first <= FIELD_MONTH)) {
        return "years and months cannot be mixed with days and times in one interval";
    }
    sum->first = !sum->any || unit->field < sum->first ? unit->field : sum->first;
    sum->last = !sum->any || unit->field > sum->last ? unit->field : sum->last;
    sum->any = true;
    if (!add_scaled(&sum->months, number, unit->months, negative) ||
        !add_scaled(&sum->days, number, unit->days, negative) ||
        !add_scaled(&sum->micros, number, unit->micros, negative) ||
        !add_scaled(&sum->micros, fraction, 1, negative)) {
        return "the interval is too large";
    }
    return NULL;
}

// One "[+-]12[.5]" followed by nothing, of the given unit.
static const char *add_value(Sum *sum, Slice text, const Unit *unit, bool negative)
{
    int64_t number = 0;
    int64_t fraction = 0;
    take_space(&text);
    negative = take_sign(&text) != negative;
    bool has_fraction = text.size > 1 && text.data[0] == '.' && is_digit(text.data[1]);
    if (!has_fraction && !take_digits(&text, &number)) {
        return "this is not a number an interval can take";
    }
    if (text.size > 0 && text.data[0] == '.') {
        if (unit->micros != TIME_SECOND) {
            return "only seconds can have a fraction";
        }
        take_fraction(&text, &fraction);
    }
    take_space(&text);
    if (text.size > 0) {
        return "this is not a number an interval can take";
    }
    return add_unit(sum, unit, number, fraction, negative);
}

// "1 day -2 hours 3.5 seconds"
static const char *add_text(Sum *sum, Slice text, bool negate)
{
    take_space(&text);
    if (text.size > 8 && strncasecmp(text.data, "interval", 8) == 0 && text.data[8] == ' ') {
        text = (Slice){text.data + 8, text.size - 8};
        take_space(&text);
    }
    do {
        Slice rest = text;
        take_sign(&rest);
        take_space(&rest);
        while (rest.size > 0 && (is_digit(rest.data[0]) || rest.data[0] == '.')) {
            rest = (Slice){rest.data + 1, rest.size - 1};
        }
        Slice number = {text.data, (size_t)(rest.data - text.data)};
        take_space(&rest);
        size_t size = 0;
        while (size < rest.size && (rest.data[size] | 0x20) >= 'a' &&
               (rest.data[size] | 0x20) <= 'z') {
            size++;
        }
        const Unit *unit = find_unit((Slice){rest.data, size});
        if (number.size == 0 || unit == NULL) {
            return "an interval is written like '1 day 2 hours'";
        }
        bool negative = take_sign(&number) != negate;
        take_space(&number);
        const char *problem = add_value(sum, number, unit, negative);
        if (problem != NULL) {
            return problem;
        }
        text = (Slice){rest.data + size, rest.size - size};
        take_space(&text);
    } while (text.size > 0);
    return NULL;
}

static const Unit *unit_of_field(Field field)
{
    return find_unit(slice_of(field_names[field]));
}

// "1-2" YEAR TO MONTH, "1 02:03:04.5" DAY TO SECOND and what lies between
static const char *add_range(Sum *sum, Slice text, Field from, Field to, bool negate)
{
    static const char separators[] = {0, '-', 0, ' ', ':', ':'}; // before the field
    static const int64_t most[] = {0, 11, 0, 23, 59, 59};        // of a field that is not the first
    static const char *const bad = "the text does not have the form that its units ask for";
    take_space(&text);
    bool negative = take_sign(&text) != negate;
    for (Field field = from; field <= to; field++) {
        int64_t number;
        int64_t fraction = 0;
        if (field > from) {
            if (text.size == 0 || text.data[0] != separators[field]) {
                return bad;
            }
            text = (Slice){text.data + 1, text.size - 1};
        }
        if (!take_digits(&text, &number)) {
            return bad;
        }
        if (field > from && number > most[field]) {
            return "a field of the interval is out of its range";
        }
        if (field == FIELD_SECOND && text.size > 0 && text.data[0] == '.') {
            take_fraction(&text, &fraction);
        }
        const char *problem = add_unit(sum, unit_of_field(field), number, fraction, negative);
        if (problem != NULL) {
            return problem;
        }
    }
    take_space(&text);
    return text.size > 0 ? bad : NULL;
}

// ---- literals ------------------------------------------------------------------------------

static const Unit *unit_at(const Parser *parser, size_t ahead)
{
    const Token *token = parse_token_at(parser, ahead);
    return token->kind == TOKEN_WORD ? find_unit(parse_text(parser, token)) : NULL;
}

static bool is_value_at(const Parser *parser, size_t ahead)
{
    return parse_is_at(parser, ahead, TOKEN_NUMBER) || parse_is_at(parser, ahead, TOKEN_STRING);
}

static size_t sign_size(const Parser *parser, size_t ahead)
{
    return parse_is_at(parser, ahead, TOKEN_MINUS) || parse_is_at(parser, ahead, TOKEN_PLUS) ? 1
                                                                                             : 0;
}

// A sign belongs to the interval only when a value with a unit follows: interval - 1 is a column's.
bool parse_is_interval(const Parser *parser)
{
    size_t sign = sign_size(parser, 1);
    return is_value_at(parser, 1 + sign) && (sign == 0 || unit_at(parser, 2 + sign) != NULL);
}

static bool problem_at(Parser *parser, size_t first, const char *problem)
{
    return problem == NULL ||
           diagnose(parser->diagnostics, parse_span(parser, first), "INVALID_INTERVAL_FORMAT",
                    "for instance INTERVAL 10 MINUTES, INTERVAL '1 day 2 hours', "
                    "INTERVAL '1-2' YEAR TO MONTH",
                    "%s", problem);
}

static bool take_value(Parser *parser, Slice *value)
{
    if (parse_is(parser, TOKEN_NUMBER)) {
        *value = parse_text(parser, parse_token(parser));
        parser->at++;
        return true;
    }
    return parse_string(parser, value);
}

// [sign] value unit [TO unit]; the first value may be a whole text without a unit.
static bool parse_part(Parser *parser, Sum *sum, bool is_first, bool *more)
{
    size_t first = parser->at;
    bool negative = parse_accept(parser, TOKEN_MINUS);
    if (!negative) {
        parse_accept(parser, TOKEN_PLUS);
    }
    bool is_text = parse_is(parser, TOKEN_STRING);
    Slice value;
    if (!take_value(parser, &value)) {
        return false;
    }
    *more = false;
    const Unit *unit = unit_at(parser, 0);
    if (unit == NULL) {
        if (!is_text || !is_first) {
            return parse_error(parser, "a unit such as SECONDS, MINUTES, HOURS or DAYS");
        }
        return problem_at(parser, first, add_text(sum, value, negative));
    }
    parser->at++;
    if (is_first && parse_is_word(parser, "TO") && unit_at(parser, 1) != NULL) {
        const Unit *to = unit_at(parser, 1);
        parser->at += 2;
        if (to->field <= unit->field ||
            (unit->field <= FIELD_MONTH) != (to->field <= FIELD_MONTH)) {
            return problem_at(parser, first, "an interval cannot go from this unit to that one");
        }
        return problem_at(parser, first, add_range(sum, value, unit->field, to->field, negative));
    }
    *more = true;
    return problem_at(parser, first, add_value(sum, value, unit, negative));
}

Expr *parse_interval(Parser *parser)
{
    size_t first = parser->at++;
    Sum sum = {0};
    bool more;
    bool is_first = true;
    do {
        if (!parse_part(parser, &sum, is_first, &more)) {
            return NULL;
        }
        is_first = false;
        size_t sign = sign_size(parser, 0);
        more = more && is_value_at(parser, sign) && unit_at(parser, sign + 1) != NULL;
    } while (more);
    Expr *expr = ast_expr(parser->arena, EXPR_INTERVAL, parse_span(parser, first));
    expr->months = sum.months;
    expr->days = sum.days;
    expr->micros = sum.micros;
    expr->interval_is_constant = true;
    expr->text = slice_of(field_names[sum.first]);
    if (sum.last > sum.first) {
        expr->text = slice_of(
            arena_printf(parser->arena, "%s TO %s", field_names[sum.first], field_names[sum.last]));
    }
    return expr;
}

bool sql_parse_duration(Slice text, TimeUs *duration, Error *err)
{
    Sum sum = {0};
    const char *problem = add_text(&sum, text, false);
    if (problem == NULL && sum.months != 0) {
        problem = "months and years have no fixed length; use days";
    }
    TimeUs total = sum.micros;
    if (problem == NULL && !add_scaled(&total, sum.days, TIME_DAY, false)) {
        problem = "the interval is too large";
    }
    if (problem != NULL) {
        return fail(err, ERROR_INPUT,
                    "'%.*s' is not a duration: %s (for instance '10 seconds' or '1 minute')",
                    SLICE_ARG(text), problem);
    }
    *duration = total;
    return true;
}
