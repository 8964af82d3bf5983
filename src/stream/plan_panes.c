// From what a batch adds to panes and to sets of DISTINCT values to its groups. See plan_cut.h.
//
// A row of the stream is reduced once, with its pane for a key; the panes of a sliding window are
// put together here, from one row per pane and group of the batch:
//
//     SELECT unnest(<windows of the pane k0>) AS k0, k1, p0 FROM panes      then gathered by k0, k1
//
// A DISTINCT is an aggregate over the values that its group has not seen. Per batch and group there
// is one list of values; a function says which are new, and remembers them for the state:
//
//     tumbling   SELECT k0, k1, count(x) AS p1 FROM (k0, k1, x) WHERE <function>(bucket, k0, k1, x)
//     sliding    <function>(k1, x, panes) AS the runs of windows in which x is new, {from, to};
//                SELECT k1, run, count(x) AS p1 GROUP BY k1, run; then each run's windows
//
// Both kinds of rows are gathered together.
// SPDX-License-Identifier: Apache-2.0
#include "stream/plan_cut.h"

// "k0, k2": the keys, or those beside the sliding window.
static const char *key_list(const Cut *cut, bool beside)
{
    Buffer list = {0};
    for (size_t i = 0; i < cut->key_count; i++) {
        if (!beside || (int)i != cut->sliding) {
            buffer_printf(&list, "%sk%zu", list.size > 0 ? ", " : "", i);
        }
    }
    const char *text = arena_text(cut->planner->arena, buffer_slice(&list));
    buffer_done(&list);
    return text;
}

static const char *with_comma(const Cut *cut, const char *list)
{
    return list[0] == '\0' ? list : arena_printf(cut->planner->arena, "%s, ", list);
}

const char *plan_panes_last_start(const Cut *cut, const GroupKey *key, const char *pane)
{
    long long slide = (long long)key->shape.slide;
    return arena_printf(cut->planner->arena, "%s - ((%s - %lld) %% %lld + %lld) %% %lld", pane,
                        pane, (long long)key->shape.offset, slide, slide, slide);
}

// The starts of the windows that hold a pane.
static const char *windows_of_pane(const Cut *cut)
{
    Arena *arena = cut->planner->arena;
    const GroupKey *key = &cut->keys[cut->sliding];
    const char *pane = arena_printf(arena, "k%d", cut->sliding);
    return arena_printf(arena, "unnest(range(%s, %s - %lld, -%lld)) AS %s",
                        plan_panes_last_start(cut, key, pane), pane, (long long)key->shape.size,
                        (long long)key->shape.slide, pane);
}

// ", p3, p4": the partials from `first` on.
static const char *partial_list(const Cut *cut, size_t first)
{
    Buffer list = {0};
    for (size_t i = first; i < cut->partials.count; i++) {
        buffer_printf(&list, ", p%zu", i);
    }
    const char *text = arena_text(cut->planner->arena, buffer_slice(&list));
    buffer_done(&list);
    return text;
}

// One row per group of the batch, or per window of its pane. The partials of DISTINCT come later.
static void print_rows(const Cut *cut, Buffer *sql)
{
    const char *keys = key_list(cut, true);
    buffer_append_text(sql, "SELECT ");
    buffer_append_text(sql, cut->sliding >= 0 ? windows_of_pane(cut) : "true AS whole");
    buffer_printf(sql, "%s%s%s FROM panes", keys[0] == '\0' ? "" : ", ", keys,
                  partial_list(cut, 0));
}

static bool print_new_values(Cut *cut, size_t index, Buffer *sql)
{
    const PlanDistinct *distinct = &cut->stage->aggregate->distincts[index];
    const char *keys = key_list(cut, true);
    const char *others = with_comma(cut, keys);
    Buffer partials = {0};
    Buffer bucket = {0};
    size_t first = cut->partials.count;
    bool ok = plan_calls_distinct_sql(cut, index, &partials);
    plan_aggregate_bucket(cut, &bucket);
    if (ok && cut->sliding >= 0) {
        const WindowShape *shape = &cut->keys[cut->sliding].shape;
        buffer_printf(sql, "SELECT unnest(range(w.\"from\", w.\"to\" + 1, %lld)) AS k%d%s%s%s",
                      (long long)shape->slide, cut->sliding, keys[0] == '\0' ? "" : ", ", keys,
                      partial_list(cut, first));
        buffer_printf(sql,
                      " FROM (SELECT %sw%s FROM (SELECT %sx, unnest(w) AS w FROM (SELECT %sx, "
                      "%s(%sx, panes) AS w FROM (SELECT %sx, list(k%d) AS panes FROM "
                      "(SELECT %sk%d, unnest(d%zu) AS x FROM panes WHERE k%d IS NOT NULL) "
                      "GROUP BY %sx))) GROUP BY %sw)",
                      others, buffer_text(&partials), others, others, distinct->function, others,
                      others, cut->sliding, others, cut->sliding, index, cut->sliding, others,
                      others);
    } else if (ok) {
        buffer_printf(sql,
                      "SELECT %s%s FROM (SELECT %sx, %s(%s, %sx) AS is_new FROM "
                      "(SELECT %sunnest(d%zu) AS x FROM panes)) WHERE is_new%s%s",
                      keys[0] == '\0' ? "true AS whole" : keys, buffer_text(&partials), others,
                      distinct->function, buffer_text(&bucket), others, others, index,
                      keys[0] == '\0' ? "" : " GROUP BY ", keys);
    }
    buffer_done(&bucket);
    buffer_done(&partials);
    return ok;
}

// The function of a DISTINCT, and what its state table holds.
static bool plan_distinct(Cut *cut, size_t index)
{
    Arena *arena = cut->planner->arena;
    PlanDistinct *distinct = &cut->stage->aggregate->distincts[index];
    distinct->function =
        arena_printf(arena, "distinct_%d_%d_%zu", cut->planner->plan->flow, cut->stage->id, index);
    distinct->table = arena_printf(arena, "%s_distinct_%zu", cut->stage->name, index);
    distinct->slides = cut->sliding >= 0;
    Buffer macro = {0};
    buffer_append_char(&macro, '(');
    for (size_t i = 0; i < cut->stage->keys.count; i++) {
        if ((int)i != cut->sliding) {
            const Column *key = &cut->stage->keys.columns[i];
            schema_add(arena, &distinct->keys, key->name, key->type, true);
            buffer_printf(&macro, "a%zu, ", i);
        }
    }
    schema_add(arena, &distinct->keys, "x", cut->distincts[index].type, true);
    if (distinct->slides) {
        distinct->shape = cut->keys[cut->sliding].shape;
        buffer_append_text(&macro, "x, panes) AS [{'from': 0::BIGINT, 'to': 0::BIGINT}]");
    } else {
        buffer_append_text(&macro, "bucket, x) AS true");
    }
    bool ok = plan_declare_function(cut->planner, distinct->function, buffer_text(&macro),
                                    cut->select->pos);
    buffer_done(&macro);
    return ok;
}

const char *plan_panes_sql(Cut *cut, const char *partial)
{
    if (cut->sliding < 0 && cut->distinct_count == 0) {
        return partial;
    }
    Arena *arena = cut->planner->arena;
    PlanAggregate *aggregate = cut->stage->aggregate;
    aggregate->distinct_count = cut->distinct_count;
    aggregate->distincts = ARENA_ARRAY(arena, PlanDistinct, cut->distinct_count + 1);
    Buffer rows = {0};
    Buffer sql = {0};
    bool ok = true;
    print_rows(cut, &rows);
    for (size_t i = 0; ok && i < cut->distinct_count; i++) {
        buffer_append_text(&rows, " UNION ALL BY NAME ");
        ok = plan_distinct(cut, i) && print_new_values(cut, i, &rows);
    }
    buffer_printf(&sql, "WITH panes AS MATERIALIZED (%s) ", partial);
    const char *from = arena_printf(arena, "(%s)", buffer_text(&rows));
    plan_merge_gather(cut, key_list(cut, false), from, &sql);
    const char *text = ok ? arena_text(arena, buffer_slice(&sql)) : NULL;
    buffer_done(&rows);
    buffer_done(&sql);
    return text;
}
