// SPDX-License-Identifier: Apache-2.0
#include "state/budget.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { HELPERS = 7, HELPER_STACK_BYTES = 128 << 10 };

// One budget_run: lives on its caller's stack.
typedef struct Job {
    BudgetWork work;
    void *context;
    size_t count;
    size_t next; // index not yet given out
    size_t busy; // helpers at work
    struct Job *behind;
} Job;

struct StateBudget {
    int64_t limit;
    _Atomic int64_t used;
    _Atomic int64_t states;
    pthread_mutex_t lock;
    pthread_cond_t has_work;
    pthread_cond_t is_done;
    Job *jobs; // with indexes left
    pthread_t helpers[HELPERS];
    uint32_t helper_count;
    bool is_closing;
};

StateBudget *state_budget_create(int64_t limit_bytes)
{
    StateBudget *budget = calloc(1, sizeof *budget);
    if (budget == NULL) {
        fprintf(stderr, "tarn: out of memory\n");
        abort();
    }
    budget->limit = limit_bytes;
    pthread_mutex_init(&budget->lock, NULL);
    pthread_cond_init(&budget->has_work, NULL);
    pthread_cond_init(&budget->is_done, NULL);
    return budget;
}

void state_budget_destroy(StateBudget *budget)
{
    if (budget == NULL) {
        return;
    }
    pthread_mutex_lock(&budget->lock);
    budget->is_closing = true;
    pthread_cond_broadcast(&budget->has_work);
    pthread_mutex_unlock(&budget->lock);
    for (uint32_t i = 0; i < budget->helper_count; i++) {
        pthread_join(budget->helpers[i], NULL);
    }
    pthread_cond_destroy(&budget->has_work);
    pthread_cond_destroy(&budget->is_done);
    pthread_mutex_destroy(&budget->lock);
    free(budget);
}

int64_t state_budget_used(const StateBudget *budget)
{
    return atomic_load_explicit(&budget->used, memory_order_relaxed);
}

void budget_add(StateBudget *budget, int64_t change)
{
    if (budget != NULL) {
        atomic_fetch_add_explicit(&budget->used, change, memory_order_relaxed);
    }
}

int64_t budget_limit(const StateBudget *budget)
{
    return budget == NULL ? 0 : budget->limit;
}

void budget_join(StateBudget *budget)
{
    if (budget != NULL) {
        atomic_fetch_add(&budget->states, 1);
    }
}

void budget_leave(StateBudget *budget)
{
    if (budget != NULL) {
        atomic_fetch_sub(&budget->states, 1);
    }
}

int64_t budget_share(const StateBudget *budget)
{
    int64_t states = atomic_load(&budget->states);
    return (budget->limit - budget->limit / 8) / (states < 1 ? 1 : states);
}

// ---- helpers ---------------------------------------------------------------------------------

// Takes the job out of the list once it has no index left to give.
static size_t take_index(StateBudget *budget, Job *job)
{
    size_t index = job->next++;
    if (job->next == job->count) {
        Job **link = &budget->jobs;
        while (*link != job) {
            link = &(*link)->behind;
        }
        *link = job->behind;
    }
    return index;
}

static void *help(void *context)
{
    StateBudget *budget = context;
    pthread_mutex_lock(&budget->lock);
    for (;;) {
        Job *job = budget->jobs;
        if (job == NULL) {
            if (budget->is_closing) {
                break;
            }
            pthread_cond_wait(&budget->has_work, &budget->lock);
            continue;
        }
        size_t index = take_index(budget, job);
        job->busy++;
        pthread_mutex_unlock(&budget->lock);
        job->work(job->context, index);
        pthread_mutex_lock(&budget->lock);
        if (--job->busy == 0) {
            pthread_cond_broadcast(&budget->is_done);
        }
    }
    pthread_mutex_unlock(&budget->lock);
    return NULL;
}

// Without helpers the caller does it all: slower, not wrong.
static void start_helpers(StateBudget *budget, size_t want)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, HELPER_STACK_BYTES);
    while (budget->helper_count < HELPERS && budget->helper_count < want) {
        if (pthread_create(&budget->helpers[budget->helper_count], &attributes, help, budget) !=
            0) {
            break;
        }
        budget->helper_count++;
    }
    pthread_attr_destroy(&attributes);
}

void budget_run(StateBudget *budget, BudgetWork work, void *context, size_t count)
{
    if (budget == NULL || count < 2) {
        for (size_t i = 0; i < count; i++) {
            work(context, i);
        }
        return;
    }
    Job job = {.work = work, .context = context, .count = count};
    pthread_mutex_lock(&budget->lock);
    start_helpers(budget, count - 1);
    job.behind = budget->jobs;
    budget->jobs = &job;
    pthread_cond_broadcast(&budget->has_work);
    while (job.next < job.count) {
        size_t index = take_index(budget, &job);
        pthread_mutex_unlock(&budget->lock);
        work(context, index);
        pthread_mutex_lock(&budget->lock);
    }
    while (job.busy > 0) {
        pthread_cond_wait(&budget->is_done, &budget->lock);
    }
    pthread_mutex_unlock(&budget->lock);
}
