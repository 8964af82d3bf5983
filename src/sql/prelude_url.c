// prelude_url.c -- parse_url: the parts of an address as java.net.URI takes them apart.
//
//     https://user:pw@host:80/path?query#ref      mailto:someone (opaque: no path, no query)
//     scheme  authority      path  query ref
// SPDX-License-Identifier: Apache-2.0
#include "sql/prelude_internal.h"

// A part that is not there has no data.
typedef struct Url {
    Slice scheme;
    Slice authority;
    Slice user;
    Slice host;
    Slice path;
    Slice query;
    Slice ref;
} Url;

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Letters, digits, escapes, everything that is not ASCII, and the marks in `also`.
static bool is_made_of(Slice text, const char *also)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == '%') {
            if (i + 2 >= text.size || !is_hex(text.data[i + 1]) || !is_hex(text.data[i + 2])) {
                return false;
            }
            continue;
        }
        if ((unsigned char)c >= 0x80 || is_letter(c) || is_digit(c)) {
            continue;
        }
        if (c == '\0' || strchr(also, c) == NULL) {
            return false;
        }
    }
    return true;
}

// Takes what stands before the first of `stops` off the front of *rest.
static Slice take_until(Slice *rest, const char *stops)
{
    size_t size = 0;
    while (size < rest->size && (rest->data[size] == '\0' || !strchr(stops, rest->data[size]))) {
        size++;
    }
    Slice taken = {rest->data, size};
    rest->data += size;
    rest->size -= size;
    return taken;
}

static bool take_byte(Slice *rest, char c)
{
    if (rest->size == 0 || rest->data[0] != c) {
        return false;
    }
    rest->data++;
    rest->size--;
    return true;
}

static Slice take_scheme(Slice *rest)
{
    Slice after = *rest;
    Slice scheme = take_until(&after, ":/?#");
    if (scheme.size == 0 || !take_byte(&after, ':')) {
        return (Slice){0};
    }
    *rest = after;
    return scheme;
}

static bool is_scheme(Slice scheme)
{
    for (size_t i = 0; i < scheme.size; i++) {
        char c = scheme.data[i];
        if (!is_letter(c) && (i == 0 || (!is_digit(c) && strchr("+-.", c) == NULL))) {
            return false;
        }
    }
    return true;
}

// Labels of letters, digits and inner hyphens; the last begins with a letter, or all four are
// numbers.
static bool is_host(Slice host)
{
    size_t labels = 0;
    bool numbers = true;
    bool last_is_name = false;
    if (host.size > 0 && host.data[host.size - 1] == '.') {
        host.size--;
    }
    for (Slice rest = host; rest.size > 0 || labels == 0; labels++) {
        Slice label = take_until(&rest, ".");
        if (label.size == 0 || label.data[0] == '-' || label.data[label.size - 1] == '-') {
            return false;
        }
        for (size_t i = 0; i < label.size; i++) {
            char c = label.data[i];
            numbers = numbers && is_digit(c);
            if (!is_letter(c) && !is_digit(c) && c != '-') {
                return false;
            }
        }
        last_is_name = is_letter(label.data[0]);
        if (take_byte(&rest, '.') && rest.size == 0) {
            return false;
        }
    }
    return last_is_name || (numbers && labels == 4);
}

// user@host:port; an authority of another form has neither user nor host.
static void split_authority(Url *url)
{
    Slice rest = url->authority;
    Slice user = take_until(&rest, "@");
    if (!take_byte(&rest, '@')) {
        rest = url->authority;
        user = (Slice){0};
    }
    bool is_ip6 = rest.size > 0 && rest.data[0] == '[';
    Slice host = take_until(&rest, is_ip6 ? "]" : ":");
    if (is_ip6 && take_byte(&rest, ']')) {
        host.size++;
    }
    if (take_byte(&rest, ':')) {
        while (rest.size > 0 && is_digit(rest.data[0])) {
            take_byte(&rest, rest.data[0]);
        }
    }
    if (rest.size == 0 && (is_ip6 || is_host(host))) {
        url->user = user;
        url->host = host;
    }
}

// False: no URI.
static bool split(Slice text, Url *url)
{
    static const char path_marks[] = "-_.!~*'():@&=+$,;/";
    static const char all_marks[] = "-_.!~*'();/?:@&=+$,[]";
    Slice rest = text;
    *url = (Url){.scheme = take_scheme(&rest)};
    if (!is_scheme(url->scheme) || (url->scheme.data != NULL && rest.size == 0)) {
        return false;
    }
    Slice body = take_until(&rest, "#");
    if (take_byte(&rest, '#')) {
        url->ref = rest;
    }
    if (url->scheme.data != NULL && body.data[0] != '/') { // opaque
        return is_made_of(body, all_marks) && is_made_of(url->ref, all_marks);
    }
    if (body.size > 1 && body.data[0] == '/' && body.data[1] == '/') {
        body.data += 2;
        body.size -= 2;
        url->authority = take_until(&body, "/?");
        if (url->authority.size == 0 && body.size == 0) {
            return false;
        }
        if (url->authority.size == 0) {
            url->authority = (Slice){0};
        } else {
            split_authority(url);
        }
    }
    url->path = take_until(&body, "?");
    if (take_byte(&body, '?')) {
        url->query = body;
    }
    return is_made_of(url->authority, all_marks) && is_made_of(url->path, path_marks) &&
           is_made_of(url->query, all_marks) && is_made_of(url->ref, all_marks);
}

static Slice find_part(const Url *url, Slice name, Buffer *text)
{
    if (slice_is(name, "FILE") && url->path.data != NULL) {
        buffer_append(text, url->path);
        buffer_append_text(text, url->query.data == NULL ? "" : "?");
        buffer_append(text, url->query);
        return text->size == 0 ? (Slice){"", 0} : buffer_slice(text);
    }
    return slice_is(name, "HOST")        ? url->host
           : slice_is(name, "PATH")      ? url->path
           : slice_is(name, "QUERY")     ? url->query
           : slice_is(name, "REF")       ? url->ref
           : slice_is(name, "PROTOCOL")  ? url->scheme
           : slice_is(name, "AUTHORITY") ? url->authority
           : slice_is(name, "USERINFO")  ? url->user
                                         : (Slice){0};
}

// The value behind "key=" in "a=1&key=2"; no data: none.
static Slice find_value(Slice query, Slice key)
{
    while (query.size > 0) {
        Slice pair = take_until(&query, "&");
        take_byte(&query, '&');
        if (pair.size > key.size && pair.data[key.size] == '=' &&
            memcmp(pair.data, key.data, key.size) == 0) {
            return (Slice){pair.data + key.size + 1, pair.size - key.size - 1};
        }
    }
    return (Slice){0};
}

static bool parse_url(void *context, const DuckColumn *arguments, size_t argument_count,
                      uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    Buffer text = {0};
    for (uint64_t row = 0; row < row_count; row++) {
        Url url;
        Slice address = duck_text(&arguments[0], row);
        Slice part = duck_text(&arguments[1], row);
        buffer_reset(&text);
        if (!split(address, &url)) {
            buffer_done(&text);
            return fail(err, ERROR_INPUT,
                        "[INVALID_URL] '%.*s' is no URL; try_parse_url gives NULL instead",
                        (int)(address.size < 200 ? address.size : 200), address.data);
        }
        Slice found = find_part(&url, part, &text);
        if (argument_count == 3) {
            found = slice_is(part, "QUERY") && found.data != NULL
                        ? find_value(found, duck_text(&arguments[2], row))
                        : (Slice){0};
        }
        if (found.data == NULL) {
            duck_set_null(result, row);
        } else {
            duck_set_text(result, row, found);
        }
    }
    buffer_done(&text);
    return true;
}

static const PreludeFunction functions[] = {
    {"spark_parse_url", "ss", 's', PRELUDE_PLAIN, parse_url, NULL},
    {"spark_parse_url_value", "sss", 's', PRELUDE_PLAIN, parse_url, NULL},
};

const PreludeGroup prelude_urls = {functions, sizeof functions / sizeof functions[0]};
