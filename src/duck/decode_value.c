// decode_value.c -- text to integers, floats, decimals, booleans, dates and timestamps.
// SPDX-License-Identifier: Apache-2.0
#include "duck/decode_value.h"

#include <ctype.h>
#include <math.h>

#include "base/clock.h"
#include "duck/decode_simd.h"

enum {
    DECIMAL_DIGITS_MAX = 38,
    NUMBER_TEXT_MAX = 512,      // a decimal with thousands separators may be this long
    OFFSET_SECONDS_MAX = 64800, // 18 hours, as java.time
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static Slice trim(Slice text)
{
    while (text.size > 0 && (unsigned char)text.data[0] <= ' ') {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && (unsigned char)text.data[text.size - 1] <= ' ') {
        text.size--;
    }
    return text;
}

bool decode_value_int(Slice text, int64_t min, int64_t max, int64_t *value)
{
    size_t i = 0;
    bool negative = false;
    if (text.size > 0 && (text.data[0] == '-' || text.data[0] == '+')) {
        negative = text.data[0] == '-';
        i = 1;
    }
    if (i == text.size) {
        return false;
    }
    // Counting down covers INT64_MIN, whose negation does not exist.
    int64_t sum = 0;
    for (; i < text.size; i++) {
        unsigned digit = (unsigned)(unsigned char)text.data[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(sum, (int64_t)10, &sum) ||
            __builtin_sub_overflow(sum, (int64_t)digit, &sum)) {
            return false;
        }
    }
    if (!negative) {
        if (sum == INT64_MIN) {
            return false;
        }
        sum = -sum;
    }
    if (sum < min || sum > max) {
        return false;
    }
    *value = sum;
    return true;
}

// The bytes that the number parser takes: sign '+', blanks and Java's suffix taken away.
// False when the text is neither a decimal number nor one of the names; `special` is then unset.
static bool number_body(Slice text, Slice *body, double *special)
{
    text = trim(text);
    if (slice_is(text, "NaN") || slice_is(text, "+NaN") || slice_is(text, "-NaN")) {
        *special = NAN;
        return true;
    }
    Slice magnitude = text;
    if (magnitude.size > 0 && (magnitude.data[0] == '+' || magnitude.data[0] == '-')) {
        magnitude.data++;
        magnitude.size--;
    }
    if (slice_is(magnitude, "Infinity")) {
        *special = text.data[0] == '-' ? -INFINITY : INFINITY;
        return true;
    }
    if (magnitude.size == 0 || !(is_digit(magnitude.data[0]) || magnitude.data[0] == '.')) {
        return false;
    }
    if (text.data[0] == '+') {
        text = magnitude;
    }
    char last = text.data[text.size - 1];
    if (last == 'd' || last == 'D' || last == 'f' || last == 'F') {
        text.size--;
    }
    *special = 0;
    *body = text;
    return true;
}

bool decode_value_double(Slice text, double *value)
{
    Slice body;
    double special;
    if (!number_body(text, &body, &special)) {
        return false;
    }
    if (special != 0) {
        *value = special;
        return true;
    }
    return decode_simd_double(body.data, body.size, value);
}

bool decode_value_float(Slice text, float *value)
{
    Slice body;
    double special;
    if (!number_body(text, &body, &special)) {
        return false;
    }
    if (special != 0) {
        *value = (float)special;
        return true;
    }
    return decode_simd_float(body.data, body.size, value);
}

typedef struct Digits {
    const char *start; // first digit that counts
    const char *end;   // behind the last digit (a point may lie between)
    int64_t count;     // of digits
    int64_t exponent;  // value = digits * 10^exponent
    bool negative;
} Digits;

static bool digits_scan(Slice text, Digits *digits)
{
    const char *p = text.data;
    const char *end = text.data + text.size;
    *digits = (Digits){0};
    if (p < end && (*p == '-' || *p == '+')) {
        digits->negative = *p == '-';
        p++;
    }
    bool any = false;
    bool point = false;
    digits->start = NULL;
    for (; p < end && (is_digit(*p) || (*p == '.' && !point)); p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        any = true;
        digits->exponent -= point;
        if (*p != '0' && digits->start == NULL) {
            digits->start = p;
        }
        digits->count += digits->start != NULL;
    }
    digits->end = p;
    if (!any) {
        return false;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        bool negative = p < end && *p == '-';
        p += p < end && (*p == '-' || *p == '+');
        int64_t exponent = 0;
        if (p == end) {
            return false;
        }
        for (; p < end && is_digit(*p); p++) {
            exponent = exponent > 1000000 ? exponent : exponent * 10 + (*p - '0');
        }
        digits->exponent += negative ? -exponent : exponent;
    }
    return p == end;
}

static bool decimal_scale(const Digits *digits, int precision, int scale, __int128 *unscaled)
{
    // How many of the digits stay in front of the point once it has moved `scale` to the right.
    int64_t keep = digits->count + digits->exponent + scale;
    if (digits->start == NULL || keep < 0) {
        *unscaled = 0;
        return true;
    }
    if (keep > DECIMAL_DIGITS_MAX) {
        return false;
    }
    unsigned __int128 sum = 0;
    const char *p = digits->start;
    int64_t taken = 0;
    for (; taken < keep; taken++) {
        sum *= 10;
        if (p < digits->end && *p == '.') {
            p++;
        }
        if (p < digits->end) {
            sum += (unsigned)(*p++ - '0');
        }
    }
    if (p < digits->end && *p == '.') {
        p++;
    }
    if (p < digits->end && *p >= '5') {
        sum++;
    }
    unsigned __int128 limit = 1;
    for (int i = 0; i < precision; i++) {
        limit *= 10;
    }
    if (sum >= limit) {
        return false;
    }
    *unscaled = digits->negative ? -(__int128)sum : (__int128)sum;
    return true;
}

bool decode_value_decimal(Slice text, int precision, int scale, __int128 *unscaled)
{
    char plain[NUMBER_TEXT_MAX];
    if (memchr(text.data, ',', text.size) != NULL) {
        // Spark reads decimals of the US locale: thousands separators are dropped.
        size_t size = 0;
        if (text.size > sizeof plain) {
            return false;
        }
        for (size_t i = 0; i < text.size; i++) {
            if (text.data[i] != ',') {
                plain[size++] = text.data[i];
            }
        }
        text = (Slice){plain, size};
    }
    Digits digits;
    return digits_scan(text, &digits) && decimal_scale(&digits, precision, scale, unscaled);
}

bool decode_value_boolean(Slice text, bool *value)
{
    const char *word = text.size == 4 ? "true" : "false";
    if (text.size != 4 && text.size != 5) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (tolower((unsigned char)text.data[i]) != word[i]) {
            return false;
        }
    }
    *value = text.size == 4;
    return true;
}

bool decode_value_join_date(const DecodeTime *time, int32_t *days)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (time->month < 1 || time->month > 12 || time->day < 1) {
        return false;
    }
    bool leap = time->year % 4 == 0 && (time->year % 100 != 0 || time->year % 400 == 0);
    if (time->day > lengths[time->month - 1] + (time->month == 2 && leap)) {
        return false;
    }
    int64_t day = time_days(time->year, time->month, time->day);
    if (day >= INT32_MAX || day <= -INT32_MAX) { // the ends mean infinity in DuckDB
        return false;
    }
    *days = (int32_t)day;
    return true;
}

bool decode_value_join(const DecodeTime *time, int64_t *micros)
{
    int32_t days;
    if (time->hour > 23 || time->minute > 59 || time->second > 59 ||
        !decode_value_join_date(time, &days)) {
        return false;
    }
    int64_t seconds =
        (int64_t)time->hour * 3600 + time->minute * 60 + time->second - time->offset_seconds;
    int64_t sum;
    if (__builtin_mul_overflow((int64_t)days, TIME_DAY, &sum) ||
        __builtin_add_overflow(sum, seconds * TIME_SECOND + time->micros, &sum) ||
        sum == INT64_MAX || sum <= -INT64_MAX) {
        return false;
    }
    *micros = sum;
    return true;
}

// One or more numbers of at most `max_digits`, written as h, hh, hhmm, hhmmss, h:m, hh:mm:ss.
static bool offset_digits(Slice text, int *seconds)
{
    int parts[3] = {0};
    size_t part = 0;
    size_t i = 0;
    bool colons = memchr(text.data, ':', text.size) != NULL;
    if (!colons && text.size > 2 && text.size % 2 == 1) {
        return false;
    }
    while (i < text.size) {
        size_t start = i;
        if (part == 3) {
            return false;
        }
        for (; i < text.size && i - start < 2 && is_digit(text.data[i]); i++) {
            parts[part] = parts[part] * 10 + (text.data[i] - '0');
        }
        if (i == start) {
            return false;
        }
        part++;
        if (i < text.size && colons) {
            if (text.data[i] != ':' || i + 1 == text.size) {
                return false;
            }
            i++;
        }
    }
    *seconds = parts[0] * 3600 + parts[1] * 60 + parts[2];
    return part > 0 && parts[1] < 60 && parts[2] < 60 && *seconds <= OFFSET_SECONDS_MAX;
}

bool decode_value_offset(Slice text, int *offset_seconds)
{
    static const char *const prefixes[] = {"UTC", "GMT", "UT"};
    text = trim(text);
    if (slice_is(text, "Z")) {
        *offset_seconds = 0;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        size_t size = strlen(prefixes[i]);
        if (text.size >= size && memcmp(text.data, prefixes[i], size) == 0) {
            text = (Slice){text.data + size, text.size - size};
            if (text.size == 0) {
                *offset_seconds = 0;
                return true;
            }
            break;
        }
    }
    int seconds;
    if (text.size < 2 || (text.data[0] != '+' && text.data[0] != '-') ||
        !offset_digits((Slice){text.data + 1, text.size - 1}, &seconds)) {
        return false;
    }
    *offset_seconds = text.data[0] == '-' ? -seconds : seconds;
    return true;
}

// Reads between `min` and `max` digits at *at.
static bool take_number(Slice text, size_t *at, size_t min, size_t max, int *number)
{
    size_t start = *at;
    int sum = 0;
    while (*at < text.size && *at - start < max && is_digit(text.data[*at])) {
        sum = sum * 10 + (text.data[(*at)++] - '0');
    }
    *number = sum;
    return *at - start >= min;
}

static bool take_char(Slice text, size_t *at, char c)
{
    if (*at < text.size && text.data[*at] == c) {
        (*at)++;
        return true;
    }
    return false;
}

// [+-]yyyy[-[m]m[-[d]d]]; *parts says how many of the three were there.
static bool take_date(Slice text, size_t *at, size_t year_digits, DecodeTime *time, int *parts)
{
    *time = (DecodeTime){.month = 1, .day = 1};
    *parts = 1;
    bool negative = take_char(text, at, '-');
    if (!negative) {
        (void)take_char(text, at, '+');
    }
    if (!take_number(text, at, 4, year_digits, &time->year)) {
        return false;
    }
    time->year = negative ? -time->year : time->year;
    if (take_char(text, at, '-')) {
        *parts = 2;
        if (!take_number(text, at, 1, 2, &time->month)) {
            return false;
        }
        if (take_char(text, at, '-')) {
            *parts = 3;
            return take_number(text, at, 1, 2, &time->day);
        }
    }
    return true;
}

bool decode_value_date(Slice text, int32_t *days)
{
    text = trim(text);
    DecodeTime time;
    size_t at = 0;
    int parts;
    if (!take_date(text, &at, 7, &time, &parts)) {
        return false;
    }
    // Anything may follow a whole date after a blank or a T, as in Spark.
    if (at < text.size && !(parts == 3 && (text.data[at] == ' ' || text.data[at] == 'T'))) {
        return false;
    }
    return decode_value_join_date(&time, days);
}

// Digits behind the point: six count, the rest is cut off.
static void take_fraction(Slice text, size_t *at, int *micros)
{
    int scale = 100000;
    int sum = 0;
    for (; *at < text.size && is_digit(text.data[*at]); (*at)++) {
        sum += (text.data[*at] - '0') * scale;
        scale /= 10;
    }
    *micros = sum;
}

static inline unsigned two_digits(const char *p, unsigned *bad)
{
    unsigned a = (unsigned)(unsigned char)p[0] - '0';
    unsigned b = (unsigned)(unsigned char)p[1] - '0';
    *bad |= (a > 9) | (b > 9);
    return a * 10 + b;
}

// The form nearly every event has: yyyy-mm-ddThh:mm:ss[.fraction][Z]. False: use the general way.
static inline bool timestamp_fast(Slice text, bool zoned, int64_t *micros)
{
    const char *p = text.data;
    if (text.size < 19 || p[4] != '-' || p[7] != '-' || (p[10] != 'T' && p[10] != ' ') ||
        p[13] != ':' || p[16] != ':') {
        return false;
    }
    unsigned bad = 0;
    DecodeTime time = {
        .year = (int)(two_digits(p, &bad) * 100 + two_digits(p + 2, &bad)),
        .month = (int)two_digits(p + 5, &bad),
        .day = (int)two_digits(p + 8, &bad),
        .hour = (int)two_digits(p + 11, &bad),
        .minute = (int)two_digits(p + 14, &bad),
        .second = (int)two_digits(p + 17, &bad),
    };
    size_t at = 19;
    if (at < text.size && p[at] == '.') {
        at++;
        take_fraction(text, &at, &time.micros);
    }
    if (at < text.size && !(zoned && at + 1 == text.size && p[at] == 'Z')) {
        return false;
    }
    return bad == 0 && decode_value_join(&time, micros);
}

bool decode_value_timestamp(Slice text, bool zoned, int64_t *micros)
{
    if (timestamp_fast(text, zoned, micros)) {
        return true;
    }
    text = trim(text);
    DecodeTime time;
    size_t at = 0;
    int parts;
    if (!take_date(text, &at, 6, &time, &parts)) {
        return false;
    }
    if (at == text.size) {
        return decode_value_join(&time, micros);
    }
    if (parts != 3 || !(take_char(text, &at, 'T') || take_char(text, &at, ' ')) ||
        !take_number(text, &at, 1, 2, &time.hour)) {
        return false;
    }
    if (take_char(text, &at, ':')) {
        if (!take_number(text, &at, 1, 2, &time.minute)) {
            return false;
        }
        if (take_char(text, &at, ':')) {
            if (!take_number(text, &at, 1, 2, &time.second)) {
                return false;
            }
            if (take_char(text, &at, '.')) {
                take_fraction(text, &at, &time.micros);
            }
            // Only a time with seconds may have a zone.
            if (at < text.size) {
                Slice zone = {text.data + at, text.size - at};
                if (!zoned || !decode_value_offset(zone, &time.offset_seconds)) {
                    return false;
                }
                at = text.size;
            }
        }
    }
    return at == text.size && decode_value_join(&time, micros);
}

// hh:mm:ss in one word. False: not that.
static inline bool clock_seconds(const char *p, int64_t *seconds)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    word ^= 0x30303a30303a3030u; // digits become their values, colons 0
    if (((word & 0xf0f0fff0f0fff0f0u) | ((word + 0x0606000606000606u) & 0xf0f0fff0f0fff0f0u)) !=
        0) {
        return false;
    }
    uint64_t hour = (word & 0xf) * 10 + (word >> 8 & 0xf);
    uint64_t minute = (word >> 24 & 0xf) * 10 + (word >> 32 & 0xf);
    uint64_t second = (word >> 48 & 0xf) * 10 + (word >> 56);
    *seconds = (int64_t)(hour * 3600 + minute * 60 + second);
    return hour < 24 && minute < 60 && second < 60;
}

bool decode_value_timestamp_near(Slice text, bool zoned, DecodeDay *day, int64_t *micros)
{
    const char *p = text.data;
    int64_t seconds;
    if (text.size < 19 || memcmp(p, day->text, sizeof day->text) != 0 ||
        (p[10] != 'T' && p[10] != ' ') || !clock_seconds(p + 11, &seconds)) {
        if (!decode_value_timestamp(text, zoned, micros)) {
            return false;
        }
        int32_t days;
        if (text.size >= sizeof day->text &&
            decode_value_date((Slice){p, sizeof day->text}, &days)) {
            memcpy(day->text, p, sizeof day->text);
            day->micros = days * TIME_DAY;
        }
        return true;
    }
    int fraction = 0;
    size_t at = 19;
    if (at < text.size && p[at] == '.') {
        at++;
        take_fraction(text, &at, &fraction);
    }
    if (at < text.size && !(zoned && at + 1 == text.size && p[at] == 'Z')) {
        return decode_value_timestamp(text, zoned, micros);
    }
    *micros = day->micros + seconds * TIME_SECOND + fraction;
    return true;
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (is_digit(c)) {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool decode_value_base64(Slice text, char *out, size_t *out_size)
{
    size_t size = text.size;
    while (size > 0 && text.size - size < 2 && text.data[size - 1] == '=') {
        size--;
    }
    if (size % 4 == 1 || (size != text.size && text.size % 4 != 0)) {
        return false;
    }
    unsigned bits = 0;
    int count = 0;
    size_t written = 0;
    for (size_t i = 0; i < size; i++) {
        int digit = base64_digit(text.data[i]);
        if (digit < 0) {
            return false;
        }
        bits = (bits << 6 | (unsigned)digit) & 0xffffff;
        count += 6;
        if (count >= 8) {
            count -= 8;
            out[written++] = (char)(unsigned char)(bits >> count & 0xff);
        }
    }
    *out_size = written;
    return true;
}
