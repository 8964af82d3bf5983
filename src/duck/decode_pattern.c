// decode_pattern.c -- compiles and matches date patterns.
// SPDX-License-Identifier: Apache-2.0
#include "duck/decode_pattern.h"

typedef struct PatternItem {
    char letter; // a pattern letter, 0: the literal, '[': an optional section
    int count;   // of the letter
    char literal;
    size_t end; // '[': the item behind its ']'
} PatternItem;

struct DecodePattern {
    PatternItem *items;
    size_t count;
    size_t capacity;
};

enum { SECTIONS_MAX = 8 };

typedef struct Match {
    DecodeTime time;
    bool afternoon;
    bool has_half_day;
    bool has_zone;
} Match;

// NULL when this many of this letter can be read, else what to say.
static const char *letter_problem(char letter, int count)
{
    static const struct {
        char letter;
        int max;
    } known[] = {{'y', 6}, {'u', 6}, {'M', 2}, {'d', 2}, {'H', 2}, {'h', 2}, {'m', 2},
                 {'s', 2}, {'S', 9}, {'a', 1}, {'X', 3}, {'x', 3}, {'Z', 3}};
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (known[i].letter == letter) {
            return count <= known[i].max ? NULL : "is not supported that many times";
        }
    }
    return "is not supported; use y M d H h m s S a X x Z, or quote it";
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void add(Arena *arena, DecodePattern *pattern, PatternItem item)
{
    ARENA_PUSH(arena, pattern->items, pattern->count, pattern->capacity, item);
}

// 'text' in quotes, '' for a quote; returns the position behind it, or NULL when it does not end.
static const char *add_quoted(Arena *arena, DecodePattern *pattern, const char *p)
{
    p++;
    if (*p == '\'') {
        add(arena, pattern, (PatternItem){.literal = '\''});
        return p + 1;
    }
    for (; *p != '\0'; p++) {
        if (*p == '\'') {
            if (p[1] != '\'') {
                return p + 1;
            }
            p++;
        }
        add(arena, pattern, (PatternItem){.literal = *p});
    }
    return NULL;
}

bool decode_pattern_compile(Arena *arena, const char *option, const char *text,
                            DecodePattern **pattern, Error *err)
{
    DecodePattern *made = ARENA_NEW(arena, DecodePattern);
    size_t open[SECTIONS_MAX];
    size_t depth = 0;
    for (const char *p = text; *p != '\0';) {
        if (is_letter(*p)) {
            const char *start = p;
            while (*p == *start) {
                p++;
            }
            const char *problem = letter_problem(*start, (int)(p - start));
            if (problem != NULL) {
                return fail(err, ERROR_INPUT, "%s '%s': pattern letter '%.*s' %s", option, text,
                            (int)(p - start), start, problem);
            }
            add(arena, made, (PatternItem){.letter = *start, .count = (int)(p - start)});
        } else if (*p == '\'') {
            p = add_quoted(arena, made, p);
            if (p == NULL) {
                return fail(err, ERROR_INPUT, "%s '%s': the quote is not closed", option, text);
            }
        } else if (*p == '[') {
            if (depth == SECTIONS_MAX) {
                return fail(err, ERROR_INPUT, "%s '%s': too many nested [", option, text);
            }
            open[depth++] = made->count;
            add(arena, made, (PatternItem){.letter = '['});
            p++;
        } else if (*p == ']') {
            if (depth == 0) {
                return fail(err, ERROR_INPUT, "%s '%s': ] without [", option, text);
            }
            made->items[open[--depth]].end = made->count;
            p++;
        } else {
            add(arena, made, (PatternItem){.literal = *p++});
        }
    }
    if (depth > 0) {
        return fail(err, ERROR_INPUT, "%s '%s': [ without ]", option, text);
    }
    *pattern = made;
    return true;
}

static bool read_digits(Slice text, size_t *at, size_t min, size_t max, int *number)
{
    size_t start = *at;
    int sum = 0;
    for (; *at < text.size && *at - start < max; (*at)++) {
        char c = text.data[*at];
        if (c < '0' || c > '9') {
            break;
        }
        sum = sum * 10 + (c - '0');
    }
    *number = sum;
    return *at - start >= min;
}

static bool read_year(Slice text, size_t *at, int count, int *year)
{
    bool negative = *at < text.size && text.data[*at] == '-' && count != 2;
    *at += negative;
    if (count == 2) {
        bool good = read_digits(text, at, 2, 2, year);
        *year += 2000;
        return good;
    }
    bool good = read_digits(text, at, (size_t)count, count == 1 ? 6 : (size_t)count, year);
    *year = negative ? -*year : *year;
    return good;
}

static bool read_fraction(Slice text, size_t *at, int count, int *micros)
{
    int number;
    if (!read_digits(text, at, (size_t)count, (size_t)count, &number)) {
        return false;
    }
    for (; count < 6; count++) {
        number *= 10;
    }
    for (; count > 6; count--) {
        number /= 10;
    }
    *micros = number;
    return true;
}

static bool read_offset(Slice text, size_t *at, char letter, int *seconds)
{
    size_t start = *at;
    if (letter == 'X' && start < text.size && text.data[start] == 'Z') {
        (*at)++;
        *seconds = 0;
        return true;
    }
    if (start == text.size || (text.data[start] != '+' && text.data[start] != '-')) {
        return false;
    }
    size_t end = start + 1;
    while (end < text.size && ((text.data[end] >= '0' && text.data[end] <= '9') ||
                               (text.data[end] == ':' && end > start + 1))) {
        end++;
    }
    *at = end;
    return decode_value_offset((Slice){text.data + start, end - start}, seconds);
}

static bool read_half_day(Slice text, size_t *at, Match *match)
{
    if (*at + 2 > text.size || (text.data[*at + 1] | 32) != 'm') {
        return false;
    }
    char first = (char)(text.data[*at] | 32);
    match->has_half_day = true;
    match->afternoon = first == 'p';
    *at += 2;
    return first == 'a' || first == 'p';
}

static bool read_item(const PatternItem *item, Slice text, size_t *at, Match *match)
{
    DecodeTime *time = &match->time;
    size_t min = (size_t)item->count;
    switch (item->letter) {
    case 0:
        return *at < text.size && text.data[(*at)++] == item->literal;
    case 'y':
    case 'u':
        return read_year(text, at, item->count, &time->year);
    case 'M':
        return read_digits(text, at, min, 2, &time->month);
    case 'd':
        return read_digits(text, at, min, 2, &time->day);
    case 'H':
    case 'h':
        return read_digits(text, at, min, 2, &time->hour);
    case 'm':
        return read_digits(text, at, min, 2, &time->minute);
    case 's':
        return read_digits(text, at, min, 2, &time->second);
    case 'S':
        return read_fraction(text, at, item->count, &time->micros);
    case 'a':
        return read_half_day(text, at, match);
    default:
        match->has_zone = true;
        return read_offset(text, at, item->letter, &time->offset_seconds);
    }
}

static bool read_items(const DecodePattern *pattern, size_t from, size_t to, Slice text, size_t *at,
                       Match *match)
{
    for (size_t i = from; i < to; i++) {
        const PatternItem *item = &pattern->items[i];
        if (item->letter != '[') {
            if (!read_item(item, text, at, match)) {
                return false;
            }
            continue;
        }
        Match before = *match;
        size_t at_before = *at;
        if (!read_items(pattern, i + 1, item->end, text, at, match)) {
            *match = before;
            *at = at_before;
        }
        i = item->end - 1;
    }
    return true;
}

static bool match_whole(const DecodePattern *pattern, Slice text, Match *match)
{
    *match = (Match){.time = {.year = 1970, .month = 1, .day = 1}};
    size_t at = 0;
    if (!read_items(pattern, 0, pattern->count, text, &at, match) || at != text.size) {
        return false;
    }
    if (match->has_half_day) {
        if (match->time.hour < 1 || match->time.hour > 12) {
            return false;
        }
        match->time.hour = match->time.hour % 12 + (match->afternoon ? 12 : 0);
    }
    return true;
}

bool decode_pattern_date(const DecodePattern *pattern, Slice text, int32_t *days)
{
    Match match;
    return match_whole(pattern, text, &match) && decode_value_join_date(&match.time, days);
}

bool decode_pattern_timestamp(const DecodePattern *pattern, Slice text, bool zoned, int64_t *micros)
{
    Match match;
    return match_whole(pattern, text, &match) && (zoned || !match.has_zone) &&
           decode_value_join(&match.time, micros);
}
