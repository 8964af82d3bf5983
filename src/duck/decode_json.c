// decode_json.c -- finds the records of a block: lines, arrays of objects, rewritten quotes.
// SPDX-License-Identifier: Apache-2.0
#include "duck/decode_json_value.h"

// ---- life ------------------------------------------------------------------------------------

JsonDecoder *decode_json_create(Arena *arena, DecodeSlot *slots, size_t slot_count,
                                bool exact_names)
{
    JsonDecoder *decoder = ARENA_NEW(arena, JsonDecoder);
    decoder->index = decode_simd_create();
    decode_json_value_init(decoder, &decoder->root, arena, slots, slot_count, exact_names);
    return decoder;
}

void decode_json_destroy(JsonDecoder *decoder)
{
    if (decoder == NULL) {
        return;
    }
    decode_json_value_done(decoder);
    decode_simd_destroy(decoder->index);
    decode_simd_destroy(decoder->second_index);
    buffer_done(&decoder->requoted);
    buffer_done(&decoder->scratch);
    buffer_done(&decoder->key_scratch);
}

// ---- records ---------------------------------------------------------------------------------

static void set_text(JsonDecoder *decoder, const JsonText *text)
{
    decoder->text = *text;
    decoder->at = text->positions;
    decoder->end = text->positions + text->count;
}

void decode_json_load(JsonDecoder *decoder, const ReadBlock *block)
{
    JsonText text;
    decoder->block = *block;
    decoder->line_at = 0;
    decoder->in_array = false;
    decoder->by_line =
        block->is_cut || !decode_json_text_open(&text, decoder->index, block->text.data,
                                                block->text.size, block->readable_end);
    if (decoder->by_line) {
        text = (JsonText){0};
    }
    set_text(decoder, &text);
}

static bool is_blank(Slice line)
{
    for (size_t i = 0; i < line.size; i++) {
        if ((unsigned char)line.data[i] > ' ') {
            return false;
        }
    }
    return true;
}

static Slice without_return(Slice line)
{
    line.size -= line.size > 0 && line.data[line.size - 1] == '\r';
    return line;
}

// The line around the token at `start`: text in front of it is whitespace.
static Slice line_around(const JsonText *text, uint32_t start)
{
    const char *before = start == 0 ? NULL : memrchr(text->base, '\n', start);
    const char *first = before == NULL ? text->base : before + 1;
    return without_return((Slice){first, (size_t)(text->base + text->limit - first)});
}

// An array of objects, one record each. False: wrong syntax or something else among them.
static bool is_array_of_objects(const JsonText *text, const uint32_t *at)
{
    at++;
    if (decode_json_text_here(text, at) == ']') {
        return true;
    }
    for (;;) {
        if (decode_json_text_here(text, at) != '{' ||
            (at = decode_json_text_skip(text, at, 1)) == NULL) {
            return false;
        }
        char c = decode_json_text_here(text, at++);
        if (c != ',') {
            return c == ']';
        }
    }
}

// Leaves the line: the block's text goes on behind it.
static void end_line(JsonDecoder *decoder)
{
    decoder->in_array = false;
    if (decoder->is_requoted) {
        set_text(decoder, &decoder->outer);
        decoder->at = decoder->outer_at;
        decoder->is_requoted = false;
    }
    while (decoder->at < decoder->end && *decoder->at < decoder->text.limit) {
        decoder->at++;
    }
}

// The object at decoder->at, which moves behind it.
static RecordOutcome read_record(JsonDecoder *decoder, uint64_t row)
{
    bool partial;
    const uint32_t *behind =
        decode_json_value_object(decoder, decoder->at, &decoder->root, row, &partial);
    if (behind == NULL) {
        return RECORD_BROKEN;
    }
    decoder->at = behind;
    return partial ? RECORD_PARTIAL : RECORD_GOOD;
}

// One element of an array of objects.
static RecordOutcome read_element(JsonDecoder *decoder, uint64_t row)
{
    RecordOutcome outcome = read_record(decoder, row);
    if (outcome == RECORD_BROKEN || decode_json_text_here(&decoder->text, decoder->at) != ',') {
        end_line(decoder);
    } else {
        decoder->at++;
    }
    return outcome;
}

// The record at the current position. *empty: an array without records.
static RecordOutcome read_root(JsonDecoder *decoder, uint64_t row, bool *empty)
{
    const JsonText *text = &decoder->text;
    char c = decode_json_text_here(text, decoder->at);
    *empty = false;
    if (c == '{') {
        return read_record(decoder, row);
    }
    if (c != '[' || !is_array_of_objects(text, decoder->at)) {
        return RECORD_BROKEN;
    }
    decoder->at++;
    *empty = decode_json_text_here(text, decoder->at) == ']';
    decoder->in_array = !*empty;
    return *empty ? RECORD_GOOD : read_element(decoder, row);
}

// A broken line may have 'single quotes', which Spark reads too.
static RecordOutcome retry_requoted(JsonDecoder *decoder, uint64_t row, bool *empty)
{
    Slice line = decoder->line;
    if (memchr(line.data, '\'', line.size) == NULL) {
        return RECORD_BROKEN;
    }
    decode_json_text_requote(line, &decoder->requoted);
    if (decoder->second_index == NULL) {
        decoder->second_index = decode_simd_create();
    }
    Slice text = buffer_slice(&decoder->requoted);
    JsonText requoted;
    if (!decode_json_text_open(&requoted, decoder->second_index, text.data, text.size,
                               text.data + text.size) ||
        requoted.count == 0) {
        return RECORD_BROKEN;
    }
    requoted.limit = requoted.size - 1;
    for (size_t i = 0; i < decoder->root.count; i++) {
        decode_slot_undo(&decoder->root.slots[i], row);
    }
    decoder->bad_slot = NULL;
    decoder->outer = decoder->text;
    decoder->outer_at = decoder->at;
    decoder->is_requoted = true;
    set_text(decoder, &requoted);
    return read_root(decoder, row, empty);
}

static void find_limit(JsonDecoder *decoder)
{
    JsonText *text = &decoder->text;
    const char *start = text->base + *decoder->at;
    const char *newline = memchr(start, '\n', text->size - *decoder->at);
    text->limit = (uint32_t)(newline - text->base);
}

// Without an index of the block: opens the next line that is not blank.
// False: none left, or the line itself has no index; then *problem says so.
static bool next_line(JsonDecoder *decoder, const char **problem)
{
    Slice all = decoder->block.text;
    while (decoder->line_at < all.size) {
        const char *start = all.data + decoder->line_at;
        const char *newline = memchr(start, '\n', all.size - decoder->line_at);
        size_t size = (size_t)(newline - start) + 1;
        decoder->line_at += size;
        Slice line = without_return((Slice){start, size - 1});
        if (is_blank(line)) {
            continue;
        }
        JsonText text;
        decoder->line = line;
        if (!decoder->block.is_cut && decode_json_text_open(&text, decoder->index, start, size,
                                                            decoder->block.readable_end)) {
            set_text(decoder, &text);
            find_limit(decoder);
            return true;
        }
        text = (JsonText){0};
        set_text(decoder, &text);
        *problem =
            decoder->block.is_cut ? "the line is longer than 64 MB" : "not JSON, or not UTF-8";
        return false;
    }
    return false;
}

// Puts the decoder on the next record's first token. False: none left, or *problem.
static bool next_start(JsonDecoder *decoder, const char **problem)
{
    if (decoder->at >= decoder->end) {
        return decoder->by_line && next_line(decoder, problem);
    }
    find_limit(decoder);
    return true;
}

// The line at decoder->at, or the one that has no index (*problem).
static void read_line(JsonDecoder *decoder, uint64_t row, DecodeRecord *record, bool *empty)
{
    if (record->problem == NULL) {
        uint32_t start = *decoder->at;
        record->outcome = read_root(decoder, row, empty);
        if (record->outcome == RECORD_GOOD && !decoder->in_array) {
            return;
        }
        decoder->line = line_around(&decoder->text, start);
        if (record->outcome != RECORD_BROKEN) {
            return;
        }
        record->problem = "not a JSON object";
    }
    record->outcome = decoder->block.is_cut ? RECORD_BROKEN : retry_requoted(decoder, row, empty);
    *empty = *empty && record->outcome != RECORD_BROKEN;
}

bool decode_json_next(JsonDecoder *decoder, uint64_t row, DecodeRecord *record)
{
    bool empty = true;
    while (empty) {
        *record = (DecodeRecord){0};
        decoder->bad_slot = NULL;
        if (decoder->in_array) {
            record->outcome = read_element(decoder, row);
            break;
        }
        if (!next_start(decoder, &record->problem) && record->problem == NULL) {
            return false;
        }
        empty = false;
        read_line(decoder, row, record, &empty);
        if (!decoder->in_array) {
            end_line(decoder);
        }
    }
    record->line = decoder->line;
    record->bad_slot = decoder->bad_slot;
    record->bad_text = decoder->bad_text;
    return true;
}
