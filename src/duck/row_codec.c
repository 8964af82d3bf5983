// SPDX-License-Identifier: Apache-2.0
//
//     row    = nulls, fixed..., variable...        nulls: one bit per column, 1 = NULL
//     fixed  = the value's bytes as DuckDB keeps them (BOOLEAN 1 ... DECIMAL(38) 16)
//     STRING, BINARY = size:4, bytes               STRUCT = row of its fields
//     ARRAY  = count:4, row of its elements        MAP = count:4, row of keys, row of values
//
// NULLs take no room beyond their bit.
#include "duck/row_codec.h"

#include "duck/duck_internal.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the format is the machine's order");

enum { MAX_WIDTH = 16, SIZE_BYTES = 4 };

static bool is_fixed(const Type *type)
{
    return type->kind >= TYPE_BOOLEAN && type->kind <= TYPE_TIMESTAMP_NTZ &&
           type->kind != TYPE_STRING && type->kind != TYPE_BINARY;
}

static size_t bitmap_size(uint64_t count)
{
    return (size_t)((count + 7) / 8);
}

// ---- encoding ------------------------------------------------------------------------------

static void encode_float(const DuckColumn *column, uint64_t row, char *to)
{
    float value = ((const float *)column->data)[row];
    uint32_t bits = 0x7fc00000; // every NaN is one value, and so is every zero
    if (value == value) {
        value += 0.0F; // -0.0 + 0.0 is 0.0
        memcpy(&bits, &value, sizeof bits);
    }
    memcpy(to, &bits, sizeof bits);
}

static void encode_double(const DuckColumn *column, uint64_t row, char *to)
{
    double value = ((const double *)column->data)[row];
    uint64_t bits = 0x7ff8000000000000;
    if (value == value) {
        value += 0.0;
        memcpy(&bits, &value, sizeof bits);
    }
    memcpy(to, &bits, sizeof bits);
}

// The buffer has room for MAX_WIDTH more bytes.
static void encode_fixed(const DuckColumn *column, uint64_t row, Buffer *out)
{
    char *to = out->data + out->size;
    const char *data = column->data;
    size_t width = duck_type_width(column->type);
    switch (column->type->kind) {
    case TYPE_BOOLEAN:
        *to = data[row] != 0;
        break;
    case TYPE_FLOAT:
        encode_float(column, row, to);
        break;
    case TYPE_DOUBLE:
        encode_double(column, row, to);
        break;
    default:
        switch (width) { // constant sizes compile to plain moves
        case 4:
            memcpy(to, data + row * 4, 4);
            break;
        case 8:
            memcpy(to, data + row * 8, 8);
            break;
        default:
            memcpy(to, data + row * width, width);
        }
    }
    out->size += width;
}

static void append_size(Buffer *out, uint64_t size)
{
    uint32_t bytes = (uint32_t)size;
    buffer_append_bytes(out, &bytes, SIZE_BYTES);
}

static void encode_variable(const DuckColumn *column, uint64_t row, Buffer *out);

// The entries [offset, offset + count) of a child column.
static void encode_entries(const DuckColumn *child, uint64_t offset, uint64_t count, Buffer *out)
{
    size_t bitmap = bitmap_size(count);
    size_t bitmap_at = out->size;
    bool fixed = is_fixed(child->type);
    buffer_reserve(out, bitmap + (fixed ? count * MAX_WIDTH : 0));
    memset(out->data + out->size, 0, bitmap);
    out->size += bitmap;
    for (uint64_t i = 0; i < count; i++) {
        if (duck_is_null(child, offset + i)) {
            out->data[bitmap_at + i / 8] |= (char)(1 << (i % 8));
        } else if (fixed) {
            encode_fixed(child, offset + i, out);
        } else {
            encode_variable(child, offset + i, out);
        }
    }
}

static void encode_struct(const DuckColumn *column, uint64_t row, Buffer *out)
{
    size_t count = column->type->fields.count;
    size_t bitmap_at = out->size;
    buffer_reserve(out, bitmap_size(count) + count * MAX_WIDTH);
    memset(out->data + out->size, 0, bitmap_size(count));
    out->size += bitmap_size(count);
    for (size_t i = 0; i < count; i++) {
        DuckColumn field = duck_child(column, i);
        if (duck_is_null(&field, row)) {
            out->data[bitmap_at + i / 8] |= (char)(1 << (i % 8));
        } else if (is_fixed(field.type)) {
            encode_fixed(&field, row, out);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_fixed(column->type->fields.columns[i].type)) {
            DuckColumn field = duck_child(column, i);
            if (!duck_is_null(&field, row)) {
                encode_variable(&field, row, out);
            }
        }
    }
}

static void encode_variable(const DuckColumn *column, uint64_t row, Buffer *out)
{
    uint64_t offset;
    uint64_t count;
    switch (column->type->kind) {
    case TYPE_STRUCT:
        encode_struct(column, row, out);
        return;
    case TYPE_ARRAY:
    case TYPE_MAP:
        duck_list(column, row, &offset, &count);
        append_size(out, count);
        for (size_t i = 0; i < (column->type->kind == TYPE_MAP ? 2 : 1); i++) {
            DuckColumn child = duck_child(column, i);
            encode_entries(&child, offset, count, out);
        }
        return;
    default: {
        Slice text = duck_text(column, row);
        append_size(out, text.size);
        buffer_append(out, text);
    }
    }
}

void row_encode(const DuckColumn *columns, size_t column_count, uint64_t row, Buffer *out)
{
    size_t bitmap_at = out->size;
    buffer_reserve(out, bitmap_size(column_count) + column_count * MAX_WIDTH);
    memset(out->data + out->size, 0, bitmap_size(column_count));
    out->size += bitmap_size(column_count);
    bool has_variable = false;
    for (size_t i = 0; i < column_count; i++) {
        if (duck_is_null(&columns[i], row)) {
            out->data[bitmap_at + i / 8] |= (char)(1 << (i % 8));
        } else if (is_fixed(columns[i].type)) {
            encode_fixed(&columns[i], row, out);
        } else {
            has_variable = true;
        }
    }
    for (size_t i = 0; has_variable && i < column_count; i++) {
        if (!is_fixed(columns[i].type) && !duck_is_null(&columns[i], row)) {
            encode_variable(&columns[i], row, out);
        }
    }
    out->data[out->size] = '\0';
}

// ---- decoding ------------------------------------------------------------------------------
// Every read is checked: false means that the bytes do not fit. A column without a vector is read
// past.

typedef struct Reader {
    const char *at;
    const char *end;
} Reader;

static bool take(Reader *reader, uint64_t size, const char **bytes)
{
    if ((uint64_t)(reader->end - reader->at) < size) {
        return false;
    }
    *bytes = reader->at;
    reader->at += size;
    return true;
}

static bool take_size(Reader *reader, uint32_t *size)
{
    const char *bytes;
    if (!take(reader, SIZE_BYTES, &bytes)) {
        return false;
    }
    memcpy(size, bytes, sizeof *size);
    return true;
}

static bool bit_is_set(const char *bitmap, uint64_t index)
{
    return ((unsigned char)bitmap[index / 8] >> (index % 8) & 1) != 0;
}

static bool decode_fixed(Reader *reader, DuckColumn *column, uint64_t row)
{
    size_t width = duck_type_width(column->type);
    const char *bytes;
    if (!take(reader, width, &bytes)) {
        return false;
    }
    if (column->vector == NULL) {
        return true;
    }
    char *data = column->data;
    switch (width) {
    case 1:
        data[row] = *bytes;
        return column->type->kind != TYPE_BOOLEAN || (unsigned char)*bytes <= 1;
    case 4:
        memcpy(data + row * 4, bytes, 4);
        return true;
    case 8:
        memcpy(data + row * 8, bytes, 8);
        return true;
    default:
        memcpy(data + row * width, bytes, width);
        return true;
    }
}

static void decode_null(DuckColumn *column, uint64_t row)
{
    if (column->vector != NULL) {
        duck_set_null(column, row);
    }
}

// duck_child, also of a column that is read past.
static DuckColumn child_of(const DuckColumn *column, size_t index)
{
    if (column->vector != NULL) {
        return duck_child(column, index);
    }
    const Type *type = column->type;
    if (type->kind == TYPE_STRUCT) {
        return (DuckColumn){.type = type->fields.columns[index].type};
    }
    return (DuckColumn){.type = type->kind == TYPE_MAP && index == 0 ? type->key : type->element};
}

static bool decode_variable(Reader *reader, DuckColumn *column, uint64_t row);

static bool decode_entries(Reader *reader, DuckColumn *child, uint64_t offset, uint64_t count)
{
    bool fixed = is_fixed(child->type);
    const char *bitmap;
    if (!take(reader, bitmap_size(count), &bitmap)) {
        return false;
    }
    for (uint64_t i = 0; i < count; i++) {
        if (bit_is_set(bitmap, i)) {
            decode_null(child, offset + i);
        } else if (!(fixed ? decode_fixed(reader, child, offset + i)
                           : decode_variable(reader, child, offset + i))) {
            return false;
        }
    }
    return true;
}

static bool decode_list(Reader *reader, DuckColumn *column, uint64_t row)
{
    uint32_t count;
    // The bitmap is checked here too: a damaged count must not make room for 2^32 entries.
    if (!take_size(reader, &count) || (uint64_t)(reader->end - reader->at) < bitmap_size(count)) {
        return false;
    }
    uint64_t offset = column->vector == NULL ? 0 : duck_set_list(column, row, count);
    for (size_t i = 0; i < (column->type->kind == TYPE_MAP ? 2 : 1); i++) {
        DuckColumn child = child_of(column, i);
        if (!decode_entries(reader, &child, offset, count)) {
            return false;
        }
    }
    return true;
}

static bool decode_struct(Reader *reader, DuckColumn *column, uint64_t row)
{
    size_t count = column->type->fields.count;
    const char *bitmap;
    if (!take(reader, bitmap_size(count), &bitmap)) {
        return false;
    }
    for (size_t pass = 0; pass < 2; pass++) { // fixed fields come first
        for (size_t i = 0; i < count; i++) {
            bool fixed = is_fixed(column->type->fields.columns[i].type);
            if (fixed != (pass == 0)) {
                continue;
            }
            DuckColumn field = child_of(column, i);
            if (bit_is_set(bitmap, i)) {
                decode_null(&field, row);
            } else if (!(fixed ? decode_fixed(reader, &field, row)
                               : decode_variable(reader, &field, row))) {
                return false;
            }
        }
    }
    return true;
}

static bool decode_variable(Reader *reader, DuckColumn *column, uint64_t row)
{
    switch (column->type->kind) {
    case TYPE_STRUCT:
        return decode_struct(reader, column, row);
    case TYPE_ARRAY:
    case TYPE_MAP:
        return decode_list(reader, column, row);
    default: {
        uint32_t size;
        const char *bytes;
        if (!take_size(reader, &size) || !take(reader, size, &bytes)) {
            return false;
        }
        if (column->vector != NULL) {
            duck_set_bytes(column, row, (Slice){bytes, size});
        }
        return true;
    }
    }
}

static bool decode_row(Reader *reader, DuckColumn *columns, size_t column_count, uint64_t row)
{
    const char *bitmap;
    if (!take(reader, bitmap_size(column_count), &bitmap)) {
        return false;
    }
    bool has_variable = false;
    for (size_t i = 0; i < column_count; i++) {
        if (bit_is_set(bitmap, i)) {
            decode_null(&columns[i], row);
        } else if (!is_fixed(columns[i].type)) {
            has_variable = true;
        } else if (!decode_fixed(reader, &columns[i], row)) {
            return false;
        }
    }
    for (size_t i = 0; has_variable && i < column_count; i++) {
        if (!is_fixed(columns[i].type) && !bit_is_set(bitmap, i) &&
            !decode_variable(reader, &columns[i], row)) {
            return false;
        }
    }
    return true;
}

static bool misfit(Slice bytes, size_t column_count, Error *err)
{
    return fail(err, ERROR_CORRUPT, "a state row of %zu bytes does not fit its %zu columns",
                bytes.size, column_count);
}

bool row_decode(Slice bytes, DuckColumn *columns, size_t column_count, uint64_t row, Error *err)
{
    Reader reader = {bytes.data, bytes.data + bytes.size};
    if (!decode_row(&reader, columns, column_count, row) || reader.at != reader.end) {
        return misfit(bytes, column_count, err);
    }
    return true;
}

bool row_measure(Slice bytes, const Schema *schema, size_t *size, Error *err)
{
    Reader reader = {bytes.data, bytes.data + bytes.size};
    const char *bitmap = NULL;
    bool ok = take(&reader, bitmap_size(schema->count), &bitmap);
    for (size_t pass = 0; pass < 2; pass++) { // fixed columns come first
        for (size_t i = 0; ok && i < schema->count; i++) {
            DuckColumn column = {.type = schema->columns[i].type};
            bool fixed = is_fixed(column.type);
            if (fixed == (pass == 0) && !bit_is_set(bitmap, i)) {
                ok = fixed ? decode_fixed(&reader, &column, 0)
                           : decode_variable(&reader, &column, 0);
            }
        }
    }
    *size = ok ? (size_t)(reader.at - bytes.data) : 0;
    return ok || misfit(bytes, schema->count, err);
}

// ---- schemas -------------------------------------------------------------------------------

static bool type_is_encodable(const Type *type)
{
    switch (type->kind) {
    case TYPE_VOID:
    case TYPE_INTERVAL:
    case TYPE_OTHER:
        return false;
    case TYPE_ARRAY:
        return type_is_encodable(type->element);
    case TYPE_MAP:
        return type_is_encodable(type->key) && type_is_encodable(type->element);
    case TYPE_STRUCT:
        for (size_t i = 0; i < type->fields.count; i++) {
            if (!type_is_encodable(type->fields.columns[i].type)) {
                return false;
            }
        }
        return type->fields.count > 0;
    default:
        return true;
    }
}

bool row_check_schema(const Schema *schema, Error *err)
{
    for (size_t i = 0; i < schema->count; i++) {
        const Column *column = &schema->columns[i];
        if (!type_is_encodable(column->type)) {
            Buffer text = {0};
            type_print(column->type, &text);
            fail(err, ERROR_INPUT,
                 "column '%s' of type %s cannot be kept in a stream's state; CAST it to another "
                 "type",
                 column->name, buffer_text(&text));
            buffer_done(&text);
            return false;
        }
    }
    return true;
}
