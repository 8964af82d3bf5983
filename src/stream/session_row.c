// SPDX-License-Identifier: Apache-2.0
#include "stream/session_row.h"

enum { TIME_BYTES = 8, COUNT_BYTES = 4, HEAD_BYTES = 1 + TIME_BYTES + COUNT_BYTES };

Schema session_row_fields(Arena *arena, const Type *time, const Schema *partials)
{
    Schema fields = {0};
    schema_add(arena, &fields, "start", time, true);
    schema_add(arena, &fields, "end", time, true);
    for (size_t i = 0; i < partials->count; i++) {
        schema_add(arena, &fields, partials->columns[i].name, partials->columns[i].type, true);
    }
    return fields;
}

Schema session_row_schema(Arena *arena, const Schema *fields)
{
    Schema schema = {0};
    schema_add(arena, &schema, "expiry", type_simple(TYPE_TIMESTAMP), true);
    schema_add(arena, &schema, "sessions", type_array(arena, type_struct(arena, *fields)), true);
    return schema;
}

static size_t bitmap_bytes(size_t count)
{
    return (count + 7) / 8;
}

static bool damaged(Slice value, Error *err)
{
    return fail(err, ERROR_CORRUPT, "a state row of %zu bytes does not hold sessions", value.size);
}

bool session_row_open(SessionRow *row, const Schema *fields, Slice value, Error *err)
{
    *row = (SessionRow){.fields = fields};
    if (value.size < HEAD_BYTES || value.data[0] != 0) {
        return damaged(value, err);
    }
    memcpy(&row->expiry, value.data + 1, TIME_BYTES);
    memcpy(&row->count, value.data + 1 + TIME_BYTES, COUNT_BYTES);
    size_t head = HEAD_BYTES + bitmap_bytes(row->count);
    if (value.size < head) {
        return damaged(value, err);
    }
    row->rest = (Slice){value.data + head, value.size - head};
    return true;
}

bool session_row_next(SessionRow *row, SessionBytes *session, Error *err)
{
    size_t size;
    size_t times = bitmap_bytes(row->fields->count); // start and end come first, and are not NULL
    if (!row_measure(row->rest, row->fields, &size, err)) {
        return false;
    }
    if (size < times + 2 * TIME_BYTES) {
        return damaged(row->rest, err);
    }
    memcpy(&session->start, row->rest.data + times, TIME_BYTES);
    memcpy(&session->end, row->rest.data + times + TIME_BYTES, TIME_BYTES);
    session->bytes = (Slice){row->rest.data, size};
    row->rest = (Slice){row->rest.data + size, row->rest.size - size};
    row->index++;
    return true;
}

void session_row_write(Buffer *out, TimeUs expiry, const Slice *sessions, uint32_t count)
{
    buffer_append_char(out, 0);
    buffer_append_bytes(out, &expiry, TIME_BYTES);
    buffer_append_bytes(out, &count, COUNT_BYTES);
    size_t bitmap = bitmap_bytes(count);
    buffer_reserve(out, bitmap);
    memset(out->data + out->size, 0, bitmap);
    out->size += bitmap;
    for (uint32_t i = 0; i < count; i++) {
        buffer_append(out, sessions[i]);
    }
}
