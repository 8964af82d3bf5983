// prelude_format.c -- numbers and patterns as text: format_number, format_string, mask, hex, URLs.
// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sql/cast.h"
#include "sql/format_internal.h"
#include "sql/prelude_internal.h"

static void append_grouped(const char *digits, Buffer *out)
{
    size_t whole = strcspn(digits, ".");
    size_t at = digits[0] == '-' ? 1 : 0;
    buffer_append_text(out, at == 1 ? "-" : "");
    for (; at < whole; at++) {
        buffer_append_char(out, digits[at]);
        if ((whole - at) % 3 == 1 && at + 1 < whole) {
            buffer_append_char(out, ',');
        }
    }
    buffer_append_text(out, digits + whole);
}

// Java's DecimalFormat rounds half to even, on the exact binary value of a double.
static bool number_text(const DuckColumn *column, uint64_t row, int places, Buffer *out, Error *err)
{
    double value;
    if (column->type->kind == TYPE_DECIMAL) {
        __int128 whole = duck_decimal(column, row);
        int scale = column->type->scale;
        for (; scale < places; scale++) {
            whole *= 10;
        }
        __int128 divisor = 1;
        for (int i = places; i < scale; i++) {
            divisor *= 10;
        }
        __int128 rest = whole % divisor;
        whole /= divisor;
        __int128 twice = rest < 0 ? -2 * rest : 2 * rest;
        if (twice > divisor || (twice == divisor && whole % 2 != 0)) {
            whole += rest < 0 ? -1 : 1;
        }
        format_decimal(whole, places, out);
        return true;
    }
    if (!cast_read_double(column, row, &value, err)) {
        return false;
    }
    buffer_printf(out, "%.*f", places, value);
    return true;
}

static bool format_number(void *context, const DuckColumn *arguments, size_t argument_count,
                          uint64_t row_count, DuckColumn *result, Error *err)
{
    Buffer digits = {0};
    Buffer text = {0};
    bool ok = true;
    (void)context;
    (void)argument_count;
    if (arguments[1].type->kind == TYPE_STRING) {
        return fail(err, ERROR_INPUT,
                    "[UNSUPPORTED_FUNCTION] format_number with a pattern is not supported yet; "
                    "give the number of digits");
    }
    for (uint64_t row = 0; ok && row < row_count; row++) {
        int64_t places = duck_int(&arguments[1], row);
        buffer_reset(&digits);
        buffer_reset(&text);
        if (places < 0 || places > 30) {
            duck_set_null(result, row);
            continue;
        }
        ok = number_text(&arguments[0], row, (int)places, &digits, err);
        if (ok) {
            append_grouped(buffer_text(&digits), &text);
            duck_set_text(result, row, buffer_slice(&text));
        }
    }
    buffer_done(&digits);
    buffer_done(&text);
    return ok;
}

// ---- format_string -------------------------------------------------------------------------

typedef struct Directive {
    char flags[8];
    int width;
    int precision; // -1: none
    char conversion;
} Directive;

static size_t read_directive(Slice pattern, size_t at, Directive *directive)
{
    size_t flag_count = 0;
    *directive = (Directive){.precision = -1};
    while (at < pattern.size && strchr("-+ 0,", pattern.data[at]) != NULL && flag_count < 6) {
        directive->flags[flag_count++] = pattern.data[at++];
    }
    for (; at < pattern.size && pattern.data[at] >= '0' && pattern.data[at] <= '9'; at++) {
        directive->width = directive->width * 10 + (pattern.data[at] - '0');
    }
    if (at < pattern.size && pattern.data[at] == '.') {
        directive->precision = 0;
        for (at++; at < pattern.size && pattern.data[at] >= '0' && pattern.data[at] <= '9'; at++) {
            directive->precision = directive->precision * 10 + (pattern.data[at] - '0');
        }
    }
    directive->conversion = at < pattern.size ? pattern.data[at] : '\0';
    return at + 1;
}

static void pad(const Directive *directive, Slice text, Buffer *out)
{
    bool left = strchr(directive->flags, '-') != NULL;
    int64_t space = directive->width - prelude_length(text);
    for (int64_t i = 0; !left && i < space; i++) {
        buffer_append_char(out, ' ');
    }
    buffer_append(out, text);
    for (int64_t i = 0; left && i < space; i++) {
        buffer_append_char(out, ' ');
    }
}

static bool is_whole(TypeKind kind)
{
    return kind == TYPE_TINYINT || kind == TYPE_SMALLINT || kind == TYPE_INT || kind == TYPE_BIGINT;
}

static bool directive_text(const Directive *directive, const DuckColumn *column, uint64_t row,
                           Buffer *text)
{
    char form[32];
    TypeKind kind = column->type->kind;
    char zero = strchr(directive->flags, '0') != NULL ? '0' : ' ';
    bool grouped = strchr(directive->flags, ',') != NULL;
    const char *plus = strchr(directive->flags, '+') != NULL ? "+" : "";
    switch (directive->conversion) {
    case 's':
        format_value(column, row, text);
        return true;
    case 'd':
        if (!is_whole(kind) || (grouped && zero == '0')) {
            return false;
        }
        if (grouped) {
            snprintf(form, sizeof form, "%lld", (long long)duck_int(column, row));
            append_grouped(form, text);
        } else {
            snprintf(form, sizeof form, "%%%s%s%dlld", plus, zero == '0' ? "0" : "",
                     zero == '0' ? directive->width : 1);
            buffer_printf(text, form, (long long)duck_int(column, row));
        }
        return true;
    case 'x':
    case 'X':
        if (!is_whole(kind)) {
            return false;
        }
        snprintf(form, sizeof form, "%%%s%d%s", zero == '0' ? "0" : "",
                 zero == '0' ? directive->width : 1, directive->conversion == 'x' ? "llx" : "llX");
        buffer_printf(text, form,
                      kind == TYPE_BIGINT ? (unsigned long long)duck_int(column, row)
                                          : (unsigned long long)(uint32_t)duck_int(column, row));
        return true;
    case 'f':
        if ((kind != TYPE_DOUBLE && kind != TYPE_FLOAT) || grouped ||
            !isfinite(duck_double(column, row))) {
            return false;
        }
        snprintf(form, sizeof form, "%%%s%s%d.%df", plus, zero == '0' ? "0" : "",
                 zero == '0' ? directive->width : 1,
                 directive->precision < 0 ? 6 : directive->precision);
        buffer_printf(text, form, duck_double(column, row));
        return true;
    default:
        return false;
    }
}

static bool fail_directive(const Directive *directive, const DuckColumn *column, Error *err)
{
    Buffer type = {0};
    type_print(column->type, &type);
    fail(err, ERROR_INPUT,
         "[UNSUPPORTED_FUNCTION] format_string cannot write a %s as %%%c yet (s, d, x and f of "
         "doubles work)",
         buffer_text(&type), directive->conversion);
    buffer_done(&type);
    return false;
}

static bool format_pattern(const DuckColumn *arguments, size_t argument_count, uint64_t row,
                           Buffer *out, Error *err)
{
    Slice pattern = duck_text(&arguments[0], row);
    size_t next = 1;
    for (size_t at = 0; at < pattern.size;) {
        if (pattern.data[at] != '%') {
            buffer_append_char(out, pattern.data[at++]);
            continue;
        }
        Directive directive;
        at = read_directive(pattern, at + 1, &directive);
        if (directive.conversion == '%' || directive.conversion == 'n') {
            buffer_append_char(out, directive.conversion == '%' ? '%' : '\n');
            continue;
        }
        if (next >= argument_count) {
            return fail(err, ERROR_INPUT, "format_string has more %% marks than arguments");
        }
        const DuckColumn *column = &arguments[next++];
        Buffer text = {0};
        bool ok = true;
        if (duck_is_null(column, row)) {
            buffer_append_text(&text, "null");
        } else {
            ok = directive_text(&directive, column, row, &text);
        }
        Slice shown = buffer_slice(&text);
        if (directive.conversion == 's' && directive.precision >= 0) {
            shown.size = prelude_offset(shown, directive.precision);
        }
        pad(&directive, shown, out);
        buffer_done(&text);
        if (!ok) {
            return fail_directive(&directive, column, err);
        }
    }
    return true;
}

static bool format_string(void *context, const DuckColumn *arguments, size_t argument_count,
                          uint64_t row_count, DuckColumn *result, Error *err)
{
    Buffer text = {0};
    bool ok = true;
    (void)context;
    for (uint64_t row = 0; ok && row < row_count; row++) {
        if (duck_is_null(&arguments[0], row)) {
            duck_set_null(result, row);
            continue;
        }
        buffer_reset(&text);
        ok = format_pattern(arguments, argument_count, row, &text, err);
        duck_set_text(result, row, buffer_slice(&text));
    }
    buffer_done(&text);
    return ok;
}

// ---- mask, hex -----------------------------------------------------------------------------

static bool is_upper(uint32_t c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(uint32_t c)
{
    return c >= 'a' && c <= 'z';
}

static bool mask(void *context, const DuckColumn *arguments, size_t argument_count,
                 uint64_t row_count, DuckColumn *result, Error *err)
{
    Buffer out = {0};
    (void)context;
    (void)argument_count;
    (void)err;
    for (uint64_t row = 0; row < row_count; row++) {
        if (duck_is_null(&arguments[0], row)) {
            duck_set_null(result, row);
            continue;
        }
        Slice text = duck_text(&arguments[0], row);
        buffer_reset(&out);
        for (size_t at = 0; at < text.size;) {
            size_t start = at;
            uint32_t code = prelude_code_point(text, &at);
            size_t kind = is_upper(code)               ? 1
                          : is_lower(code)             ? 2
                          : code >= '0' && code <= '9' ? 3
                                                       : 4;
            if (duck_is_null(&arguments[kind], row)) { // NULL keeps the character
                buffer_append(&out, (Slice){text.data + start, at - start});
            } else {
                buffer_append(&out, duck_text(&arguments[kind], row));
            }
        }
        duck_set_text(result, row, buffer_slice(&out));
    }
    buffer_done(&out);
    return true;
}

static bool hex(void *context, const DuckColumn *arguments, size_t argument_count,
                uint64_t row_count, DuckColumn *result, Error *err)
{
    Buffer out = {0};
    bool ok = true;
    TypeKind kind = arguments[0].type->kind;
    (void)context;
    (void)argument_count;
    for (uint64_t row = 0; ok && row < row_count; row++) {
        buffer_reset(&out);
        if (kind == TYPE_STRING || kind == TYPE_BINARY) {
            Slice bytes = duck_text(&arguments[0], row);
            for (size_t i = 0; i < bytes.size; i++) {
                buffer_printf(&out, "%02X", (unsigned char)bytes.data[i]);
            }
        } else {
            int64_t value;
            ok = cast_read_bigint(&arguments[0], row, &value, err);
            if (ok) {
                buffer_printf(&out, "%llX", (unsigned long long)value);
            }
        }
        duck_set_text(result, row, buffer_slice(&out));
    }
    buffer_done(&out);
    return ok;
}

// ---- URLs ----------------------------------------------------------------------------------

static bool url_encode(void *context, const DuckColumn *arguments, size_t argument_count,
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
            unsigned char c = (unsigned char)text.data[i];
            bool plain = is_upper(c) || is_lower(c) || (c >= '0' && c <= '9') || c == '.' ||
                         c == '-' || c == '*' || c == '_';
            if (plain || c == ' ') {
                buffer_append_char(&out, c == ' ' ? '+' : (char)c);
            } else {
                buffer_printf(&out, "%%%02X", c);
            }
        }
        duck_set_text(result, row, buffer_slice(&out));
    }
    buffer_done(&out);
    return true;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool url_decode(void *context, const DuckColumn *arguments, size_t argument_count,
                       uint64_t row_count, DuckColumn *result, Error *err)
{
    Buffer out = {0};
    bool ok = true;
    (void)context;
    (void)argument_count;
    for (uint64_t row = 0; ok && row < row_count; row++) {
        Slice text = duck_text(&arguments[0], row);
        buffer_reset(&out);
        for (size_t i = 0; i < text.size && ok; i++) {
            char c = text.data[i];
            if (c != '%') {
                buffer_append_char(&out, c == '+' ? ' ' : c);
                continue;
            }
            int high = i + 2 < text.size ? hex_digit(text.data[i + 1]) : -1;
            int low = i + 2 < text.size ? hex_digit(text.data[i + 2]) : -1;
            ok = high >= 0 && low >= 0;
            buffer_append_char(&out, (char)(high * 16 + low));
            i += 2;
        }
        if (!ok) {
            fail(err, ERROR_INPUT,
                 "[CANNOT_DECODE_URL] '%.*s' has a %% without two hex digits; try_url_decode "
                 "gives NULL instead",
                 SLICE_ARG(text));
            break;
        }
        duck_set_text(result, row, buffer_slice(&out));
    }
    buffer_done(&out);
    return ok;
}

static bool is_valid_utf8(Slice text)
{
    for (size_t i = 0; i < text.size;) {
        unsigned char lead = (unsigned char)text.data[i];
        size_t more = lead < 0x80                    ? 0
                      : lead >= 0xC2 && lead <= 0xDF ? 1
                      : lead >= 0xE0 && lead <= 0xEF ? 2
                      : lead >= 0xF0 && lead <= 0xF4 ? 3
                                                     : 9;
        if (more == 9 || i + more >= text.size + (more == 0 ? 1 : 0)) {
            return false;
        }
        for (size_t j = 1; j <= more; j++) {
            unsigned char c = (unsigned char)text.data[i + j];
            unsigned char least = j == 1 && lead == 0xE0   ? 0xA0
                                  : j == 1 && lead == 0xF0 ? 0x90
                                                           : 0x80;
            unsigned char most = j == 1 && lead == 0xED   ? 0x9F
                                 : j == 1 && lead == 0xF4 ? 0x8F
                                                          : 0xBF;
            if (c < least || c > most) {
                return false;
            }
        }
        i += more + 1;
    }
    return true;
}

static bool valid_utf8(void *context, const DuckColumn *arguments, size_t argument_count,
                       uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    TypeKind kind = arguments[0].type->kind;
    if (kind != TYPE_STRING && kind != TYPE_BINARY) {
        return fail(err, ERROR_INPUT, "[DATATYPE_MISMATCH] is_valid_utf8 needs a string");
    }
    for (uint64_t row = 0; row < row_count; row++) {
        duck_set_int(result, row, is_valid_utf8(duck_text(&arguments[0], row)) ? 1 : 0);
    }
    return true;
}

// What is not UTF-8 becomes U+FFFD, as everywhere where bytes become a string.
static bool make_valid_utf8(void *context, const DuckColumn *arguments, size_t argument_count,
                            uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    TypeKind kind = arguments[0].type->kind;
    if (kind != TYPE_STRING && kind != TYPE_BINARY) {
        return fail(err, ERROR_INPUT, "[DATATYPE_MISMATCH] make_valid_utf8 needs a string");
    }
    for (uint64_t row = 0; row < row_count; row++) {
        duck_set_text(result, row, duck_text(&arguments[0], row));
    }
    return true;
}

static const PreludeFunction functions[] = {
    {"spark_format_number", "*", 's', PRELUDE_PLAIN, format_number, NULL},
    {"spark_format_string", "s*", 's', PRELUDE_NULLS, format_string, NULL},
    {"spark_mask", "sssss", 's', PRELUDE_NULLS, mask, NULL},
    {"spark_hex", "*", 's', PRELUDE_PLAIN, hex, NULL},
    {"spark_url_encode", "s", 's', PRELUDE_PLAIN, url_encode, NULL},
    {"spark_url_decode", "s", 's', PRELUDE_PLAIN, url_decode, NULL},
    {"spark_make_valid_utf8", "*", 's', PRELUDE_PLAIN, make_valid_utf8, NULL},
    {"spark_valid_utf8", "*", 'b', PRELUDE_PLAIN, valid_utf8, NULL},
};

const PreludeGroup prelude_formats = {functions, sizeof functions / sizeof functions[0]};
