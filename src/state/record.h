// record.h -- the bytes of one log record.
//
//     [ RecordHeader | meta | row row row ... | zeros to a multiple of 8 ]
//
//     row    = op, table and bucket unless they are the previous row's (ROW_SAME), place of the
//              image before if there is one (ROW_PREVIOUS), then
//              put: image    delete: key size, key    drop: nothing
//     image  = zeros to a multiple of 4, then crc32c, key size, value size, key, value
//     define = op, table id, name size, layout size, name, layout
//     Sizes and ids are variable-length integers (7 bits a byte, low first); a bucket is 8 bytes.
//
// Little-endian. The header says where it is (checkpoint, segment, offset) and which one it is
// (sequence), so that bytes which merely look like a record (data that holds a copy of a log) are
// not taken for one. The CRC covers everything behind it. That of an image also covers table and
// bucket: a row that is only in the log is read alone. The place of the image before tells whose
// row it is without reading that one.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/buffer.h"
#include "base/error.h"

#define RECORD_MAGIC  0x4e524154u // "TARN"
#define RECORD_FORMAT 2

typedef struct RecordHeader {
    uint32_t magic;
    uint32_t crc;
    uint64_t size;     // of the whole record, a multiple of 8
    uint64_t sequence; // 1, 2, 3 ... over the life of the checkpoint
    uint64_t segment;
    uint64_t offset;
    int64_t epoch;
    int64_t batch;
    uint64_t first_live; // segments before it are not needed, with or without this record
    // How far the sweep is (sweep.h). Segments before hand_segment need not be there for the next
    // record, and that one will say so.
    uint64_t hand_segment;
    uint64_t hand_record;
    uint64_t hand_sequence;
    uint64_t hand_offset;
    int64_t hand_bucket;
    uint32_t hand_table;
    uint32_t hand_rows;
    uint32_t hand_crc;
    uint32_t meta_size;
    uint32_t row_count;   // sweep rows included
    uint32_t sweep_count; // the last ones
    uint32_t checkpoint;  // CRC of the checkpoint's id
    uint32_t reserved;
} RecordHeader;

typedef enum RecordOp {
    RECORD_PUT = 1,
    RECORD_DELETE,
    RECORD_DROP,
    RECORD_DEFINE,
} RecordOp;

typedef struct RecordRow {
    RecordOp op;
    uint32_t table;
    int64_t bucket;
    uint64_t previous; // image of the key before this row; 0: none
    Slice key;         // of DEFINE: the name
    Slice value;       // of DEFINE: the layout
    size_t image;      // read: where the image is in the record, of a PUT
} RecordRow;

typedef struct RecordWriter {
    Buffer *out;
    bool has_place;
    uint32_t table;
    int64_t bucket;
    uint32_t place_crc; // of table and bucket
    uint32_t row_count;
} RecordWriter;

void record_begin(RecordWriter *writer, Buffer *out, Slice meta); // empties `out`
size_t record_add(RecordWriter *writer, const RecordRow *row);    // where the image of a PUT is
void record_pad(RecordWriter *writer);
// Writes header->size and ->crc, then the header, into the front of the padded record.
void record_seal(Buffer *record, RecordHeader *header);

// Whether these bytes are an intact record.
bool record_is_intact(Slice record);
RecordHeader record_header(Slice record); // bytes of at least a header
Slice record_meta(Slice record);

typedef struct RecordReader {
    const char *start; // these bytes begin
    size_t offset;     // here in the record
    const char *at;
    const char *end;
    uint32_t rows_left;
    bool has_place;
    uint32_t table;
    int64_t bucket;
    bool is_bad; // the rows do not make sense
} RecordReader;

RecordReader record_read(Slice record);                 // of an intact record
bool record_next(RecordReader *reader, RecordRow *row); // false: end, or is_bad

// Where the reader is in the record.
size_t record_offset(const RecordReader *reader);

typedef enum ImageCheck { IMAGE_GOOD, IMAGE_SHORT, IMAGE_BAD } ImageCheck;
// An image at the start of `bytes`. IMAGE_SHORT: it needs *size bytes, as far as can be told.
ImageCheck record_read_image(Slice bytes, uint32_t table, int64_t bucket, Slice *key, Slice *value,
                             size_t *size);

// A table directory as segment headers have it: definitions one after the other.
RecordReader record_read_directory(Slice directory, uint32_t count);
