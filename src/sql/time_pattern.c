// time_pattern.c -- writing and reading times by Java's patterns.
// SPDX-License-Identifier: Apache-2.0
#include "sql/time_pattern.h"

#include <stdio.h>

#include "base/clock.h"
#include "sql/cast.h"

static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};
static const char *const days[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                   "Friday", "Saturday", "Sunday"};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool add_token(TimePattern *pattern, TimeToken token, Error *err)
{
    if (pattern->count == TIME_PATTERN_MAX) {
        return fail(err, ERROR_INPUT, "[INVALID_DATETIME_PATTERN] the pattern '%.*s' is too long",
                    SLICE_ARG(pattern->source));
    }
    pattern->tokens[pattern->count++] = token;
    return true;
}

static bool check_letter(const TimePattern *pattern, char letter, int count, Error *err)
{
    if (strchr("YwWec", letter) != NULL) {
        return fail(err, ERROR_INPUT,
                    "[INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_WEEK_BASED_PATTERN] '%c' in "
                    "the pattern '%.*s' counts weeks, which is not supported; use extract()",
                    letter, SLICE_ARG(pattern->source));
    }
    bool fits = strchr("GyuQqMLdDEahHkKmsSVzOXxZ", letter) != NULL && count <= 9 &&
                (strchr("dhHkKms", letter) == NULL || count <= 2) &&
                (strchr("MLQqE", letter) == NULL || count <= 4) && (letter != 'a' || count == 1) &&
                (letter != 'D' || count <= 3) && (letter != 'V' || count == 2);
    return fits || fail(err, ERROR_INPUT,
                        "[INVALID_DATETIME_PATTERN.ILLEGAL_CHARACTER] %d times '%c' in the pattern "
                        "'%.*s'",
                        count, letter, SLICE_ARG(pattern->source));
}

static bool add_quoted(TimePattern *pattern, Slice text, size_t *at, Error *err)
{
    size_t start = ++*at;
    while (*at < text.size && text.data[*at] != '\'') {
        (*at)++;
    }
    if (*at == text.size) {
        return fail(err, ERROR_INPUT,
                    "[INVALID_DATETIME_PATTERN] an unclosed quote in the pattern '%.*s'",
                    SLICE_ARG(text));
    }
    TimeToken token = {.text = {text.data + start, *at - start}};
    if (token.text.size == 0) { // '' is a quote
        token.text = (Slice){"'", 1};
    }
    (*at)++;
    return add_token(pattern, token, err);
}

bool time_pattern_compile(Slice text, TimePattern *pattern, Error *err)
{
    pattern->count = 0;
    pattern->source = text;
    for (size_t at = 0; at < text.size;) {
        char c = text.data[at];
        size_t start = at;
        if (c == '\'') {
            if (!add_quoted(pattern, text, &at, err)) {
                return false;
            }
            continue;
        }
        if (!is_letter(c)) {
            at++;
            TimeToken token = {.letter = c == '[' || c == ']' ? c : '\0',
                               .text = {text.data + start, 1}};
            if (!add_token(pattern, token, err)) {
                return false;
            }
            continue;
        }
        while (at < text.size && text.data[at] == c) {
            at++;
        }
        TimeToken token = {.letter = c, .count = (int)(at - start)};
        if (!check_letter(pattern, c, token.count, err) || !add_token(pattern, token, err)) {
            return false;
        }
    }
    return true;
}

// ---- writing -------------------------------------------------------------------------------

typedef struct Fields {
    int64_t year;
    int64_t month;
    int64_t day;
    int64_t hour; // of the day
    int64_t minute;
    int64_t second;
    int64_t micros;
    int64_t day_of_year;
    int weekday; // 0 Monday
} Fields;

static Fields split(int64_t micros)
{
    int64_t number = micros / TIME_DAY - (micros % TIME_DAY < 0);
    int64_t rest = micros - number * TIME_DAY;
    int year;
    int month;
    int day;
    time_civil(number, &year, &month, &day);
    return (Fields){
        .year = year,
        .month = month,
        .day = day,
        .hour = rest / TIME_HOUR,
        .minute = rest / TIME_MINUTE % 60,
        .second = rest / TIME_SECOND % 60,
        .micros = rest % TIME_SECOND,
        .day_of_year = number - time_days(year, 1, 1) + 1,
        .weekday = (int)(((number + 3) % 7 + 7) % 7),
    };
}

static void append_padded(int64_t value, int width, Buffer *out)
{
    buffer_printf(out, "%0*lld", width, (long long)value);
}

static void append_name(const char *name, int count, Buffer *out)
{
    buffer_append(out, (Slice){name, count >= 4 ? strlen(name) : 3});
}

static void append_month(const TimeToken *token, const Fields *fields, Buffer *out)
{
    if (token->count >= 3) {
        append_name(months[fields->month - 1], token->count, out);
    } else {
        append_padded(fields->month, token->count, out);
    }
}

static void append_year(const TimeToken *token, const Fields *fields, Buffer *out)
{
    int64_t year = token->letter == 'y' && fields->year < 1 ? 1 - fields->year : fields->year;
    if (token->count == 2) {
        append_padded(((year % 100) + 100) % 100, 2, out);
        return;
    }
    if (year > 9999 && token->count >= 4) {
        buffer_append_char(out, '+');
    }
    append_padded(year, token->count, out);
}

static void append_quarter(const TimeToken *token, const Fields *fields, Buffer *out)
{
    static const char *const names[] = {"1st quarter", "2nd quarter", "3rd quarter", "4th quarter"};
    int64_t quarter = (fields->month + 2) / 3;
    if (token->count == 4) {
        buffer_append_text(out, names[quarter - 1]);
    } else if (token->count == 3) {
        buffer_printf(out, "Q%lld", (long long)quarter);
    } else {
        append_padded(quarter, token->count, out);
    }
}

static void append_zone(const TimeToken *token, Buffer *out)
{
    switch (token->letter) {
    case 'X':
        buffer_append_char(out, 'Z');
        break;
    case 'x':
        buffer_append_text(out, token->count == 1   ? "+00"
                                : token->count == 2 ? "+0000"
                                : token->count == 3 ? "+00:00"
                                : token->count == 4 ? "+0000"
                                                    : "+00:00");
        break;
    case 'Z':
        buffer_append_text(out, token->count <= 3 ? "+0000" : token->count == 4 ? "GMT" : "Z");
        break;
    case 'O':
        buffer_append_text(out, "GMT");
        break;
    default:
        buffer_append_text(
            out, token->letter == 'z' && token->count == 4 ? "Coordinated Universal Time" : "UTC");
        break;
    }
}

static void append_fraction(int64_t micros, int count, Buffer *out)
{
    char text[16];
    snprintf(text, sizeof text, "%06d000", (int)micros);
    buffer_append(out, (Slice){text, (size_t)count});
}

static void append_token(const TimeToken *token, const Fields *fields, Buffer *out)
{
    switch (token->letter) {
    case 'G':
        buffer_append_text(out, fields->year > 0    ? token->count == 4 ? "Anno Domini" : "AD"
                                : token->count == 4 ? "Before Christ"
                                                    : "BC");
        break;
    case 'y':
    case 'u':
        append_year(token, fields, out);
        break;
    case 'Q':
    case 'q':
        append_quarter(token, fields, out);
        break;
    case 'M':
    case 'L':
        append_month(token, fields, out);
        break;
    case 'd':
        append_padded(fields->day, token->count, out);
        break;
    case 'D':
        append_padded(fields->day_of_year, token->count, out);
        break;
    case 'E':
        append_name(days[fields->weekday], token->count, out);
        break;
    case 'a':
        buffer_append_text(out, fields->hour < 12 ? "AM" : "PM");
        break;
    case 'h':
        append_padded((fields->hour + 11) % 12 + 1, token->count, out);
        break;
    case 'H':
        append_padded(fields->hour, token->count, out);
        break;
    case 'k':
        append_padded(fields->hour == 0 ? 24 : fields->hour, token->count, out);
        break;
    case 'K':
        append_padded(fields->hour % 12, token->count, out);
        break;
    case 'm':
        append_padded(fields->minute, token->count, out);
        break;
    case 's':
        append_padded(fields->second, token->count, out);
        break;
    case 'S':
        append_fraction(fields->micros, token->count, out);
        break;
    case '\0':
        buffer_append(out, token->text);
        break;
    case '[':
    case ']':
        break;
    default:
        append_zone(token, out);
        break;
    }
}

void time_pattern_format(const TimePattern *pattern, int64_t micros, Buffer *out)
{
    Fields fields = split(micros);
    for (size_t i = 0; i < pattern->count; i++) {
        append_token(&pattern->tokens[i], &fields, out);
    }
}

// ---- reading -------------------------------------------------------------------------------

typedef struct Reading {
    Slice text;
    size_t at;
    Fields fields;
    int64_t half_hour; // of h and K; -1: none
    bool afternoon;
    int64_t offset;
} Reading;

static bool is_number(const TimeToken *token)
{
    bool names = (token->letter == 'M' || token->letter == 'L') && token->count > 2;
    return token->letter != '\0' && strchr("yuMLdDhHkKmsS", token->letter) != NULL && !names;
}

// Digits that numbers directly after token `index` need: "yyyyMMdd" leaves four to them.
static size_t reserved_digits(const TimePattern *pattern, size_t index)
{
    size_t sum = 0;
    for (size_t i = index + 1; i < pattern->count && is_number(&pattern->tokens[i]); i++) {
        sum += (size_t)pattern->tokens[i].count;
    }
    return sum;
}

static bool read_digits(Reading *reading, size_t least, size_t most, int64_t *value)
{
    size_t start = reading->at;
    *value = 0;
    while (reading->at < reading->text.size && reading->at - start < most &&
           is_digit(reading->text.data[reading->at])) {
        *value = *value * 10 + (reading->text.data[reading->at++] - '0');
    }
    return reading->at - start >= least;
}

static size_t digits_ahead(const Reading *reading)
{
    size_t count = 0;
    while (reading->at + count < reading->text.size &&
           is_digit(reading->text.data[reading->at + count])) {
        count++;
    }
    return count;
}

static bool read_year(const TimePattern *pattern, size_t index, Reading *reading)
{
    int count = pattern->tokens[index].count;
    int64_t value;
    if (count == 2) {
        if (!read_digits(reading, 2, 2, &value)) {
            return false;
        }
        reading->fields.year = 2000 + value;
        return true;
    }
    size_t ahead = digits_ahead(reading);
    size_t reserved = reserved_digits(pattern, index);
    size_t most = reserved > 0 ? (ahead > reserved ? ahead - reserved : 0) : 7;
    size_t least = count >= 4 ? (size_t)count : 1;
    // without a sign Java takes more digits than the pattern has letters only for y and yyy
    most = count >= 4 && most > (size_t)count ? (size_t)count : most;
    return read_digits(reading, least, most, &reading->fields.year);
}

static bool read_name(Reading *reading, const char *const *names, int count, bool full,
                      int64_t *index)
{
    for (int i = 0; i < count; i++) {
        size_t size = full ? strlen(names[i]) : 3;
        char word[16] = {0};
        char wanted[16] = {0};
        if (reading->at + size > reading->text.size) {
            continue;
        }
        memcpy(word, reading->text.data + reading->at, size);
        memcpy(wanted, names[i], size);
        if (text_equal_nocase(word, wanted)) {
            reading->at += size;
            *index = i;
            return true;
        }
    }
    return false;
}

static bool read_zone(Reading *reading)
{
    size_t end = reading->at;
    while (end < reading->text.size &&
           (is_letter(reading->text.data[end]) || is_digit(reading->text.data[end]) ||
            strchr("+-:", reading->text.data[end]) != NULL)) {
        end++;
    }
    Slice zone = {reading->text.data + reading->at, end - reading->at};
    reading->at = end;
    return zone.size > 0 && cast_parse_zone(zone, &reading->offset);
}

static bool read_fraction(Reading *reading, int count)
{
    int64_t scale = TIME_SECOND / 10;
    int taken = 0;
    reading->fields.micros = 0;
    for (; taken < count && reading->at < reading->text.size &&
           is_digit(reading->text.data[reading->at]);
         taken++) {
        reading->fields.micros += (reading->text.data[reading->at++] - '0') * scale;
        scale /= 10;
    }
    return taken > 0;
}

static bool read_small(const TimePattern *pattern, size_t index, Reading *reading, int64_t *value)
{
    int count = pattern->tokens[index].count;
    bool glued = reserved_digits(pattern, index) > 0;
    return count >= 2 ? read_digits(reading, (size_t)count, (size_t)count, value)
                      : read_digits(reading, 1, glued ? 1 : 3, value);
}

static bool read_half(const TimePattern *pattern, size_t index, Reading *reading, int64_t least)
{
    int64_t value;
    if (!read_small(pattern, index, reading, &value) || value < least || value > least + 11) {
        return false;
    }
    reading->half_hour = value % 12;
    return true;
}

static bool read_month(const TimePattern *pattern, size_t index, Reading *reading)
{
    const TimeToken *token = &pattern->tokens[index];
    if (token->count < 3) {
        return read_small(pattern, index, reading, &reading->fields.month);
    }
    int64_t month = 0;
    bool ok = read_name(reading, months, 12, token->count == 4, &month);
    reading->fields.month = month + 1;
    return ok;
}

static bool read_token(const TimePattern *pattern, size_t index, Reading *reading)
{
    const TimeToken *token = &pattern->tokens[index];
    Fields *fields = &reading->fields;
    int64_t ignored;
    switch (token->letter) {
    case '\0':
        if (reading->at + token->text.size > reading->text.size ||
            memcmp(reading->text.data + reading->at, token->text.data, token->text.size) != 0) {
            return false;
        }
        reading->at += token->text.size;
        return true;
    case 'y':
    case 'u':
        return read_year(pattern, index, reading);
    case 'M':
    case 'L':
        return read_month(pattern, index, reading);
    case 'd':
        return read_small(pattern, index, reading, &fields->day);
    case 'D':
        return read_small(pattern, index, reading, &fields->day_of_year);
    case 'E':
        return read_name(reading, days, 7, token->count == 4, &ignored);
    case 'H':
        return read_small(pattern, index, reading, &fields->hour);
    case 'k':
        if (!read_small(pattern, index, reading, &fields->hour) || fields->hour == 0) {
            return false;
        }
        fields->hour %= 24;
        return true;
    case 'h':
        return read_half(pattern, index, reading, 1);
    case 'K':
        return read_half(pattern, index, reading, 0);
    case 'm':
        return read_small(pattern, index, reading, &fields->minute);
    case 's':
        return read_small(pattern, index, reading, &fields->second);
    case 'S':
        return read_fraction(reading, token->count);
    case 'a': {
        char word[3] = {0};
        if (reading->at + 2 > reading->text.size) {
            return false;
        }
        memcpy(word, reading->text.data + reading->at, 2);
        reading->at += 2;
        reading->afternoon = text_equal_nocase(word, "PM");
        return reading->afternoon || text_equal_nocase(word, "AM");
    }
    case 'G':
        reading->at += 2;
        return reading->at <= reading->text.size &&
               memcmp(reading->text.data + reading->at - 2, "AD", 2) == 0;
    case 'X':
    case 'x':
    case 'Z':
    case 'V':
    case 'z':
    case 'O':
        return read_zone(reading);
    default:
        return false;
    }
}

// Tokens [first, end); an optional part that does not fit is passed over.
static bool read_tokens(const TimePattern *pattern, size_t first, size_t end, Reading *reading)
{
    for (size_t i = first; i < end; i++) {
        char letter = pattern->tokens[i].letter;
        if (letter == ']') {
            continue;
        }
        if (letter != '[') {
            if (!read_token(pattern, i, reading)) {
                return false;
            }
            continue;
        }
        int depth = 1;
        size_t close = i + 1;
        for (; close < end; close++) {
            char c = pattern->tokens[close].letter;
            depth += c == '[' ? 1 : c == ']' ? -1 : 0;
            if (depth == 0) {
                break;
            }
        }
        Reading attempt = *reading;
        if (read_tokens(pattern, i + 1, close, &attempt)) {
            *reading = attempt;
        }
        i = close;
    }
    return true;
}

static bool to_micros(Reading *reading, int64_t *micros)
{
    Fields *fields = &reading->fields;
    if (reading->half_hour >= 0) {
        fields->hour = reading->half_hour + (reading->afternoon ? 12 : 0);
    }
    if (fields->hour > 23 || fields->minute > 59 || fields->second > 59) {
        return false;
    }
    Buffer text = {0};
    int64_t number;
    buffer_printf(&text, "%04lld-%lld-%lld", (long long)fields->year, (long long)fields->month,
                  (long long)fields->day);
    bool ok = cast_parse_date(buffer_slice(&text), &number);
    buffer_done(&text);
    if (!ok) {
        return false;
    }
    if (fields->day_of_year > 0) {
        int64_t first = time_days((int)fields->year, 1, 1);
        if (fields->day_of_year > time_days((int)fields->year + 1, 1, 1) - first) {
            return false;
        }
        number = first + fields->day_of_year - 1;
    }
    *micros = number * TIME_DAY + fields->hour * TIME_HOUR + fields->minute * TIME_MINUTE +
              fields->second * TIME_SECOND + fields->micros - reading->offset;
    return true;
}

bool time_pattern_parse(const TimePattern *pattern, Slice text, int64_t *micros)
{
    Reading reading = {
        .text = text, .fields = {.year = 1970, .month = 1, .day = 1}, .half_hour = -1};
    return read_tokens(pattern, 0, pattern->count, &reading) && reading.at == text.size &&
           to_micros(&reading, micros);
}
