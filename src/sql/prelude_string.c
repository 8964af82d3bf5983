// prelude_string.c -- text functions, counted in code points as Spark does.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "sql/cast.h"
#include "sql/format_internal.h"
#include "sql/prelude_internal.h"

uint32_t prelude_code_point(Slice text, size_t *at)
{
    unsigned char lead = (unsigned char)text.data[*at];
    size_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
    if (*at + more >= text.size) {
        more = 0;
    }
    uint32_t code = more == 0 ? lead : lead & (0x3FU >> more);
    for (size_t i = 1; i <= more; i++) {
        code = code << 6 | ((unsigned char)text.data[*at + i] & 0x3FU);
    }
    *at += more + 1;
    return code;
}

void prelude_append_code_point(Buffer *out, uint32_t code)
{
    if (code < 0x80) {
        buffer_append_char(out, (char)code);
        return;
    }
    int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const unsigned char leads[] = {0, 0xC0, 0xE0, 0xF0};
    buffer_append_char(out, (char)(leads[more] | code >> (6 * more)));
    for (int i = more - 1; i >= 0; i--) {
        buffer_append_char(out, (char)(0x80 | (code >> (6 * i) & 0x3F)));
    }
}

size_t prelude_offset(Slice text, int64_t count)
{
    size_t at = 0;
    for (int64_t i = 0; i < count && at < text.size; i++) {
        prelude_code_point(text, &at);
    }
    return at;
}

int64_t prelude_length(Slice text)
{
    int64_t count = 0;
    for (size_t at = 0; at < text.size; count++) {
        prelude_code_point(text, &at);
    }
    return count;
}

// substring(s, position, length): from 1, 0 like 1, negative from the end.
static bool substring(void *context, const DuckColumn *arguments, size_t argument_count,
                      uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    (void)err;
    for (uint64_t row = 0; row < row_count; row++) {
        Slice text = duck_text(&arguments[0], row);
        int64_t position = duck_int(&arguments[1], row);
        int64_t length = duck_int(&arguments[2], row);
        int64_t start = position > 0 ? position - 1 : position;
        if (position < 0) {
            start = prelude_length(text) + position;
        }
        int64_t end = start + (length < 0 ? 0 : length);
        size_t from = prelude_offset(text, start < 0 ? 0 : start);
        Slice rest = {text.data + from, text.size - from};
        int64_t wanted = end - (start < 0 ? 0 : start);
        duck_set_text(result, row, (Slice){rest.data, prelude_offset(rest, wanted)});
    }
    return true;
}

static size_t find(Slice text, Slice part, size_t from)
{
    for (size_t i = from; i + part.size <= text.size; i++) {
        if (memcmp(text.data + i, part.data, part.size) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

static Slice before_count(Slice text, Slice delimiter, int64_t count)
{
    size_t at = 0;
    for (int64_t i = 0; i < count; i++) {
        size_t found = find(text, delimiter, at);
        if (found == SIZE_MAX) {
            return text;
        }
        if (i + 1 == count) {
            return (Slice){text.data, found};
        }
        at = found + delimiter.size;
    }
    return (Slice){text.data, 0};
}

static Slice after_count(Slice text, Slice delimiter, int64_t count)
{
    size_t end = text.size;
    for (int64_t i = 0; i < count; i++) {
        size_t found = SIZE_MAX;
        for (size_t at = end; at >= delimiter.size && found == SIZE_MAX; at--) {
            if (memcmp(text.data + at - delimiter.size, delimiter.data, delimiter.size) == 0) {
                found = at - delimiter.size;
            }
        }
        if (found == SIZE_MAX) {
            return text;
        }
        if (i + 1 == count) {
            found += delimiter.size;
            return (Slice){text.data + found, text.size - found};
        }
        end = found;
    }
    return (Slice){text.data, 0};
}

static bool substring_index(void *context, const DuckColumn *arguments, size_t argument_count,
                            uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    (void)err;
    for (uint64_t row = 0; row < row_count; row++) {
        Slice text = duck_text(&arguments[0], row);
        Slice delimiter = duck_text(&arguments[1], row);
        int64_t count = duck_int(&arguments[2], row);
        Slice part = {text.data, 0};
        if (delimiter.size > 0 && count > 0) {
            part = before_count(text, delimiter, count);
        } else if (delimiter.size > 0 && count < 0) {
            part = after_count(text, delimiter, -count);
        }
        duck_set_text(result, row, part);
    }
    return true;
}

static bool ascii(void *context, const DuckColumn *arguments, size_t argument_count,
                  uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    (void)err;
    for (uint64_t row = 0; row < row_count; row++) {
        Slice text = duck_text(&arguments[0], row);
        size_t at = 0;
        duck_set_int(result, row, text.size == 0 ? 0 : (int64_t)prelude_code_point(text, &at));
    }
    return true;
}

static bool chr(void *context, const DuckColumn *arguments, size_t argument_count,
                uint64_t row_count, DuckColumn *result, Error *err)
{
    Buffer text = {0};
    (void)context;
    (void)argument_count;
    (void)err;
    for (uint64_t row = 0; row < row_count; row++) {
        int64_t code = duck_int(&arguments[0], row);
        buffer_reset(&text);
        if (code >= 0) {
            prelude_append_code_point(&text, (uint32_t)(code & 0xFF));
        }
        duck_set_text(result, row, buffer_slice(&text));
    }
    buffer_done(&text);
    return true;
}

static int64_t edit_distance(Slice a, Slice b)
{
    size_t width = (size_t)prelude_length(b);
    int64_t *costs = calloc(width + 1, sizeof *costs);
    if (costs == NULL) {
        return -1;
    }
    for (size_t j = 0; j <= width; j++) {
        costs[j] = (int64_t)j;
    }
    int64_t row = 0;
    for (size_t i = 0; i < a.size;) {
        uint32_t left = prelude_code_point(a, &i);
        int64_t diagonal = costs[0];
        costs[0] = ++row;
        size_t at = 0;
        for (size_t j = 1; j <= width; j++) {
            int64_t change = diagonal + (prelude_code_point(b, &at) == left ? 0 : 1);
            diagonal = costs[j];
            int64_t other = (costs[j] < costs[j - 1] ? costs[j] : costs[j - 1]) + 1;
            costs[j] = change < other ? change : other;
        }
    }
    int64_t distance = costs[width];
    free(costs);
    return distance;
}

static bool levenshtein(void *context, const DuckColumn *arguments, size_t argument_count,
                        uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    for (uint64_t row = 0; row < row_count; row++) {
        int64_t distance =
            edit_distance(duck_text(&arguments[0], row), duck_text(&arguments[1], row));
        if (distance < 0) {
            return fail(err, ERROR_RETRY, "out of memory");
        }
        if (argument_count > 2 && distance > duck_int(&arguments[2], row)) {
            distance = -1;
        }
        duck_set_int(result, row, distance);
    }
    return true;
}

static char soundex_code(char c)
{
    static const char codes[] = "01230127022455012623017202";
    int letter = (c | 32) - 'a';
    return letter >= 0 && letter < 26 ? codes[letter] : '\0';
}

// American Soundex: H and W (code 7) do not part equal codes, vowels (0) do.
static void soundex_row(Slice text, Buffer *out)
{
    char code = text.size == 0 ? '\0' : soundex_code(text.data[0]);
    if (code == '\0') {
        buffer_append(out, text);
        return;
    }
    char last = code;
    buffer_append_char(out, (char)(text.data[0] & ~32));
    for (size_t i = 1; i < text.size && out->size < 4; i++) {
        code = soundex_code(text.data[i]);
        if (code == '7') {
            continue;
        }
        if (code != '\0' && code != '0' && code != last) {
            buffer_append_char(out, code);
        }
        last = code;
    }
    while (out->size < 4) {
        buffer_append_char(out, '0');
    }
}

static bool soundex(void *context, const DuckColumn *arguments, size_t argument_count,
                    uint64_t row_count, DuckColumn *result, Error *err)
{
    Buffer text = {0};
    (void)context;
    (void)argument_count;
    (void)err;
    for (uint64_t row = 0; row < row_count; row++) {
        buffer_reset(&text);
        soundex_row(duck_text(&arguments[0], row), &text);
        duck_set_text(result, row, buffer_slice(&text));
    }
    buffer_done(&text);
    return true;
}

static int64_t find_in_list(Slice word, Slice list)
{
    int64_t position = 1;
    if (memchr(word.data, ',', word.size) != NULL) {
        return 0;
    }
    for (size_t start = 0;; position++) {
        size_t end = find(list, slice_of(","), start);
        size_t stop = end == SIZE_MAX ? list.size : end;
        if (slice_equal(word, (Slice){list.data + start, stop - start})) {
            return position;
        }
        if (end == SIZE_MAX) {
            return 0;
        }
        start = end + 1;
    }
}

static bool find_in_set(void *context, const DuckColumn *arguments, size_t argument_count,
                        uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    (void)err;
    for (uint64_t row = 0; row < row_count; row++) {
        duck_set_int(result, row,
                     find_in_list(duck_text(&arguments[0], row), duck_text(&arguments[1], row)));
    }
    return true;
}

static bool elt(void *context, const DuckColumn *arguments, size_t argument_count,
                uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    for (uint64_t row = 0; row < row_count; row++) {
        if (duck_is_null(&arguments[0], row)) {
            duck_set_null(result, row);
            continue;
        }
        int64_t index = duck_int(&arguments[0], row);
        if (index < 1 || (size_t)index >= argument_count) {
            return fail(err, ERROR_INPUT,
                        "[INVALID_ARRAY_INDEX] elt has %zu choices, number %lld is none of them",
                        argument_count - 1, (long long)index);
        }
        if (duck_is_null(&arguments[index], row)) {
            duck_set_null(result, row);
        } else {
            duck_set_text(result, row, duck_text(&arguments[index], row));
        }
    }
    return true;
}

static void append_part(const DuckColumn *column, uint64_t row, Slice separator, bool *first,
                        Buffer *out)
{
    if (duck_is_null(column, row)) {
        return;
    }
    if (column->type->kind == TYPE_ARRAY) {
        uint64_t offset;
        uint64_t length;
        duck_list(column, row, &offset, &length);
        DuckColumn child = duck_child(column, 0);
        for (uint64_t i = offset; i < offset + length; i++) {
            append_part(&child, i, separator, first, out);
        }
        return;
    }
    if (!*first) {
        buffer_append(out, separator);
    }
    *first = false;
    format_value(column, row, out);
}

static bool concat_ws(void *context, const DuckColumn *arguments, size_t argument_count,
                      uint64_t row_count, DuckColumn *result, Error *err)
{
    Buffer text = {0};
    (void)context;
    (void)err;
    for (uint64_t row = 0; row < row_count; row++) {
        if (duck_is_null(&arguments[0], row) || arguments[0].type->kind != TYPE_STRING) {
            duck_set_null(result, row);
            continue;
        }
        bool first = true;
        buffer_reset(&text);
        for (size_t i = 1; i < argument_count; i++) {
            append_part(&arguments[i], row, duck_text(&arguments[0], row), &first, &text);
        }
        duck_set_text(result, row, buffer_slice(&text));
    }
    buffer_done(&text);
    return true;
}

// Java's replacement ($1, \$, \\) to RE2's (\1, $, \\).
static bool replacement(void *context, const DuckColumn *arguments, size_t argument_count,
                        uint64_t row_count, DuckColumn *result, Error *err)
{
    Buffer out = {0};
    (void)context;
    (void)argument_count;
    (void)err;
    for (uint64_t row = 0; row < row_count; row++) {
        Slice text = duck_text(&arguments[0], row);
        buffer_reset(&out);
        for (size_t i = 0; i < text.size; i++) {
            char c = text.data[i];
            bool group =
                c == '$' && i + 1 < text.size && text.data[i + 1] >= '0' && text.data[i + 1] <= '9';
            if (group) {
                buffer_append_char(&out, '\\');
                continue;
            }
            if (c == '\\' && i + 1 < text.size) {
                c = text.data[++i];
            }
            if (c == '\\') {
                buffer_append_char(&out, '\\');
            }
            buffer_append_char(&out, c);
        }
        duck_set_text(result, row, buffer_slice(&out));
    }
    buffer_done(&out);
    return true;
}

static bool quote(void *context, const DuckColumn *arguments, size_t argument_count,
                  uint64_t row_count, DuckColumn *result, Error *err)
{
    Buffer out = {0};
    (void)context;
    (void)argument_count;
    (void)err;
    for (uint64_t row = 0; row < row_count; row++) {
        Slice text = duck_text(&arguments[0], row);
        buffer_reset(&out);
        buffer_append_char(&out, '\'');
        for (size_t i = 0; i < text.size; i++) {
            buffer_append_text(&out, text.data[i] == '\'' ? "\\" : "");
            buffer_append_char(&out, text.data[i]);
        }
        buffer_append_char(&out, '\'');
        duck_set_text(result, row, buffer_slice(&out));
    }
    buffer_done(&out);
    return true;
}

static bool luhn_check(void *context, const DuckColumn *arguments, size_t argument_count,
                       uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    (void)err;
    for (uint64_t row = 0; row < row_count; row++) {
        Slice text = duck_text(&arguments[0], row);
        bool valid = text.size > 0;
        int sum = 0;
        for (size_t i = 0; i < text.size && valid; i++) {
            int digit = text.data[text.size - 1 - i] - '0';
            valid = digit >= 0 && digit <= 9;
            digit *= i % 2 == 1 ? 2 : 1;
            sum += digit > 9 ? digit - 9 : digit;
        }
        duck_set_int(result, row, valid && sum % 10 == 0 ? 1 : 0);
    }
    return true;
}

static const PreludeFunction functions[] = {
    {"spark_substring", "sii", 's', PRELUDE_PLAIN, substring, NULL},
    {"spark_substring_index", "ssi", 's', PRELUDE_PLAIN, substring_index, NULL},
    {"spark_ascii", "s", 'i', PRELUDE_PLAIN, ascii, NULL},
    {"spark_chr", "l", 's', PRELUDE_PLAIN, chr, NULL},
    {"spark_levenshtein", "ss*", 'i', PRELUDE_PLAIN, levenshtein, NULL},
    {"spark_soundex", "s", 's', PRELUDE_PLAIN, soundex, NULL},
    {"spark_find_in_set", "ss", 'i', PRELUDE_PLAIN, find_in_set, NULL},
    {"spark_elt", "i*", 's', PRELUDE_NULLS, elt, NULL},
    {"spark_concat_ws", "*", 's', PRELUDE_NULLS, concat_ws, NULL},
    {"spark_replacement", "s", 's', PRELUDE_PLAIN, replacement, NULL},
    {"spark_quote", "s", 's', PRELUDE_PLAIN, quote, NULL},
    {"spark_luhn_check", "s", 'b', PRELUDE_PLAIN, luhn_check, NULL},
};

const PreludeGroup prelude_strings = {functions, sizeof functions / sizeof functions[0]};
