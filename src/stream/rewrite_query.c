// SPDX-License-Identifier: Apache-2.0
#include "stream/rewrite.h"

typedef struct CteScope CteScope;
struct CteScope {
    const Query *query;
    const Query *copy; // its CTEs so far
    size_t visible;    // a CTE sees the ones before it
    const CteScope *outer;
};

typedef struct QueryRewriter {
    Arena *arena;
    RewriteRelationFn function;
    void *context;
    const CteScope *scope;
    bool inlines; // CTEs
} QueryRewriter;

static Query *query_copy(QueryRewriter *rewriter, const Query *query);

static Expr *expr_with_query(void *context, const Expr *expr)
{
    QueryRewriter *rewriter = context;
    if (expr->query == NULL) {
        return NULL;
    }
    Expr *copy = ARENA_NEW(rewriter->arena, Expr);
    *copy = *expr;
    copy->query = query_copy(rewriter, expr->query);
    copy->arguments = (ExprList){0};
    for (size_t i = 0; i < expr->arguments.count; i++) {
        ARENA_PUSH(
            rewriter->arena, copy->arguments.items, copy->arguments.count, copy->arguments.capacity,
            rewrite_expr(rewriter->arena, expr->arguments.items[i], expr_with_query, rewriter));
    }
    return copy;
}

static Expr *expr_copy(QueryRewriter *rewriter, const Expr *expr)
{
    return rewrite_expr(rewriter->arena, expr, expr_with_query, rewriter);
}

// The copy of the CTE that a table's name stands for; NULL: none.
static const Cte *find_cte(const CteScope *scope, const Relation *relation)
{
    if (relation->kind != RELATION_TABLE || relation->name.count != 1) {
        return NULL;
    }
    for (; scope != NULL; scope = scope->outer) {
        for (size_t i = 0; i < scope->visible; i++) {
            if (slice_equal_nocase(scope->query->ctes[i].name, relation->name.parts[0])) {
                return &scope->copy->ctes[i];
            }
        }
    }
    return NULL;
}

static void inline_cte(Relation *relation, const Cte *cte)
{
    relation->kind = RELATION_QUERY;
    relation->query = cte->query;
    relation->is_stream = false;
    if (relation->alias.size == 0) {
        relation->alias = cte->name;
    }
    if (relation->column_alias_count == 0) {
        relation->column_aliases = cte->columns;
        relation->column_alias_count = cte->column_count;
    }
}

static Relation *relation_copy(QueryRewriter *rewriter, const Relation *relation)
{
    if (relation == NULL) {
        return NULL;
    }
    Relation *copy = ARENA_NEW(rewriter->arena, Relation);
    *copy = *relation;
    copy->left = relation_copy(rewriter, relation->left);
    copy->right = relation_copy(rewriter, relation->right);
    copy->on = expr_copy(rewriter, relation->on);
    if (relation->query != NULL) {
        copy->query = query_copy(rewriter, relation->query);
    }
    const Cte *cte = find_cte(rewriter->scope, copy);
    if (rewriter->inlines) {
        if (cte != NULL) {
            inline_cte(copy, cte);
        }
        return copy;
    }
    Relation *replacement = rewriter->function(rewriter->context, copy, cte != NULL);
    return replacement == NULL ? copy : replacement;
}

static Select *select_copy(QueryRewriter *rewriter, const Select *select)
{
    Arena *arena = rewriter->arena;
    Select *copy = ARENA_NEW(arena, Select);
    *copy = *select;
    copy->items = ARENA_ARRAY(arena, SelectItem, select->item_count + 1);
    for (size_t i = 0; i < select->item_count; i++) {
        copy->items[i] = select->items[i];
        copy->items[i].expr = expr_copy(rewriter, select->items[i].expr);
    }
    copy->from = relation_copy(rewriter, select->from);
    copy->where = expr_copy(rewriter, select->where);
    copy->having = expr_copy(rewriter, select->having);
    copy->qualify = expr_copy(rewriter, select->qualify);
    return copy;
}

static Query *query_copy(QueryRewriter *rewriter, const Query *query)
{
    Arena *arena = rewriter->arena;
    Query *copy = ARENA_NEW(arena, Query);
    *copy = *query;
    copy->ctes = ARENA_ARRAY(arena, Cte, query->cte_count + 1);
    CteScope scope = {query, copy, 0, rewriter->scope};
    rewriter->scope = &scope;
    for (size_t i = 0; i < query->cte_count; i++) {
        scope.visible = i;
        copy->ctes[i] = query->ctes[i];
        copy->ctes[i].query = query_copy(rewriter, query->ctes[i].query);
    }
    scope.visible = query->cte_count;
    copy->select = query->select == NULL ? NULL : select_copy(rewriter, query->select);
    copy->left = query->left == NULL ? NULL : query_copy(rewriter, query->left);
    copy->right = query->right == NULL ? NULL : query_copy(rewriter, query->right);
    rewriter->scope = scope.outer;
    copy->cte_count = rewriter->inlines ? 0 : query->cte_count;
    return copy;
}

Query *rewrite_query(Arena *arena, const Query *query, RewriteRelationFn function, void *context)
{
    QueryRewriter rewriter = {arena, function, context, NULL, false};
    return query_copy(&rewriter, query);
}

Query *rewrite_without_ctes(Arena *arena, const Query *query)
{
    QueryRewriter rewriter = {.arena = arena, .inlines = true};
    return query_copy(&rewriter, query);
}

static Slice visible_name(const Relation *relation)
{
    if (relation->alias.size > 0 || relation->kind != RELATION_TABLE) {
        return relation->alias;
    }
    return relation->name.parts[relation->name.count - 1];
}

static Relation *relation_as_batch(void *context, const Relation *relation, bool is_cte_name)
{
    (void)is_cte_name;
    Arena *arena = context;
    Relation *plain = ARENA_NEW(arena, Relation);
    *plain = *relation;
    plain->is_stream = false;
    if (relation->is_stream && relation->kind == RELATION_TABLE) {
        plain->named = (NamedArguments){0}; // how the stream is read, which changes no column
    }
    plain->watermark = NULL;
    plain->drop_duplicates = NULL;
    if (relation->watermark == NULL || relation->watermark->alias.size == 0) {
        return plain;
    }
    // WATERMARK expr AS name adds a column.
    Select *select = ARENA_NEW(arena, Select);
    select->pos = relation->pos;
    select->from = plain;
    select->items = ARENA_ARRAY(arena, SelectItem, 2);
    select->items[0].expr = ast_expr(arena, EXPR_STAR, relation->pos);
    select->items[1].expr = relation->watermark->column;
    select->items[1].alias = relation->watermark->alias;
    select->item_count = 2;
    Query *query = ARENA_NEW(arena, Query);
    query->pos = relation->pos;
    query->select = select;
    Relation *wrapped = ast_relation(arena, RELATION_QUERY, relation->pos);
    wrapped->query = query;
    wrapped->alias = visible_name(relation);
    return wrapped;
}

Query *rewrite_as_batch(Arena *arena, const Query *query)
{
    return rewrite_query(arena, query, relation_as_batch, arena);
}
