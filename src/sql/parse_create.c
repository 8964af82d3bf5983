// CREATE of datasets, sinks and flows.
// SPDX-License-Identifier: Apache-2.0
#include "sql/parse_internal.h"

// ---- columns and expectations --------------------------------------------------------------

static bool parse_violation(Parser *parser, Violation *violation)
{
    if (!parse_accept_words(parser, "ON", "VIOLATION")) {
        return true;
    }
    if (parse_accept_words(parser, "DROP", "ROW")) {
        *violation = VIOLATION_DROP_ROW;
    } else if (parse_accept_words(parser, "FAIL", "UPDATE")) {
        *violation = VIOLATION_FAIL_UPDATE;
    } else if (parse_accept_word(parser, "QUARANTINE")) {
        *violation = VIOLATION_QUARANTINE;
    } else {
        return parse_error(parser, "DROP ROW, FAIL UPDATE or QUARANTINE");
    }
    return true;
}

static bool parse_expectation(Parser *parser, Statement *statement, size_t *capacity)
{
    size_t first = parser->at;
    Expectation expectation = {0};
    parser->at++;
    if (!parse_identifier(parser, "a constraint's name", &expectation.name)) {
        return false;
    }
    if (!parse_is_word(parser, "EXPECT")) {
        bool other = parse_is_word(parser, "CHECK") || parse_is_word(parser, "PRIMARY") ||
                     parse_is_word(parser, "FOREIGN") || parse_is_word(parser, "UNIQUE");
        if (!other) {
            return parse_error(parser, "EXPECT");
        }
        Slice word = parse_text(parser, parse_token(parser));
        return parse_refuse(parser, parse_pos(parser, parse_token(parser)),
                            arena_printf(parser->arena, "a %.*s constraint", SLICE_ARG(word)),
                            "use CONSTRAINT name EXPECT (condition) ON VIOLATION FAIL UPDATE");
    }
    parser->at++;
    size_t open = parser->at;
    if (!parse_expect(parser, TOKEN_LEFT_PAREN, "'(' after EXPECT")) {
        return false;
    }
    expectation.condition = parse_expr(parser);
    if (expectation.condition == NULL || !parse_expect_close(parser, open) ||
        !parse_violation(parser, &expectation.violation)) {
        return false;
    }
    expectation.pos = parse_span(parser, first);
    for (size_t i = 0; i < statement->expectation_count; i++) {
        if (slice_equal(statement->expectations[i].name, expectation.name)) {
            return diagnose(parser->diagnostics, expectation.pos, "CONSTRAINT_ALREADY_EXISTS", NULL,
                            "there are two constraints '%.*s'", SLICE_ARG(expectation.name));
        }
    }
    ARENA_PUSH(parser->arena, statement->expectations, statement->expectation_count, *capacity,
               expectation);
    return true;
}

// A column may be called constraint.
static bool is_constraint(Parser *parser)
{
    static const char *const kinds[] = {"EXPECT", "CHECK", "PRIMARY", "FOREIGN", "UNIQUE", NULL};
    return parse_is_word(parser, "CONSTRAINT") &&
           (parse_is_one_of(parser, 2, kinds) ||
            (parse_is_at(parser, 2, TOKEN_WORD) && parse_is_at(parser, 3, TOKEN_LEFT_PAREN)));
}

// (a INT NOT NULL COMMENT '...', b, CONSTRAINT c EXPECT (...) ON VIOLATION DROP ROW)
static bool parse_columns(Parser *parser, Statement *statement)
{
    size_t open = parser->at;
    size_t column_capacity = 0;
    size_t expectation_capacity = 0;
    if (!parse_accept(parser, TOKEN_LEFT_PAREN)) {
        return true;
    }
    do {
        if (is_constraint(parser)) {
            if (!parse_expectation(parser, statement, &expectation_capacity)) {
                return false;
            }
            continue;
        }
        ColumnDefinition column = {0};
        if (!parse_column(parser, &column, true)) {
            return false;
        }
        ARENA_PUSH(parser->arena, statement->columns, statement->column_count, column_capacity,
                   column);
    } while (parse_accept(parser, TOKEN_COMMA));
    return parse_expect_close(parser, open);
}

// ---- clauses -------------------------------------------------------------------------------

// Each clause at most once; `seen` is where it stood before.
static bool parse_once(Parser *parser, bool seen, const char *clause)
{
    return !seen ||
           diagnose(parser->diagnostics, parse_pos(parser, parse_token(parser)),
                    "DUPLICATE_CLAUSES", "leave one out", "there are two %s clauses", clause);
}

static bool parse_comment(Parser *parser, Statement *statement)
{
    return parse_once(parser, statement->comment.data != NULL, "COMMENT") &&
           parse_expect_word(parser, "COMMENT") && parse_string(parser, &statement->comment);
}

static bool parse_partitioning(Parser *parser, Statement *statement)
{
    if (!parse_once(parser, statement->partition_count > 0, "PARTITIONED BY")) {
        return false;
    }
    parser->at += 2;
    for (size_t i = 1; !parse_is_at(parser, i, TOKEN_END); i++) {
        if (parse_is_at(parser, i, TOKEN_RIGHT_PAREN)) {
            break;
        }
        if (parse_is_at(parser, i, TOKEN_LEFT_PAREN)) {
            return parse_refuse(parser, parse_pos(parser, parse_token_at(parser, i)),
                                "a function in PARTITIONED BY",
                                "add a column to the query and name that");
        }
    }
    return parse_identifiers(parser, "a column's name", &statement->partitioned_by,
                             &statement->partition_count);
}

static bool parse_cron(Parser *parser, Statement *statement)
{
    if (!parse_string(parser, &statement->schedule_cron)) {
        return false;
    }
    if (!parse_accept_word(parser, "AT")) {
        return true;
    }
    return parse_expect_word(parser, "TIME") && parse_expect_word(parser, "ZONE") &&
           parse_string(parser, &statement->schedule_zone);
}

// SCHEDULE [REFRESH] EVERY 1 DAY | CRON '0 2 * * *' [AT TIME ZONE 'UTC']
static bool parse_schedule(Parser *parser, Statement *statement)
{
    static const char *const periods[] = {"SECOND", "SECONDS", "MINUTE", "MINUTES", "HOUR", "HOURS",
                                          "DAY",    "DAYS",    "WEEK",   "WEEKS",   NULL};
    bool seen = statement->schedule_every.size > 0 || statement->schedule_cron.size > 0;
    if (!parse_once(parser, seen, "SCHEDULE")) {
        return false;
    }
    parser->at++;
    parse_accept_word(parser, "REFRESH");
    if (parse_accept_word(parser, "CRON")) {
        return parse_cron(parser, statement);
    }
    if (!parse_accept_word(parser, "EVERY")) {
        return parse_error(parser, "EVERY or CRON");
    }
    Slice number = parse_text(parser, parse_token(parser));
    size_t first = parser->at;
    if (!parse_expect(parser, TOKEN_NUMBER, "a number after EVERY")) {
        return false;
    }
    for (size_t i = 0; i < number.size; i++) {
        if (number.data[i] < '0' || number.data[i] > '9') {
            parser->at = first;
            return parse_error(parser, "a whole number after EVERY");
        }
    }
    if (!parse_is_one_of(parser, 0, periods)) {
        return parse_error(parser, "SECONDS, MINUTES, HOURS, DAYS or WEEKS");
    }
    Slice unit = parse_text(parser, parse_token(parser));
    parser->at++;
    statement->schedule_every =
        slice_of(arena_printf(parser->arena, "%.*s %.*s", SLICE_ARG(number), SLICE_ARG(unit)));
    return true;
}

// USING delta: the only format of a table.
static bool parse_table_format(Parser *parser, Statement *statement)
{
    if (!parse_once(parser, statement->using_format.size > 0, "USING")) {
        return false;
    }
    parser->at++;
    const Token *token = parse_token(parser);
    if (!parse_is_word(parser, "DELTA") && parse_is_name(parser)) {
        return parse_refuse(parser, parse_pos(parser, token),
                            "a table in another format than delta",
                            "leave USING out, or write to a sink: CREATE SINK ... USING parquet");
    }
    return parse_identifier(parser, "a format", &statement->using_format);
}

// CLUSTER BY (a) | CLUSTER BY AUTO | CLUSTER BY NONE: reported, and the rest is read on.
static bool parse_clustering(Parser *parser)
{
    size_t first = parser->at;
    parser->at += 2;
    Slice *names;
    size_t count;
    bool ok = parse_is(parser, TOKEN_LEFT_PAREN)
                  ? parse_identifiers(parser, "a column's name", &names, &count)
                  : parse_accept_word(parser, "AUTO") || parse_expect_word(parser, "NONE");
    if (ok) {
        parse_refuse(parser, parse_span(parser, first), "CLUSTER BY of a table",
                     "use PARTITIONED BY, or leave it out");
        parser->failed = true;
    }
    return ok;
}

static bool refuse_clause(Parser *parser, bool *refused)
{
    static const struct {
        const char *first;
        const char *second;
        const char *what;
    } clauses[] = {
        {"LOCATION", NULL, "LOCATION of a table"},
        {"WITH", "ROW", "WITH ROW FILTER"},
        {"ROW", "FORMAT", "ROW FORMAT"},
        {"STORED", "AS", "STORED AS"},
        {"DEFAULT", "COLLATION", "DEFAULT COLLATION"},
        {"TRIGGER", "ON", "TRIGGER ON UPDATE"},
        {"SKEWED", "BY", "SKEWED BY"},
        {"CLUSTERED", "BY", "CLUSTERED BY"},
    };
    for (size_t i = 0; i < ARRAY_LEN(clauses); i++) {
        if (parse_is_word(parser, clauses[i].first) &&
            (clauses[i].second == NULL || parse_is_word_at(parser, 1, clauses[i].second))) {
            *refused = true;
            return parse_refuse(parser, parse_pos(parser, parse_token(parser)), clauses[i].what,
                                NULL);
        }
    }
    *refused = false;
    return true;
}

// One clause between the columns and AS; *found is false at anything else.
static bool parse_clause(Parser *parser, Statement *statement, bool *found)
{
    *found = true;
    if (parse_is_words(parser, "PARTITIONED", "BY")) {
        return parse_partitioning(parser, statement);
    }
    if (parse_is_words(parser, "CLUSTER", "BY")) {
        return parse_clustering(parser);
    }
    if (parse_is_word(parser, "COMMENT")) {
        return parse_comment(parser, statement);
    }
    if (parse_is_word(parser, "TBLPROPERTIES")) {
        bool once = parse_once(parser, statement->properties.count > 0, "TBLPROPERTIES");
        parser->at++;
        return once && parse_properties(parser, &statement->properties);
    }
    if (parse_is_word(parser, "OPTIONS")) {
        bool once = parse_once(parser, statement->options.count > 0, "OPTIONS");
        parser->at++;
        return once && parse_properties(parser, &statement->options);
    }
    if (parse_is_word(parser, "SCHEDULE")) {
        return parse_schedule(parser, statement);
    }
    if (parse_is_word(parser, "USING")) {
        return parse_table_format(parser, statement);
    }
    bool refused;
    if (!refuse_clause(parser, &refused)) {
        return false;
    }
    *found = refused;
    return true;
}

static bool parse_clauses(Parser *parser, Statement *statement)
{
    bool found;
    do {
        if (!parse_clause(parser, statement, &found)) {
            return false;
        }
    } while (found);
    return true;
}

static bool parse_as_query(Parser *parser, Statement *statement)
{
    if (!parse_expect_word(parser, "AS")) {
        return false;
    }
    statement->query = parse_query(parser);
    return statement->query != NULL;
}

static bool parse_if_not_exists(Parser *parser, Statement *statement)
{
    if (!parse_is_words(parser, "IF", "NOT")) {
        return true;
    }
    parser->at += 2;
    statement->if_not_exists = true;
    return parse_expect_word(parser, "EXISTS");
}

static Statement *make_statement(Parser *parser, StatementKind kind)
{
    Statement *statement = ARENA_NEW(parser->arena, Statement);
    statement->kind = kind;
    return statement;
}

// ---- the statements ------------------------------------------------------------------------

static bool parse_dataset(Parser *parser, Statement *statement, const char *what)
{
    return parse_if_not_exists(parser, statement) && parse_name(parser, what, &statement->name) &&
           parse_columns(parser, statement) && parse_clauses(parser, statement);
}

static Statement *parse_streaming_table(Parser *parser, size_t first, bool or_refresh)
{
    Statement *statement = make_statement(parser, STATEMENT_CREATE_STREAMING_TABLE);
    statement->or_refresh = or_refresh;
    if (!parse_dataset(parser, statement, "a table's name")) {
        return NULL;
    }
    if (parse_is_word(parser, "FLOW")) {
        return parse_unsupported(parser, first, "CREATE STREAMING TABLE ... FLOW");
    }
    if (parse_is(parser, TOKEN_SEMICOLON) || parse_is(parser, TOKEN_END)) {
        return statement;
    }
    return parse_as_query(parser, statement) ? statement : NULL;
}

static Statement *parse_materialized_view(Parser *parser, bool or_refresh)
{
    Statement *statement = make_statement(parser, STATEMENT_CREATE_MATERIALIZED_VIEW);
    statement->or_refresh = or_refresh;
    return parse_dataset(parser, statement, "a view's name") && parse_as_query(parser, statement)
               ? statement
               : NULL;
}

static Statement *parse_temporary_view(Parser *parser, size_t first)
{
    Statement *statement = make_statement(parser, STATEMENT_CREATE_TEMPORARY_VIEW);
    if (!parse_if_not_exists(parser, statement) ||
        !parse_name(parser, "a view's name", &statement->name) ||
        !parse_columns(parser, statement)) {
        return NULL;
    }
    if (statement->expectation_count > 0) {
        parse_refuse(parser, statement->expectations[0].pos, "a constraint of a temporary view",
                     "put it on the table that reads the view");
        return NULL;
    }
    if (parse_is_word(parser, "USING")) {
        return parse_unsupported(parser, first, "CREATE TEMPORARY VIEW ... USING");
    }
    if (parse_is_word(parser, "COMMENT") && !parse_comment(parser, statement)) {
        return NULL;
    }
    if (parse_accept_word(parser, "TBLPROPERTIES") &&
        !parse_properties(parser, &statement->properties)) {
        return NULL;
    }
    return parse_as_query(parser, statement) ? statement : NULL;
}

static Statement *parse_sink(Parser *parser)
{
    Statement *statement = make_statement(parser, STATEMENT_CREATE_SINK);
    if (!parse_if_not_exists(parser, statement) ||
        !parse_name(parser, "a sink's name", &statement->name) ||
        !parse_expect_word(parser, "USING") ||
        !parse_identifier(parser, "a format after USING", &statement->using_format)) {
        return NULL;
    }
    for (;;) {
        if (parse_is_word(parser, "OPTIONS")) {
            bool once = parse_once(parser, statement->options.count > 0, "OPTIONS");
            parser->at++;
            if (!once || !parse_properties(parser, &statement->options)) {
                return NULL;
            }
        } else if (parse_is_word(parser, "COMMENT")) {
            if (!parse_comment(parser, statement)) {
                return NULL;
            }
        } else {
            return statement;
        }
    }
}

// INSERT INTO ONCE t: a flow that runs one time. A table may be called once.
static bool is_once(Parser *parser)
{
    return parse_is_word(parser, "ONCE") && !parse_is_query(parser, 1) &&
           !parse_is_word_at(parser, 1, "BY") &&
           (parse_is_at(parser, 1, TOKEN_WORD) || parse_is_at(parser, 1, TOKEN_QUOTED));
}

static Statement *parse_flow(Parser *parser, size_t first)
{
    Statement *statement = make_statement(parser, STATEMENT_CREATE_FLOW);
    if (!parse_if_not_exists(parser, statement) ||
        !parse_name(parser, "a flow's name", &statement->name) ||
        (parse_is_word(parser, "COMMENT") && !parse_comment(parser, statement)) ||
        !parse_expect_word(parser, "AS")) {
        return NULL;
    }
    if (parse_is_words(parser, "AUTO", "CDC")) {
        return parse_unsupported(parser, first, "CREATE FLOW ... AUTO CDC");
    }
    if (!parse_expect_word(parser, "INSERT") || !parse_expect_word(parser, "INTO")) {
        return NULL;
    }
    if (is_once(parser)) {
        return parse_unsupported(parser, first, "CREATE FLOW ... INSERT INTO ONCE");
    }
    if (parse_is_at(parser, 1, TOKEN_WORD) || parse_is_at(parser, 1, TOKEN_QUOTED)) {
        if (!parse_is_query(parser, 1) && !parse_is_word_at(parser, 1, "BY")) {
            parse_accept_word(parser, "TABLE");
        }
    }
    if (!parse_name(parser, "the table or sink to insert into", &statement->target)) {
        return NULL;
    }
    statement->by_name = parse_accept_words(parser, "BY", "NAME");
    statement->query = parse_query(parser);
    return statement->query == NULL ? NULL : statement;
}

static Statement *parse_other(Parser *parser, size_t first)
{
    static const struct {
        const char *word;
        const char *what;
    } others[] = {
        {"TABLE", "CREATE TABLE"},
        {"VIEW", "CREATE VIEW"},
        {"DATABASE", "CREATE DATABASE"},
        {"SCHEMA", "CREATE SCHEMA"},
        {"FUNCTION", "CREATE FUNCTION"},
        {"EXTERNAL", "CREATE EXTERNAL TABLE"},
        {"GLOBAL", "CREATE GLOBAL TEMPORARY VIEW"},
        {"PRIVATE", "CREATE PRIVATE ..."},
        {"CATALOG", "CREATE CATALOG"},
        {"INDEX", "CREATE INDEX"},
    };
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (parse_is_word(parser, others[i].word)) {
            return parse_unsupported(parser, first, others[i].what);
        }
    }
    parse_error(parser, "STREAMING TABLE, MATERIALIZED VIEW, TEMPORARY VIEW, SINK or FLOW");
    return NULL;
}

Statement *parse_create(Parser *parser)
{
    size_t first = parser->at - 1;
    bool or_refresh = false;
    bool or_replace = false;
    if (parse_accept_word(parser, "OR")) {
        or_replace = parse_accept_word(parser, "REPLACE");
        or_refresh = !or_replace;
        if (or_refresh && !parse_expect_word(parser, "REFRESH")) {
            return NULL;
        }
    }
    if (parse_is_words(parser, "STREAMING", "TABLE")) {
        if (or_replace) {
            parser->at--;
            parse_refuse(parser, parse_pos(parser, parse_token(parser)),
                         "OR REPLACE of a streaming table", "write CREATE OR REFRESH");
            return NULL;
        }
        parser->at += 2;
        return parse_streaming_table(parser, first, or_refresh);
    }
    if (parse_accept_words(parser, "MATERIALIZED", "VIEW")) {
        return parse_materialized_view(parser, or_refresh || or_replace);
    }
    if (!or_refresh && (parse_accept_words(parser, "TEMPORARY", "VIEW") ||
                        parse_accept_words(parser, "TEMP", "VIEW"))) {
        return parse_temporary_view(parser, first);
    }
    if (!or_refresh && !or_replace && parse_accept_word(parser, "SINK")) {
        return parse_sink(parser);
    }
    if (!or_refresh && !or_replace && parse_accept_word(parser, "FLOW")) {
        return parse_flow(parser, first);
    }
    return parse_other(parser, first);
}
