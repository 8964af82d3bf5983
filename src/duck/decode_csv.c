// decode_csv.c -- lines cut into fields.
// SPDX-License-Identifier: Apache-2.0
#include "duck/decode_csv.h"

struct CsvDecoder {
    LineCursor lines;
    Slice separator;
    Slice comment;
    Slice null_value;
    char quote; // 0: none
    char escape;
    bool trim_leading;
    bool trim_trailing;
    bool has_header;
    bool skip_header; // the next line that counts is names
    DecodeSlot **fields;
    size_t field_count;
    Buffer scratch; // a quoted field with its escapes resolved
};

typedef struct CsvField {
    Slice text;
    bool is_quoted;
    bool is_scratch; // text lies in the decoder's scratch
} CsvField;

CsvDecoder *decode_csv_create(Arena *arena, const DecodeOptions *options, DecodeSlot **fields,
                              size_t field_count)
{
    CsvDecoder *decoder = ARENA_NEW(arena, CsvDecoder);
    decoder->separator = slice_of(options->separator == NULL ? "," : options->separator);
    decoder->comment = slice_of(options->comment);
    decoder->null_value = slice_of(options->null_value == NULL ? "" : options->null_value);
    decoder->quote = options->quote == 0 ? '"' : options->quote;
    decoder->escape = options->escape == 0 ? '\\' : options->escape;
    decoder->trim_leading = options->trim_leading;
    decoder->trim_trailing = options->trim_trailing;
    decoder->has_header = options->header;
    decoder->fields = fields;
    decoder->field_count = field_count;
    return decoder;
}

void decode_csv_destroy(CsvDecoder *decoder)
{
    if (decoder != NULL) {
        decode_line_done(&decoder->lines);
        buffer_done(&decoder->scratch);
    }
}

void decode_csv_load(CsvDecoder *decoder, const ReadBlock *block)
{
    decode_line_load(&decoder->lines, block);
    decoder->skip_header = decoder->skip_header || (block->is_input_start && decoder->has_header);
}

static inline bool is_separator(const CsvDecoder *decoder, const char *p, const char *end)
{
    size_t size = decoder->separator.size;
    return (size_t)(end - p) >= size && *p == decoder->separator.data[0] &&
           (size == 1 || memcmp(p, decoder->separator.data, size) == 0);
}

static inline const char *find_separator(const CsvDecoder *decoder, const char *p, const char *end)
{
    for (; p < end; p++) {
        p = memchr(p, decoder->separator.data[0], (size_t)(end - p));
        if (p == NULL) {
            return end;
        }
        if (is_separator(decoder, p, end)) {
            return p;
        }
    }
    return end;
}

static inline bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

// True when p, behind a quote, is where a quoted field ends; blanks in between do not matter.
static bool ends_field(const CsvDecoder *decoder, const char *p, const char *end)
{
    while (p < end && is_blank(*p) && !is_separator(decoder, p, end)) {
        p++;
    }
    return p == end || is_separator(decoder, p, end);
}

// A field that begins with a quote, at p behind it. Returns the position behind the field.
static const char *take_quoted(CsvDecoder *decoder, const char *p, const char *end, CsvField *field)
{
    const char *start = p;
    Buffer *out = &decoder->scratch;
    buffer_reset(out);
    const char *plain = p; // bytes from here on are not in `out` yet
    for (; p < end; p++) {
        if (*p == decoder->escape && p + 1 < end &&
            (p[1] == decoder->quote || (p[1] == decoder->escape && p[1] != decoder->quote)) &&
            !(decoder->escape == decoder->quote && p[1] != decoder->quote)) {
            buffer_append(out, (Slice){plain, (size_t)(p - plain)});
            buffer_append_char(out, p[1]);
            p++;
            plain = p + 1;
        } else if (*p == decoder->quote) {
            if (ends_field(decoder, p + 1, end)) {
                break;
            }
            // A quote in the middle: the field is what stands there, up to the next separator.
            const char *stop = find_separator(decoder, p, end);
            *field = (CsvField){.text = {start - 1, (size_t)(stop - start) + 1}};
            return stop;
        }
    }
    field->is_quoted = true;
    if (plain == start) {
        field->text = (Slice){start, (size_t)(p - start)};
    } else {
        buffer_append(out, (Slice){plain, (size_t)(p - plain)});
        field->text = buffer_slice(out);
        field->is_scratch = true;
    }
    return p == end ? end : find_separator(decoder, p + 1, end);
}

// The field at p; returns the position of the separator behind it, or `end`.
static inline const char *take_field(CsvDecoder *decoder, const char *p, const char *end,
                                     CsvField *field)
{
    *field = (CsvField){0};
    if (decoder->trim_leading) {
        while (p < end && is_blank(*p) && !is_separator(decoder, p, end)) {
            p++;
        }
    }
    if (p < end && *p == decoder->quote) {
        return take_quoted(decoder, p + 1, end, field);
    }
    const char *stop = find_separator(decoder, p, end);
    size_t size = (size_t)(stop - p);
    while (decoder->trim_trailing && size > 0 && is_blank(p[size - 1])) {
        size--;
    }
    field->text = (Slice){p, size};
    return stop;
}

// Sets one field. False: it cannot be read as its type, and is NULL.
static bool set_field(const CsvDecoder *decoder, DecodeSlot *slot, uint64_t row,
                      const CsvField *field, const char *readable_end)
{
    if ((field->text.size == 0 && !field->is_quoted) ||
        slice_equal(field->text, decoder->null_value)) {
        decode_slot_set_null(slot, row);
        return true;
    }
    Slice text = field->text;
    if (slot->kind == TYPE_FLOAT || slot->kind == TYPE_DOUBLE) {
        // Spark's defaults of positiveInf and negativeInf.
        text = slice_is(text, "Inf")    ? slice_of("Infinity")
               : slice_is(text, "-Inf") ? slice_of("-Infinity")
                                        : text;
    }
    if (!decode_slot_parse(slot, row, text, field->is_scratch ? NULL : readable_end)) {
        decode_slot_set_null(slot, row);
        return false;
    }
    return true;
}

static bool starts_comment(const CsvDecoder *decoder, Slice line)
{
    return decoder->comment.size > 0 && line.size >= decoder->comment.size &&
           memcmp(line.data, decoder->comment.data, decoder->comment.size) == 0;
}

static bool is_empty(Slice line)
{
    for (size_t i = 0; i < line.size; i++) {
        if ((unsigned char)line.data[i] > ' ') {
            return false;
        }
    }
    return true;
}

static void take_line(CsvDecoder *decoder, Slice line, const char *readable_end, uint64_t row,
                      DecodeRecord *record)
{
    const char *p = line.data;
    const char *end = line.data + line.size;
    size_t count = 0;
    for (;; p += decoder->separator.size) {
        CsvField field;
        p = take_field(decoder, p, end, &field);
        DecodeSlot *slot = count < decoder->field_count ? decoder->fields[count] : NULL;
        count++;
        if (slot != NULL && !set_field(decoder, slot, row, &field, readable_end) &&
            record->bad_slot == NULL) {
            record->bad_slot = slot;
            record->bad_text = field.text;
            record->outcome = RECORD_PARTIAL;
            if (field.is_scratch) { // gone with the next quoted field
                record->bad_text = (Slice){line.data, line.size};
            }
        }
        if (p >= end) {
            break;
        }
    }
    for (size_t i = count; i < decoder->field_count; i++) {
        if (decoder->fields[i] != NULL) {
            decode_slot_set_null(decoder->fields[i], row);
        }
    }
    if (count != decoder->field_count && decoder->field_count > 0) {
        record->outcome = RECORD_PARTIAL;
        record->problem = count < decoder->field_count ? "too few fields" : "too many fields";
    }
}

bool decode_csv_next(CsvDecoder *decoder, uint64_t row, DecodeRecord *record)
{
    *record = (DecodeRecord){0};
    Slice line, source;
    const char *readable_end;
    while (decode_line_next(&decoder->lines, &line, &source, &readable_end)) {
        if (is_empty(line) || starts_comment(decoder, line)) {
            continue;
        }
        if (decoder->skip_header) {
            decoder->skip_header = false;
            continue;
        }
        record->line = source;
        if (decoder->lines.block.is_cut) {
            record->outcome = RECORD_BROKEN;
            record->problem = "the line is longer than 64 MB";
        } else {
            take_line(decoder, line, readable_end, row, record);
        }
        return true;
    }
    return false;
}

bool decode_csv_next_text(CsvDecoder *decoder, uint64_t row, DecodeRecord *record)
{
    *record = (DecodeRecord){0};
    Slice line;
    const char *readable_end;
    if (!decode_line_next(&decoder->lines, &line, &record->line, &readable_end)) {
        return false;
    }
    if (decoder->lines.block.is_cut) {
        record->outcome = RECORD_BROKEN;
        record->problem = "the line is longer than 64 MB";
    } else if (decoder->field_count > 0 && decoder->fields[0] != NULL) {
        decode_slot_set_text(decoder->fields[0], row, line, readable_end);
    }
    return true;
}
