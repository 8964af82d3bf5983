// SPDX-License-Identifier: Apache-2.0
#include "duck/duck_internal.h"

#include <assert.h>
#include <stdlib.h>

struct DuckRows {
    duckdb_result result;
    Arena *arena;
    Schema schema;
    duckdb_data_chunk *chunks;
    size_t chunk_count;
    size_t chunk_capacity;
    uint64_t count;
};

static void read_schema(DuckRows *rows)
{
    idx_t count = duckdb_column_count(&rows->result);
    for (idx_t i = 0; i < count; i++) {
        duckdb_logical_type logical = duckdb_column_logical_type(&rows->result, i);
        const Type *type = duck_type_from_logical(rows->arena, logical);
        duckdb_destroy_logical_type(&logical);
        schema_add(rows->arena, &rows->schema, duckdb_column_name(&rows->result, i), type, true);
    }
}

bool duck_rows_take(duckdb_result *result, DuckRows **rows, Error *err)
{
    DuckRows *made = calloc(1, sizeof *made);
    if (made == NULL) {
        duckdb_destroy_result(result);
        return fail(err, ERROR_RETRY, "out of memory");
    }
    made->result = *result;
    made->arena = arena_create(0);
    read_schema(made);
    for (;;) {
        duckdb_data_chunk chunk = duckdb_fetch_chunk(made->result);
        if (chunk == NULL) {
            break;
        }
        idx_t size = duckdb_data_chunk_get_size(chunk);
        if (size == 0) {
            duckdb_destroy_data_chunk(&chunk);
            continue;
        }
        if (made->chunk_count == made->chunk_capacity) {
            size_t capacity = made->chunk_capacity == 0 ? 8 : made->chunk_capacity * 2;
            duckdb_data_chunk *grown = realloc(made->chunks, capacity * sizeof *grown);
            if (grown == NULL) {
                duckdb_destroy_data_chunk(&chunk);
                duck_rows_destroy(made);
                return fail(err, ERROR_RETRY, "out of memory for a result");
            }
            made->chunks = grown;
            made->chunk_capacity = capacity;
        }
        made->chunks[made->chunk_count++] = chunk;
        made->count += size;
    }
    const char *problem = duckdb_result_error(&made->result);
    if (problem != NULL) { // it failed after its first rows
        problem_fail(problem, err);
        duck_rows_destroy(made);
        return false;
    }
    *rows = made;
    return true;
}

void duck_rows_destroy(DuckRows *rows)
{
    if (rows == NULL) {
        return;
    }
    for (size_t i = 0; i < rows->chunk_count; i++) {
        duckdb_destroy_data_chunk(&rows->chunks[i]);
    }
    free(rows->chunks);
    duckdb_destroy_result(&rows->result);
    arena_destroy(rows->arena);
    free(rows);
}

const Schema *duck_rows_schema(const DuckRows *rows)
{
    return &rows->schema;
}

uint64_t duck_rows_count(const DuckRows *rows)
{
    return rows->count;
}

size_t duck_rows_chunk_count(const DuckRows *rows)
{
    return rows->chunk_count;
}

uint64_t duck_rows_chunk_size(const DuckRows *rows, size_t chunk)
{
    return duckdb_data_chunk_get_size(rows->chunks[chunk]);
}

duckdb_data_chunk duck_rows_chunk(const DuckRows *rows, size_t chunk)
{
    return rows->chunks[chunk];
}

DuckColumn duck_rows_column(const DuckRows *rows, size_t chunk, size_t column)
{
    assert(chunk < rows->chunk_count && column < rows->schema.count);
    return duck_column_of(duckdb_data_chunk_get_vector(rows->chunks[chunk], column),
                          rows->schema.columns[column].type);
}

int64_t duck_rows_int(const DuckRows *rows, size_t column, bool *is_null)
{
    bool missing = rows->count == 0;
    int64_t value = 0;
    if (!missing) {
        DuckColumn first = duck_rows_column(rows, 0, column);
        missing = duck_is_null(&first, 0);
        value = missing ? 0 : duck_int(&first, 0);
    }
    if (is_null != NULL) {
        *is_null = missing;
    }
    return value;
}

// ---- reading -------------------------------------------------------------------------------

DuckColumn duck_column_of(duckdb_vector vector, const Type *type)
{
    return (DuckColumn){
        .vector = vector,
        .type = type,
        .data = duckdb_vector_get_data(vector),
        .validity = duckdb_vector_get_validity(vector),
    };
}

bool duck_is_null(const DuckColumn *column, uint64_t row)
{
    if (column->type->kind == TYPE_VOID) {
        return true;
    }
    return column->validity != NULL && (column->validity[row / 64] >> (row % 64) & 1) == 0;
}

static bool other_is_unsigned(const Type *type)
{
    return type->kind == TYPE_OTHER && type->name[0] == 'U' && strcmp(type->name, "UUID") != 0;
}

int64_t duck_int(const DuckColumn *column, uint64_t row)
{
    size_t width = duck_type_width(column->type);
    if (other_is_unsigned(column->type)) {
        switch (width) {
        case 1:
            return ((const uint8_t *)column->data)[row];
        case 2:
            return ((const uint16_t *)column->data)[row];
        case 4:
            return ((const uint32_t *)column->data)[row];
        default:
            return (int64_t)((const uint64_t *)column->data)[row];
        }
    }
    switch (width) {
    case 1:
        return ((const int8_t *)column->data)[row];
    case 2:
        return ((const int16_t *)column->data)[row];
    case 4:
        return ((const int32_t *)column->data)[row];
    case 8:
        return ((const int64_t *)column->data)[row];
    default:
        return (int64_t)((const __int128 *)column->data)[row];
    }
}

double duck_double(const DuckColumn *column, uint64_t row)
{
    if (column->type->kind == TYPE_FLOAT) {
        return (double)((const float *)column->data)[row];
    }
    assert(column->type->kind == TYPE_DOUBLE);
    return ((const double *)column->data)[row];
}

__int128 duck_decimal(const DuckColumn *column, uint64_t row)
{
    if (duck_type_width(column->type) == 16) {
        return ((const __int128 *)column->data)[row];
    }
    return duck_int(column, row);
}

Slice duck_text(const DuckColumn *column, uint64_t row)
{
    const duckdb_string_t *text = (const duckdb_string_t *)column->data + row;
    uint32_t size = text->value.inlined.length;
    if (size <= sizeof text->value.inlined.inlined) {
        return (Slice){text->value.inlined.inlined, size};
    }
    return (Slice){text->value.pointer.ptr, size};
}

void duck_list(const DuckColumn *column, uint64_t row, uint64_t *offset, uint64_t *length)
{
    const duckdb_list_entry *entry = (const duckdb_list_entry *)column->data + row;
    *offset = entry->offset;
    *length = entry->length;
}

DuckColumn duck_child(const DuckColumn *column, size_t index)
{
    const Type *type = column->type;
    if (type->kind == TYPE_STRUCT) {
        assert(index < type->fields.count);
        return duck_column_of(duckdb_struct_vector_get_child(column->vector, index),
                              type->fields.columns[index].type);
    }
    duckdb_vector entries = duckdb_list_vector_get_child(column->vector);
    if (type->kind == TYPE_MAP) { // a list of structs {key, value}
        return duck_column_of(duckdb_struct_vector_get_child(entries, index),
                              index == 0 ? type->key : type->element);
    }
    assert(type->kind == TYPE_ARRAY && index == 0);
    return duck_column_of(entries, type->element);
}

// ---- writing -------------------------------------------------------------------------------

void duck_set_null(DuckColumn *column, uint64_t row)
{
    if (column->validity == NULL) {
        duckdb_vector_ensure_validity_writable(column->vector);
        column->validity = duckdb_vector_get_validity(column->vector);
    }
    column->validity[row / 64] &= ~((uint64_t)1 << (row % 64));
    switch (column->type->kind) {
    case TYPE_STRUCT:
        // struct_extract looks at the field alone: the fields of a NULL must be NULL too.
        for (size_t i = 0; i < column->type->fields.count; i++) {
            DuckColumn child = duck_child(column, i);
            duck_set_null(&child, row);
        }
        break;
    case TYPE_ARRAY:
    case TYPE_MAP:
        ((duckdb_list_entry *)column->data)[row] = (duckdb_list_entry){0, 0};
        break;
    default:
        break;
    }
}

void duck_set_int(DuckColumn *column, uint64_t row, int64_t value)
{
    switch (duck_type_width(column->type)) {
    case 1:
        ((int8_t *)column->data)[row] = (int8_t)value;
        break;
    case 2:
        ((int16_t *)column->data)[row] = (int16_t)value;
        break;
    case 4:
        ((int32_t *)column->data)[row] = (int32_t)value;
        break;
    case 8:
        ((int64_t *)column->data)[row] = value;
        break;
    default:
        ((__int128 *)column->data)[row] = value;
    }
}

void duck_set_double(DuckColumn *column, uint64_t row, double value)
{
    if (column->type->kind == TYPE_FLOAT) {
        ((float *)column->data)[row] = (float)value;
        return;
    }
    assert(column->type->kind == TYPE_DOUBLE);
    ((double *)column->data)[row] = value;
}

void duck_set_decimal(DuckColumn *column, uint64_t row, __int128 unscaled)
{
    if (duck_type_width(column->type) == 16) {
        ((__int128 *)column->data)[row] = unscaled;
        return;
    }
    duck_set_int(column, row, (int64_t)unscaled);
}

uint64_t duck_set_list(DuckColumn *column, uint64_t row, uint64_t length)
{
    uint64_t offset = duckdb_list_vector_get_size(column->vector);
    duckdb_list_vector_reserve(column->vector, offset + length);
    duckdb_list_vector_set_size(column->vector, offset + length);
    ((duckdb_list_entry *)column->data)[row] = (duckdb_list_entry){offset, length};
    return offset;
}

// ---- text ----------------------------------------------------------------------------------

// Length of the UTF-8 character at `at` (shortest forms only, no surrogates, up to U+10FFFF). When
// there is none, *valid is false and the length is that of the bytes one replacement stands for.
static size_t utf8_step(const unsigned char *at, const unsigned char *end, bool *valid)
{
    *valid = true;
    if (*at < 0x80) {
        return 1;
    }
    *valid = false;
    if (*at < 0xc2 || *at > 0xf4) {
        return 1;
    }
    size_t more = *at >= 0xf0 ? 3 : *at >= 0xe0 ? 2 : 1;
    unsigned char low = *at == 0xe0 ? 0xa0 : *at == 0xf0 ? 0x90 : 0x80;
    unsigned char high = *at == 0xed ? 0x9f : *at == 0xf4 ? 0x8f : 0xbf;
    for (size_t i = 1; i <= more; i++) {
        if (at + i >= end || at[i] < low || at[i] > high) {
            return i;
        }
        low = 0x80;
        high = 0xbf;
    }
    *valid = true;
    return more + 1;
}

bool duck_text_is_valid(Slice text)
{
    const unsigned char *at = (const unsigned char *)text.data;
    const unsigned char *end = at + text.size;
    while (at < end) {
        uint64_t word;
        while (end - at >= (ptrdiff_t)sizeof word) { // ASCII, eight bytes at a time
            memcpy(&word, at, sizeof word);
            if ((word & 0x8080808080808080u) != 0) {
                break;
            }
            at += sizeof word;
        }
        bool valid = true;
        if (at < end) {
            at += utf8_step(at, end, &valid);
        }
        if (!valid) {
            return false;
        }
    }
    return true;
}

static void replace_invalid(Slice text, Buffer *out)
{
    const unsigned char *at = (const unsigned char *)text.data;
    const unsigned char *end = at + text.size;
    while (at < end) {
        bool valid;
        size_t size = utf8_step(at, end, &valid);
        buffer_append(out, valid ? (Slice){(const char *)at, size} : slice_of("\xEF\xBF\xBD"));
        at += size;
    }
}

void duck_set_bytes(DuckColumn *column, uint64_t row, Slice value)
{
    duckdb_string_t *text = (duckdb_string_t *)column->data + row;
    if (value.size > sizeof text->value.inlined.inlined) {
        duckdb_unsafe_vector_assign_string_element_len(column->vector, row, value.data, value.size);
        return;
    }
    // DuckDB compares short strings by their 16 bytes, so the rest must be zero.
    memset(text, 0, sizeof *text);
    text->value.inlined.length = (uint32_t)value.size;
    if (value.size > 0) {
        memcpy(text->value.inlined.inlined, value.data, value.size);
    }
}

void duck_set_text(DuckColumn *column, uint64_t row, Slice value)
{
    if (column->type->kind != TYPE_STRING || duck_text_is_valid(value)) {
        duck_set_bytes(column, row, value);
        return;
    }
    Buffer repaired = {0};
    replace_invalid(value, &repaired);
    duck_set_bytes(column, row, buffer_slice(&repaired));
    buffer_done(&repaired);
}
