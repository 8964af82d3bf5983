// SPDX-License-Identifier: Apache-2.0
#include "state/record.h"

#include "base/crc32c.h"

enum { ROW_SAME = 0x10 }; // in the op byte: table and bucket of the row before

_Static_assert(sizeof(RecordHeader) == 120, "the header is a file format");
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

void record_add(RecordWriter *writer, const RecordRow *row)
{
    Buffer *out = writer->out;
    writer->row_count++;
    if (row->op == RECORD_DEFINE) {
        buffer_append_char(out, (char)row->op);
        add_number(out, row->table);
        add_number(out, row->key.size);
        add_number(out, row->value.size);
        buffer_append(out, row->key);
        buffer_append(out, row->value);
        return;
    }
    if (writer->has_place && writer->table == row->table && writer->bucket == row->bucket) {
        buffer_append_char(out, (char)(row->op | ROW_SAME));
    } else {
        buffer_append_char(out, (char)row->op);
        add_number(out, row->table);
        buffer_append_bytes(out, &row->bucket, sizeof row->bucket);
        writer->has_place = true;
        writer->table = row->table;
        writer->bucket = row->bucket;
    }
    if (row->op == RECORD_DROP) {
        return;
    }
    add_number(out, row->key.size);
    if (row->op == RECORD_PUT) {
        add_number(out, row->value.size);
    }
    buffer_append(out, row->key);
    if (row->op == RECORD_PUT) {
        buffer_append(out, row->value);
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
        .at = record.data + sizeof header + header.meta_size,
        .end = record.data + record.size,
        .rows_left = header.row_count,
    };
}

RecordReader record_read_directory(Slice directory, uint32_t count)
{
    return (RecordReader){
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
        reader->is_bad = !reader->has_place;
        return;
    }
    reader->table = (uint32_t)next_number(reader);
    Slice bucket = next_bytes(reader, sizeof reader->bucket);
    if (bucket.size == sizeof reader->bucket) {
        memcpy(&reader->bucket, bucket.data, bucket.size);
    }
    reader->has_place = true;
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
    reader->rows_left--;
    unsigned char op = (unsigned char)*reader->at++;
    *row = (RecordRow){.op = (RecordOp)(op & (ROW_SAME - 1))};
    uint64_t key_size = 0;
    uint64_t value_size = 0;
    switch (row->op) {
    case RECORD_DEFINE:
        row->table = (uint32_t)next_number(reader);
        key_size = next_number(reader);
        value_size = next_number(reader);
        break;
    case RECORD_PUT:
    case RECORD_DELETE:
    case RECORD_DROP:
        next_place(reader, op);
        row->table = reader->table;
        row->bucket = reader->bucket;
        key_size = row->op == RECORD_DROP ? 0 : next_number(reader);
        value_size = row->op == RECORD_PUT ? next_number(reader) : 0;
        break;
    default:
        reader->is_bad = true;
    }
    row->key = next_bytes(reader, key_size);
    row->value = next_bytes(reader, value_size);
    return !reader->is_bad;
}
