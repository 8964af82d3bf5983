// Data types and column definitions of DDL.
// SPDX-License-Identifier: Apache-2.0
#include "sql/parse_internal.h"

static const struct {
    const char *name;
    TypeKind kind;
} simple_types[] = {
    {"BOOLEAN", TYPE_BOOLEAN},
    {"TINYINT", TYPE_TINYINT},
    {"BYTE", TYPE_TINYINT},
    {"SMALLINT", TYPE_SMALLINT},
    {"SHORT", TYPE_SMALLINT},
    {"INT", TYPE_INT},
    {"INTEGER", TYPE_INT},
    {"BIGINT", TYPE_BIGINT},
    {"LONG", TYPE_BIGINT},
    {"FLOAT", TYPE_FLOAT},
    {"REAL", TYPE_FLOAT},
    {"DOUBLE", TYPE_DOUBLE},
    {"STRING", TYPE_STRING},
    {"BINARY", TYPE_BINARY},
    {"DATE", TYPE_DATE},
    {"TIMESTAMP", TYPE_TIMESTAMP},
    {"TIMESTAMP_LTZ", TYPE_TIMESTAMP},
    {"TIMESTAMP_NTZ", TYPE_TIMESTAMP_NTZ},
    {"VOID", TYPE_VOID},
};

enum { MAX_PRECISION = 38, DEFAULT_PRECISION = 10 };

// A whole number token; *value capped where no limit could allow it anyway.
static bool parse_size(Parser *parser, int *value)
{
    Slice text = parse_text(parser, parse_token(parser));
    *value = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (!parse_is(parser, TOKEN_NUMBER) || text.data[i] < '0' || text.data[i] > '9') {
            return parse_error(parser, "a whole number");
        }
        *value = *value > 100000 ? *value : *value * 10 + (text.data[i] - '0');
    }
    return parse_expect(parser, TOKEN_NUMBER, "a whole number");
}

static const Type *parse_decimal(Parser *parser, size_t first)
{
    int precision = DEFAULT_PRECISION;
    int scale = 0;
    size_t open = parser->at;
    if (parse_accept(parser, TOKEN_LEFT_PAREN)) {
        if (!parse_size(parser, &precision) ||
            (parse_accept(parser, TOKEN_COMMA) && !parse_size(parser, &scale)) ||
            !parse_expect_close(parser, open)) {
            return NULL;
        }
    }
    if (precision < 1 || precision > MAX_PRECISION || scale > precision) {
        diagnose(parser->diagnostics, parse_span(parser, first), "INVALID_DECIMAL_PRECISION", NULL,
                 "a decimal has 1 to %d digits and no more of them after the point", MAX_PRECISION);
        return NULL;
    }
    return type_decimal(parser->arena, precision, scale);
}

// VARCHAR(n), CHAR(n), TIME(n): the length is not kept.
static const Type *parse_sized(Parser *parser, const Type *type)
{
    size_t open = parser->at;
    int size;
    if (parse_accept(parser, TOKEN_LEFT_PAREN) &&
        (!parse_size(parser, &size) || !parse_expect_close(parser, open))) {
        return NULL;
    }
    return type;
}

static const Type *parse_array(Parser *parser)
{
    if (!parse_expect(parser, TOKEN_LT, "'<' after ARRAY")) {
        return NULL;
    }
    const Type *element = parse_type(parser);
    if (element == NULL || !parse_expect(parser, TOKEN_GT, "'>'")) {
        return NULL;
    }
    return type_array(parser->arena, element);
}

static const Type *parse_map(Parser *parser)
{
    if (!parse_expect(parser, TOKEN_LT, "'<' after MAP")) {
        return NULL;
    }
    const Type *key = parse_type(parser);
    if (key == NULL || !parse_expect(parser, TOKEN_COMMA, "','")) {
        return NULL;
    }
    const Type *value = parse_type(parser);
    if (value == NULL || !parse_expect(parser, TOKEN_GT, "'>'")) {
        return NULL;
    }
    return type_map(parser->arena, key, value);
}

static const Type *parse_struct(Parser *parser)
{
    Schema fields = {0};
    if (parse_accept(parser, TOKEN_NE)) { // struct<>
        return type_struct(parser->arena, fields);
    }
    if (!parse_expect(parser, TOKEN_LT, "'<' after STRUCT")) {
        return NULL;
    }
    do {
        ColumnDefinition field = {0};
        if (!parse_column(parser, &field, false)) {
            return NULL;
        }
        schema_add(parser->arena, &fields, arena_text(parser->arena, field.name), field.type,
                   !field.not_null);
        if (field.comment.size > 0) {
            fields.columns[fields.count - 1].comment = arena_text(parser->arena, field.comment);
        }
    } while (parse_accept(parser, TOKEN_COMMA));
    if (!parse_expect(parser, TOKEN_GT, "'>'")) {
        return NULL;
    }
    return type_struct(parser->arena, fields);
}

static bool parse_interval_unit(Parser *parser)
{
    static const char *const fields[] = {"YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", NULL};
    if (!parse_is_one_of(parser, 0, fields)) {
        return false;
    }
    parser->at++;
    return true;
}

static const Type *parse_interval_type(Parser *parser)
{
    if (parse_interval_unit(parser) && parse_accept_word(parser, "TO") &&
        !parse_interval_unit(parser)) {
        parse_error(parser, "MONTH, HOUR, MINUTE or SECOND");
        return NULL;
    }
    return type_simple(TYPE_INTERVAL);
}

static const Type *unknown_type(Parser *parser, const Token *token)
{
    Slice word = parse_text(parser, token);
    Map *names = map_create(true);
    for (size_t i = 0; i < ARRAY_LEN(simple_types); i++) {
        map_put(names, slice_of(simple_types[i].name), (void *)&simple_types[i]);
    }
    const char *const others[] = {"ARRAY",   "MAP",  "STRUCT",  "DECIMAL",
                                  "VARCHAR", "CHAR", "INTERVAL"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        map_put(names, slice_of(others[i]), NULL);
    }
    const char *nearest = diagnostic_nearest(parser->arena, names, word);
    map_destroy(names);
    diagnose(parser->diagnostics, parse_pos(parser, token), "UNSUPPORTED_DATATYPE", nearest,
             "there is no data type '%.*s'", SLICE_ARG(word));
    return NULL;
}

static const Type *find_simple(const Parser *parser)
{
    for (size_t i = 0; i < ARRAY_LEN(simple_types); i++) {
        if (parse_is_word_at(parser, 0, simple_types[i].name)) {
            return type_simple(simple_types[i].kind);
        }
    }
    return NULL;
}

static const Type *parse_type_word(Parser *parser)
{
    size_t first = parser->at;
    const Type *simple = find_simple(parser);
    if (simple != NULL) {
        parser->at++;
        if (simple->kind == TYPE_STRING && parse_is_word(parser, "COLLATE")) {
            parse_refuse(parser, parse_pos(parser, parse_token(parser)), "COLLATE of a type", NULL);
            return NULL;
        }
        return simple;
    }
    if (!parse_is(parser, TOKEN_WORD)) {
        parse_error(parser, "a data type");
        return NULL;
    }
    if (parse_accept_word(parser, "DECIMAL") || parse_accept_word(parser, "DEC") ||
        parse_accept_word(parser, "NUMERIC")) {
        return parse_decimal(parser, first);
    }
    if (parse_accept_word(parser, "ARRAY")) {
        return parse_array(parser);
    }
    if (parse_accept_word(parser, "MAP")) {
        return parse_map(parser);
    }
    if (parse_accept_word(parser, "STRUCT")) {
        return parse_struct(parser);
    }
    if (parse_accept_word(parser, "VARCHAR") || parse_accept_word(parser, "CHAR") ||
        parse_accept_word(parser, "CHARACTER")) {
        return parse_sized(parser, type_simple(TYPE_STRING));
    }
    if (parse_accept_word(parser, "INTERVAL")) {
        return parse_interval_type(parser);
    }
    if (parse_accept_word(parser, "VARIANT")) {
        return type_other(parser->arena, "VARIANT");
    }
    if (parse_accept_word(parser, "TIME")) {
        return parse_sized(parser, type_other(parser->arena, "TIME"));
    }
    return unknown_type(parser, parse_token(parser));
}

const Type *parse_type(Parser *parser)
{
    if (!parse_enter(parser)) {
        return NULL;
    }
    const Type *type = parse_type_word(parser);
    parse_leave(parser);
    return type;
}

bool parse_column(Parser *parser, ColumnDefinition *column, bool type_optional)
{
    size_t first = parser->at;
    if (!parse_identifier(parser, "a column's name", &column->name)) {
        return false;
    }
    column->pos = parse_span(parser, first);
    bool ends = parse_is(parser, TOKEN_COMMA) || parse_is(parser, TOKEN_RIGHT_PAREN) ||
                parse_is_word(parser, "COMMENT") || parse_is_words(parser, "NOT", "NULL");
    parse_accept(parser, TOKEN_COLON); // struct<a: INT>
    if (!type_optional || !ends) {
        column->type = parse_type(parser);
        if (column->type == NULL) {
            return false;
        }
    }
    for (;;) {
        if (parse_accept_words(parser, "NOT", "NULL")) {
            column->not_null = true;
        } else if (parse_accept_word(parser, "COMMENT")) {
            if (!parse_string(parser, &column->comment)) {
                return false;
            }
        } else if (parse_is_word(parser, "DEFAULT") || parse_is_word(parser, "GENERATED") ||
                   parse_is_word(parser, "MASK")) {
            Slice word = parse_text(parser, parse_token(parser));
            return parse_refuse(parser, parse_pos(parser, parse_token(parser)),
                                arena_printf(parser->arena, "%.*s of a column", SLICE_ARG(word)),
                                NULL);
        } else {
            return true;
        }
    }
}
