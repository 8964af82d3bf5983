// decode_slot.c -- values into DuckDB's vectors.
// SPDX-License-Identifier: Apache-2.0
#include "duck/decode_slot.h"

#include <assert.h>

#include "duck/decode_value.h"
#include "duck/duck_internal.h"

static_assert(sizeof(SlotString) == sizeof(duckdb_string_t), "DuckDB's string layout");

enum { LIST_FIRST = 2048 };

static size_t kind_width(const Type *type)
{
    switch (type->kind) {
    case TYPE_BOOLEAN:
    case TYPE_TINYINT:
        return 1;
    case TYPE_SMALLINT:
        return 2;
    case TYPE_INT:
    case TYPE_DATE:
    case TYPE_FLOAT:
        return 4;
    case TYPE_BIGINT:
    case TYPE_DOUBLE:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_NTZ:
        return 8;
    case TYPE_DECIMAL:
        return type->precision <= 4 ? 2 : type->precision <= 9 ? 4 : type->precision <= 18 ? 8 : 16;
    case TYPE_STRING:
    case TYPE_BINARY:
    case TYPE_ARRAY:
    case TYPE_MAP:
        return 16;
    default:
        return 0;
    }
}

static bool init_children(DecodeSlot *slot, Arena *arena, const DecodePattern *date,
                          const DecodePattern *timestamp, const Type **offender)
{
    const Type *type = slot->type;
    bool is_struct = slot->kind == TYPE_STRUCT;
    slot->child_count = is_struct ? type->fields.count : slot->kind == TYPE_MAP ? 2 : 1;
    slot->children = ARENA_ARRAY(arena, DecodeSlot, slot->child_count);
    for (size_t i = 0; i < slot->child_count; i++) {
        const Type *child = is_struct                          ? type->fields.columns[i].type
                            : slot->kind == TYPE_MAP && i == 0 ? type->key
                                                               : type->element;
        const char *name = is_struct ? type->fields.columns[i].name : slot->name;
        if (!decode_slot_init(&slot->children[i], arena, name, child, date, timestamp, offender)) {
            return false;
        }
        slot->children[i].is_nested = true;
    }
    if (slot->kind == TYPE_MAP && type->key->kind != TYPE_STRING) {
        *offender = type; // keys of JSON objects are strings, nothing else
        return false;
    }
    return true;
}

bool decode_slot_init(DecodeSlot *slot, Arena *arena, const char *name, const Type *type,
                      const DecodePattern *date, const DecodePattern *timestamp,
                      const Type **offender)
{
    *slot = (DecodeSlot){.name = name, .type = type, .kind = type->kind, .row = UINT64_MAX};
    slot->width = kind_width(type);
    slot->pattern = type->kind == TYPE_DATE ? date : timestamp;
    if (type->kind == TYPE_ARRAY || type->kind == TYPE_MAP || type->kind == TYPE_STRUCT) {
        return init_children(slot, arena, date, timestamp, offender);
    }
    if (slot->width == 0) {
        *offender = type;
        return false;
    }
    return true;
}

void decode_slot_done(DecodeSlot *slot)
{
    buffer_done(&slot->staged);
    for (size_t i = 0; i < slot->child_count; i++) {
        decode_slot_done(&slot->children[i]);
    }
}

static void bind_vector(DecodeSlot *slot, duckdb_vector vector);

static void bind_children(DecodeSlot *slot)
{
    if (slot->kind == TYPE_STRUCT) {
        for (size_t i = 0; i < slot->child_count; i++) {
            bind_vector(&slot->children[i], duckdb_struct_vector_get_child(slot->vector, i));
        }
    } else if (slot->kind == TYPE_ARRAY) {
        bind_vector(&slot->children[0], duckdb_list_vector_get_child(slot->vector));
    } else if (slot->kind == TYPE_MAP) {
        duckdb_vector entries = duckdb_list_vector_get_child(slot->vector);
        bind_vector(&slot->children[0], duckdb_struct_vector_get_child(entries, 0));
        bind_vector(&slot->children[1], duckdb_struct_vector_get_child(entries, 1));
    }
}

static void bind_vector(DecodeSlot *slot, duckdb_vector vector)
{
    slot->vector = vector;
    slot->data = slot->kind == TYPE_STRUCT ? NULL : duckdb_vector_get_data(vector);
    slot->validity = duckdb_vector_get_validity(vector);
    bind_children(slot);
}

static void forget_rows(DecodeSlot *slot)
{
    slot->row = UINT64_MAX;
    slot->list_size = 0;
    slot->list_capacity = 0;
    for (size_t i = 0; i < slot->child_count; i++) {
        forget_rows(&slot->children[i]);
    }
}

void decode_slot_bind(DecodeSlot *slot, const DuckColumn *column)
{
    forget_rows(slot);
    buffer_reset(&slot->staged);
    bind_vector(slot, column->vector);
    if (slot->kind == TYPE_ARRAY || slot->kind == TYPE_MAP) {
        duckdb_list_vector_set_size(slot->vector, 0);
    }
}

void decode_slot_flush(DecodeSlot *slot, uint64_t row_count)
{
    if (slot->staged.size == 0) {
        return;
    }
    // DuckDB copies the piece into the vector's own heap; row 0 lends its place to learn where.
    SlotString *strings = (SlotString *)(void *)slot->data;
    SlotString first = strings[0];
    duckdb_vector_assign_string_element_len(slot->vector, 0, slot->staged.data, slot->staged.size);
    const char *base = strings[0].tail.pointer;
    strings[0] = first;
    for (uint64_t row = 0; row < row_count; row++) {
        if (strings[row].size > SLOT_INLINE_MAX) {
            strings[row].tail.pointer = base + strings[row].tail.offset;
        }
    }
}

void decode_slot_undo(DecodeSlot *slot, uint64_t row)
{
    if (slot->validity != NULL) {
        slot->validity[row / 64] |= (uint64_t)1 << row % 64;
    }
    slot->row = UINT64_MAX;
    if (slot->kind == TYPE_STRUCT) {
        for (size_t i = 0; i < slot->child_count; i++) {
            decode_slot_undo(&slot->children[i], row);
        }
    }
}

void decode_slot_set_null(DecodeSlot *slot, uint64_t row)
{
    if (slot->validity == NULL) {
        duckdb_vector_ensure_validity_writable(slot->vector);
        slot->validity = duckdb_vector_get_validity(slot->vector);
    }
    slot->validity[row / 64] &= ~((uint64_t)1 << row % 64);
    slot->row = row;
    if (slot->kind == TYPE_STRUCT) {
        // struct_extract looks at the field's own validity only.
        for (size_t i = 0; i < slot->child_count; i++) {
            decode_slot_set_null(&slot->children[i], row);
        }
    } else if (slot->width == 16) {
        memset(slot->data + row * 16, 0, 16); // no stale string or list behind a NULL
    }
}

static void set_long_text(DecodeSlot *slot, SlotString *string, Slice text)
{
    Buffer *staged = &slot->staged;
    if (staged->capacity - staged->size <= text.size) {
        buffer_reserve(staged, text.size + 65536);
    }
    string->size = (uint32_t)text.size;
    memcpy(string->prefix, text.data, sizeof string->prefix);
    string->tail.offset = staged->size;
    memcpy(staged->data + staged->size, text.data, text.size);
    staged->size += text.size;
}

void decode_slot_set_text(DecodeSlot *slot, uint64_t row, Slice text, const char *readable_end)
{
    decode_slot_mark(slot, row);
    SlotString *string = (SlotString *)(void *)slot->data + row;
    if (text.size > SLOT_INLINE_MAX) {
        if (slot->is_nested) {
            duckdb_vector_assign_string_element_len(slot->vector, row, text.data, text.size);
            return;
        }
        set_long_text(slot, string, text);
        return;
    }
    uint64_t words[2] = {0};
    if (readable_end != NULL && text.data + 16 <= readable_end) {
        memcpy(words, text.data, 16);
        unsigned bits = (unsigned)text.size * 8;
        if (bits < 64) {
            words[0] &= ((uint64_t)1 << bits) - 1;
            words[1] = 0;
        } else {
            words[1] &= ((uint64_t)1 << (bits - 64)) - 1;
        }
    } else if (text.size > 0) {
        memcpy(words, text.data, text.size);
    }
    uint64_t out[2] = {text.size | words[0] << 32, words[0] >> 32 | words[1] << 32};
    memcpy(string, out, sizeof out);
}

void decode_slot_set_int(DecodeSlot *slot, uint64_t row, int64_t value)
{
    decode_slot_mark(slot, row);
    uint8_t *at = slot->data + row * slot->width;
    switch (slot->width) {
    case 1:
        *(int8_t *)at = (int8_t)value;
        return;
    case 2:
        memcpy(at, &(int16_t){(int16_t)value}, 2);
        return;
    case 4:
        memcpy(at, &(int32_t){(int32_t)value}, 4);
        return;
    default:
        memcpy(at, &value, 8);
    }
}

void decode_slot_set_decimal(DecodeSlot *slot, uint64_t row, __int128 unscaled)
{
    if (slot->width < 16) {
        decode_slot_set_int(slot, row, (int64_t)unscaled);
        return;
    }
    decode_slot_mark(slot, row);
    memcpy(slot->data + row * 16, &unscaled, 16);
}

void decode_slot_list_extend(DecodeSlot *slot)
{
    if (slot->list_size == slot->list_capacity) {
        slot->list_capacity = slot->list_capacity == 0 ? LIST_FIRST : slot->list_capacity * 2;
        duckdb_list_vector_set_size(slot->vector, slot->list_size);
        duckdb_list_vector_reserve(slot->vector, slot->list_capacity);
        bind_children(slot); // growing moves them
    }
    slot->list_size++;
}

void decode_slot_list_close(DecodeSlot *slot, uint64_t row, uint64_t start)
{
    decode_slot_mark(slot, row);
    duckdb_list_vector_set_size(slot->vector, slot->list_size);
    duckdb_list_entry entry = {start, slot->list_size - start};
    memcpy(slot->data + row * sizeof entry, &entry, sizeof entry);
}

void decode_slot_int_range(TypeKind kind, int64_t *min, int64_t *max)
{
    int bits = kind == TYPE_TINYINT ? 8 : kind == TYPE_SMALLINT ? 16 : kind == TYPE_INT ? 32 : 64;
    *max = (int64_t)(UINT64_MAX >> (65 - bits));
    *min = -*max - 1;
}

static bool parse_float(DecodeSlot *slot, uint64_t row, Slice text)
{
    if (slot->kind == TYPE_DOUBLE) {
        double value;
        if (!decode_value_double(text, &value)) {
            return false;
        }
        decode_slot_mark(slot, row);
        memcpy(slot->data + row * 8, &value, 8);
        return true;
    }
    float value;
    if (!decode_value_float(text, &value)) {
        return false;
    }
    decode_slot_mark(slot, row);
    memcpy(slot->data + row * 4, &value, 4);
    return true;
}

static bool parse_time(DecodeSlot *slot, uint64_t row, Slice text)
{
    if (slot->kind == TYPE_DATE) {
        int32_t days;
        bool good = slot->pattern != NULL ? decode_pattern_date(slot->pattern, text, &days)
                                          : decode_value_date(text, &days);
        if (good) {
            decode_slot_set_int(slot, row, days);
        }
        return good;
    }
    bool zoned = slot->kind == TYPE_TIMESTAMP;
    int64_t micros;
    bool good = slot->pattern != NULL
                    ? decode_pattern_timestamp(slot->pattern, text, zoned, &micros)
                    : decode_value_timestamp_near(text, zoned, &slot->day, &micros);
    if (good) {
        decode_slot_set_int(slot, row, micros);
    }
    return good;
}

bool decode_slot_parse(DecodeSlot *slot, uint64_t row, Slice text, const char *readable_end)
{
    switch (slot->kind) {
    case TYPE_STRING:
        decode_slot_set_text(slot, row, text, readable_end);
        return true;
    case TYPE_DATE:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_NTZ:
        return parse_time(slot, row, text);
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        return parse_float(slot, row, text);
    case TYPE_DECIMAL: {
        __int128 value;
        if (!decode_value_decimal(text, slot->type->precision, slot->type->scale, &value)) {
            return false;
        }
        decode_slot_set_decimal(slot, row, value);
        return true;
    }
    case TYPE_BOOLEAN: {
        bool value;
        if (!decode_value_boolean(text, &value)) {
            return false;
        }
        decode_slot_set_int(slot, row, value);
        return true;
    }
    default: {
        int64_t min, max, value;
        decode_slot_int_range(slot->kind, &min, &max);
        if (!decode_value_int(text, min, max, &value)) {
            return false;
        }
        decode_slot_set_int(slot, row, value);
        return true;
    }
    }
}
