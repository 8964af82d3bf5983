// format_json.c -- values and rows as Spark's to_json writes them, NULL fields included on request.
// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "base/clock.h"
#include "sql/format_internal.h"
#include "sql/format_json.h"

static void append_timestamp(int64_t micros, bool has_zone, Buffer *out)
{
    int64_t days = micros / TIME_DAY - (micros % TIME_DAY < 0);
    int64_t rest = micros - days * TIME_DAY;
    buffer_append_char(out, '"');
    format_date(days, out);
    buffer_printf(out, "T%02d:%02d:%02d.", (int)(rest / TIME_HOUR), (int)(rest / TIME_MINUTE % 60),
                  (int)(rest / TIME_SECOND % 60));
    int fraction = (int)(rest % TIME_SECOND);
    if (fraction % 1000 == 0) {
        buffer_printf(out, "%03d", fraction / 1000);
    } else {
        buffer_printf(out, "%06d", fraction);
        while (out->data[out->size - 1] == '0') {
            out->data[--out->size] = '\0';
        }
    }
    buffer_append_text(out, has_zone ? "Z\"" : "\"");
}

static void append_base64(Slice bytes, Buffer *out)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    buffer_append_char(out, '"');
    for (size_t i = 0; i < bytes.size; i += 3) {
        uint32_t group = 0;
        for (size_t j = 0; j < 3; j++) {
            group = group << 8 | (i + j < bytes.size ? (unsigned char)bytes.data[i + j] : 0U);
        }
        for (size_t j = 0; j < 4; j++) {
            bool padded = i + j > bytes.size;
            buffer_append_char(out, padded ? '=' : letters[group >> (18 - 6 * j) & 63]);
        }
    }
    buffer_append_char(out, '"');
}

static void append_list(const DuckColumn *column, uint64_t row, bool nulls, Buffer *out)
{
    uint64_t offset;
    uint64_t length;
    duck_list(column, row, &offset, &length);
    DuckColumn child = duck_child(column, 0);
    buffer_append_char(out, '[');
    for (uint64_t i = offset; i < offset + length; i++) {
        if (i > offset) {
            buffer_append_char(out, ',');
        }
        format_json_styled(&child, i, nulls, out);
    }
    buffer_append_char(out, ']');
}

// Keys of a map are Spark's text of the value; structs as keys are shown in brackets.
static void append_key(const DuckColumn *key, uint64_t row, Buffer *out)
{
    Buffer text = {0};
    format_value(key, row, &text);
    if (key->type->kind == TYPE_STRUCT && text.size >= 2) {
        text.data[0] = '[';
        text.data[text.size - 1] = ']';
    }
    buffer_append_json(out, buffer_slice(&text));
    buffer_done(&text);
}

static void append_map(const DuckColumn *column, uint64_t row, bool nulls, Buffer *out)
{
    uint64_t offset;
    uint64_t length;
    duck_list(column, row, &offset, &length);
    DuckColumn key = duck_child(column, 0);
    DuckColumn value = duck_child(column, 1);
    buffer_append_char(out, '{');
    for (uint64_t i = offset; i < offset + length; i++) {
        if (i > offset) {
            buffer_append_char(out, ',');
        }
        append_key(&key, i, out);
        buffer_append_char(out, ':');
        format_json_styled(&value, i, nulls, out);
    }
    buffer_append_char(out, '}');
}

static void append_struct(const DuckColumn *column, uint64_t row, bool nulls, Buffer *out)
{
    buffer_append_char(out, '{');
    bool first = true;
    for (size_t i = 0; i < column->type->fields.count; i++) {
        DuckColumn child = duck_child(column, i);
        if (!nulls && duck_is_null(&child, row)) {
            continue;
        }
        if (!first) {
            buffer_append_char(out, ',');
        }
        first = false;
        buffer_append_json(out, slice_of(column->type->fields.columns[i].name));
        buffer_append_char(out, ':');
        format_json_styled(&child, row, nulls, out);
    }
    buffer_append_char(out, '}');
}

void format_json_styled(const DuckColumn *column, uint64_t row, bool nulls, Buffer *out)
{
    if (duck_is_null(column, row)) {
        buffer_append_text(out, "null");
        return;
    }
    TypeKind kind = column->type->kind;
    switch (kind) {
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        if (!isfinite(duck_double(column, row))) { // not a JSON number: Spark quotes it
            buffer_append_char(out, '"');
            format_value(column, row, out);
            buffer_append_char(out, '"');
            break;
        }
        format_value(column, row, out);
        break;
    case TYPE_STRING:
        buffer_append_json(out, duck_text(column, row));
        break;
    case TYPE_BINARY:
        append_base64(duck_text(column, row), out);
        break;
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_NTZ:
        append_timestamp(duck_int(column, row), kind == TYPE_TIMESTAMP, out);
        break;
    case TYPE_DATE:
    case TYPE_INTERVAL:
    case TYPE_OTHER:
        buffer_append_char(out, '"');
        format_value(column, row, out);
        buffer_append_char(out, '"');
        break;
    case TYPE_ARRAY:
        append_list(column, row, nulls, out);
        break;
    case TYPE_MAP:
        append_map(column, row, nulls, out);
        break;
    case TYPE_STRUCT:
        append_struct(column, row, nulls, out);
        break;
    default:
        format_value(column, row, out);
        break;
    }
}

void format_json(const DuckColumn *column, uint64_t row, Buffer *out)
{
    format_json_styled(column, row, true, out);
}

void format_json_row(const DuckRows *rows, size_t chunk, uint64_t row, Buffer *out)
{
    const Schema *schema = duck_rows_schema(rows);
    buffer_append_char(out, '{');
    for (size_t i = 0; i < schema->count; i++) {
        if (i > 0) {
            buffer_append_char(out, ',');
        }
        buffer_append_json(out, slice_of(schema->columns[i].name));
        buffer_append_char(out, ':');
        DuckColumn column = duck_rows_column(rows, chunk, i);
        format_json(&column, row, out);
    }
    buffer_append_char(out, '}');
}
