// format_show.c -- result tables in the frame of Spark's show().
//
// Cells are measured in half-width units: East Asian wide characters count two, combining marks
// one, as Spark does. Control characters are shown escaped (a newline as \n), so that data cannot
// break the frame or drive the terminal.
// SPDX-License-Identifier: Apache-2.0
#include "sql/format_internal.h"

enum { MIN_WIDTH = 3, ELLIPSIS = 3 };

typedef struct Table {
    Buffer text;  // all cells, one after the other
    size_t *ends; // end offset of every cell in text
    size_t cell_count;
    size_t column_count;
    int *widths;
} Table;

// Code point at text[*at], moving *at past it; an invalid byte is one code point.
static uint32_t next_code_point(Slice text, size_t *at)
{
    unsigned char lead = (unsigned char)text.data[*at];
    size_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
    if (more == 0 || *at + more >= text.size) {
        (*at)++;
        return lead;
    }
    uint32_t code = lead & (0x3FU >> more);
    for (size_t i = 1; i <= more; i++) {
        code = code << 6 | ((unsigned char)text.data[*at + i] & 0x3FU);
    }
    *at += more + 1;
    return code;
}

// The ranges Spark's regular expression for full-width characters has.
static bool is_wide(uint32_t code)
{
    return (code >= 0x1100 && code <= 0x115F) || (code >= 0x2E80 && code <= 0xA4CF) ||
           (code >= 0xAC00 && code <= 0xD7A3) || (code >= 0xF900 && code <= 0xFAFF) ||
           (code >= 0xFE30 && code <= 0xFE6F) || (code >= 0xFF00 && code <= 0xFF60) ||
           (code >= 0xFFE0 && code <= 0xFFE6);
}

static int half_width(Slice text)
{
    int width = 0;
    for (size_t at = 0; at < text.size;) {
        width += is_wide(next_code_point(text, &at)) ? 2 : 1;
    }
    return width;
}

static size_t character_count(Slice text)
{
    size_t count = 0;
    for (size_t at = 0; at < text.size; count++) {
        next_code_point(text, &at);
    }
    return count;
}

static void append_characters(Slice text, size_t count, Buffer *out)
{
    size_t at = 0;
    for (size_t i = 0; i < count && at < text.size; i++) {
        next_code_point(text, &at);
    }
    buffer_append(out, (Slice){text.data, at});
}

static void append_visible(Slice text, Buffer *out)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        switch (c) {
        case '\n':
            buffer_append_text(out, "\\n");
            break;
        case '\r':
            buffer_append_text(out, "\\r");
            break;
        case '\t':
            buffer_append_text(out, "\\t");
            break;
        case '\f':
            buffer_append_text(out, "\\f");
            break;
        case '\b':
            buffer_append_text(out, "\\b");
            break;
        case '\v':
            buffer_append_text(out, "\\v");
            break;
        case '\a':
            buffer_append_text(out, "\\a");
            break;
        default:
            buffer_append_char(out, c < 0x20 || c == 0x7F ? '?' : (char)c);
            break;
        }
    }
}

static void add_cell(Table *table, Slice text, int truncate)
{
    size_t start = table->text.size;
    Buffer shown = {0};
    append_visible(text, &shown);
    Slice visible = buffer_slice(&shown);
    size_t limit = (size_t)truncate;
    if (truncate > 0 && character_count(visible) > limit) {
        append_characters(visible, truncate <= ELLIPSIS ? limit : limit - ELLIPSIS, &table->text);
        buffer_append_text(&table->text, truncate <= ELLIPSIS ? "" : "...");
    } else {
        buffer_append(&table->text, visible);
    }
    buffer_done(&shown);
    size_t column = table->cell_count % table->column_count;
    int width = half_width((Slice){buffer_text(&table->text) + start, table->text.size - start});
    if (width > table->widths[column]) {
        table->widths[column] = width;
    }
    table->ends[table->cell_count++] = table->text.size;
}

static void append_rule(const Table *table, Buffer *out)
{
    buffer_append_char(out, '+');
    for (size_t i = 0; i < table->column_count; i++) {
        for (int j = 0; j < table->widths[i]; j++) {
            buffer_append_char(out, '-');
        }
        buffer_append_char(out, '+');
    }
    buffer_append_char(out, '\n');
}

static void append_row(const Table *table, size_t first_cell, bool right, Buffer *out)
{
    buffer_append_char(out, '|');
    for (size_t i = 0; i < table->column_count; i++) {
        size_t cell = first_cell + i;
        size_t start = cell == 0 ? 0 : table->ends[cell - 1];
        Slice text = {buffer_text(&table->text) + start, table->ends[cell] - start};
        int padding = table->widths[i] - half_width(text);
        if (!right) {
            buffer_append(out, text);
        }
        for (int j = 0; j < padding; j++) {
            buffer_append_char(out, ' ');
        }
        if (right) {
            buffer_append(out, text);
        }
        buffer_append_char(out, '|');
    }
    buffer_append_char(out, '\n');
}

// Header and the first `limit` rows.
static void collect(const DuckRows *rows, uint64_t limit, int truncate, Table *table)
{
    static const FormatStyle style = {.null_text = "NULL", .binary_as_hex = true};
    const Schema *schema = duck_rows_schema(rows);
    for (size_t i = 0; i < schema->count; i++) {
        add_cell(table, slice_of(schema->columns[i].name), truncate);
    }
    Buffer text = {0};
    uint64_t taken = 0;
    for (size_t chunk = 0; chunk < duck_rows_chunk_count(rows) && taken < limit; chunk++) {
        uint64_t size = duck_rows_chunk_size(rows, chunk);
        for (uint64_t row = 0; row < size && taken < limit; row++, taken++) {
            for (size_t i = 0; i < schema->count; i++) {
                DuckColumn column = duck_rows_column(rows, chunk, i);
                buffer_reset(&text);
                if (duck_is_null(&column, row)) {
                    buffer_append_text(&text, "NULL");
                } else {
                    format_styled(&column, row, &style, &text);
                }
                add_cell(table, buffer_slice(&text), truncate);
            }
        }
    }
    buffer_done(&text);
}

void format_show(const DuckRows *rows, ShowOptions options, Buffer *out)
{
    uint64_t count = duck_rows_count(rows);
    uint64_t limit = count;
    if (options.max_rows >= 0 && (uint64_t)options.max_rows < count) {
        limit = (uint64_t)options.max_rows;
    }
    size_t columns = duck_rows_schema(rows)->count;
    if (columns == 0) {
        buffer_append_text(out, "++\n||\n++\n");
        for (uint64_t i = 0; i < limit; i++) {
            buffer_append_text(out, "||\n");
        }
        buffer_append_text(out, "++\n");
        return;
    }
    Arena *arena = arena_create(0);
    Table table = {.column_count = columns};
    table.ends = ARENA_ARRAY(arena, size_t, columns * (limit + 1));
    table.widths = ARENA_ARRAY(arena, int, columns);
    for (size_t i = 0; i < columns; i++) {
        table.widths[i] = MIN_WIDTH;
    }
    collect(rows, limit, options.truncate, &table);
    bool right = options.truncate > 0;
    append_rule(&table, out);
    append_row(&table, 0, right, out);
    append_rule(&table, out);
    for (size_t cell = columns; cell < table.cell_count; cell += columns) {
        append_row(&table, cell, right, out);
    }
    append_rule(&table, out);
    if (limit < count) {
        buffer_printf(out, "only showing top %llu row%s\n", (unsigned long long)limit,
                      limit == 1 ? "" : "s");
    }
    buffer_done(&table.text);
    arena_destroy(arena);
}
