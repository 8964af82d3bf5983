// Partial aggregates of several batches, panes or sessions become one. See plan_cut.h, aggregate.h.
// SPDX-License-Identifier: Apache-2.0
#include "stream/plan_cut.h"

// The call whose partial has this number.
static const AggregateCall *call_of(const Cut *cut, size_t number)
{
    for (size_t i = 0; i < cut->call_count; i++) {
        const AggregateCall *call = &cut->calls[i];
        if (number >= call->first_partial &&
            number < call->first_partial + call->rule->partial_count) {
            return call;
        }
    }
    return NULL;
}

void plan_merge_pairs(const Cut *cut, const char *p, const char *o, const char *name, Buffer *sql)
{
    for (size_t number = 0; cut->call_count > 0 && number < cut->partials.count; number++) {
        const AggregateCall *call = call_of(cut, number);
        AggregateSides sides = {p, o, call->first_partial};
        buffer_append_text(sql, ", ");
        aggregate_print_merge(call->rule, number - call->first_partial, &sides,
                              cut->partials.columns[number].type, sql);
        buffer_printf(sql, " AS %s%zu", name, number);
    }
    if (cut->call_count == 0) {
        buffer_printf(sql, ", %s0 AS %s0", p, name);
    }
}

// Partials without a gather form: their structs in a list, merged in pairs.
static void gather_pairs(const Cut *cut, size_t i, const Type *const *types, Buffer *sql)
{
    const AggregateCall *call = &cut->calls[i];
    buffer_append_text(sql, ", list_reduce(list(struct_pack(");
    for (size_t k = 0; k < call->rule->partial_count; k++) {
        buffer_printf(sql, "%sv%zu := p%zu", k == 0 ? "" : ", ", k, call->first_partial + k);
    }
    buffer_printf(sql, ")) FILTER (p%zu IS NOT NULL), lambda a, b: struct_pack(",
                  call->first_partial);
    AggregateSides sides = {"b.v", "a.v", 0};
    for (size_t k = 0; k < call->rule->partial_count; k++) {
        buffer_printf(sql, "%sv%zu := ", k == 0 ? "" : ", ", k);
        aggregate_print_merge(call->rule, k, &sides, types[k], sql);
    }
    buffer_printf(sql, ")) AS g%zu", i);
}

void plan_merge_gather(Cut *cut, const char *keys, const char *from, Buffer *sql)
{
    Buffer inner = {0};
    bool has_keys = keys[0] != '\0';
    buffer_printf(sql, "SELECT %s", has_keys ? keys : "true AS whole");
    for (size_t i = 0; i < cut->call_count; i++) {
        const AggregateCall *call = &cut->calls[i];
        const Type *types[AGGREGATE_PARTIALS_MAX];
        for (size_t k = 0; k < call->rule->partial_count; k++) {
            types[k] = cut->partials.columns[call->first_partial + k].type;
        }
        AggregateSides sides = {"p", "p", call->first_partial};
        bool direct = aggregate_print_gather(call->rule, &sides, types, "p", &inner);
        if (!direct) {
            gather_pairs(cut, i, types, &inner);
        }
        for (size_t k = 0; k < call->rule->partial_count; k++) {
            size_t number = call->first_partial + k;
            if (direct) {
                buffer_printf(sql, ", p%zu", number);
            } else {
                buffer_printf(sql, ", g%zu.v%zu AS p%zu", i, k, number);
            }
        }
    }
    if (cut->call_count == 0) {
        buffer_append_text(sql, ", p0");
        buffer_append_text(&inner, ", any_value(p0) AS p0");
    }
    buffer_printf(sql, " FROM (SELECT %s%s FROM %s%s%s)", has_keys ? keys : "true AS whole",
                  buffer_text(&inner), from, has_keys ? " GROUP BY " : "", keys);
    buffer_done(&inner);
}

// The batch aggregate over the list of its arguments.
static bool print_over_list(Cut *cut, const AggregateCall *call, const char *prefix, Buffer *sql)
{
    Arena *arena = cut->planner->arena;
    Select *select = ARENA_NEW(arena, Select);
    SelectItem *item = ARENA_NEW(arena, SelectItem);
    item->expr = plan_calls_rebind(arena, call->call, "u", SIZE_MAX);
    item->alias = slice_of("x");
    item->pos = call->expr->pos;
    select->pos = call->expr->pos;
    select->items = item;
    select->item_count = 1;
    const char *list =
        arena_printf(arena, "(SELECT unnest(%s%zu) AS u)", prefix, call->first_partial);
    select->from = plan_raw_relation(arena, select->pos, (Slice){0}, list);
    const char *text = plan_sql(cut->planner, plan_query_of(arena, select));
    if (text == NULL) {
        return false;
    }
    buffer_printf(sql, "(%s)", text);
    return true;
}

bool plan_merge_final(Cut *cut, size_t i, const char *prefix, Buffer *sql)
{
    const AggregateCall *call = &cut->calls[i];
    if (aggregate_is_list(call->rule)) {
        return print_over_list(cut, call, prefix, sql);
    }
    AggregateSides sides = {prefix, prefix, call->first_partial};
    aggregate_print_final(call->rule, &sides, call->type, sql);
    return true;
}
