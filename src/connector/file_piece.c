// SPDX-License-Identifier: Apache-2.0
#include "connector/file_piece.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <unistd.h>

#include "connector/offset.h"

bool file_piece_is_whole(const FilePiece *piece)
{
    return piece->from == 0 && piece->to == piece->file.size;
}

void file_pieces_write(const PieceList *pieces, Buffer *out)
{
    buffer_reset(out);
    buffer_append_text(out, "{\"files\":[");
    for (size_t i = 0; i < pieces->count; i++) {
        const FilePiece *piece = &pieces->items[i];
        buffer_append_text(out, i == 0 ? "[" : ",[");
        buffer_append_json(out, slice_of(piece->file.name));
        buffer_printf(out, ",%" PRId64 ",%" PRId64, piece->file.size, piece->file.modified);
        if (!file_piece_is_whole(piece)) {
            buffer_printf(out, ",%" PRId64 ",%" PRId64, piece->from, piece->to);
        }
        buffer_append_char(out, ']');
    }
    buffer_append_text(out, "]}");
}

static bool read_piece(const json_t *item, FilePiece *piece, Arena *arena, Error *err)
{
    const json_t *name = json_array_get(item, 0);
    size_t count = json_array_size(item);
    int64_t numbers[4] = {0};
    bool good = json_is_string(name) && (count == 3 || count == 5);
    for (size_t i = 1; good && i < count; i++) {
        const json_t *number = json_array_get(item, i);
        good = json_is_integer(number);
        numbers[i - 1] = json_integer_value(number);
    }
    if (!good || numbers[0] < 0 || numbers[2] < 0 || numbers[3] > numbers[0]) {
        return fail(err, ERROR_CORRUPT, "the checkpoint holds a list of files that cannot be read");
    }
    *piece = (FilePiece){
        .file = {arena_text(arena, (Slice){json_string_value(name), json_string_length(name)}),
                 numbers[0], numbers[1]},
        .from = numbers[2],
        .to = count == 5 ? numbers[3] : numbers[0],
    };
    return true;
}

bool file_pieces_read(Slice offset, PieceList *pieces, Arena *arena, Error *err)
{
    json_t *object = offset_parse(offset, err);
    if (object == NULL) {
        return false;
    }
    const json_t *files = json_object_get(object, "files");
    PieceList read = {0};
    bool good = json_is_array(files) ||
                fail(err, ERROR_CORRUPT, "the checkpoint holds an offset without 'files'");
    for (size_t i = 0; good && i < json_array_size(files); i++) {
        FilePiece piece;
        good = read_piece(json_array_get(files, i), &piece, arena, err);
        if (good) {
            ARENA_PUSH(arena, read.items, read.count, read.capacity, piece);
        }
    }
    json_decref(object);
    if (good) {
        *pieces = read;
    }
    return good;
}

static bool open_file(const FilePiece *piece, const char *resolved, int *fd, Error *err)
{
    *fd = open(resolved, O_RDONLY | O_CLOEXEC);
    return *fd >= 0 || fail_errno(err, "read '%s'", piece->file.name);
}

bool file_piece_find_rows(const FilePiece *piece, const char *resolved, PieceFormat format,
                          int64_t *rows, int64_t *to, Error *err)
{
    int fd = -1;
    if (!open_file(piece, resolved, &fd, err)) {
        return false;
    }
    // The header's line is not a row, and a line without text is none in CSV and JSON.
    bool in_header = format.has_header && piece->from == 0;
    int64_t wanted = *rows;
    int64_t found = 0;
    int64_t position = piece->from;
    int64_t line_size = 0;
    char bytes[16 * 1024];
    ssize_t size = 1;
    while (found < wanted && position < piece->to && size > 0) {
        size = pread(fd, bytes, sizeof bytes, position);
        for (ssize_t i = 0; i < size && found < wanted && position < piece->to; i++) {
            position++;
            if (bytes[i] != '\n' && position < piece->to) {
                line_size += bytes[i] != '\r';
                continue;
            }
            line_size += bytes[i] != '\n' && bytes[i] != '\r';
            found += !in_header && (line_size > 0 || format.counts_blanks);
            in_header = false;
            line_size = 0;
        }
    }
    bool good = size >= 0 || fail_errno(err, "read '%s'", piece->file.name);
    close(fd);
    if (good) {
        *rows = found;
        *to = size == 0 ? piece->to : position;
    }
    return good;
}

static bool append_range(int fd, const char *name, int64_t from, int64_t to, Buffer *out,
                         Error *err)
{
    buffer_reserve(out, (size_t)(to - from));
    while (from < to) {
        ssize_t size = pread(fd, out->data + out->size, (size_t)(to - from), from);
        if (size < 0) {
            return fail_errno(err, "read '%s'", name);
        }
        if (size == 0) {
            return fail(err, ERROR_CORRUPT, "'%s' is shorter than when its batch was planned",
                        name);
        }
        out->size += (size_t)size;
        out->data[out->size] = '\0';
        from += size;
    }
    return true;
}

// The header's line of a CSV file, for a piece that begins after it.
static bool append_header(int fd, const FilePiece *piece, Buffer *out, Error *err)
{
    size_t start = out->size;
    int64_t position = 0;
    while (position < piece->from) {
        int64_t to = position + 1024 < piece->from ? position + 1024 : piece->from;
        if (!append_range(fd, piece->file.name, position, to, out, err)) {
            return false;
        }
        position = to;
        char *line_end = memchr(out->data + start, '\n', out->size - start);
        if (line_end != NULL) {
            out->size = (size_t)(line_end - out->data) + 1;
            return true;
        }
    }
    return true;
}

bool file_piece_load(const FilePiece *piece, const char *resolved, PieceFormat format, Slice *bytes,
                     Arena *arena, Error *err)
{
    int fd = -1;
    if (!open_file(piece, resolved, &fd, err)) {
        return false;
    }
    Buffer text = {0};
    bool good = !format.has_header || piece->from == 0 || append_header(fd, piece, &text, err);
    good = good && append_range(fd, piece->file.name, piece->from, piece->to, &text, err);
    close(fd);
    if (good) {
        *bytes = arena_copy(arena, buffer_slice(&text));
    }
    buffer_done(&text);
    return good;
}
