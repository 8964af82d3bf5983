// SPDX-License-Identifier: Apache-2.0
#include "engine/testfile.h"

#include <stdio.h>

#include "base/buffer.h"

static bool read_text(const char *path, Buffer *text, Error *err)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return fail_errno(err, "cannot read %s", path);
    }
    char bytes[8192];
    size_t size;
    while ((size = fread(bytes, 1, sizeof bytes, file)) > 0) {
        buffer_append_bytes(text, bytes, size);
    }
    bool ok = ferror(file) == 0;
    fclose(file);
    return ok || fail_errno(err, "cannot read %s", path);
}

static bool next_line(Slice *rest, Slice *line)
{
    if (rest->size == 0) {
        return false;
    }
    const char *end = memchr(rest->data, '\n', rest->size);
    size_t size = end == NULL ? rest->size : (size_t)(end - rest->data);
    *line = (Slice){rest->data, size};
    size_t taken = size + (end != NULL);
    *rest = (Slice){rest->data + taken, rest->size - taken};
    if (line->size > 0 && line->data[line->size - 1] == '\r') {
        line->size--;
    }
    return true;
}

static bool is_blank(Slice line)
{
    for (size_t i = 0; i < line.size; i++) {
        if (line.data[i] != ' ' && line.data[i] != '\t') {
            return false;
        }
    }
    return true;
}

static void split_words(TestBlock *block, Slice line)
{
    size_t i = 0;
    while (i < line.size && block->word_count < TEST_WORDS_MAX) {
        while (i < line.size && line.data[i] == ' ') {
            i++;
        }
        size_t start = i;
        while (i < line.size && line.data[i] != ' ') {
            i++;
        }
        if (i > start) {
            block->words[block->word_count++] = (Slice){line.data + start, i - start};
        }
        if (block->word_count == 1 && block->rest.data == NULL && i < line.size) {
            block->rest = (Slice){line.data + i + 1, line.size - i - 1};
        }
    }
}

// Extends the lines of a block: they lie one after the other in the text.
static void add_line(Slice *lines, Slice line)
{
    if (lines->data == NULL) {
        *lines = line;
    } else {
        lines->size = (size_t)(line.data + line.size - lines->data);
    }
}

bool testfile_read(const char *path, Arena *arena, TestFile *file, Error *err)
{
    Buffer bytes = {0};
    bool ok = read_text(path, &bytes, err);
    Slice rest = arena_copy(arena, buffer_slice(&bytes));
    buffer_done(&bytes);
    if (!ok) {
        return false;
    }
    *file = (TestFile){.path = path};
    TestBlock block = {0};
    Slice line;
    for (int number = 1; next_line(&rest, &line); number++) {
        bool in_block = block.word_count > 0;
        if (!in_block && (is_blank(line) || line.data[0] == '#')) {
            continue;
        }
        bool all_fixed = number == 1 && slice_is(line, "batches and restarts fixed");
        if (all_fixed || (number == 1 && slice_is(line, "batches fixed"))) {
            file->batches_fixed = true;
            file->restarts_fixed = all_fixed;
        } else if (!in_block) {
            block.line = number;
            split_words(&block, line);
        } else if (is_blank(line)) {
            ARENA_PUSH(arena, file->blocks, file->count, file->capacity, block);
            block = (TestBlock){0};
        } else if (slice_is(line, "----")) {
            block.has_expected = true;
        } else {
            add_line(block.has_expected ? &block.expected : &block.body, line);
        }
    }
    if (block.word_count > 0) {
        ARENA_PUSH(arena, file->blocks, file->count, file->capacity, block);
    }
    return true;
}
