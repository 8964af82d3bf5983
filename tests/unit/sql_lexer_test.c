// SPDX-License-Identifier: Apache-2.0
#include "sql/lexer.h"

#include "base/random.h"

#include <stdlib.h>

#include "check.h"

static const char *const kinds[] = {
    "END", "!ERROR", "word", "quoted", "string", "number", "(",  ")",  "[",  "]", ",",  ";",  ".",
    "*",   "+",      "-",    "/",      "%",      "~",      "&",  "|",  "^",  "!", "=",  "<>", "<",
    "<=",  ">",      ">=",   "<=>",    "||",     "<<",     "->", "=>", "|>", ":", "::", "@",  "?"};

// "word(a) = number(1)" for `a == 1`; the caller frees with buffer_done.
static Buffer scan(Arena *arena, const char *text, size_t size, size_t *problems)
{
    SqlSources *sources = sql_sources_create(arena);
    Diagnostics *diagnostics = diagnostics_create(arena, sources);
    uint32_t source = sql_sources_add(sources, "t", (Slice){text, size});
    TokenList tokens = {0};
    lexer_scan(arena, diagnostics, source, &tokens);
    Buffer out = {0};
    uint32_t at = 0;
    for (size_t i = 0; i < tokens.count; i++) {
        const Token *token = &tokens.items[i];
        CHECK(token->start >= at && token->end >= token->start && token->end <= size);
        at = token->end;
        buffer_printf(&out, "%s%s", i == 0 ? "" : " ", kinds[token->kind]);
        if (token->kind >= TOKEN_WORD && token->kind <= TOKEN_NUMBER) {
            buffer_printf(&out, "(%.*s)", (int)(token->end - token->start), text + token->start);
        }
    }
    CHECK(tokens.count > 0 && tokens.items[tokens.count - 1].kind == TOKEN_END);
    *problems = diagnostics->count;
    return out;
}

static void test_tokens(void)
{
    static const struct {
        const char *text;
        const char *tokens;
        size_t problems;
    } cases[] = {
        {"", "END", 0},
        {" \t\r\n", "END", 0},
        {"a == 1", "word(a) = number(1) END", 0},
        {"a<=>b<>c!=d<=e>=f<g>h",
         "word(a) <=> word(b) <> word(c) <> word(d) <= word(e) >= word(f) "
         "< word(g) > word(h) END",
         0},
        {"a||b|c&d^e<<f>>g",
         "word(a) || word(b) | word(c) & word(d) ^ word(e) << word(f) > > "
         "word(g) END",
         0},
        {"x->x+1, n=>2 |> ::", "word(x) -> word(x) + number(1) , word(n) => number(2) |> :: END",
         0},
        {"1 1.5 .5 1. 1e3 1.5E-3 1L 2S 3Y 4.0F 5D 1.5BD",
         "number(1) number(1.5) number(.5) number(1.) number(1e3) number(1.5E-3) number(1L) "
         "number(2S) number(3Y) number(4.0F) number(5D) number(1.5BD) END",
         0},
        {"1st 2024_logs 1e 12ab", "word(1st) word(2024_logs) word(1e) word(12ab) END", 0},
        {"db.2024_logs", "word(db) . word(2024_logs) END", 0},
        {"t.a.b[0]", "word(t) . word(a) . word(b) [ number(0) ] END", 0},
        {"'a''b' \"c\"\"d\" 'e\\'f' r'g\\'",
         "string('a''b') string(\"c\"\"d\") string('e\\'f') "
         "string(r'g\\') END",
         0},
        {"`a``b`.`c d`", "quoted(`a``b`) . quoted(`c d`) END", 0},
        {"a -- b\nc /* d /* e */ f */ g /*+ HINT */ h", "word(a) word(c) word(g) word(h) END", 0},
        {"a --", "word(a) END", 0},
        {"x /* y", "word(x) !ERROR END", 1},
        {"x 'y", "word(x) !ERROR END", 1},
        {"x `y", "word(x) !ERROR END", 1},
        {"x \"y\\\"", "word(x) !ERROR END", 1},
        {"a # b", "word(a) !ERROR word(b) END", 1},
        {"a ${X} b", "word(a) !ERROR word(b) END", 1},
        {"größe, 名前", "word(größe) , word(名前) END", 0},
        {"a\xC2\xA0+\xE3\x80\x80"
         "b",
         "word(a) + word(b) END", 0},
        {"\xEF\xBB\xBFSELECT", "word(SELECT) END", 0},
        {"\xE2\x80\x98x", "!ERROR word(x) END", 1},
        {"t@v3", "word(t) @ word(v3) END", 0},
        {":p ?", ": word(p) ? END", 0},
        {"!>1 !<2", "<= number(1) >= number(2) END", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        Arena *arena = arena_create(0);
        size_t problems;
        Buffer tokens = scan(arena, cases[i].text, strlen(cases[i].text), &problems);
        CHECK_TEXT(buffer_text(&tokens), cases[i].tokens);
        CHECK(problems == cases[i].problems);
        buffer_done(&tokens);
        arena_destroy(arena);
    }
}

static void check_value(const char *literal, const char *value, size_t size)
{
    bool raw;
    Slice body = lexer_body(slice_of(literal), &raw);
    Buffer out = {0};
    lexer_unescape(body, body.data[-1], raw, &out);
    CHECK(out.size == size);
    CHECK_TEXT(buffer_text(&out), value);
    buffer_done(&out);
}

static void test_strings(void)
{
    check_value("''", "", 0);
    check_value("'it''s'", "it's", 4);
    check_value("\"a\"\"b'c\"", "a\"b'c", 5);
    check_value("'a\\'b\\\"c\\\\d'", "a'b\"c\\d", 7);
    check_value("'\\n\\t\\r\\b\\Z'", "\n\t\r\b\x1A", 5);
    check_value("'a\\0b'", "a", 3);
    check_value("'50\\% \\_ \\x'", "50\\% \\_ x", 9);
    check_value("'\\u00e9\\U0001F600'", "é😀", 6);
    check_value("'\\uD83D\\uDE00'", "😀", 4);
    check_value("'\\uD83D!'", "\xEF\xBF\xBD!", 4);
    check_value("'\\u12'", "u12", 3);
    check_value("'\\101\\777'", "A777", 4);
    check_value("r'a\\nb'", "a\\nb", 4);
    check_value("R\"a\\\"", "a\\", 2);
    check_value("'größe'", "größe", 7);
    Arena *arena = arena_create(0);
    CHECK(slice_is(lexer_unquote(arena, slice_of("`a``b c`")), "a`b c"));
    CHECK(slice_is(lexer_unquote(arena, slice_of("``")), ""));
    arena_destroy(arena);
}

// Any bytes at all: tokens stay in order and inside the text (checked in scan), and the scan ends.
static void test_random_bytes(void)
{
    static const char alphabet[] = "ab1.'\"`\\-/*()<>=|:;${}@ \n\xC3\xA9\xE2\x80\x98rReE+xX_,?!";
    const char *seed_text = getenv("SEED");
    uint64_t seed = seed_text == NULL ? random_seed() : strtoull(seed_text, NULL, 10);
    Random random = {seed};
    int failed = check_failed;
    for (int round = 0; round < 3000; round++) {
        char text[64];
        size_t size = (size_t)random_below(&random, sizeof text);
        for (size_t i = 0; i < size; i++) {
            text[i] = round % 4 == 0 ? (char)random_below(&random, 256)
                                     : alphabet[random_below(&random, sizeof alphabet - 1)];
        }
        Arena *arena = arena_create(0);
        size_t problems;
        Buffer tokens = scan(arena, text, size, &problems);
        CHECK((problems > 0) == (strstr(buffer_text(&tokens), "!ERROR") != NULL));
        buffer_done(&tokens);
        arena_destroy(arena);
    }
    if (check_failed > failed) {
        printf("seed %llu\n", (unsigned long long)seed);
    }
}

int main(void)
{
    test_tokens();
    test_strings();
    test_random_bytes();
    return check_done();
}
