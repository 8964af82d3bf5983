// SPDX-License-Identifier: Apache-2.0
#include "lake/delta_path.h"

#include <limits.h>
#include <stdlib.h>

static void append_percent(Buffer *out, unsigned char c)
{
    buffer_printf(out, "%%%02X", c);
}

void delta_path_hive_escape(const char *value, Buffer *out)
{
    if (value == NULL || *value == '\0') {
        buffer_append_text(out, "__HIVE_DEFAULT_PARTITION__");
        return;
    }
    for (const unsigned char *c = (const unsigned char *)value; *c != '\0'; c++) {
        if (*c < 0x20 || *c == 0x7F || strchr("\"#%'*/:=?\\{[]^", *c) != NULL) {
            append_percent(out, *c);
        } else {
            buffer_append_char(out, (char)*c);
        }
    }
}

void delta_path_encode(Slice path, Buffer *out)
{
    for (size_t i = 0; i < path.size; i++) {
        unsigned char c = (unsigned char)path.data[i];
        // Bytes of non-ASCII characters stay as they are, like Spark's.
        if (c <= 0x20 || c == 0x7F || strchr("%\"#<>?[\\]^`{|}", c) != NULL) {
            append_percent(out, c);
        } else {
            buffer_append_char(out, (char)c);
        }
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool delta_path_decode(Slice uri, Buffer *out, Error *err)
{
    for (size_t i = 0; i < uri.size; i++) {
        char c = uri.data[i];
        if (c == '%') {
            int high = i + 2 < uri.size ? hex_digit(uri.data[i + 1]) : -1;
            int low = i + 2 < uri.size ? hex_digit(uri.data[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return fail(err, ERROR_CORRUPT, "path '%.*s' of the Delta log has a bad escape",
                            SLICE_ARG(uri));
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0') {
            return fail(err, ERROR_CORRUPT, "path '%.*s' of the Delta log contains NUL",
                        SLICE_ARG(uri));
        }
        buffer_append_char(out, c);
    }
    return true;
}

// "file:///x", "file://localhost/x" and "file:/x" are "/x"; anything else is left alone.
static Slice strip_file_scheme(Slice uri)
{
    if (uri.size < 6 || memcmp(uri.data, "file:/", 6) != 0) {
        return uri;
    }
    Slice rest = {uri.data + 5, uri.size - 5};
    if (rest.size >= 12 && memcmp(rest.data, "//localhost/", 12) == 0) {
        return (Slice){rest.data + 11, rest.size - 11};
    }
    while (rest.size >= 2 && rest.data[1] == '/') {
        rest.data++;
        rest.size--;
    }
    return rest;
}

void delta_path_key(Slice uri, Buffer *out)
{
    buffer_append(out, strip_file_scheme(uri));
}

static bool has_scheme(Slice uri)
{
    for (size_t i = 0; i < uri.size; i++) {
        char c = uri.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool other = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
        if (c == ':') {
            return i > 1 && i + 1 < uri.size && uri.data[i + 1] == '/';
        }
        if (!letter && !(i > 0 && other)) {
            return false;
        }
    }
    return false;
}

static bool has_parent_step(const char *path)
{
    for (const char *p = path; p != NULL; p = strchr(p, '/')) {
        p += *p == '/';
        if (p[0] == '.' && p[1] == '.' && (p[2] == '/' || p[2] == '\0')) {
            return true;
        }
    }
    return false;
}

// The part of an absolute path after "<root>/", or NULL.
static const char *under(const char *path, const char *root)
{
    size_t size = strlen(root);
    return strncmp(path, root, size) == 0 && path[size] == '/' ? path + size + 1 : NULL;
}

bool delta_path_resolve(const char *root, const char *uri, Buffer *out, Error *err)
{
    Slice text = strip_file_scheme(slice_of(uri));
    if (has_scheme(text)) {
        return fail(err, ERROR_INPUT,
                    "table %s has a data file in another file system (%s), which tarn does not "
                    "read",
                    root, uri);
    }
    Buffer decoded = {0};
    bool ok = delta_path_decode(text, &decoded, err);
    const char *path = buffer_text(&decoded);
    const char *relative = path;
    char real[PATH_MAX];
    if (ok && path[0] == '/') {
        relative = under(path, root);
        if (relative == NULL && realpath(root, real) != NULL) {
            relative = under(path, real);
        }
    }
    if (ok && (relative == NULL || *relative == '\0' || has_parent_step(relative))) {
        ok = fail(err, ERROR_INPUT, "table %s names a data file outside its folder: %s", root, uri);
    }
    if (ok) {
        buffer_printf(out, "%s/%s", root, relative);
    }
    buffer_done(&decoded);
    return ok;
}
