// state('flow'): the rows that a stateful operator keeps. See inspect.h.
// SPDX-License-Identifier: Apache-2.0
#include <jansson.h>
#include <stdio.h>

#include "engine/describe.h"
#include "engine/inspect.h"
#include "sql/parser.h"
#include "stream/state_relation.h"

typedef struct StateView {
    StateBudget *budget;
    State *state;
    StateTable *table;
    const char *name; // of the table
    json_t *description;
    DuckConn *conn;
    const char *function;
    Schema keys;
    Schema values;
    StateRelation relation;
} StateView;

// ---- the table ---------------------------------------------------------------------------------

static bool open_state(Source *source, Error *err)
{
    const InspectConfig *config = source->config;
    StateView *view = source->state;
    StateOptions options = {
        .budget = view->budget,
        .read_only = true,
        .as_of = config->batch >= 0 ? &config->batch : NULL,
    };
    StatePosition pending;
    state_close(view->state);
    view->state = NULL;
    return state_open(config->folder, &options, &view->state, err) &&
           (!state_pending(view->state, &pending) || state_apply_pending(view->state, err));
}

// "aggregate_0": the tables beside it ("aggregate_0_expiry") are an operator's own business.
static bool is_operator(const char *name)
{
    static const char *const words[] = {"aggregate_", "session_", "deduplicate_",
                                        "top_",       "limit_",   "join_"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        size_t size = strlen(words[i]);
        if (strncmp(name, words[i], size) == 0) {
            return name[size] != '\0' && name[size + strspn(name + size, "0123456789")] == '\0';
        }
    }
    return false;
}

static bool is_a(const char *table, const char *word)
{
    return strncmp(table, word, strlen(word)) == 0;
}

static bool refuse_table(const StateView *view, const InspectConfig *config, size_t count,
                         Error *err)
{
    if (count == 0) {
        return fail(err, ERROR_INPUT, "flow '%s' keeps no state: it has no stateful operator",
                    config->flow);
    }
    Buffer names = {0};
    StateTable *table;
    const char *name;
    Slice layout;
    for (size_t i = 0; state_table_at(view->state, i, &table, &name, &layout); i++) {
        if (is_operator(name)) {
            buffer_printf(&names, "%s%s", names.size == 0 ? "" : ", ", name);
        }
    }
    if (config->stage != NULL) {
        fail(err, ERROR_INPUT, "flow '%s' has no operator '%s'; there are: %s", config->flow,
             config->stage, buffer_text(&names));
    } else {
        fail(err, ERROR_INPUT,
             "flow '%s' has several stateful operators: say which, as in state('%s', operator => "
             "'...'); there are: %s",
             config->flow, config->flow, buffer_text(&names));
    }
    buffer_done(&names);
    return false;
}

static bool find_table(Source *source, Slice *layout, Error *err)
{
    const InspectConfig *config = source->config;
    StateView *view = source->state;
    StateTable *table;
    const char *name;
    Slice text;
    size_t count = 0;
    size_t matches = 0;
    for (size_t i = 0; state_table_at(view->state, i, &table, &name, &text); i++) {
        if (!is_operator(name)) {
            continue;
        }
        count++;
        if (config->stage == NULL || text_equal_nocase(config->stage, name)) {
            matches++;
            view->table = table;
            view->name = name;
            *layout = text;
        }
    }
    return matches == 1 || refuse_table(view, config, count, err);
}

// ---- columns -----------------------------------------------------------------------------------

// The next of the types that stand side by side; empty at the end of the list.
static Slice next_type(Slice *list)
{
    while (list->size > 0 && list->data[0] == ' ') {
        *list = (Slice){list->data + 1, list->size - 1};
    }
    int depth = 0;
    size_t size = 0;
    while (size < list->size && (depth > 0 || list->data[size] != ' ')) {
        char c = list->data[size++];
        depth += c == '<' || c == '(';
        depth -= c == '>' || c == ')';
    }
    Slice type = {list->data, size};
    *list = (Slice){list->data + size, list->size - size};
    return type;
}

// Names of fields may be any text: in backticks they can be parsed.
static void quote_fields(Slice type, Buffer *out)
{
    buffer_reset(out);
    for (size_t i = 0; i < type.size; i++) {
        buffer_append_char(out, type.data[i]);
        if (type.data[i] != '<' && type.data[i] != ',') {
            continue;
        }
        size_t size = 0;
        while (i + 1 + size < type.size && strchr(":<>,()", type.data[i + 1 + size]) == NULL) {
            size++;
        }
        if (i + 1 + size < type.size && type.data[i + 1 + size] == ':') {
            buffer_printf(out, "`%.*s`", (int)size, type.data + i + 1);
            i += size;
        }
    }
}

static bool read_types(Arena *arena, Slice list, char letter, Schema *schema, Error *err)
{
    Buffer quoted = {0};
    const Type *type = type_simple(TYPE_BIGINT);
    for (Slice text = next_type(&list); type != NULL && text.size > 0; text = next_type(&list)) {
        quote_fields(text, &quoted);
        type = sql_parse_type(arena, buffer_slice(&quoted), err);
        if (type == NULL) {
            break;
        }
        schema_add(arena, schema, arena_printf(arena, "%c%zu", letter, schema->count), type, true);
    }
    buffer_done(&quoted);
    return type != NULL;
}

static Slice part_of(Slice layout, const char *word)
{
    const char *at = memmem(layout.data, layout.size, word, strlen(word));
    if (at == NULL) {
        return (Slice){0};
    }
    at += strlen(word);
    size_t left = (size_t)(layout.data + layout.size - at);
    const char *end = memchr(at, ';', left);
    return (Slice){at, end == NULL ? left : (size_t)(end - at)};
}

// "keys string bigint; values double; ..."
static bool read_layout(Source *source, Slice layout, Error *err)
{
    StateView *view = source->state;
    Arena *arena = source->context.arena;
    if (is_a(view->name, "join_")) {
        return fail(err, ERROR_INPUT,
                    "'%s' keeps rows of both sides of a join, which this version cannot show",
                    view->name);
    }
    if (!read_types(arena, part_of(layout, "keys"), 'k', &view->keys, err) ||
        !read_types(arena, part_of(layout, "values"), 'v', &view->values, err)) {
        return fail_context(err, "state '%s'", view->name);
    }
    bool is_time = is_a(view->name, "deduplicate_");
    bool is_count = is_a(view->name, "limit_");
    if (is_count) {
        view->keys = (Schema){0};
    }
    if (is_time || is_count) {
        view->values = (Schema){0};
        schema_add(arena, &view->values, is_time ? "expires" : "rows",
                   type_simple(is_time ? TYPE_TIMESTAMP : TYPE_BIGINT), true);
    }
    view->relation = (StateRelation){.table = view->table,
                                     .keys = &view->keys,
                                     .values = &view->values,
                                     .with_bucket = true,
                                     .value_is_int = is_time || is_count};
    return true;
}

static void print_time(Buffer *sql, bool is_ntz, const char *column, int64_t more)
{
    buffer_printf(sql, "%s(%s + %lld)", is_ntz ? "make_timestamp" : "make_timestamptz", column,
                  (long long)more);
}

// A column under the name that the query has for it; the start of a window as the window.
static void print_column(const json_t *stage, const Column *column, Buffer *sql)
{
    const json_t *columns = json_object_get(stage, "columns");
    const json_t *shown = NULL;
    for (size_t i = 0; i < json_array_size(columns) && shown == NULL; i++) {
        const json_t *item = json_array_get(columns, i);
        const char *name = json_string_value(json_object_get(item, "column"));
        shown = name != NULL && strcmp(name, column->name) == 0 ? item : NULL;
    }
    const char *name = json_string_value(json_object_get(shown, "name"));
    int64_t size = json_integer_value(json_object_get(shown, "size"));
    const char *type = json_string_value(json_object_get(shown, "type"));
    buffer_append_text(sql, ", ");
    if (size > 0 && column->type->kind == TYPE_BIGINT) {
        bool is_ntz = type != NULL && strcmp(type, "timestamp_ntz") == 0;
        buffer_append_text(sql, "struct_pack(\"start\" := ");
        print_time(sql, is_ntz, column->name, 0);
        buffer_append_text(sql, ", \"end\" := ");
        print_time(sql, is_ntz, column->name, size);
        buffer_append_text(sql, ")");
    } else {
        buffer_append_text(sql, column->name);
    }
    buffer_append_text(sql, " AS ");
    duck_quote_name(sql, slice_of(name == NULL ? column->name : name));
}

// ---- the source --------------------------------------------------------------------------------

static bool state_source_open(Source *source, Error *err)
{
    const InspectConfig *config = source->config;
    StateView *view = source->state;
    Slice layout;
    view->budget = state_budget_create(config->limit_bytes);
    if (!inspect_retry(open_state, source, err) || !find_table(source, &layout, err) ||
        !read_layout(source, layout, err) ||
        !describe_read(config->folder, &view->description, err) ||
        !duck_connect(config->duck, &view->conn, err)) {
        return false;
    }
    const char *name =
        arena_printf(source->context.arena, "inspect_state_%s", source->context.unique);
    if (!state_relation_register(view->conn, &view->relation, name, err)) {
        return false;
    }
    view->function = name;
    schema_add(source->context.arena, &source->schema, "bucket", type_simple(TYPE_TIMESTAMP), true);
    return true;
}

static bool state_source_whole(Source *source, Buffer *sql, Error *err)
{
    (void)err;
    const StateView *view = source->state;
    const json_t *stage = describe_stage(view->description, view->name);
    bool closes = json_is_true(json_object_get(stage, "closes")) &&
                  (is_a(view->name, "aggregate_") || is_a(view->name, "top_"));
    Buffer columns = {0};
    if (closes) { // what never closes stands in the last bucket of all
        buffer_append_text(&columns, ", CASE WHEN bucket < 9223372036854775807 THEN "
                                     "make_timestamptz(bucket) END AS bucket");
    }
    for (size_t i = 0; i < view->keys.count; i++) {
        print_column(stage, &view->keys.columns[i], &columns);
    }
    for (size_t i = 0; i < view->values.count; i++) {
        print_column(stage, &view->values.columns[i], &columns);
    }
    buffer_printf(sql, "(SELECT %s FROM %s())", buffer_text(&columns) + strlen(", "),
                  view->function);
    buffer_done(&columns);
    return true;
}

static void state_source_close(Source *source)
{
    StateView *view = source->state;
    if (view->function != NULL) {
        duck_function_retire(view->conn, view->function);
    }
    duck_disconnect(view->conn);
    json_decref(view->description);
    state_close(view->state);
    state_budget_destroy(view->budget);
}

#define FIELD(name) offsetof(InspectConfig, name)

static const Option state_options[] = {
    {"flow", OPTION_TEXT, true, NULL, FIELD(flow), "the flow whose state it is"},
    {"batch", OPTION_INT, false, "-1", FIELD(batch), "as of this batch; -1: the newest"},
    {"operator", OPTION_TEXT, false, NULL, FIELD(stage), "which of several stateful operators"},
};

const SourceType inspect_state = {
    .name = "state",
    .help = "what a flow keeps between batches",
    .flags = SOURCE_BATCH,
    .positional = "flow",
    .config_size = sizeof(InspectConfig),
    .options = state_options,
    .option_count = ARRAY_LEN(state_options),
    .state_size = sizeof(StateView),
    .open = state_source_open,
    .whole = state_source_whole,
    .close = state_source_close,
};
