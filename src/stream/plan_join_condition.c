// The condition of a join of two streams. See plan_join.h.
//
// Its parts that hold together are
//   keys      a.k = b.k: what rows are looked up by
//   filters   of one side alone; on a preserved side of ON: whether the row joins at all
//   bounds    b.ts <= a.ts + INTERVAL 10 SECONDS: also how far apart the times are, and so what may
//             be forgotten
//   rest      everything on both sides but the keys, checked on each pair
// What WHERE says of an inner join belongs to its condition, and of an outer one, to its preserved
// side. Where a side's unmatched rows do not come out, rows without a value that the condition
// needs are left out at once, as Spark does.
// SPDX-License-Identifier: Apache-2.0
#include "stream/plan_join.h"

bool plan_join_condition_binds(JoinCut *cut, int side, const Expr *expr, const Type **type)
{
    Planner *planner = cut->planner;
    SelectItem item = {.expr = (Expr *)expr, .alias = slice_of("x"), .pos = expr->pos};
    Select *select = ARENA_NEW(planner->arena, Select);
    select->pos = expr->pos;
    select->from = cut->inputs[side].relation;
    select->items = &item;
    select->item_count = 1;
    const char *sql = plan_sql(planner, plan_query_of(planner->arena, select));
    Schema schema = {0};
    DuckProblem problem;
    Error err;
    if (sql == NULL ||
        !duck_describe(planner->request->conn, sql, &schema, planner->arena, &problem, &err)) {
        return false;
    }
    if (type != NULL) {
        *type = schema.columns[0].type;
    }
    return true;
}

static bool binds(JoinCut *cut, int side, const Expr *expr)
{
    return plan_join_condition_binds(cut, side, expr, NULL);
}

static void add_sql(JoinCut *cut, SqlList *list, const char *sql)
{
    ARENA_PUSH(cut->planner->arena, list->items, list->count, list->capacity, sql);
}

// ---- values that must be there -----------------------------------------------------------------

typedef struct NotNull {
    JoinCut *cut;
    int side;
} NotNull;

bool plan_join_condition_passes_null(const Expr *expr)
{
    bool arithmetic = expr->kind == EXPR_BINARY && expr->op >= OP_ADD && expr->op <= OP_MOD;
    return arithmetic || expr->kind == EXPR_UNARY || expr->kind == EXPR_CAST ||
           expr->kind == EXPR_FIELD;
}

static void need_value(JoinCut *cut, int side, const Expr *expr)
{
    if (expr->kind == EXPR_COLUMN && binds(cut, side, expr)) {
        const char *sql = plan_expr_sql(cut->planner, expr);
        add_sql(cut, &cut->inputs[side].filters,
                arena_printf(cut->planner->arena, "%s IS NOT NULL", sql));
    }
    for (size_t i = 0; plan_join_condition_passes_null(expr) && i < expr->arguments.count; i++) {
        need_value(cut, side, expr->arguments.items[i]);
    }
}

bool plan_join_condition_compares(const Expr *expr)
{
    bool compares = expr->kind == EXPR_BINARY &&
                    (expr->op == OP_EQ || (expr->op >= OP_NE && expr->op <= OP_GE));
    return compares || (expr->kind == EXPR_BETWEEN && !expr->negated);
}

static void need_values(JoinCut *cut, const Expr *condition)
{
    for (int side = SIDE_LEFT; side <= SIDE_RIGHT && plan_join_condition_compares(condition);
         side++) {
        for (size_t i = 0; i < condition->arguments.count; i++) {
            if (!cut->inputs[side].is_preserved) {
                need_value(cut, side, condition->arguments.items[i]);
            }
        }
    }
}

// ---- bounds on times ---------------------------------------------------------------------------

typedef struct Linear { // left * time of the left side + right * that of the right side + constant
    int factors[2];
    TimeUs constant;
    bool is_cut_off; // to seconds, by a cast
    bool failed;
} Linear;

static bool seconds_of(Slice number, TimeUs *value)
{
    int64_t seconds = 0;
    for (size_t i = 0; i < number.size; i++) {
        if (number.data[i] < '0' || number.data[i] > '9' || i >= 12) {
            return false;
        }
        seconds = seconds * 10 + (number.data[i] - '0');
    }
    *value = seconds * TIME_SECOND;
    return number.size > 0;
}

static bool is_time_of(const JoinCut *cut, int side, const Expr *column)
{
    const EventColumn *time = cut->inputs[side].time;
    Flowing one = {.events = (EventColumn *)time, .event_count = time == NULL ? 0 : 1};
    return plan_is_event_column(&one, column);
}

static void add_term(JoinCut *cut, const Expr *expr, int sign, Linear *sum)
{
    TimeUs value = 0;
    if (expr->kind == EXPR_BINARY && (expr->op == OP_ADD || expr->op == OP_SUB)) {
        add_term(cut, expr->arguments.items[0], sign, sum);
        add_term(cut, expr->arguments.items[1], expr->op == OP_SUB ? -sign : sign, sum);
    } else if (expr->kind == EXPR_UNARY && expr->op == OP_NEGATE) {
        add_term(cut, expr->arguments.items[0], -sign, sum);
    } else if (expr->kind == EXPR_CAST &&
               (type_is_integer(expr->type) || expr->type->kind == TYPE_TIMESTAMP ||
                expr->type->kind == TYPE_DOUBLE)) {
        sum->is_cut_off |= type_is_integer(expr->type);
        add_term(cut, expr->arguments.items[0], sign, sum);
    } else if (expr->kind == EXPR_INTERVAL && expr->interval_is_constant && expr->months == 0) {
        sum->constant += sign * (expr->days * TIME_DAY + expr->micros);
    } else if (expr->kind == EXPR_NUMBER && seconds_of(expr->text, &value)) {
        sum->constant += sign * value;
    } else if (expr->kind == EXPR_COLUMN) {
        bool left = is_time_of(cut, SIDE_LEFT, expr) && binds(cut, SIDE_LEFT, expr);
        bool right = !left && is_time_of(cut, SIDE_RIGHT, expr) && binds(cut, SIDE_RIGHT, expr);
        sum->failed |= !left && !right;
        sum->factors[left ? SIDE_LEFT : SIDE_RIGHT] += sign;
    } else {
        sum->failed = true;
    }
}

static void add_bound(JoinCut *cut, Op op, const Expr *left, const Expr *right)
{
    Linear sum = {0};
    add_term(cut, left, 1, &sum);
    add_term(cut, right, -1, &sum);
    int factor = sum.factors[SIDE_RIGHT]; // sum op 0
    if (sum.failed || (factor != 1 && factor != -1) || sum.factors[SIDE_LEFT] != -factor) {
        return;
    }
    bool is_less = op == OP_LT || op == OP_LE;
    JoinBound bound = {
        .is_high = is_less == (factor == 1),
        .is_inclusive = op == OP_LE || op == OP_GE,
        .value = -factor * sum.constant,
        .slack = sum.is_cut_off ? TIME_SECOND : 0,
    };
    ARENA_PUSH(cut->planner->arena, cut->bounds, cut->bound_count, cut->bound_capacity, bound);
}

void plan_join_condition_bounds(JoinCut *cut)
{
    for (size_t i = 0; i < cut->rest_count; i++) {
        const Expr *expr = cut->rest[i];
        Expr *const *of = expr->arguments.items;
        if (expr->kind == EXPR_BINARY && expr->op >= OP_LT && expr->op <= OP_GE) {
            add_bound(cut, expr->op, of[0], of[1]);
        } else if (expr->kind == EXPR_BETWEEN && !expr->negated) {
            add_bound(cut, OP_GE, of[0], of[1]);
            add_bound(cut, OP_LE, of[0], of[2]);
        }
    }
}

// ---- keys --------------------------------------------------------------------------------------

static bool is_temporal(const Type *type)
{
    return type->kind == TYPE_DATE || type->kind == TYPE_TIMESTAMP ||
           type->kind == TYPE_TIMESTAMP_NTZ;
}

// The type in which both sides of an equality are compared; NULL after a problem.
static const Type *common_type(JoinCut *cut, const Type *left, const Type *right, Pos pos)
{
    if (type_equal(left, right)) {
        return left;
    }
    Planner *planner = cut->planner;
    Buffer sql = {0};
    Schema schema = {0};
    bool alike = (type_is_numeric(left) && type_is_numeric(right)) ||
                 (is_temporal(left) && is_temporal(right));
    if (alike) {
        buffer_append_text(&sql, "SELECT CASE WHEN true THEN CAST(NULL AS ");
        type_print_duck(left, &sql);
        buffer_append_text(&sql, ") ELSE CAST(NULL AS ");
        type_print_duck(right, &sql);
        buffer_append_text(&sql, ") END AS x");
        alike = plan_describe(planner, buffer_text(&sql), pos, &schema);
    } else {
        buffer_append_text(&sql, "columns of the types ");
        type_print(left, &sql);
        buffer_append_text(&sql, " and ");
        type_print(right, &sql);
        diagnose(planner->diagnostics, pos, "UNSUPPORTED_FEATURE", "CAST one side",
                 "%s cannot be the keys of a join of streams", buffer_text(&sql));
    }
    buffer_done(&sql);
    return alike ? schema.columns[0].type : NULL;
}

static const char *key_sql(JoinCut *cut, const Expr *expr, const Type *own, const Type *type)
{
    const char *sql = plan_expr_sql(cut->planner, expr);
    if (sql == NULL || type_equal(own, type)) {
        return sql;
    }
    Buffer text = {0};
    buffer_printf(&text, "CAST(%s AS ", sql);
    type_print_duck(type, &text);
    buffer_append_text(&text, ")");
    const char *cast = arena_text(cut->planner->arena, buffer_slice(&text));
    buffer_done(&text);
    return cast;
}

static bool add_key(JoinCut *cut, const Expr *left, const Expr *right, bool is_null_safe)
{
    const Type *types[2];
    if (!plan_join_condition_binds(cut, SIDE_LEFT, left, &types[SIDE_LEFT]) ||
        !plan_join_condition_binds(cut, SIDE_RIGHT, right, &types[SIDE_RIGHT])) {
        return diagnose(cut->planner->diagnostics, left->pos, NULL, NULL,
                        "the sides of a join of streams cannot be told apart here");
    }
    JoinKey key = {.exprs = {left, right}, .is_null_safe = is_null_safe};
    key.type = common_type(cut, types[SIDE_LEFT], types[SIDE_RIGHT], left->pos);
    if (key.type == NULL) {
        return false;
    }
    for (int side = SIDE_LEFT; side <= SIDE_RIGHT; side++) {
        key.sql[side] = key_sql(cut, key.exprs[side], types[side], key.type);
        if (key.sql[side] == NULL) {
            return false;
        }
        if (!is_null_safe && !cut->inputs[side].is_preserved) {
            add_sql(cut, &cut->inputs[side].filters,
                    arena_printf(cut->planner->arena, "%s IS NOT NULL", key.sql[side]));
        }
    }
    ARENA_PUSH(cut->planner->arena, cut->keys, cut->key_count, cut->key_capacity, key);
    return true;
}

// The two sides of an equality, the left side of the join first; false: it is no key.
static bool key_of(JoinCut *cut, const Expr *expr, const Expr **left, const Expr **right)
{
    bool equals = expr->kind == EXPR_BINARY && (expr->op == OP_EQ || expr->op == OP_NULL_SAFE_EQ);
    if (!equals) {
        return false;
    }
    for (int turn = 0; turn < 2; turn++) {
        *left = expr->arguments.items[turn];
        *right = expr->arguments.items[1 - turn];
        if (binds(cut, SIDE_LEFT, *left) && binds(cut, SIDE_RIGHT, *right)) {
            return true;
        }
    }
    return false;
}

// ---- parts of the condition --------------------------------------------------------------------

static bool note_impure(void *context, const Expr *expr)
{
    static const char *const names[] = {
        "rand", "randn", "random", "uuid", "randstr", "shuffle", "monotonically_increasing_id"};
    bool *impure = context;
    *impure |= expr->query != NULL;
    for (size_t i = 0; expr->kind == EXPR_CALL && i < ARRAY_LEN(names); i++) {
        *impure |= slice_equal_nocase(expr->text, slice_of(names[i]));
    }
    return true;
}

bool plan_join_condition_is_pure(const Expr *expr)
{
    bool impure = false;
    rewrite_visit(expr, note_impure, &impure);
    return !impure;
}

static bool add_one_sided(JoinCut *cut, int side, const Expr *expr, bool from_where)
{
    JoinInput *input = &cut->inputs[side];
    const char *sql = plan_expr_sql(cut->planner, expr);
    if (sql != NULL && input->is_preserved && !from_where) {
        add_sql(cut, &input->alone, sql); // the row comes out, without a match
    } else if (sql != NULL && (!from_where || input->is_preserved || cut->kind == JOIN_INNER ||
                               cut->kind == JOIN_SEMI)) {
        add_sql(cut, &input->filters, sql);
    }
    return sql != NULL;
}

static bool add_condition(JoinCut *cut, const Expr *expr, bool from_where)
{
    if (expr->kind == EXPR_BINARY && expr->op == OP_AND) {
        return add_condition(cut, expr->arguments.items[0], from_where) &&
               add_condition(cut, expr->arguments.items[1], from_where);
    }
    if (from_where && !plan_join_condition_is_pure(expr)) {
        return true; // WHERE itself stays
    }
    bool left = binds(cut, SIDE_LEFT, expr);
    bool right = binds(cut, SIDE_RIGHT, expr);
    if (left != right) {
        // Of FULL, both sides are preserved, and a row that WHERE drops may still keep another
        // from coming out alone.
        return (from_where && cut->kind == JOIN_FULL) ||
               add_one_sided(cut, left ? SIDE_LEFT : SIDE_RIGHT, expr, from_where);
    }
    if (from_where && (left || cut->kind != JOIN_INNER)) {
        return true;
    }
    const Expr *keys[2];
    if (!left && key_of(cut, expr, &keys[SIDE_LEFT], &keys[SIDE_RIGHT])) {
        return add_key(cut, keys[SIDE_LEFT], keys[SIDE_RIGHT], expr->op == OP_NULL_SAFE_EQ);
    }
    need_values(cut, expr);
    ARENA_PUSH(cut->planner->arena, cut->rest, cut->rest_count, cut->rest_capacity, expr);
    return true;
}

static bool add_merged(JoinCut *cut, Slice name, Pos pos)
{
    Planner *planner = cut->planner;
    const JoinColumn *left =
        plan_join_names_find(&cut->inputs[SIDE_LEFT].columns, (Slice){0}, name);
    const JoinColumn *right =
        plan_join_names_find(&cut->inputs[SIDE_RIGHT].columns, (Slice){0}, name);
    if (left == NULL || right == NULL) {
        return diagnose(planner->diagnostics, pos, "UNRESOLVED_USING_COLUMN_FOR_JOIN", NULL,
                        "USING column '%.*s' is not on both sides of the join", SLICE_ARG(name));
    }
    ARENA_PUSH(planner->arena, cut->merged, cut->merged_count, cut->merged_capacity, name);
    const char *text = arena_text(planner->arena, name);
    Expr *column = plan_column(planner->arena, pos, text, NULL);
    return add_key(cut, column, column, false);
}

// Whether a WHERE conjunct can be looked at here: it has no names but those of this join.
static bool belongs_here(JoinCut *cut, const Expr *expr)
{
    Relation *both = ast_relation(cut->planner->arena, RELATION_JOIN, cut->relation->pos);
    both->join = JOIN_CROSS;
    both->left = cut->inputs[SIDE_LEFT].relation;
    both->right = cut->inputs[SIDE_RIGHT].relation;
    JoinCut probe = *cut;
    probe.inputs[SIDE_LEFT].relation = both;
    return binds(&probe, SIDE_LEFT, expr);
}

static bool add_where(JoinCut *cut, const Expr *expr)
{
    if (expr->kind == EXPR_BINARY && expr->op == OP_AND) {
        return add_where(cut, expr->arguments.items[0]) && add_where(cut, expr->arguments.items[1]);
    }
    return !belongs_here(cut, expr) || add_condition(cut, expr, true);
}

bool plan_join_condition_split(JoinCut *cut)
{
    const Relation *relation = cut->relation;
    const Select *select = cut->planner->select;
    for (size_t i = 0; i < relation->using_count; i++) {
        if (!add_merged(cut, relation->using_columns[i], relation->pos)) {
            return false;
        }
    }
    const JoinColumns *left = &cut->inputs[SIDE_LEFT].columns;
    for (size_t i = 0; relation->natural && i < left->count; i++) {
        Slice name = slice_of(left->items[i].name);
        if (plan_join_names_find(&cut->inputs[SIDE_RIGHT].columns, (Slice){0}, name) != NULL &&
            !add_merged(cut, name, relation->pos)) {
            return false;
        }
    }
    bool sees_where = select != NULL && select->where != NULL && cut->planner->where_reaches;
    return (relation->on == NULL || add_condition(cut, relation->on, false)) &&
           (!sees_where || add_where(cut, select->where));
}
