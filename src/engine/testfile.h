// testfile.h -- a .test file as blocks: a directive line, a body, a blank line.
//
//     # comment
//     query 2 sort          directive, its words
//     SELECT ...            body
//     ----
//     a<tab>1               expectation
//
// `batches fixed` on the first line: rows depend on batch boundaries; `batches and restarts fixed`:
// also on what a process keeps in memory. Texts live in the arena.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/arena.h"
#include "base/error.h"

enum { TEST_WORDS_MAX = 6 };

typedef struct TestBlock {
    int line; // of the directive, from 1
    Slice words[TEST_WORDS_MAX];
    size_t word_count;
    Slice rest;     // of the directive line after its first word
    Slice body;     // lines before ----
    Slice expected; // lines after ----
    bool has_expected;
} TestBlock;

typedef struct TestFile {
    const char *path;
    bool batches_fixed;
    bool restarts_fixed;
    TestBlock *blocks;
    size_t count;
    size_t capacity;
} TestFile;

MUST_USE bool testfile_read(const char *path, Arena *arena, TestFile *file, Error *err);
