// SPDX-License-Identifier: Apache-2.0
#include "state/record.h"

#include "base/crc32c.h"
#include "state/image.h"

enum {
    ROW_SAME = 0x10,     // in the op byte: table and bucket of the row before
    ROW_PREVIOUS = 0x20, // the place of the image before follows
    ROW_OPS = 0x0f,
};

_Static_assert(sizeof(RecordHeader) == 136, "the header is a file format");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files are little-endian");

static void add_number(Buffer *out, uint64_t number)
{
    char bytes[10];
    size_t size = 0;
    for (; number >= 0x80; number >>= 7) {
        bytes[size++] = (char)(number | 0x80);
    }
    bytes[size++] = (char)number;
    buffer_append_bytes(out, bytes, size);
}

void record_begin(RecordWriter *writer, Buffer *out, Slice meta)
{
    static const RecordHeader zeros;
    *writer = (RecordWriter){.out = out};
    buffer_reset(out);
    buffer_append_bytes(out, &zeros, sizeof zeros);
    buffer_append(out, meta);
}

static uint32_t place_crc(uint32_t table, int64_t bucket)
{
    char bytes[sizeof table + sizeof bucket];
    memcpy(bytes, &table, sizeof table);
    memcpy(bytes + sizeof table, &bucket, sizeof bucket);
    return crc32c_update(0, bytes, sizeof bytes);
}

static void add_definition(Buffer *out, const RecordRow *row)
{
    buffer_append_char(out, (char)row->op);
    add_number(out, row->table);
    add_number(out, row->key.size);
    add_number(out, row->value.size);
    buffer_append(out, row->key);
    buffer_append(out, row->value);
}

static size_t add_image(RecordWriter *writer, Slice key, Slice value)
{
    Buffer *out = writer->out;
    while (out->size % IMAGE_ALIGN != 0) {
        buffer_append_char(out, '\0');
    }
    size_t start = out->size;
    uint32_t crc = 0;
    buffer_append_bytes(out, &crc, sizeof crc);
    add_number(out, key.size);
    add_number(out, value.size);
    buffer_append(out, key);
    buffer_append(out, value);
    size_t skip = start + sizeof crc;
    crc = crc32c_update(writer->place_crc, out->data + skip, out->size - skip);
    memcpy(out->data + start, &crc, sizeof crc);
    return start;
}

size_t record_add(RecordWriter *writer, const RecordRow *row)
{
    Buffer *out = writer->out;
    writer->row_count++;
    if (row->op == RECORD_DEFINE) {
        add_definition(out, row);
        return 0;
    }
    unsigned op = row->op | (row->previous != 0 ? ROW_PREVIOUS : 0);
    if (writer->has_place && writer->table == row->table && writer->bucket == row->bucket) {
        buffer_append_char(out, (char)(op | ROW_SAME));
    } else {
        buffer_append_char(out, (char)op);
        add_number(out, row->table);
        buffer_append_bytes(out, &row->bucket, sizeof row->bucket);
        writer->has_place = true;
        writer->table = row->table;
        writer->bucket = row->bucket;
        writer->place_crc = place_crc(row->table, row->bucket);
    }
    if (row->previous != 0) {
        add_number(out, image_segment(row->previous));
        add_number(out, image_offset(row->previous));
    }
    switch (row->op) {
    case RECORD_PUT:
        return add_image(writer, row->key, row->value);
    case RECORD_DELETE:
        add_number(out, row->key.size);
        buffer_append(out, row->key);
        return 0;
    default:
        return 0;
    }
}

void record_pad(RecordWriter *writer)
{
    while (writer->out->size % 8 != 0) {
        buffer_append_char(writer->out, '\0');
    }
}

static uint32_t record_crc(Slice record)
{
    size_t skip = offsetof(RecordHeader, size);
    return crc32c_update(0, record.data + skip, record.size - skip);
}

void record_seal(Buffer *record, RecordHeader *header)
{
    header->magic = RECORD_MAGIC;
    header->size = record->size;
    memcpy(record->data, header, sizeof *header);
    header->crc = record_crc(buffer_slice(record));
    memcpy(record->data, header, sizeof *header);
}

RecordHeader record_header(Slice record)
{
    RecordHeader header;
    memcpy(&header, record.data, sizeof header);
    return header;
}

bool record_is_intact(Slice record)
{
    if (record.size < sizeof(RecordHeader) || record.size % 8 != 0) {
        return false;
    }
    RecordHeader header = record_header(record);
    return header.magic == RECORD_MAGIC && header.size == record.size &&
           header.meta_size <= record.size - sizeof header && header.crc == record_crc(record);
}

Slice record_meta(Slice record)
{
    return (Slice){record.data + sizeof(RecordHeader), record_header(record).meta_size};
}

RecordReader record_read(Slice record)
{
    RecordHeader header = record_header(record);
    return (RecordReader){
        .start = record.data,
        .at = record.data + sizeof header + header.meta_size,
        .end = record.data + record.size,
        .rows_left = header.row_count,
    };
}

RecordReader record_read_directory(Slice directory, uint32_t count)
{
    return (RecordReader){
        .start = directory.data,
        .at = directory.data,
        .end = directory.data + directory.size,
        .rows_left = count,
    };
}

static uint64_t next_number(RecordReader *reader)
{
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 64 && reader->at < reader->end; shift += 7) {
        unsigned char byte = (unsigned char)*reader->at++;
        number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return number;
        }
    }
    reader->is_bad = true;
    return 0;
}

static Slice next_bytes(RecordReader *reader, uint64_t size)
{
    if (size > (uint64_t)(reader->end - reader->at)) {
        reader->is_bad = true;
        size = 0;
    }
    Slice bytes = {reader->at, (size_t)size};
    reader->at += size;
    return bytes;
}

static void next_place(RecordReader *reader, unsigned char op)
{
    if ((op & ROW_SAME) != 0) {
        reader->is_bad = reader->is_bad || !reader->has_place;
        return;
    }
    reader->table = (uint32_t)next_number(reader);
    Slice bucket = next_bytes(reader, sizeof reader->bucket);
    if (bucket.size == sizeof reader->bucket) {
        memcpy(&reader->bucket, bucket.data, bucket.size);
    }
    reader->has_place = true;
}

size_t record_offset(const RecordReader *reader)
{
    return reader->offset + (size_t)(reader->at - reader->start);
}

static void next_image(RecordReader *reader, RecordRow *row)
{
    next_bytes(reader, (IMAGE_ALIGN - record_offset(reader) % IMAGE_ALIGN) % IMAGE_ALIGN);
    row->image = record_offset(reader);
    next_bytes(reader, sizeof(uint32_t));
    uint64_t key_size = next_number(reader);
    uint64_t value_size = next_number(reader);
    row->key = next_bytes(reader, key_size);
    row->value = next_bytes(reader, value_size);
}

static void next_row(RecordReader *reader, unsigned char op, RecordRow *row)
{
    next_place(reader, op);
    row->table = reader->table;
    row->bucket = reader->bucket;
    if ((op & ROW_PREVIOUS) != 0) {
        uint64_t segment = next_number(reader);
        row->previous = image_at(segment, next_number(reader));
    }
    if (row->op == RECORD_PUT) {
        next_image(reader, row);
    } else if (row->op == RECORD_DELETE) {
        row->key = next_bytes(reader, next_number(reader));
    }
}

bool record_next(RecordReader *reader, RecordRow *row)
{
    if (reader->rows_left == 0 || reader->is_bad) {
        return false;
    }
    if (reader->at == reader->end) {
        reader->is_bad = true;
        return false;
    }
    unsigned char op = (unsigned char)*reader->at++;
    *row = (RecordRow){.op = (RecordOp)(op & ROW_OPS)};
    switch (row->op) {
    case RECORD_DEFINE: {
        row->table = (uint32_t)next_number(reader);
        uint64_t name_size = next_number(reader);
        uint64_t layout_size = next_number(reader);
        row->key = next_bytes(reader, name_size);
        row->value = next_bytes(reader, layout_size);
        break;
    }
    case RECORD_PUT:
    case RECORD_DELETE:
    case RECORD_DROP:
        next_row(reader, op, row);
        break;
    default:
        reader->is_bad = true;
    }
    reader->rows_left -= !reader->is_bad;
    return !reader->is_bad;
}

ImageCheck record_read_image(Slice bytes, uint32_t table, int64_t bucket, Slice *key, Slice *value,
                             size_t *size)
{
    uint32_t crc;
    RecordReader reader = {.start = bytes.data, .at = bytes.data, .end = bytes.data + bytes.size};
    Slice head = next_bytes(&reader, sizeof crc);
    uint64_t key_size = next_number(&reader);
    uint64_t value_size = next_number(&reader);
    enum { HEAD_MAX = 4 + 10 + 10 };
    if (reader.is_bad) {
        *size = HEAD_MAX;
        return bytes.size < HEAD_MAX ? IMAGE_SHORT : IMAGE_BAD;
    }
    if (key_size > UINT32_MAX || value_size > UINT32_MAX) {
        return IMAGE_BAD;
    }
    *size = record_offset(&reader) + key_size + value_size;
    if (*size > bytes.size) {
        return IMAGE_SHORT;
    }
    memcpy(&crc, head.data, sizeof crc);
    if (crc !=
        crc32c_update(place_crc(table, bucket), bytes.data + sizeof crc, *size - sizeof crc)) {
        return IMAGE_BAD;
    }
    *key = next_bytes(&reader, key_size);
    *value = next_bytes(&reader, value_size);
    return IMAGE_GOOD;
}
