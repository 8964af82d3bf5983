// format.c -- whole results as CSV, Markdown and JSON.
// SPDX-License-Identifier: Apache-2.0
#include "sql/format.h"

#include "sql/format_internal.h"

static void append_csv_field(Slice text, Buffer *out)
{
    bool quoted = text.size == 0; // an empty string is "", NULL is nothing
    for (size_t i = 0; i < text.size && !quoted; i++) {
        char c = text.data[i];
        quoted = c == ',' || c == '"' || c == '\n' || c == '\r' ||
                 ((i == 0 || i + 1 == text.size) && (c == ' ' || c == '\t'));
    }
    if (!quoted) {
        buffer_append(out, text);
        return;
    }
    buffer_append_char(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"') {
            buffer_append_char(out, '"');
        }
        buffer_append_char(out, text.data[i]);
    }
    buffer_append_char(out, '"');
}

void format_csv(const DuckRows *rows, Buffer *out)
{
    const Schema *schema = duck_rows_schema(rows);
    for (size_t i = 0; i < schema->count; i++) {
        buffer_append_text(out, i > 0 ? "," : "");
        append_csv_field(slice_of(schema->columns[i].name), out);
    }
    buffer_append_char(out, '\n');
    Buffer text = {0};
    for (size_t chunk = 0; chunk < duck_rows_chunk_count(rows); chunk++) {
        for (uint64_t row = 0; row < duck_rows_chunk_size(rows, chunk); row++) {
            for (size_t i = 0; i < schema->count; i++) {
                buffer_append_text(out, i > 0 ? "," : "");
                DuckColumn column = duck_rows_column(rows, chunk, i);
                if (!duck_is_null(&column, row)) {
                    buffer_reset(&text);
                    format_value(&column, row, &text);
                    append_csv_field(buffer_slice(&text), out);
                }
            }
            buffer_append_char(out, '\n');
        }
    }
    buffer_done(&text);
}

static void append_markdown_cell(Slice text, Buffer *out)
{
    buffer_append_char(out, ' ');
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == '|') {
            buffer_append_text(out, "\\|");
        } else if (c == '\n') {
            buffer_append_text(out, "<br>");
        } else if (c != '\r') {
            buffer_append_char(out, c);
        }
    }
    buffer_append_text(out, " |");
}

void format_markdown(const DuckRows *rows, Buffer *out)
{
    const Schema *schema = duck_rows_schema(rows);
    buffer_append_char(out, '|');
    for (size_t i = 0; i < schema->count; i++) {
        append_markdown_cell(slice_of(schema->columns[i].name), out);
    }
    buffer_append_text(out, "\n|");
    for (size_t i = 0; i < schema->count; i++) {
        buffer_append_text(out, type_is_numeric(schema->columns[i].type) ? " ---: |" : " --- |");
    }
    buffer_append_char(out, '\n');
    Buffer text = {0};
    for (size_t chunk = 0; chunk < duck_rows_chunk_count(rows); chunk++) {
        for (uint64_t row = 0; row < duck_rows_chunk_size(rows, chunk); row++) {
            buffer_append_char(out, '|');
            for (size_t i = 0; i < schema->count; i++) {
                DuckColumn column = duck_rows_column(rows, chunk, i);
                buffer_reset(&text);
                if (duck_is_null(&column, row)) {
                    buffer_append_text(&text, "NULL");
                } else {
                    format_value(&column, row, &text);
                }
                append_markdown_cell(buffer_slice(&text), out);
            }
            buffer_append_char(out, '\n');
        }
    }
    buffer_done(&text);
}

void format_jsonl(const DuckRows *rows, Buffer *out)
{
    for (size_t chunk = 0; chunk < duck_rows_chunk_count(rows); chunk++) {
        for (uint64_t row = 0; row < duck_rows_chunk_size(rows, chunk); row++) {
            format_json_row(rows, chunk, row, out);
            buffer_append_char(out, '\n');
        }
    }
}

void format_json_array(const DuckRows *rows, Buffer *out)
{
    buffer_append_char(out, '[');
    bool first = true;
    for (size_t chunk = 0; chunk < duck_rows_chunk_count(rows); chunk++) {
        for (uint64_t row = 0; row < duck_rows_chunk_size(rows, chunk); row++) {
            buffer_append_text(out, first ? "" : ",\n ");
            first = false;
            format_json_row(rows, chunk, row, out);
        }
    }
    buffer_append_text(out, "]\n");
}
