// SPDX-License-Identifier: Apache-2.0
#include "stream/expect.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "duck/row_codec.h"
#include "sql/format.h"

enum { SHOWN_ROW_MAX = 1000 }; // bytes of a row in a message

typedef struct CaughtRow {
    size_t offset; // into Expect.bytes
    size_t size;
    size_t rule;
} CaughtRow;

struct Expect {
    const ExpectPlan *plan;
    DuckConn *conn;
    const char *rows_function;
    Arena *arena;
    int64_t batch;
    _Atomic int64_t checked;
    _Atomic int64_t dropped;
    _Atomic int64_t *failed; // of each rule
    pthread_mutex_t lock;    // of what follows
    Buffer bytes;
    CaughtRow *caught;
    size_t caught_count;
    size_t caught_capacity;
    size_t shown_first; // of caught, what a scan shows
    size_t shown_end;
};

// ---- the function ------------------------------------------------------------------------------

static void print_row(const ExpectPlan *plan, const DuckColumn *columns, uint64_t row, Buffer *out)
{
    for (size_t i = 0; i < plan->columns.count; i++) {
        buffer_append_text(out, i == 0 ? "{" : ",");
        buffer_append_json(out, slice_of(plan->columns.columns[i].name));
        buffer_append_char(out, ':');
        format_json(&columns[i], row, out);
    }
    if (out->size > SHOWN_ROW_MAX) { // cut between characters
        size_t size = SHOWN_ROW_MAX;
        while (size > 0 && ((unsigned char)out->data[size] & 0xC0) == 0x80) {
            size--;
        }
        out->size = size;
        buffer_append_text(out, "...");
    }
    buffer_append_char(out, '}');
}

static bool fail_row(const Expect *expect, size_t index, const DuckColumn *columns, uint64_t row,
                     Error *err)
{
    const ExpectRule *rule = &expect->plan->rules[index];
    Buffer text = {0};
    print_row(expect->plan, columns, row, &text);
    char batch[48] = "";
    if (expect->batch >= 0) {
        snprintf(batch, sizeof batch, " in batch %lld", (long long)expect->batch);
    }
    fail(err, ERROR_INPUT,
         "[EXPECTATION_VIOLATION] constraint '%s' (%s) does not hold%s for %s; nothing is written: "
         "mend the row or the query, or choose another action ON VIOLATION",
         rule->name, rule->place, batch, buffer_text(&text));
    buffer_done(&text);
    return false;
}

static void catch_row(Expect *expect, size_t rule, const DuckColumn *columns, uint64_t row)
{
    pthread_mutex_lock(&expect->lock);
    CaughtRow caught = {.offset = expect->bytes.size, .rule = rule};
    row_encode(columns, expect->plan->columns.count, row, &expect->bytes);
    caught.size = expect->bytes.size - caught.offset;
    ARENA_PUSH(expect->arena, expect->caught, expect->caught_count, expect->caught_capacity,
               caught);
    pthread_mutex_unlock(&expect->lock);
}

static bool holds(const DuckColumn *condition, uint64_t row)
{
    return !duck_is_null(condition, row) && duck_int(condition, row) != 0;
}

// Adds to the rule's count; rows that it does not keep get false.
static int64_t count_failed(const DuckColumn *condition, Violation violation, uint64_t row_count,
                            DuckColumn *keep)
{
    int64_t failed = 0;
    for (uint64_t row = 0; row < row_count; row++) {
        if (holds(condition, row)) {
            continue;
        }
        failed++;
        if (violation != VIOLATION_KEEP) {
            duck_set_int(keep, row, 0);
        }
    }
    return failed;
}

static bool take_rows(Expect *expect, const DuckColumn *arguments, uint64_t row_count, Error *err)
{
    const ExpectPlan *plan = expect->plan;
    const DuckColumn *columns = arguments + plan->rule_count;
    for (uint64_t row = 0; row < row_count; row++) {
        bool is_caught = false;
        for (size_t i = 0; i < plan->rule_count; i++) {
            Violation violation = plan->rules[i].violation;
            bool is_quiet = violation == VIOLATION_KEEP || violation == VIOLATION_DROP_ROW;
            if (is_quiet || holds(&arguments[i], row)) {
                continue;
            }
            if (violation == VIOLATION_FAIL_UPDATE) {
                return fail_row(expect, i, columns, row, err);
            }
            if (!is_caught) {
                catch_row(expect, i, columns, row);
                is_caught = true;
            }
        }
    }
    return true;
}

static bool expect_function(void *context, const DuckColumn *arguments, size_t argument_count,
                            uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)argument_count;
    Expect *expect = context;
    const ExpectPlan *plan = expect->plan;
    bool takes = false;
    for (uint64_t row = 0; row < row_count; row++) {
        duck_set_int(result, row, 1);
    }
    for (size_t i = 0; i < plan->rule_count; i++) {
        Violation violation = plan->rules[i].violation;
        int64_t failed = count_failed(&arguments[i], violation, row_count, result);
        atomic_fetch_add(&expect->failed[i], failed);
        takes |=
            failed > 0 && (violation == VIOLATION_FAIL_UPDATE || violation == VIOLATION_QUARANTINE);
    }
    int64_t dropped = 0;
    for (uint64_t row = 0; row < row_count; row++) {
        dropped += duck_int(result, row) == 0;
    }
    atomic_fetch_add(&expect->checked, (int64_t)row_count);
    atomic_fetch_add(&expect->dropped, dropped);
    return !takes || take_rows(expect, arguments, row_count, err);
}

// ---- caught rows as a table --------------------------------------------------------------------

typedef struct CaughtScan {
    const Expect *expect;
    size_t next; // of expect->caught
    size_t column_count;
    size_t *columns;
    DuckColumn *row; // all columns; those not asked for have no vector
} CaughtScan;

static void caught_close(void *state)
{
    CaughtScan *scan = state;
    free(scan->columns);
    free(scan->row);
    free(scan);
}

static void *caught_open(void *context, const size_t *columns, size_t column_count,
                         int *max_threads, Error *err)
{
    const Expect *expect = context;
    CaughtScan *scan = calloc(1, sizeof *scan);
    if (scan != NULL) {
        scan->columns = calloc(column_count + 1, sizeof *scan->columns);
        scan->row = calloc(expect->plan->columns.count + 1, sizeof *scan->row);
    }
    if (scan == NULL || scan->columns == NULL || scan->row == NULL) {
        if (scan != NULL) {
            caught_close(scan);
        }
        fail(err, ERROR_FAILED, "out of memory");
        return NULL;
    }
    *max_threads = 1;
    scan->expect = expect;
    scan->next = expect->shown_first;
    scan->column_count = column_count;
    memcpy(scan->columns, columns, column_count * sizeof *columns);
    return scan;
}

static int64_t caught_next(void *state, void *thread, DuckColumn *columns, uint64_t capacity,
                           Error *err)
{
    (void)thread;
    CaughtScan *scan = state;
    const Expect *expect = scan->expect;
    size_t count = expect->plan->columns.count;
    DuckColumn rule = {0};
    for (size_t i = 0; i < count; i++) {
        scan->row[i] = (DuckColumn){.type = expect->plan->columns.columns[i].type};
    }
    for (size_t i = 0; i < scan->column_count; i++) {
        if (scan->columns[i] < count) {
            scan->row[scan->columns[i]] = columns[i];
        } else if (scan->columns[i] == count) {
            rule = columns[i];
        }
    }
    uint64_t row = 0;
    for (; row < capacity && scan->next < expect->shown_end; row++) {
        const CaughtRow *caught = &expect->caught[scan->next++];
        Slice bytes = {expect->bytes.data + caught->offset, caught->size};
        if (!row_decode(bytes, scan->row, count, row, err)) {
            return -1;
        }
        if (rule.vector != NULL) {
            duck_set_int(&rule, row, (int64_t)caught->rule);
        }
    }
    return (int64_t)row;
}

// ---- life --------------------------------------------------------------------------------------

static bool register_function(Expect *expect, Error *err)
{
    const ExpectPlan *plan = expect->plan;
    Schema arguments = {0};
    for (size_t i = 0; i < plan->rule_count; i++) {
        schema_add(expect->arena, &arguments, "holds", type_simple(TYPE_BOOLEAN), true);
    }
    for (size_t i = 0; plan->takes_rows && i < plan->columns.count; i++) {
        schema_add(expect->arena, &arguments, "column", plan->columns.columns[i].type, true);
    }
    DuckScalar scalar = {
        .name = plan->function,
        .arguments = &arguments,
        .result = type_simple(TYPE_BOOLEAN),
        .is_volatile = true,
        .sees_null = true,
        .function = expect_function,
        .context = expect,
    };
    return duck_register_scalar(expect->conn, &scalar, err);
}

static bool register_caught(Expect *expect, Error *err)
{
    Schema schema = schema_copy(expect->arena, &expect->plan->columns);
    schema_add(expect->arena, &schema, "#rule", type_simple(TYPE_INT), true);
    DuckTable table = {
        .name = expect->rows_function,
        .schema = &schema,
        .open = caught_open,
        .next = caught_next,
        .close = caught_close,
        .context = expect,
    };
    return duck_register_table(expect->conn, &table, err);
}

bool expect_open(const ExpectPlan *plan, DuckConn *conn, Expect **result, Error *err)
{
    Expect *expect = calloc(1, sizeof *expect);
    if (expect == NULL) {
        return fail(err, ERROR_FAILED, "out of memory");
    }
    expect->plan = plan;
    expect->conn = conn;
    expect->arena = arena_create(0);
    expect->failed = calloc(plan->rule_count + 1, sizeof *expect->failed);
    expect->rows_function = arena_printf(expect->arena, "%s_rows", plan->function);
    pthread_mutex_init(&expect->lock, NULL);
    bool ok = expect->failed != NULL || fail(err, ERROR_FAILED, "out of memory");
    ok = ok && register_function(expect, err) &&
         (!plan->quarantines || register_caught(expect, err));
    if (!ok) {
        expect_close(expect);
        return false;
    }
    *result = expect;
    return true;
}

void expect_close(Expect *expect)
{
    if (expect == NULL) {
        return;
    }
    duck_function_retire(expect->conn, expect->plan->function);
    duck_function_retire(expect->conn, expect->rows_function);
    pthread_mutex_destroy(&expect->lock);
    buffer_done(&expect->bytes);
    free((void *)expect->failed);
    arena_destroy(expect->arena);
    free(expect);
}

// ---- a batch -----------------------------------------------------------------------------------

void expect_begin(Expect *expect, int64_t batch)
{
    expect->batch = batch;
    atomic_store(&expect->checked, 0);
    atomic_store(&expect->dropped, 0);
    for (size_t i = 0; i < expect->plan->rule_count; i++) {
        atomic_store(&expect->failed[i], 0);
    }
    expect->caught_count = 0;
    expect->shown_first = 0;
    expect->shown_end = 0;
    buffer_reset(&expect->bytes);
}

const ExpectPlan *expect_plan_of(const Expect *expect)
{
    return expect->plan;
}

int64_t expect_checked(const Expect *expect)
{
    return atomic_load(&expect->checked);
}

int64_t expect_failed(const Expect *expect, size_t rule)
{
    return atomic_load(&expect->failed[rule]);
}

int64_t expect_dropped(const Expect *expect)
{
    return atomic_load(&expect->dropped);
}

size_t expect_caught(const Expect *expect)
{
    return expect->caught_count;
}

void expect_show(Expect *expect, size_t first, size_t count)
{
    size_t left = expect->caught_count - first;
    expect->shown_first = first;
    expect->shown_end = first + (count < left ? count : left);
}
