// file_piece.h -- bytes [from, to) of a file: what a batch of files consists of, and its offset
// text.
//
// {"files":[[path, size, mtime], [path, size, mtime, from, to], ...]}: whole files have three
// items.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "connector/file_list.h"

typedef struct FilePiece { // bytes [from, to) of a file
    ListedFile file;
    int64_t from;
    int64_t to;
} FilePiece;

typedef struct PieceList {
    FilePiece *items;
    size_t count;
    size_t capacity;
} PieceList;

void file_pieces_write(const PieceList *pieces, Buffer *out);
// ERROR_CORRUPT when the text is not what file_pieces_write makes.
MUST_USE bool file_pieces_read(Slice offset, PieceList *pieces, Arena *arena, Error *err);

typedef struct PieceFormat {
    bool has_header;    // the first line of a file is not a row
    bool counts_blanks; // a line without text is a row
} PieceFormat;

bool file_piece_is_whole(const FilePiece *piece);
// Where at most *rows rows end; *rows becomes how many there were. `resolved` is the file's path.
MUST_USE bool file_piece_find_rows(const FilePiece *piece, const char *resolved, PieceFormat format,
                                   int64_t *rows, int64_t *to, Error *err);
// The piece's bytes, with the file's header before them, into the arena.
MUST_USE bool file_piece_load(const FilePiece *piece, const char *resolved, PieceFormat format,
                              Slice *bytes, Arena *arena, Error *err);
