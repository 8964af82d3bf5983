// SPDX-License-Identifier: Apache-2.0
// Sinks: markers, fencing and replacement of Delta tables; memory's output modes; console's format.
#include "connector_fixture.h"

#include "base/fault.h"
#include "connector/sink_memory.h"
#include "lake/delta.h"

static Schema schema_of(Arena *arena)
{
    Schema schema = {0};
    schema_add(arena, &schema, "k", type_simple(TYPE_STRING), true);
    schema_add(arena, &schema, "n", type_simple(TYPE_BIGINT), true);
    return schema;
}

typedef struct SinkSetup {
    Schema schema;
    SinkContext context;
    void *config;
} SinkSetup;

static SinkSetup setup_sink(Fixture *f, const SinkType *type, OutputMode mode)
{
    SinkSetup setup = {.schema = schema_of(f->arena)};
    setup.context = (SinkContext){
        .conn = f->conn,
        .clock = &f->clock.clock,
        .arena = f->arena,
        .flow = "flow",
        .dataset = "out",
        .table_path = fixture_path(f, "t"),
        .checkpoint_id = "11111111-2222-3333-4444-555555555555",
        .mode = mode,
    };
    setup.config = arena_alloc(f->arena, type->config_size + 1);
    options_default(type->options, type->option_count, setup.config, f->arena);
    return setup;
}

static Sink *open_sink(Fixture *f, const SinkType *type, SinkSetup *setup)
{
    Sink *sink = NULL;
    setup->context.schema = &setup->schema;
    bool good = sink_open(type, setup->config, &setup->context, &sink, &f->err);
    CHECK(good);
    if (!good) {
        fprintf(stderr, "%s\n", f->err.message);
    }
    return sink;
}

static bool write_batch(Fixture *f, Sink *sink, int64_t batch, int64_t epoch, uint32_t crc,
                        const char *select)
{
    int64_t rows = -1;
    SinkMarker marker = {.found = true, .batch = batch, .epoch = epoch, .crc = crc};
    return sink_stage(sink, batch, select, &rows, &f->err) && rows >= 0 &&
           sink_commit(sink, &marker, &f->err);
}

static const char *table_rows(Fixture *f)
{
    DeltaTable *table = delta_open(fixture_path(f, "t"));
    bool exists = false;
    Buffer sql = {0};
    CHECK(delta_refresh(table, f->conn, &exists, &f->err) && exists);
    CHECK(delta_scan_sql(delta_snapshot(table), &sql, &f->err));
    const char *rows = fixture_query(
        f, arena_printf(f->arena, "SELECT k, n FROM %s ORDER BY k, n", buffer_text(&sql)));
    buffer_done(&sql);
    delta_close(table);
    return rows;
}

static void test_delta_markers(void)
{
    Fixture f;
    fixture_init(&f);
    SinkSetup setup = setup_sink(&f, &sink_delta, OUTPUT_APPEND);
    Sink *sink = open_sink(&f, &sink_delta, &setup);
    SinkMarker marker;
    CHECK(sink_marker(sink, 1, &marker, &f.err));
    CHECK(!marker.found);
    CHECK(write_batch(&f, sink, 0, 1, 0xfffffff0u, "SELECT 'a' AS k, 1::BIGINT AS n"));
    CHECK(write_batch(&f, sink, 1, 1, 7, "SELECT 'b' AS k, 2::BIGINT AS n"));
    // Staged and taken back: nobody sees it.
    int64_t rows = 0;
    CHECK(sink_stage(sink, 2, "SELECT 'c' AS k, 3::BIGINT AS n", &rows, &f.err));
    CHECK(rows == 1);
    sink_abort(sink);
    sink_close(sink);
    CHECK_TEXT(table_rows(&f), "a|1\nb|2\n");

    sink = open_sink(&f, &sink_delta, &setup);
    CHECK(sink_marker(sink, 2, &marker, &f.err));
    CHECK(marker.found && marker.batch == 1 && marker.epoch == 1 && marker.crc == 7);
    // An older run wakes up after the new one has written: it loses.
    Sink *late = open_sink(&f, &sink_delta, &setup);
    CHECK(sink_marker(late, 1, &marker, &f.err));
    CHECK(write_batch(&f, sink, 2, 2, 0x80000001u, "SELECT 'c' AS k, 3::BIGINT AS n"));
    CHECK(!write_batch(&f, late, 2, 1, 9, "SELECT 'x' AS k, 9::BIGINT AS n"));
    CHECK(f.err.kind == ERROR_CONFLICT);
    sink_abort(late);
    sink_close(late);
    sink_close(sink);
    sink = open_sink(&f, &sink_delta, &setup);
    CHECK(!sink_marker(sink, 1, &marker, &f.err)); // fenced
    CHECK(f.err.kind == ERROR_CONFLICT);
    CHECK(sink_marker(sink, 3, &marker, &f.err));
    CHECK(marker.batch == 2 && marker.epoch == 2 && marker.crc == 0x80000001u);
    sink_close(sink);
    CHECK_TEXT(table_rows(&f), "a|1\nb|2\nc|3\n");

    // Another checkpoint of the same flow knows nothing of these, and replaces the content once.
    setup.context.checkpoint_id = "99999999-2222-3333-4444-555555555555";
    setup.context.replace_first = true;
    sink = open_sink(&f, &sink_delta, &setup);
    CHECK(sink_marker(sink, 1, &marker, &f.err));
    CHECK(!marker.found);
    CHECK(write_batch(&f, sink, 0, 1, 1, "SELECT 'r' AS k, 0::BIGINT AS n"));
    CHECK_TEXT(table_rows(&f), "r|0\n");
    CHECK(write_batch(&f, sink, 1, 1, 2, "SELECT 's' AS k, 0::BIGINT AS n"));
    sink_close(sink);
    sink = open_sink(&f, &sink_delta, &setup);
    CHECK(sink_marker(sink, 2, &marker, &f.err));
    CHECK(write_batch(&f, sink, 2, 2, 3, "SELECT 't' AS k, 0::BIGINT AS n"));
    sink_close(sink);
    CHECK_TEXT(table_rows(&f), "r|0\ns|0\nt|0\n");
    fixture_done(&f);
}

// A commit that went through although its answer was lost: the files are the table's.
static void test_delta_unknown_outcome(void)
{
    Fixture f;
    fixture_init(&f);
    SinkSetup setup = setup_sink(&f, &sink_delta, OUTPUT_APPEND);
    Sink *sink = open_sink(&f, &sink_delta, &setup);
    SinkMarker marker;
    CHECK(sink_marker(sink, 1, &marker, &f.err));
    CHECK(fault_arm("delta.after_commit"));
    CHECK(!write_batch(&f, sink, 0, 1, 5, "SELECT 'a' AS k, 1::BIGINT AS n"));
    CHECK(f.err.kind == ERROR_CRASH);
    fault_disarm();
    CHECK(sink_marker(sink, 1, &marker, &f.err));
    CHECK(marker.found && marker.batch == 0 && marker.crc == 5);
    CHECK(write_batch(&f, sink, 1, 1, 6, "SELECT 'b' AS k, 2::BIGINT AS n"));
    CHECK_TEXT(table_rows(&f), "a|1\nb|2\n");
    // One that did not: its files go, the next batch is not disturbed.
    CHECK(fault_arm("delta.before_commit"));
    CHECK(!write_batch(&f, sink, 2, 1, 7, "SELECT 'x' AS k, 9::BIGINT AS n"));
    fault_disarm();
    CHECK(sink_marker(sink, 1, &marker, &f.err));
    CHECK(marker.batch == 1);
    sink_abort(sink);
    CHECK(write_batch(&f, sink, 2, 1, 8, "SELECT 'c' AS k, 3::BIGINT AS n"));
    sink_close(sink);
    CHECK_TEXT(table_rows(&f), "a|1\nb|2\nc|3\n");
    fixture_done(&f);
}

static void test_delta_modes(void)
{
    Fixture f;
    fixture_init(&f);
    SinkSetup setup = setup_sink(&f, &sink_delta, OUTPUT_COMPLETE);
    Sink *sink = open_sink(&f, &sink_delta, &setup);
    SinkMarker marker;
    CHECK(sink_marker(sink, 1, &marker, &f.err));
    CHECK(write_batch(&f, sink, 0, 1, 1, "SELECT 'a' AS k, 1::BIGINT AS n"));
    CHECK(
        write_batch(&f, sink, 1, 1, 2, "SELECT 'a' AS k, 2::BIGINT AS n UNION ALL SELECT 'b', 1"));
    sink_close(sink);
    CHECK_TEXT(table_rows(&f), "a|2\nb|1\n");
    setup.context.mode = OUTPUT_UPDATE;
    setup.context.schema = &setup.schema;
    CHECK(!sink_open(&sink_delta, setup.config, &setup.context, &sink, &f.err));
    CHECK(strstr(f.err.message, "a delta sink does not take output mode update") != NULL);
    fixture_done(&f);
}

static const char *memory_rows(Fixture *f)
{
    return fixture_query(f, arena_printf(f->arena, "SELECT * FROM %s ORDER BY 1, 2",
                                         sink_memory_relation(f->arena, "out")));
}

static void test_memory(void)
{
    Fixture f;
    fixture_init(&f);
    static const char *const batches[] = {
        "SELECT 'a' AS k, 1::BIGINT AS n UNION ALL SELECT NULL, 1",
        "SELECT 'a' AS k, 2::BIGINT AS n UNION ALL SELECT 'b', 1 UNION ALL SELECT NULL, 5"};
    SinkSetup setup = setup_sink(&f, &sink_memory, OUTPUT_APPEND);
    Sink *sink = open_sink(&f, &sink_memory, &setup);
    CHECK(write_batch(&f, sink, 0, 1, 1, batches[0]));
    sink_close(sink); // rows stay for the next start
    sink = open_sink(&f, &sink_memory, &setup);
    CHECK(write_batch(&f, sink, 1, 1, 1, batches[1]));
    int64_t rows;
    CHECK(sink_stage(sink, 2, batches[1], &rows, &f.err) && rows == 3);
    sink_abort(sink);
    sink_close(sink);
    CHECK_TEXT(memory_rows(&f), "a|1\na|2\nb|1\nNULL|1\nNULL|5\n");

    setup.context.mode = OUTPUT_COMPLETE;
    sink = open_sink(&f, &sink_memory, &setup);
    CHECK(write_batch(&f, sink, 0, 1, 1, batches[0]));
    sink_close(sink);
    CHECK_TEXT(memory_rows(&f), "a|1\nNULL|1\n");

    setup.context.mode = OUTPUT_UPDATE;
    *(const char **)setup.config = "K"; // the option keys
    sink = open_sink(&f, &sink_memory, &setup);
    CHECK(write_batch(&f, sink, 1, 1, 1, batches[1]));
    sink_close(sink);
    CHECK_TEXT(memory_rows(&f), "a|2\nb|1\nNULL|5\n");
    *(const char **)setup.config = "k, nope";
    CHECK(!sink_open(&sink_memory, setup.config, &setup.context, &sink, &f.err));
    CHECK(strstr(f.err.message, "'nope'") != NULL);
    fixture_done(&f);
}

static void test_console(void)
{
    Fixture f;
    fixture_init(&f);
    SinkSetup setup = setup_sink(&f, &sink_console, OUTPUT_COMPLETE);
    Sink *sink = open_sink(&f, &sink_console, &setup);
    const char *path = fixture_path(&f, "stdout");
    fflush(stdout);
    int saved = dup(STDOUT_FILENO);
    FILE *redirected = freopen(path, "w", stdout);
    CHECK(redirected != NULL);
    bool good = write_batch(
        &f, sink, 0, 1, 1,
        "SELECT 'purchase' AS event, 18::BIGINT AS count UNION ALL SELECT 'view', 20 ORDER BY 2");
    good = good &&
           write_batch(&f, sink, 1, 1, 1, "SELECT 'x' AS event, 1::BIGINT AS count WHERE false");
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    CHECK(good);
    sink_close(sink);
    char text[2000] = {0};
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    if (file != NULL) {
        CHECK(fread(text, 1, sizeof text - 1, file) > 0);
        fclose(file);
    }
    CHECK_TEXT(text, "-------------------------------------------\n"
                     "Batch: 0\n"
                     "-------------------------------------------\n"
                     "+--------+-----+\n"
                     "|   event|count|\n"
                     "+--------+-----+\n"
                     "|purchase|   18|\n"
                     "|    view|   20|\n"
                     "+--------+-----+\n"
                     "\n"
                     "-------------------------------------------\n"
                     "Batch: 1\n"
                     "-------------------------------------------\n"
                     "+-----+-----+\n"
                     "|event|count|\n"
                     "+-----+-----+\n"
                     "+-----+-----+\n"
                     "\n");
    fixture_done(&f);
}

static void test_registry(void)
{
    CHECK(source_type_find(slice_of("READ_FILES")) == &source_files);
    CHECK(source_type_find(slice_of("read_file")) == NULL);
    CHECK(sink_type_find(slice_of("Console")) == &sink_console);
    for (const SourceType *const *type = source_types(); *type != NULL; type++) {
        for (size_t i = 0; i < (*type)->option_count; i++) {
            CHECK((*type)->options[i].help[0] != '\0');
            CHECK((*type)->options[i].offset < (*type)->config_size);
        }
    }
}

int main(void)
{
    test_registry();
    test_delta_markers();
    test_delta_unknown_outcome();
    test_delta_modes();
    test_memory();
    test_console();
    return check_done();
}
