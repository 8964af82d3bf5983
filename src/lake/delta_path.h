// delta_path.h -- the three spellings of a data file's path, and staying under the table.
//
//     value            Serbia/srb%                what a partition value is
//     file system      p=Serbia%2Fsrb%25          Hive escape of the value        (hive_escape)
//     add.path         p=Serbia%252Fsrb%2525      URI encoding of that            (encode)
//
// Reading goes one step back only: decode once, join to the table's root [1.3]. Paths in the log
// are attacker data: "..", NUL, other schemes and absolute paths outside the root are refused.
// Pure functions over bytes, no I/O.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/buffer.h"
#include "base/error.h"

// The value part of a Hive folder name; NULL and empty become __HIVE_DEFAULT_PARTITION__.
void delta_path_hive_escape(const char *value, Buffer *out);
void delta_path_encode(Slice path, Buffer *out);
// False (ERROR_CORRUPT) on a bad %XX or an encoded NUL.
MUST_USE bool delta_path_decode(Slice uri, Buffer *out, Error *err);

// What add and remove are matched by: the text as stored, except that file:/x and /x are the same.
void delta_path_key(Slice uri, Buffer *out);

// The path to open for `uri` of a table in folder `root`: "<root>/<decoded>".
MUST_USE bool delta_path_resolve(const char *root, const char *uri, Buffer *out, Error *err);
