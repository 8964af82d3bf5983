// SPDX-License-Identifier: Apache-2.0
// A session: views over what changes without a commit, and commits of unknown outcome.
#include "check.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "connector/registry.h"
#include "engine/flow_internal.h"
#include "engine/session.h"

static char folder[64];

static void write_file(const char *path, const char *text)
{
    char full[256];
    snprintf(full, sizeof full, "%s/%s", folder, path);
    FILE *file = fopen(full, "w");
    CHECK(file != NULL);
    if (file != NULL) {
        fputs(text, file);
        fclose(file);
    }
}

static void make_project(const char *sql)
{
    char path[128];
    snprintf(folder, sizeof folder, "%s/tarn_session_XXXXXX", "/tmp");
    CHECK(mkdtemp(folder) != NULL);
    static const char *const below[] = {"pipelines", "in", "in/deep"};
    for (size_t i = 0; i < ARRAY_LEN(below); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, below[i]);
        CHECK(mkdir(path, 0777) == 0);
    }
    write_file("tarn.yml", "name: session\n");
    write_file("pipelines/all.sql", sql);
}

static void remove_project(void)
{
    char *const arguments[] = {"rm", "-rf", folder, NULL};
    pid_t child = vfork();
    if (child == 0) {
        execvp("rm", arguments);
        _exit(127);
    }
    waitpid(child, NULL, 0);
}

typedef struct Fixture {
    ManualClock clock;
    Project *project;
    Session *session;
} Fixture;

static bool open_fixture(Fixture *f)
{
    Error err;
    ProjectOptions where = {.folder = folder, .seed = 1};
    f->clock = clock_manual(20000 * TIME_DAY);
    SessionOptions options = {.clock = &f->clock.clock};
    bool ok = project_open(&where, &f->project, &err) &&
              session_open(f->project, &options, &f->session, &err) &&
              catalog_add_files(f->session->catalog) && session_resolve(f->session) &&
              session_prepare(f->session, &err);
    CHECK(ok);
    return ok;
}

static void close_fixture(Fixture *f)
{
    session_close(f->session);
    project_close(f->project);
    remove_project();
}

static void drain(Fixture *f)
{
    Error err;
    CHECK(session_drain(f->session, false, &err));
    CHECK(f->session->worst == ERROR_NONE);
}

static ControlView view_of(const Fixture *f, const char *name)
{
    ControlView status = {0};
    for (size_t i = 0; i < f->session->view_count; i++) {
        ControlView other;
        view_status(f->session->views[i], &other);
        status = strcmp(other.view, name) == 0 ? other : status;
    }
    CHECK(status.view != NULL);
    return status;
}

#define COLUMNS "format => 'csv', schema => 'a INT, b INT'"

static void test_outside(void)
{
    make_project("CREATE MATERIALIZED VIEW folder AS SELECT * FROM read_files('in', " COLUMNS ");"
                 "CREATE MATERIALIZED VIEW globbed AS SELECT * FROM csv.`in/*.csv`;"
                 "CREATE MATERIALIZED VIEW one_file AS SELECT a.* FROM csv.`in/a.csv` a;"
                 "CREATE MATERIALIZED VIEW nested AS WITH w AS (SELECT * FROM read_files("
                 "path => 'in', " COLUMNS ")) SELECT (SELECT count(*) FROM w) AS n;"
                 "CREATE TEMPORARY VIEW files AS SELECT * FROM read_files('in', " COLUMNS ");"
                 "CREATE MATERIALIZED VIEW through AS SELECT * FROM files;"
                 "CREATE MATERIALIZED VIEW inside AS SELECT * FROM folder;");
    write_file("in/a.csv", "1,1\n2,2\n");
    Fixture f = {0};
    if (open_fixture(&f)) {
        for (size_t i = 0; i < f.session->view_count; i++) {
            View *view = f.session->views[i];
            bool is_inside = strcmp(view_dataset(view)->name, "inside") == 0;
            CHECK(view_reads_outside(view) == !is_inside);
        }
        CHECK_TEXT(view_of(&f, "folder").state, "waiting");
        drain(&f);
        CHECK_TEXT(view_of(&f, "folder").state, "idle");
        CHECK(view_of(&f, "folder").rows == 2);
        drain(&f); // nothing has changed: nothing is done
        CHECK(view_of(&f, "folder").refreshes == 1);
        CHECK(view_of(&f, "globbed").refreshes == 1);
        CHECK(view_of(&f, "nested").refreshes == 1);
        write_file("in/b.csv", "3,3\n");
        drain(&f);
        CHECK(view_of(&f, "folder").rows == 3);
        CHECK(view_of(&f, "globbed").refreshes == 2);
        CHECK(view_of(&f, "one_file").refreshes == 1);
        CHECK(view_of(&f, "nested").refreshes == 2);
        CHECK(view_of(&f, "through").rows == 3);
        CHECK(view_of(&f, "inside").rows == 3);
        write_file("in/a.csv", "1,1\n2,2\n4,4\n"); // the same name, other content
        drain(&f);
        CHECK(view_of(&f, "folder").rows == 4);
        CHECK(view_of(&f, "one_file").refreshes == 2);
    }
    close_fixture(&f);
}

// A sink whose target does not answer: the commit may have happened or not.
static bool commit_happens;

static bool lost_commit(Sink *sink, const SinkMarker *marker, Error *err)
{
    if (commit_happens) {
        CHECK(sink_type_find(slice_of("delta"))->commit(sink, marker, err));
    }
    return fail(err, ERROR_CONFLICT, "no answer");
}

static bool lost_marker(Sink *sink, int64_t epoch, SinkMarker *marker, Error *err)
{
    (void)sink;
    (void)epoch;
    (void)marker;
    return fail(err, ERROR_RETRY, "no answer");
}

static void test_unknown_outcome(bool happens)
{
    make_project("CREATE STREAMING TABLE t AS SELECT * FROM STREAM read_files('in', " COLUMNS ");"
                 "CREATE MATERIALIZED VIEW rows AS SELECT * FROM t;");
    write_file("in/a.csv", "1,1\n2,2\n");
    commit_happens = happens;
    Fixture f = {0};
    if (open_fixture(&f)) {
        drain(&f);
        CHECK(view_of(&f, "rows").rows == 2);
        ControlFlow status;
        session_flow_status(f.session, 0, &status);
        CHECK(status.batches == 1 && status.input_rows == 2);

        SinkType lost = *f.session->flows[0]->sink->type;
        lost.commit = lost_commit;
        lost.marker = lost_marker;
        f.session->flows[0]->sink->type = &lost;
        write_file("in/b.csv", "3,3\n");
        log_set_level(LOG_ERROR); // the warning is expected
        drain(&f);
        log_set_level(LOG_INFO);
        CHECK(view_of(&f, "rows").rows == 3); // neither lost nor twice
        session_flow_status(f.session, 0, &status);
        CHECK_TEXT(status.state, "idle");
        CHECK(status.batch == 1);
        // What the first instance counted is kept; who found the commit done did not count its
        // rows.
        CHECK(status.input_rows == (happens ? 2 : 3));
    }
    close_fixture(&f);
}

int main(void)
{
    test_outside();
    test_unknown_outcome(false);
    test_unknown_outcome(true);
    return check_done();
}
