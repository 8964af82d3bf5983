// Event times, dispatch to the kinds, and `tarn generate`.
// SPDX-License-Identifier: Apache-2.0
#include "connector/generator_text.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/map.h"

enum {
    BURST_GAP_US = 20,                // between events of a burst, as a program's loop would leave
    MAX_FILE_ROWS = 10000,            // of a file while catching up
    TICK_US = 100 * TIME_MS,          // the stop flag is looked at this often
    LATE_SPAN_US = 300 * TIME_SECOND, // a late event is up to five minutes old
};

static const GeneratorKind *const kinds[] = {
    &generator_web_logs,
    &generator_app_logs,
    &generator_csv_events,
    NULL,
};

const GeneratorKind *const *generator_kinds(void)
{
    return kinds;
}

bool generator_find(const char *name, const GeneratorKind **kind, Error *err)
{
    Slice word = slice_of(name);
    const char *nearest = NULL;
    for (size_t i = 0; kinds[i] != NULL; i++) {
        if (text_equal_nocase(kinds[i]->name, name)) {
            *kind = kinds[i];
            return true;
        }
        if (text_is_near(slice_of(kinds[i]->name), word)) {
            nearest = kinds[i]->name;
        }
    }
    if (text_equal_nocase(name, "user-events") || text_equal_nocase(name, "user-activity")) {
        return fail(err, ERROR_INPUT,
                    "the generator '%s' is not part of this version; "
                    "there are web-logs, app-logs and csv-events",
                    name);
    }
    if (nearest != NULL) {
        return fail(err, ERROR_INPUT, "no generator '%s'; did you mean '%s'?", name, nearest);
    }
    return fail(err, ERROR_INPUT, "no generator '%s'; there are web-logs, app-logs and csv-events",
                name);
}

// ---- one event -----------------------------------------------------------------------------

TimeUs generator_time(const GeneratorSettings *settings, int64_t index)
{
    int64_t burst = settings->kind->burst;
    int64_t step = index / burst * burst;
    // long double: exact far beyond any index that time can reach; rounded, so that ten events in
    // three seconds are three seconds.
    TimeUs offset = (TimeUs)((long double)step * TIME_SECOND / (long double)settings->rate + 0.5L);
    return settings->start + offset + index % burst * BURST_GAP_US;
}

int64_t generator_due(const GeneratorSettings *settings, TimeUs now)
{
    if (now < settings->start) {
        return 0;
    }
    int64_t burst = settings->kind->burst;
    long double span = (long double)(now - settings->start);
    int64_t steps = (int64_t)(span * (long double)settings->rate / TIME_SECOND);
    // A burst is there as a whole once its first event is due.
    int64_t due = (steps / burst + 1) * burst;
    while (due > 0 && generator_time(settings, due - burst) > now) {
        due -= burst;
    }
    while (generator_time(settings, due) <= now) {
        due += burst;
    }
    return due;
}

uint64_t generator_scramble(uint64_t value)
{
    Random random = {value};
    return random_next(&random);
}

void generator_write(const GeneratorSettings *settings, int64_t index, Buffer *out)
{
    Random random = {generator_scramble(settings->seed) ^
                     generator_scramble((uint64_t)index + 0x7461726eu)};
    TimeUs time = generator_time(settings, index);
    // Drawn always, so that --late changes nothing but the timestamps.
    bool is_late = generator_chance(&random, settings->late);
    TimeUs delay = (TimeUs)random_below(&random, LATE_SPAN_US) + 1;
    GeneratorEvent event = {
        .time = is_late ? time - delay : time,
        .index = index,
        .seed = settings->seed,
        .errors = settings->errors < 0 ? settings->kind->errors : settings->errors,
        .random = &random,
    };
    settings->kind->write(&event, out);
    buffer_append_char(out, '\n');
}

// ---- shared by the kinds -------------------------------------------------------------------

size_t generator_pick(Random *random, const int *weights, size_t count)
{
    int total = 0;
    for (size_t i = 0; i < count; i++) {
        total += weights[i];
    }
    int left = (int)random_below(random, (uint64_t)total);
    for (size_t i = 0; i < count; i++) {
        left -= weights[i];
        if (left < 0) {
            return i;
        }
    }
    return count - 1;
}

double generator_normal(Random *random)
{
    double sum = -6;
    for (int i = 0; i < 12; i++) {
        sum += random_unit(random);
    }
    return sum;
}

bool generator_chance(Random *random, double percent)
{
    return random_unit(random) * 100 < percent;
}

void generator_digits(int64_t value, int width, Buffer *out)
{
    char digits[24];
    size_t size = 0;
    for (; value > 0 || width > 0; value /= 10, width--) {
        digits[sizeof digits - ++size] = (char)('0' + value % 10);
    }
    if (size == 0) {
        digits[sizeof digits - ++size] = '0';
    }
    buffer_append_bytes(out, digits + sizeof digits - size, size);
}

void generator_hex(uint64_t value, Buffer *out)
{
    char digits[16];
    for (int i = 15; i >= 0; i--, value >>= 4) {
        digits[i] = "0123456789abcdef"[value & 15];
    }
    buffer_append_bytes(out, digits, sizeof digits);
}

void generator_timestamp(TimeUs time, bool without_zero, Buffer *out)
{
    int64_t days = time / TIME_DAY;
    TimeUs rest = time % TIME_DAY;
    if (rest < 0) {
        rest += TIME_DAY;
        days--;
    }
    int year;
    int month;
    int day;
    time_civil(days, &year, &month, &day);
    int64_t seconds = rest / TIME_SECOND;
    int64_t micros = rest % TIME_SECOND;
    generator_digits(year, 4, out);
    buffer_append_char(out, '-');
    generator_digits(month, 2, out);
    buffer_append_char(out, '-');
    generator_digits(day, 2, out);
    buffer_append_char(out, 'T');
    generator_digits(seconds / 3600, 2, out);
    buffer_append_char(out, ':');
    generator_digits(seconds / 60 % 60, 2, out);
    buffer_append_char(out, ':');
    generator_digits(seconds % 60, 2, out);
    if (micros != 0 || !without_zero) {
        buffer_append_char(out, '.');
        generator_digits(micros, 6, out);
    }
}

// ---- tarn generate -------------------------------------------------------------------------

typedef struct Run {
    const GeneratorOptions *options;
    GeneratorSettings settings;
    bool is_paced; // false: as fast as it goes
    int64_t end;   // events in all, INT64_MAX: no end
    bool to_folder;
    FILE *out;
    Buffer rows; // of the file to come
    int64_t row_count;
    int64_t next_file;
    Buffer path; // of the last file
    GeneratorProgress progress;
} Run;

static bool check_options(const GeneratorOptions *options, Error *err)
{
    if (options->rate < 0) {
        return fail(err, ERROR_INPUT, "--rate must be more than 0");
    }
    if (options->count < 0) {
        return fail(err, ERROR_INPUT, "--count must not be negative");
    }
    if (options->errors > 100 || options->late < 0 || options->late > 100) {
        return fail(err, ERROR_INPUT, "--errors and --late are percentages, 0 to 100");
    }
    if (strstr(options->to, "://") != NULL) {
        return fail(
            err, ERROR_INPUT,
            "cannot write to '%s': this version writes to a folder or to - (standard output)",
            options->to);
    }
    return true;
}

// The number after the largest one of prefix<number>suffix in the folder.
static bool find_next_file(Run *run, Error *err)
{
    const GeneratorKind *kind = run->settings.kind;
    size_t prefix = strlen(kind->file_prefix);
    DIR *dir = opendir(run->options->to);
    if (dir == NULL) {
        return fail_errno(err, "open folder '%s'", run->options->to);
    }
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strncmp(entry->d_name, kind->file_prefix, prefix) != 0) {
            continue;
        }
        char *rest = NULL;
        long long number = strtoll(entry->d_name + prefix, &rest, 10);
        if (rest != entry->d_name + prefix && number >= run->next_file) {
            run->next_file = number + 1;
        }
    }
    closedir(dir);
    return true;
}

static bool make_folders(const char *path, Error *err)
{
    Buffer part = {0};
    bool good = true;
    for (const char *c = path; good; c++) {
        if ((*c == '/' || *c == '\0') && part.size > 0 && mkdir(buffer_text(&part), 0777) != 0 &&
            errno != EEXIST) {
            good = fail_errno(err, "create folder '%s'", buffer_text(&part));
        }
        if (*c == '\0') {
            break;
        }
        buffer_append_char(&part, *c);
    }
    buffer_done(&part);
    return good;
}

// A file is written under a hidden .tmp name and linked to its own: link(2) fails when the name is
// taken, so that two generators on one folder never overwrite each other.
static bool flush_file(Run *run, Error *err)
{
    if (run->row_count == 0) {
        return true;
    }
    const GeneratorKind *kind = run->settings.kind;
    const char *folder = run->options->to;
    bool good = false;
    FILE *file = NULL;
    Buffer hidden = {0};
    buffer_printf(&hidden, "%s/.%s%" PRId64 ".%d.tmp", folder, kind->file_prefix, run->next_file,
                  (int)getpid());
    file = fopen(buffer_text(&hidden), "wb");
    if (file == NULL) {
        fail_errno(err, "create '%s'", buffer_text(&hidden));
        goto out;
    }
    if (kind->header != NULL) {
        fprintf(file, "%s\n", kind->header);
    }
    fwrite(buffer_text(&run->rows), 1, run->rows.size, file);
    int failed = ferror(file);
    if (fclose(file) != 0 || failed != 0) {
        fail_errno(err, "write '%s'", buffer_text(&hidden));
        goto out;
    }
    do {
        buffer_reset(&run->path);
        buffer_printf(&run->path, "%s/%s%" PRId64 "%s", folder, kind->file_prefix, run->next_file++,
                      kind->file_suffix);
        good = link(buffer_text(&hidden), buffer_text(&run->path)) == 0;
    } while (!good && errno == EEXIST);
    if (!good) {
        fail_errno(err, "create '%s'", buffer_text(&run->path));
    }
    run->progress.files += good;
    run->progress.last_file = buffer_text(&run->path);
    buffer_reset(&run->rows);
    run->row_count = 0;

out:
    if (file != NULL) {
        unlink(buffer_text(&hidden));
    }
    buffer_done(&hidden);
    return good;
}

static bool flush_stream(Run *run, Error *err)
{
    fwrite(buffer_text(&run->rows), 1, run->rows.size, run->out);
    buffer_reset(&run->rows);
    run->row_count = 0;
    return fflush(run->out) == 0 || fail_errno(err, "write to standard output");
}

static bool flush(Run *run, Error *err)
{
    return run->to_folder ? flush_file(run, err) : flush_stream(run, err);
}

static bool start_run(Run *run, Error *err)
{
    const GeneratorOptions *options = run->options;
    if (!check_options(options, err) || !generator_find(options->kind, &run->settings.kind, err)) {
        return false;
    }
    GeneratorSettings *settings = &run->settings;
    if (options->errors >= 0 && settings->kind->errors < 0) {
        return fail(err, ERROR_INPUT, "%s has no errors: leave --errors out", options->kind);
    }
    int64_t count = options->count;
    if (count == 0 && options->duration == 0) {
        count = settings->kind->count;
    }
    run->is_paced = options->rate > 0 || options->count == 0;
    settings->rate = options->rate > 0 ? options->rate : settings->kind->rate;
    settings->seed = options->has_seed ? options->seed : random_seed();
    TimeUs start = options->start != 0 ? options->start : clock_now(options->clock);
    settings->start = start - options->history;
    settings->errors = options->errors;
    settings->late = options->late;
    run->end = count > 0 ? count : INT64_MAX;
    if (options->duration > 0) {
        int64_t due = generator_due(settings, start + options->duration - 1);
        run->end = due < run->end ? due : run->end;
    }
    run->progress.total = run->end == INT64_MAX ? 0 : run->end;
    run->to_folder = strcmp(options->to, "-") != 0;
    if (run->to_folder) {
        return make_folders(options->to, err) && find_next_file(run, err);
    }
    if (settings->kind->header != NULL) {
        buffer_printf(&run->rows, "%s\n", settings->kind->header);
    }
    return true;
}

// Writes what is due; rows left over stay in run->rows.
static bool write_due(Run *run, int64_t due, const volatile sig_atomic_t *stop, Error *err)
{
    int64_t per_file = run->settings.kind->rows_per_file;
    int64_t limit = run->to_folder && per_file > 0 ? per_file : MAX_FILE_ROWS;
    while (run->progress.events < due && *stop == 0) {
        generator_write(&run->settings, run->progress.events++, &run->rows);
        if (++run->row_count >= limit && !flush(run, err)) {
            return false;
        }
    }
    return true;
}

bool generator_run(const GeneratorOptions *options, FILE *standard_output,
                   const volatile sig_atomic_t *stop,
                   void (*progress)(void *context, const GeneratorProgress *now), void *context,
                   Error *err)
{
    Run run = {.options = options, .out = standard_output};
    bool good = start_run(&run, err);
    TimeUs flushed = 0;
    while (good && *stop == 0) {
        TimeUs now = clock_now(options->clock);
        // Without pace, one file's worth at a time, so that progress is told.
        int64_t due =
            run.is_paced ? generator_due(&run.settings, now) : run.progress.events + MAX_FILE_ROWS;
        due = due < run.end ? due : run.end;
        good = write_due(&run, due, stop, err);
        bool whole_files = run.to_folder && run.settings.kind->rows_per_file > 0;
        if (good && !whole_files && (!run.to_folder || now - flushed >= TIME_SECOND)) {
            good = flush(&run, err);
            flushed = now;
        }
        if (progress != NULL) {
            progress(context, &run.progress);
        }
        if (run.progress.events >= run.end) {
            break;
        }
        if (run.is_paced) {
            clock_sleep_until(options->clock, now + TICK_US);
        }
    }
    // The rest, also after a signal: rows that were made are not thrown away.
    good = good && flush(&run, err);
    if (good && progress != NULL) {
        progress(context, &run.progress);
    }
    buffer_done(&run.rows);
    buffer_done(&run.path);
    return good;
}
