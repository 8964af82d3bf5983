// decode_read.c -- files and memory, cut into blocks of whole lines.
// SPDX-License-Identifier: Apache-2.0
#include "duck/decode_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    READ_TAIL_BYTES = 4096, // read at once behind the unit, so that most last lines are whole
    READ_PADDING = 64,
};

static int64_t input_size(const DecodeInput *input)
{
    return input->path != NULL ? input->size_bytes : (int64_t)input->memory.size;
}

void decode_read_plan(ReadPlan *plan, Arena *arena, const DecodeInput *inputs, size_t count,
                      bool apart)
{
    plan->inputs = inputs;
    for (size_t i = 0; i < count;) {
        int64_t size = input_size(&inputs[i]);
        size_t next = i + 1;
        if (inputs[i].path == NULL && !apart) {
            int64_t sum = size;
            while (next < count && inputs[next].path == NULL &&
                   sum + input_size(&inputs[next]) <= READ_UNIT_BYTES) {
                sum += input_size(&inputs[next++]);
            }
        }
        if (next > i + 1) {
            ReadUnit unit = {.input = i, .input_count = next - i};
            ARENA_PUSH(arena, plan->units, plan->count, plan->capacity, unit);
        } else {
            for (int64_t start = 0; start < size; start += READ_UNIT_BYTES) {
                int64_t end = size - start > READ_UNIT_BYTES ? start + READ_UNIT_BYTES : size;
                ReadUnit unit = {.input = i, .input_count = 1, .start = start, .end = end};
                ARENA_PUSH(arena, plan->units, plan->count, plan->capacity, unit);
            }
        }
        i = next;
    }
}

void decode_read_done(Reader *reader)
{
    free(reader->buffer);
    buffer_done(&reader->tail);
    *reader = (Reader){0};
}

static bool reserve(Reader *reader, size_t size, Error *err)
{
    if (reader->capacity >= size + READ_PADDING) {
        return true;
    }
    size_t capacity = reader->capacity * 2 > size ? reader->capacity * 2 : size;
    capacity += READ_PADDING;
    char *grown = realloc(reader->buffer, capacity);
    if (grown == NULL) {
        return fail(err, ERROR_RETRY, "out of memory reading %zu bytes", capacity);
    }
    // What is read behind the text must be defined, whatever it is.
    memset(grown + reader->capacity, 0, capacity - reader->capacity);
    reader->buffer = grown;
    reader->capacity = capacity;
    return true;
}

static void skip_mark(Slice *text)
{
    if (text->size >= 3 && memcmp(text->data, "\xEF\xBB\xBF", 3) == 0) {
        text->data += 3;
        text->size -= 3;
    }
}

static bool read_bytes(int fd, const DecodeInput *input, char *to, int64_t offset, size_t size,
                       Error *err)
{
    for (size_t got = 0; got < size;) {
        ssize_t some = pread(fd, to + got, size - got, (off_t)offset + (off_t)got);
        if (some < 0 && errno == EINTR) {
            continue;
        }
        if (some < 0) {
            return fail_errno(err, "read %s", input->path);
        }
        if (some == 0) {
            return fail(err, ERROR_RETRY,
                        "source file '%s' has shrunk: it ends at byte %lld, %lld were there when "
                        "the batch was planned; files must not be changed once they are visible",
                        input->path, (long long)offset + (long long)got,
                        (long long)input->size_bytes);
        }
        got += (size_t)some;
    }
    return true;
}

// Where the unit's own lines start: behind the first newline at or after start - 1.
// SIZE_MAX: no line starts in the unit.
static size_t first_line(const char *text, size_t unit_size, bool is_input_start)
{
    if (is_input_start) {
        return 0;
    }
    // `text` begins one byte before the unit.
    const char *newline = memchr(text, '\n', unit_size);
    return newline == NULL ? SIZE_MAX : (size_t)(newline - text) + 1;
}

// Reads the unit's lines into the buffer. `size` is what lies there, `own` where the unit ends.
static bool read_lines(Reader *reader, int fd, const DecodeInput *input, int64_t from,
                       size_t *first, size_t *end, Error *err)
{
    const ReadUnit *unit = reader->unit;
    size_t own = (size_t)(unit->end - from);
    size_t all = (size_t)(input->size_bytes - from);
    size_t size = all - own > READ_TAIL_BYTES ? own + READ_TAIL_BYTES : all;
    if (!reserve(reader, size + 1, err) ||
        !read_bytes(fd, input, reader->buffer, from, size, err)) {
        return false;
    }
    *first = first_line(reader->buffer, own, unit->start == 0);
    if (*first == SIZE_MAX || *first >= own) {
        *first = *end = 0; // the line that starts behind belongs to the next unit
        return true;
    }
    for (size_t from_byte = own - 1;;) {
        const char *newline = memchr(reader->buffer + from_byte, '\n', size - from_byte);
        if (newline != NULL) {
            *end = (size_t)(newline - reader->buffer) + 1;
            return true;
        }
        if (size == all) {
            reader->buffer[size] = '\n';
            *end = size + 1;
            return true;
        }
        if (size - own > READ_LINE_MAX) {
            *end = size;
            reader->is_cut = true;
            return true;
        }
        from_byte = size;
        size_t more = all - size > size ? size : all - size;
        if (!reserve(reader, size + more + 1, err) ||
            !read_bytes(fd, input, reader->buffer + size, from + (int64_t)size, more, err)) {
            return false;
        }
        size += more;
    }
}

static bool read_file(Reader *reader, const DecodeInput *input, Error *err)
{
    const ReadUnit *unit = reader->unit;
    int fd = open(input->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        if (errno == ENOENT) {
            return fail(err, ERROR_RETRY,
                        "source file '%s' has vanished since the batch was planned", input->path);
        }
        return fail_errno(err, "open %s", input->path);
    }
    int64_t from = unit->start == 0 ? 0 : unit->start - 1;
    size_t first = 0;
    size_t end = 0;
    bool good = read_lines(reader, fd, input, from, &first, &end, err);
    close(fd);
    if (good) {
        reader->rest = (Slice){reader->buffer + first, end - first};
        reader->readable_end = reader->buffer + reader->capacity;
        reader->origin = reader->buffer;
        reader->origin_offset = from;
    }
    return good;
}

static void take_memory(Reader *reader, const DecodeInput *input)
{
    const ReadUnit *unit = reader->unit;
    const char *data = input->memory.data;
    size_t size = input->memory.size;
    size_t first = 0;
    if (unit->start > 0) {
        size_t before = (size_t)unit->start - 1;
        first = first_line(data + before, (size_t)unit->end - before, false);
        first = first == SIZE_MAX ? SIZE_MAX : before + first;
    }
    if (first >= (size_t)unit->end) {
        reader->rest = (Slice){data, 0};
        return;
    }
    const char *newline = memchr(data + unit->end - 1, '\n', size - (size_t)unit->end + 1);
    size_t end = newline == NULL ? size : (size_t)(newline - data) + 1;
    reader->rest = (Slice){data + first, end - first};
    reader->readable_end = data + size;
    reader->origin = data;
    reader->origin_offset = 0;
}

// Small memory inputs, one after the other with a newline between.
static bool join_memory(Reader *reader, Error *err)
{
    const ReadUnit *unit = reader->unit;
    size_t size = 0;
    for (size_t i = 0; i < unit->input_count; i++) {
        size += reader->plan->inputs[unit->input + i].memory.size + 1;
    }
    if (!reserve(reader, size, err)) {
        return false;
    }
    char *to = reader->buffer;
    for (size_t i = 0; i < unit->input_count; i++) {
        Slice text = reader->plan->inputs[unit->input + i].memory;
        skip_mark(&text);
        if (text.size == 0) {
            continue;
        }
        memcpy(to, text.data, text.size);
        to += text.size;
        if (to[-1] != '\n') {
            *to++ = '\n';
        }
    }
    reader->rest = (Slice){reader->buffer, (size_t)(to - reader->buffer)};
    reader->readable_end = reader->buffer + reader->capacity;
    reader->origin = reader->buffer;
    reader->origin_offset = 0;
    return true;
}

bool decode_read_unit(Reader *reader, const ReadUnit *unit, Error *err)
{
    const DecodeInput *input = &reader->plan->inputs[unit->input];
    reader->unit = unit;
    reader->is_cut = false;
    reader->rest = (Slice){0};
    reader->at_input_start = unit->start == 0 && unit->input_count == 1;
    if (unit->input_count > 1) {
        return join_memory(reader, err);
    }
    if (input->path == NULL) {
        take_memory(reader, input);
    } else if (!read_file(reader, input, err)) {
        return false;
    }
    if (reader->at_input_start) {
        skip_mark(&reader->rest);
    }
    return true;
}

// The line is too long: give its beginning, and nothing more of it.
static bool cut_line(Reader *reader, Slice line, ReadBlock *block)
{
    buffer_reset(&reader->tail);
    buffer_append(&reader->tail, (Slice){line.data, READ_CUT_BYTES});
    buffer_append_char(&reader->tail, '\n');
    block->text = buffer_slice(&reader->tail);
    block->readable_end = block->text.data + block->text.size;
    block->is_cut = true;
    reader->rest.data += line.size;
    reader->rest.size -= line.size;
    return true;
}

bool decode_read_block(Reader *reader, ReadBlock *block)
{
    Slice rest = reader->rest;
    if (rest.size == 0) {
        return false;
    }
    *block =
        (ReadBlock){.is_input_start = reader->at_input_start, .readable_end = reader->readable_end};
    reader->at_input_start = false;
    const char *newline = NULL;
    if (rest.size > READ_BLOCK_BYTES) {
        newline = memrchr(rest.data, '\n', READ_BLOCK_BYTES);
    } else {
        newline = memrchr(rest.data, '\n', rest.size);
    }
    if (newline == NULL) {
        newline = memchr(rest.data, '\n', rest.size);
        size_t line = newline == NULL ? rest.size : (size_t)(newline - rest.data) + 1;
        if (line > READ_LINE_MAX || (newline == NULL && reader->is_cut)) {
            return cut_line(reader, (Slice){rest.data, line}, block);
        }
    }
    if (newline == NULL) {
        // Only memory lacks the newline: the file's was added in the buffer.
        buffer_reset(&reader->tail);
        buffer_append(&reader->tail, rest);
        buffer_append_char(&reader->tail, '\n');
        block->text = buffer_slice(&reader->tail);
        block->readable_end = block->text.data + block->text.size;
        reader->rest.data += rest.size;
        reader->rest.size = 0;
        return true;
    }
    size_t size = (size_t)(newline - rest.data) + 1;
    block->text = (Slice){rest.data, size};
    reader->rest.data += size;
    reader->rest.size -= size;
    return true;
}

static int64_t count_newlines(const char *data, size_t size)
{
    int64_t count = 0;
    for (const char *p = data; (p = memchr(p, '\n', size - (size_t)(p - data))) != NULL; p++) {
        count++;
    }
    return count;
}

// Reads the file again up to `offset`; -1 when it cannot be read any more.
static int64_t file_newlines(const char *path, int64_t offset)
{
    char bytes[16384];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int64_t count = fd < 0 ? -1 : 0;
    for (int64_t at = 0; fd >= 0 && at < offset;) {
        size_t want = offset - at < (int64_t)sizeof bytes ? (size_t)(offset - at) : sizeof bytes;
        ssize_t got = pread(fd, bytes, want, (off_t)at);
        if (got <= 0) {
            count = -1;
            break;
        }
        count += count_newlines(bytes, (size_t)got);
        at += got;
    }
    if (fd >= 0) {
        close(fd);
    }
    return count;
}

void decode_read_where(const Reader *reader, const char *at, Buffer *out)
{
    const ReadUnit *unit = reader->unit;
    const DecodeInput *input = &reader->plan->inputs[unit->input];
    // A line that was copied to `tail` is the last one given, so `rest` starts right behind it.
    bool in_tail = reader->tail.size > 0 && at >= reader->tail.data &&
                   at < reader->tail.data + reader->tail.size;
    if (in_tail) {
        const char *end = reader->rest.data;
        const char *newline = end - reader->origin > 1 ? memrchr(reader->origin, '\n',
                                                                 (size_t)(end - reader->origin) - 1)
                                                       : NULL;
        at = newline == NULL ? reader->origin : newline + 1;
    }
    size_t before = (size_t)(at - reader->origin);
    if (unit->input_count > 1) {
        buffer_printf(out, "memory %zu-%zu:line %lld", unit->input + 1,
                      unit->input + unit->input_count,
                      (long long)count_newlines(reader->origin, before) + 1);
        return;
    }
    if (input->path == NULL) {
        buffer_printf(out, "memory %zu:line %lld", unit->input + 1,
                      (long long)count_newlines(reader->origin, before) + 1);
        return;
    }
    int64_t newlines = file_newlines(input->path, reader->origin_offset + (int64_t)before);
    if (newlines < 0) {
        buffer_printf(out, "%s:byte %lld", input->path,
                      (long long)reader->origin_offset + (long long)before);
    } else {
        buffer_printf(out, "%s:line %lld", input->path, (long long)newlines + 1);
    }
}
