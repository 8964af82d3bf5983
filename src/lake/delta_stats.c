// SPDX-License-Identifier: Apache-2.0
#include "lake/delta_stats.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"

enum {
    PREFIX_UNITS = 32, // delta.dataSkippingStringPrefixLength
    INDEXED_LEAVES = 32,
};

typedef enum Bound {
    BOUND_MIN,
    BOUND_MAX,
    NULL_COUNT,
} Bound;

typedef struct Printer {
    const DeltaFileStats *stats;
    Bound bound;
    int leaves; // left to index
    Buffer path;
    Buffer *out;
} Printer;

// ---- text ----------------------------------------------------------------------------------

// The code point at `at`; *size 0: not UTF-8.
static uint32_t code_point(Slice text, size_t at, size_t *size)
{
    const unsigned char *p = (const unsigned char *)text.data + at;
    size_t left = text.size - at;
    size_t length = p[0] < 0x80 ? 1 : p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : p[0] >= 0xC2 ? 2 : 0;
    if (length == 0 || length > left || p[0] > 0xF4) {
        *size = 0;
        return 0;
    }
    static const unsigned char lead_mask[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t value = p[0] & lead_mask[length];
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            *size = 0;
            return 0;
        }
        value = value << 6 | (p[i] & 0x3F);
    }
    *size = length;
    return value;
}

// Bytes of the longest prefix of at most `units` UTF-16 units that splits no pair; false: not
// UTF-8.
static bool prefix_size(Slice text, size_t units, size_t *bytes)
{
    size_t at = 0;
    size_t used = 0;
    size_t cut = 0;
    while (at < text.size) {
        size_t size;
        uint32_t point = code_point(text, at, &size);
        if (size == 0) {
            return false;
        }
        used += point >= 0x10000 ? 2 : 1;
        at += size;
        if (used <= units) {
            cut = at;
        }
    }
    *bytes = cut;
    return true;
}

bool delta_stats_cut_min(Slice text, Buffer *out)
{
    size_t size;
    if (!prefix_size(text, PREFIX_UNITS, &size)) {
        return false;
    }
    buffer_append(out, (Slice){text.data, size});
    return true;
}

bool delta_stats_cut_max(Slice text, Buffer *out)
{
    size_t size;
    size_t limit;
    if (!prefix_size(text, PREFIX_UNITS, &size) ||
        !prefix_size(text, (size_t)2 * PREFIX_UNITS, &limit)) {
        return false;
    }
    // Append a character greater than what follows. U+10FFFF has no greater one: take it along.
    while (size < text.size) {
        size_t step;
        uint32_t next = code_point(text, size, &step);
        if (next < 0x10FFFF) {
            buffer_append(out, (Slice){text.data, size});
            buffer_append_text(out, next < 0x7F ? "\x7F" : "\xF4\x8F\xBF\xBF");
            return true;
        }
        size += step;
        if (size > limit) {
            return false;
        }
    }
    buffer_append(out, text);
    return true;
}

// ---- times ---------------------------------------------------------------------------------

static bool two_digits(const char **at, const char *end, char before, int *value)
{
    const char *p = *at;
    if (before != '\0') {
        if (p == end || *p != before) {
            return false;
        }
        p++;
    }
    if (end - p < 2 || p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9') {
        return false;
    }
    *value = (p[0] - '0') * 10 + (p[1] - '0');
    *at = p + 2;
    return true;
}

bool delta_stats_time(Slice text, bool up, bool zoned, char out[32])
{
    const char *at = text.data;
    const char *end = text.data + text.size;
    int century, year, month, day, hour, minute, second;
    if (!two_digits(&at, end, '\0', &century) || !two_digits(&at, end, '\0', &year) ||
        !two_digits(&at, end, '-', &month) || !two_digits(&at, end, '-', &day) ||
        !two_digits(&at, end, ' ', &hour) || !two_digits(&at, end, ':', &minute) ||
        !two_digits(&at, end, ':', &second)) {
        return false;
    }
    int64_t fraction = 0;
    if (at < end && *at == '.') {
        int64_t unit = 100000;
        for (at++; at < end && *at >= '0' && *at <= '9'; at++, unit /= 10) {
            fraction += (*at - '0') * unit;
        }
    }
    Slice rest = {at, (size_t)(end - at)};
    if (!(zoned ? slice_is(rest, "+00") : rest.size == 0)) {
        return false;
    }
    TimeUs time = time_days(century * 100 + year, month, day) * TIME_DAY + hour * TIME_HOUR +
                  minute * TIME_MINUTE + second * (TimeUs)TIME_SECOND + fraction;
    time += up && fraction % TIME_MS != 0 ? TIME_MS : 0;
    time_format_iso(time, out); // cuts to milliseconds
    size_t size = strlen(out);
    if (size != strlen("2024-01-01T00:00:01.123Z")) {
        return false; // carried into year 10000
    }
    if (!zoned) {
        out[size - 1] = '\0';
    }
    return true;
}

// ---- values --------------------------------------------------------------------------------

static bool map_find_text(const DuckColumn *map, uint64_t row, Slice key, uint64_t *index)
{
    uint64_t offset, length;
    if (duck_is_null(map, row)) {
        return false;
    }
    duck_list(map, row, &offset, &length);
    DuckColumn keys = duck_child(map, 0);
    for (uint64_t i = offset; i < offset + length; i++) {
        if (slice_equal(duck_text(&keys, i), key)) {
            *index = i;
            return true;
        }
    }
    return false;
}

static bool find_stat(const DeltaFileStats *stats, Slice column, const char *name, Slice *value)
{
    uint64_t at;
    if (!map_find_text(&stats->columns, stats->row, column, &at)) {
        return false;
    }
    DuckColumn inner = duck_child(&stats->columns, 1);
    if (!map_find_text(&inner, at, slice_of(name), &at)) {
        return false;
    }
    DuckColumn values = duck_child(&inner, 1);
    if (duck_is_null(&values, at)) {
        return false;
    }
    *value = duck_text(&values, at);
    return true;
}

static bool print_float(Slice value, Bound bound, Buffer *out)
{
    for (size_t i = 0; i < value.size; i++) {
        if (strchr("0123456789+-.eE", value.data[i]) == NULL) {
            return false; // inf, nan
        }
    }
    // Readers disagree whether -0.0 is less than 0.0: the wider bound suits both.
    bool zero = true;
    for (size_t i = 0; i < value.size && (value.data[i] | 0x20) != 'e'; i++) {
        zero &= value.data[i] < '1' || value.data[i] > '9';
    }
    if (zero) {
        buffer_append_text(out, bound == BOUND_MIN ? "-0.0" : "0.0");
    } else {
        buffer_append(out, value);
    }
    return true;
}

static bool print_text(Slice value, Bound bound, Buffer *out)
{
    Buffer cut = {0};
    bool ok =
        bound == BOUND_MIN ? delta_stats_cut_min(value, &cut) : delta_stats_cut_max(value, &cut);
    if (ok) {
        buffer_append_json(out, buffer_slice(&cut));
    }
    buffer_done(&cut);
    return ok;
}

static bool print_value(Slice value, const Type *type, Bound bound, bool skip_floats, Buffer *out)
{
    char time[32];
    switch (type->kind) {
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_DECIMAL:
        buffer_append(out, value); // as text: no detour through double
        return true;
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        return !skip_floats && print_float(value, bound, out);
    case TYPE_STRING:
        return print_text(value, bound, out);
    case TYPE_DATE:
        if (value.size != 10 || value.data[4] != '-') {
            return false;
        }
        buffer_printf(out, "\"%.*s\"", SLICE_ARG(value));
        return true;
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_NTZ:
        if (!delta_stats_time(value, bound == BOUND_MAX, type->kind == TYPE_TIMESTAMP, time)) {
            return false;
        }
        buffer_printf(out, "\"%s\"", time);
        return true;
    default:
        return false;
    }
}

static bool has_nan(const DeltaFileStats *stats, Slice column)
{
    Slice value;
    return find_stat(stats, column, "has_nan", &value) && !slice_is(value, "false");
}

static bool print_leaf(Printer *printer, const Type *type)
{
    Slice column = buffer_slice(&printer->path);
    Slice value;
    if (printer->bound == NULL_COUNT) {
        if (!find_stat(printer->stats, column, "null_count", &value)) {
            return false;
        }
        buffer_append(printer->out, value);
        return true;
    }
    bool skip = printer->stats->skip_floats || has_nan(printer->stats, column);
    return find_stat(printer->stats, column, printer->bound == BOUND_MIN ? "min" : "max", &value) &&
           print_value(value, type, printer->bound, skip, printer->out);
}

// Prints {"a":..,"s":{..}} of what there is; false and nothing printed when there is nothing.
static bool print_struct(Printer *printer, const Schema *schema)
{
    size_t start = printer->out->size;
    bool any = false;
    buffer_append_char(printer->out, '{');
    for (size_t i = 0; i < schema->count && printer->leaves != 0; i++) {
        const Column *column = &schema->columns[i];
        size_t before = printer->out->size;
        size_t path_size = printer->path.size;
        buffer_append_text(&printer->path, path_size == 0 ? "" : ".");
        duck_quote_name(&printer->path, slice_of(column->name));
        buffer_append_text(printer->out, any ? "," : "");
        buffer_append_json(printer->out, slice_of(column->name));
        buffer_append_char(printer->out, ':');
        bool printed;
        if (column->type->kind == TYPE_STRUCT) {
            printed = print_struct(printer, &column->type->fields);
        } else {
            printer->leaves--;
            printed = print_leaf(printer, column->type);
        }
        if (!printed) {
            printer->out->size = before;
        }
        any |= printed;
        printer->path.size = path_size;
    }
    if (any) {
        buffer_append_char(printer->out, '}');
    } else {
        printer->out->size = start;
    }
    return any;
}

void delta_stats_print(const DeltaFileStats *stats, const Schema *schema, Buffer *out)
{
    static const char *const names[] = {"minValues", "maxValues", "nullCount"};
    buffer_printf(out, "{\"numRecords\":%" PRId64, stats->row_count);
    for (Bound bound = BOUND_MIN; bound <= NULL_COUNT; bound++) {
        Printer printer = {stats, bound, INDEXED_LEAVES, {0}, out};
        size_t start = out->size;
        buffer_printf(out, ",\"%s\":", names[bound]);
        if (!print_struct(&printer, schema)) {
            out->size = start;
        }
        buffer_done(&printer.path);
    }
    buffer_append_char(out, '}');
}

// ---- infinity ------------------------------------------------------------------------------

static bool is_infinite(const DeltaFileStats *stats, Slice column)
{
    Slice value;
    return (find_stat(stats, column, "max", &value) && slice_is(value, "infinity")) ||
           (find_stat(stats, column, "min", &value) && slice_is(value, "-infinity"));
}

static bool find_infinite(const DeltaFileStats *stats, const char *step, const Type *type,
                          Buffer *path)
{
    size_t size = path->size;
    buffer_append_text(path, size == 0 ? "" : ".");
    duck_quote_name(path, slice_of(step));
    bool found = false;
    if (type->kind == TYPE_STRUCT) {
        for (size_t i = 0; i < type->fields.count && !found; i++) {
            const Column *field = &type->fields.columns[i];
            found = find_infinite(stats, field->name, field->type, path);
        }
    } else if (type->kind == TYPE_ARRAY) {
        found = find_infinite(stats, "element", type->element, path);
    } else if (type->kind == TYPE_MAP) {
        found = find_infinite(stats, "key", type->key, path) ||
                find_infinite(stats, "value", type->element, path);
    } else if (type->kind == TYPE_DATE || type->kind == TYPE_TIMESTAMP ||
               type->kind == TYPE_TIMESTAMP_NTZ) {
        found = is_infinite(stats, buffer_slice(path));
    }
    path->size = size;
    return found;
}

const char *delta_stats_find_infinite(const DeltaFileStats *stats, const Schema *schema)
{
    Buffer path = {0};
    const char *name = NULL;
    for (size_t i = 0; i < schema->count && name == NULL; i++) {
        const Column *column = &schema->columns[i];
        if (find_infinite(stats, column->name, column->type, &path)) {
            name = column->name;
        }
    }
    buffer_done(&path);
    return name;
}
