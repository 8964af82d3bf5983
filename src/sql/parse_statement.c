// Statements other than CREATE, properties, and what is known but not run.
// SPDX-License-Identifier: Apache-2.0
#include "sql/parse_internal.h"

#include <strings.h>

// ---- properties ----------------------------------------------------------------------------

// 'a.b' or a.b; a word may be any keyword
static bool parse_key(Parser *parser, Property *property)
{
    size_t first = parser->at;
    if (parse_is(parser, TOKEN_STRING)) {
        if (!parse_string(parser, &property->key)) {
            return false;
        }
    } else {
        Buffer key = {0};
        bool ok;
        do {
            Slice part;
            ok = parse_identifier(parser, "an option's name", &part);
            if (ok) {
                buffer_append_text(&key, key.size == 0 ? "" : ".");
                buffer_append(&key, part);
            }
        } while (ok && parse_accept(parser, TOKEN_DOT));
        property->key = arena_copy(parser->arena, buffer_slice(&key));
        buffer_done(&key);
        if (!ok) {
            return false;
        }
    }
    property->pos = parse_span(parser, first);
    return true;
}

// A string, a number, TRUE or FALSE.
static bool parse_value(Parser *parser, Property *property)
{
    size_t first = parser->at;
    if (parse_is(parser, TOKEN_STRING)) {
        if (!parse_string(parser, &property->value)) {
            return false;
        }
    } else if (parse_is(parser, TOKEN_NUMBER) ||
               (parse_is(parser, TOKEN_MINUS) && parse_is_at(parser, 1, TOKEN_NUMBER))) {
        parser->at += parse_is(parser, TOKEN_MINUS) ? 2 : 1;
        Pos pos = parse_span(parser, first);
        property->value = (Slice){parser->text.data + pos.start, pos.end - pos.start};
    } else if (parse_accept_word(parser, "TRUE")) {
        property->value = slice_of("true");
    } else if (parse_accept_word(parser, "FALSE")) {
        property->value = slice_of("false");
    } else if (parse_is(parser, TOKEN_WORD)) {
        Slice word = parse_text(parser, parse_token(parser));
        return diagnose(parser->diagnostics, parse_pos(parser, parse_token(parser)),
                        "PARSE_SYNTAX_ERROR",
                        arena_printf(parser->arena, "put it in quotes: '%.*s'", SLICE_ARG(word)),
                        "syntax error at or near '%.*s': expected a string, a number, true or "
                        "false as the value of '%.*s'",
                        SLICE_ARG(word), SLICE_ARG(property->key));
    } else {
        return parse_error(parser, "a value: a string, a number, true or false");
    }
    property->value_pos = parse_span(parser, first);
    return true;
}

static bool parse_property(Parser *parser, Properties *properties)
{
    Property property = {0};
    if (!parse_key(parser, &property)) {
        return false;
    }
    parse_accept(parser, TOKEN_EQ);
    if (!parse_value(parser, &property)) {
        return false;
    }
    for (size_t i = 0; i < properties->count; i++) {
        Slice other = properties->items[i].key;
        if (other.size == property.key.size &&
            strncasecmp(other.data, property.key.data, other.size) == 0) {
            return diagnose(parser->diagnostics, property.pos, "DUPLICATE_KEY", NULL,
                            "'%.*s' is given twice", SLICE_ARG(other));
        }
    }
    ARENA_PUSH(parser->arena, properties->items, properties->count, properties->capacity, property);
    return true;
}

bool parse_properties(Parser *parser, Properties *properties)
{
    size_t open = parser->at;
    if (!parse_expect(parser, TOKEN_LEFT_PAREN, "'('")) {
        return false;
    }
    if (parse_accept(parser, TOKEN_RIGHT_PAREN)) {
        return true;
    }
    do {
        if (!parse_property(parser, properties)) {
            return false;
        }
    } while (parse_accept(parser, TOKEN_COMMA));
    return parse_expect_close(parser, open);
}

// ---- statements that are not run -----------------------------------------------------------

static const struct {
    const char *words[4]; // the first words of the statement
    const char *what;
} unsupported[] = {
    {{"MERGE"}, "MERGE INTO"},
    {{"INSERT", "OVERWRITE"}, "INSERT OVERWRITE"},
    {{"INSERT"}, "INSERT INTO"},
    {{"UPDATE"}, "UPDATE"},
    {{"DELETE"}, "DELETE FROM"},
    {{"OPTIMIZE"}, "OPTIMIZE"},
    {{"VACUUM"}, "VACUUM"},
    {{"RESTORE"}, "RESTORE"},
    {{"CONVERT", "TO"}, "CONVERT TO DELTA"},
    {{"ALTER", "TABLE"}, "ALTER TABLE"},
    {{"ALTER", "VIEW"}, "ALTER VIEW"},
    {{"ALTER"}, "ALTER"},
    {{"DROP", "TABLE"}, "DROP TABLE"},
    {{"DROP", "VIEW"}, "DROP VIEW"},
    {{"DROP"}, "DROP"},
    {{"REPLACE", "TABLE"}, "REPLACE TABLE"},
    {{"TRUNCATE"}, "TRUNCATE TABLE"},
    {{"SET"}, "SET"},
    {{"RESET"}, "RESET"},
    {{"USE"}, "USE"},
    {{"EXPLAIN"}, "EXPLAIN"},
    {{"AUTO", "CDC"}, "AUTO CDC INTO"},
    {{"APPLY", "CHANGES"}, "APPLY CHANGES INTO"},
    {{"COPY", "INTO"}, "COPY INTO"},
    {{"REFRESH"}, "REFRESH"},
    {{"REORG"}, "REORG TABLE"},
    {{"ANALYZE"}, "ANALYZE TABLE"},
    {{"CACHE"}, "CACHE TABLE"},
    {{"UNCACHE"}, "UNCACHE TABLE"},
    {{"CLEAR", "CACHE"}, "CLEAR CACHE"},
    {{"GRANT"}, "GRANT"},
    {{"REVOKE"}, "REVOKE"},
    {{"COMMENT", "ON"}, "COMMENT ON"},
    {{"CALL"}, "CALL"},
    {{"LOAD", "DATA"}, "LOAD DATA"},
    {{"MSCK"}, "MSCK REPAIR TABLE"},
    {{"REPAIR"}, "REPAIR TABLE"},
    {{"ADD"}, "ADD"},
    {{"LIST"}, "LIST"},
    {{"EXECUTE", "IMMEDIATE"}, "EXECUTE IMMEDIATE"},
    {{"DECLARE"}, "DECLARE"},
    {{"BEGIN"}, "BEGIN ... END"},
    {{"GENERATE"}, "GENERATE"},
    {{"SHOW", "TBLPROPERTIES"}, "SHOW TBLPROPERTIES"},
    {{"SHOW", "CREATE", "TABLE"}, "SHOW CREATE TABLE"},
    {{"SHOW", "COLUMNS"}, "SHOW COLUMNS"},
    {{"SHOW", "PARTITIONS"}, "SHOW PARTITIONS"},
    {{"SHOW", "VIEWS"}, "SHOW VIEWS"},
    {{"SHOW", "DATABASES"}, "SHOW DATABASES"},
    {{"SHOW", "SCHEMAS"}, "SHOW SCHEMAS"},
    {{"SHOW", "FUNCTIONS"}, "SHOW FUNCTIONS"},
    {{"SHOW"}, "SHOW"},
};

Statement *parse_unsupported(Parser *parser, size_t first, const char *what)
{
    while (!parse_is(parser, TOKEN_SEMICOLON) && !parse_is(parser, TOKEN_END)) {
        if (parse_is(parser, TOKEN_ERROR)) {
            return NULL;
        }
        parser->at++;
    }
    Statement *statement = ARENA_NEW(parser->arena, Statement);
    statement->kind = STATEMENT_UNSUPPORTED;
    statement->text = slice_of(what);
    statement->pos = parse_span(parser, first);
    return statement;
}

static const char *find_unsupported(Parser *parser)
{
    for (size_t i = 0; i < ARRAY_LEN(unsupported); i++) {
        bool same = parse_is_word(parser, unsupported[i].words[0]);
        for (size_t j = 1; same && unsupported[i].words[j] != NULL; j++) {
            same = parse_is_word_at(parser, j, unsupported[i].words[j]);
        }
        if (same) {
            return unsupported[i].what;
        }
    }
    return NULL;
}

// ---- EXPLAIN, SHOW, DESCRIBE ---------------------------------------------------------------

static Statement *parse_query_statement(Parser *parser, StatementKind kind)
{
    Statement *statement = ARENA_NEW(parser->arena, Statement);
    statement->kind = kind;
    statement->query = parse_query(parser);
    return statement->query == NULL ? NULL : statement;
}

// Of a query, of what a CREATE statement says, or of what has a name.
static Statement *parse_explain_streaming(Parser *parser)
{
    if (parse_accept_word(parser, "CREATE")) {
        Statement *created = parse_create(parser);
        if (created == NULL || created->query != NULL) {
            if (created != NULL) {
                created->kind = STATEMENT_EXPLAIN_STREAMING;
            }
            return created;
        }
        parse_refuse(parser, created->name.pos, "EXPLAIN STREAMING of a statement without a query",
                     "write AS SELECT ..., or give the name of a dataset");
        return NULL;
    }
    bool ends = parse_is_at(parser, 1, TOKEN_END) || parse_is_at(parser, 1, TOKEN_SEMICOLON) ||
                parse_is_at(parser, 1, TOKEN_DOT);
    if (!parse_is_name(parser) || !ends) {
        return parse_query_statement(parser, STATEMENT_EXPLAIN_STREAMING);
    }
    Statement *statement = ARENA_NEW(parser->arena, Statement);
    statement->kind = STATEMENT_EXPLAIN_STREAMING;
    return parse_name(parser, "a flow's or dataset's name", &statement->name) ? statement : NULL;
}

static Statement *parse_show_tables(Parser *parser)
{
    size_t first = parser->at;
    parser->at += 2;
    Statement *statement = ARENA_NEW(parser->arena, Statement);
    statement->kind = STATEMENT_SHOW_TABLES;
    if ((parse_accept_word(parser, "IN") || parse_accept_word(parser, "FROM")) &&
        !parse_name(parser, "a database's name", &statement->name)) {
        return NULL;
    }
    if (parse_is_word(parser, "LIKE") || parse_is(parser, TOKEN_STRING)) {
        return parse_unsupported(parser, first, "SHOW TABLES LIKE");
    }
    return statement;
}

// DESCRIBE HISTORY t is Delta's; DESCRIBE history describes a table of that name.
static const char *describe_unsupported(const Parser *parser)
{
    static const struct {
        const char *word;
        const char *what;
    } others[] = {
        {"HISTORY", "DESCRIBE HISTORY"},   {"DETAIL", "DESCRIBE DETAIL"},
        {"FUNCTION", "DESCRIBE FUNCTION"}, {"DATABASE", "DESCRIBE DATABASE"},
        {"SCHEMA", "DESCRIBE SCHEMA"},     {"QUERY", "DESCRIBE QUERY"},
    };
    bool more = parse_is_at(parser, 1, TOKEN_WORD) || parse_is_at(parser, 1, TOKEN_QUOTED);
    for (size_t i = 0; more && i < ARRAY_LEN(others); i++) {
        if (parse_is_word_at(parser, 0, others[i].word)) {
            return others[i].what;
        }
    }
    return parse_is_query(parser, 0) && !parse_is_word_at(parser, 0, "TABLE") ? "DESCRIBE QUERY"
                                                                              : NULL;
}

static Statement *parse_describe(Parser *parser)
{
    size_t first = parser->at++;
    const char *other = describe_unsupported(parser);
    if (other != NULL) {
        return parse_unsupported(parser, first, other);
    }
    Statement *statement = ARENA_NEW(parser->arena, Statement);
    statement->kind = STATEMENT_DESCRIBE;
    bool more = parse_is_at(parser, 1, TOKEN_WORD) || parse_is_at(parser, 1, TOKEN_QUOTED);
    if (more) {
        parse_accept_word(parser, "TABLE");
    }
    more = parse_is_at(parser, 1, TOKEN_WORD) || parse_is_at(parser, 1, TOKEN_QUOTED);
    statement->extended =
        more && (parse_accept_word(parser, "EXTENDED") || parse_accept_word(parser, "FORMATTED"));
    return parse_name(parser, "a table's name", &statement->name) ? statement : NULL;
}

Statement *parse_statement(Parser *parser)
{
    size_t first = parser->at;
    if (parse_is(parser, TOKEN_LEFT_PAREN) || parse_is_query(parser, 0)) {
        return parse_query_statement(parser, STATEMENT_QUERY);
    }
    if (parse_is_word(parser, "SELECT") || parse_is_word(parser, "WITH") ||
        parse_is_word(parser, "FROM") || parse_is_word(parser, "VALUES")) {
        return parse_query_statement(parser, STATEMENT_QUERY); // to report what is wrong with it
    }
    if (parse_accept_word(parser, "CREATE")) {
        return parse_create(parser);
    }
    if (parse_accept_words(parser, "EXPLAIN", "STREAMING")) {
        return parse_explain_streaming(parser);
    }
    if (parse_is_words(parser, "SHOW", "TABLES")) {
        return parse_show_tables(parser);
    }
    if (parse_is_word(parser, "DESCRIBE") || parse_is_word(parser, "DESC")) {
        return parse_describe(parser);
    }
    const char *what = find_unsupported(parser);
    if (what != NULL) {
        return parse_unsupported(parser, first, what);
    }
    parse_error(parser, NULL);
    return NULL;
}
