// The log on disk: each byte of a small checkpoint flipped, each truncation, files missing, syncs
// that fail, a disk that is full. The outcome is an error that names file and offset, or the state
// of the last intact record where that record is the only one missing.
// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <sys/resource.h>

#include "state/log.h"

#include "state_model.h"

enum { BATCHES_MAX = 30, FILE_MAX = 16384, FILES_MAX = 4 };

typedef struct File {
    char name[SEGMENT_NAME_SIZE];
    char bytes[FILE_MAX];
    size_t size;
    size_t records[BATCHES_MAX + 1]; // offsets; the last one is the end
    int64_t batches[BATCHES_MAX];
    size_t record_count;
} File;

static File files[FILES_MAX];
static size_t file_count;
static int64_t batch_count;
static char folder[64];

static const StateOptions small_segments = {
    .segment_bytes = 2000,
    .sync_file = model_no_sync,
};

static void path_of(const char *name, char path[128])
{
    snprintf(path, 128, "%s/%s", folder, name);
}

static void write_file(const char *name, const char *bytes, size_t size)
{
    char path[128];
    path_of(name, path);
    int fd = open(path, O_WRONLY | O_CREAT, 0666); // O_TRUNC would make ext4 wait for the disk
    CHECK(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    CHECK(ftruncate(fd, (off_t)size) == 0);
    close(fd);
}

static void restore_files(void)
{
    char path[128];
    char name[SEGMENT_NAME_SIZE];
    for (size_t i = file_count; i < file_count + 2; i++) { // what the last reopen has begun
        log_segment_name(i + 1, name);
        path_of(name, path);
        unlink(path);
    }
    for (size_t i = 0; i < file_count; i++) {
        write_file(files[i].name, files[i].bytes, files[i].size);
    }
}

static void load_file(File *file, uint64_t segment)
{
    log_segment_name(segment, file->name);
    char path[128];
    path_of(file->name, path);
    int fd = open(path, O_RDONLY);
    ssize_t size = fd < 0 ? 0 : read(fd, file->bytes, FILE_MAX);
    close(fd);
    CHECK(size > 0 && size < FILE_MAX);
    file->size = (size_t)size;
    SegmentHeader header;
    memcpy(&header, file->bytes, sizeof header);
    size_t offset = header.size;
    file->record_count = 0;
    while (offset + sizeof(RecordHeader) <= file->size) {
        RecordHeader record = record_header((Slice){file->bytes + offset, sizeof record});
        if (record.magic != RECORD_MAGIC) {
            break;
        }
        file->batches[file->record_count] = record.batch;
        file->records[file->record_count++] = offset;
        offset += record.size;
    }
    file->records[file->record_count] = offset;
}

// Batch b puts key "k<b>" and the key "last", and deletes what batch b - 2 put.
static bool put_batch(StateTable *table, int64_t batch, Error *err)
{
    char key[16];
    char value[200];
    memset(value, (int)('a' + batch), sizeof value);
    snprintf(key, sizeof key, "k%lld", (long long)batch);
    if (!state_put(table, 0, slice_of(key), (Slice){value, sizeof value}, err) ||
        !state_put(table, 0, slice_of("last"), (Slice){(const char *)&batch, sizeof batch}, err)) {
        return false;
    }
    snprintf(key, sizeof key, "k%lld", (long long)batch - 2);
    state_delete(table, 0, slice_of(key));
    return true;
}

static bool has_batch(const StateTable *table, int64_t batch)
{
    Slice value;
    if (batch < 0) {
        return state_row_count(table) == 0;
    }
    if (!model_lookup(table, 0, slice_of("last"), &value) || value.size != sizeof batch ||
        memcmp(value.data, &batch, sizeof batch) != 0) {
        return false;
    }
    for (int64_t b = 0; b <= batch; b++) {
        char key[16];
        snprintf(key, sizeof key, "k%lld", (long long)b);
        bool expected = b > batch - 2;
        if (model_lookup(table, 0, slice_of(key), &value) != expected) {
            return false;
        }
        if (expected && (value.size != 200 || value.data[7] != (char)('a' + b))) {
            return false;
        }
    }
    return state_row_count(table) == (batch == 0 ? 2 : 3);
}

static bool commit_batch(State *state, StateTable *table, int64_t batch, Error *err)
{
    char meta[32];
    snprintf(meta, sizeof meta, "{\"batch\":%lld}", (long long)batch);
    return put_batch(table, batch, err) && state_commit(state, batch, slice_of(meta), NULL, err);
}

static void make_checkpoint(void)
{
    snprintf(folder, sizeof folder, "%s", model_folder(false));
    State *state = NULL;
    StateTable *table = NULL;
    Error err = {0};
    CHECK(state_open(folder, &small_segments, &state, &err));
    CHECK(state_table(state, "t", slice_of("x"), &table, &err));
    // Until the sweep has left the first file: one record more would let it go.
    uint64_t hand = 1;
    while (hand == 1 && batch_count < BATCHES_MAX) {
        CHECK(commit_batch(state, table, batch_count++, &err));
        state_confirm(state);
        file_count = model_count_segments(folder);
        for (size_t i = 0; i < file_count; i++) {
            load_file(&files[i], i + 1);
        }
        const File *file = &files[file_count - 1];
        const char *last = file->bytes + file->records[file->record_count - 1];
        hand = record_header((Slice){last, sizeof(RecordHeader)}).hand_segment;
    }
    state_close(state);
    CHECK(hand == 2 && file_count == 2);
    CHECK(files[0].record_count > 3 && files[1].record_count > 1);
    printf("%zu and %zu records\n", files[0].record_count, files[1].record_count);
}

// Opens with the held-back record applied. Returns the batch, or -2 when it is damaged.
static int64_t reopen(Error *err)
{
    State *state = NULL;
    StateTable *table = NULL;
    *err = (Error){0};
    if (!state_open(folder, &small_segments, &state, err)) {
        return -2;
    }
    StatePosition pending;
    if (state_pending(state, &pending)) {
        int64_t batch = pending.batch;
        char meta[32];
        snprintf(meta, sizeof meta, "{\"batch\":%lld}", (long long)batch);
        CHECK(slice_is(pending.meta, meta));
        CHECK(state_last(state).batch == batch - 1);
        CHECK(state_apply_pending(state, err));
        CHECK(state_last(state).batch == batch);
    }
    int64_t batch = state_last(state).batch;
    CHECK(state_table(state, "t", slice_of("x"), &table, err));
    CHECK(has_batch(table, batch));
    // The log goes on from there.
    CHECK(commit_batch(state, table, batch + 1, err));
    CHECK(has_batch(table, batch + 1));
    state_close(state);
    return batch;
}

static bool names_the_file(const Error *err, const char *name)
{
    return err->kind == ERROR_CORRUPT && strstr(err->message, name) != NULL &&
           strstr(err->message, "damaged at byte") != NULL &&
           strstr(err->message, "--full-refresh") != NULL;
}

static void test_every_byte(void)
{
    int64_t whole = batch_count - 1;
    for (size_t f = 0; f < file_count; f++) {
        File *file = &files[f];
        bool is_last = f == file_count - 1;
        size_t last_record = file->records[file->record_count - 1];
        size_t end = file->records[file->record_count];
        for (size_t offset = 0; offset < file->size; offset++) {
            if (offset > end + 200 && offset % 97 != 0) {
                continue; // zeros are alike
            }
            restore_files();
            file->bytes[offset] = (char)(file->bytes[offset] ^ (1 << offset % 8));
            write_file(file->name, file->bytes, file->size);
            file->bytes[offset] = (char)(file->bytes[offset] ^ (1 << offset % 8));
            Error err;
            int64_t batch = reopen(&err);
            bool ok = batch == -2 && names_the_file(&err, file->name);
            if (is_last && offset >= end) {
                ok = batch == whole; // garbage of a write that never ended
            } else if (is_last && offset >= last_record) {
                ok = ok || batch == whole - 1;
            }
            CHECK(ok);
            if (!ok) {
                fprintf(stderr, "%s byte %zu: batch %lld, %s\n", file->name, offset,
                        (long long)batch, err.message);
            }
        }
    }
    restore_files();
}

static void test_every_length(void)
{
    for (size_t f = 0; f < file_count; f++) {
        const File *file = &files[f];
        bool is_last = f == file_count - 1;
        for (size_t size = 0; size < file->size; size++) {
            if (size > file->records[file->record_count] + 50 && size % 97 != 0) {
                continue;
            }
            restore_files();
            write_file(file->name, file->bytes, size);
            Error err;
            int64_t batch = reopen(&err);
            // A cut file looks like a record that was being written, so it ends at an intact one.
            int64_t intact = f == 0 ? -1 : file->batches[0] - 1;
            for (size_t r = 0; r < file->record_count; r++) {
                intact = file->records[r + 1] <= size ? file->batches[r] : intact;
            }
            bool is_whole = size >= file->records[file->record_count];
            bool ok = is_last || is_whole ? batch == (is_last ? intact : batch_count - 1)
                                          : batch == -2 && err.kind == ERROR_CORRUPT;
            if (size < file->records[0]) {
                ok = batch == -2 && names_the_file(&err, file->name);
            }
            CHECK(ok);
            if (!ok) {
                fprintf(stderr, "%s cut to %zu: batch %lld, expected %lld, %s\n", file->name, size,
                        (long long)batch, (long long)intact, err.message);
            }
        }
    }
    restore_files();
}

static bool is_zero_behind(const char *name, size_t offset)
{
    char path[128];
    static char bytes[FILE_MAX];
    path_of(name, path);
    int fd = open(path, O_RDONLY);
    ssize_t size = pread(fd, bytes, sizeof bytes, (off_t)offset);
    close(fd);
    for (ssize_t i = 0; i < size; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return size >= 0;
}

// A last record half of whose sectors reached the disk, in any order, never happened.
static void test_torn_sectors(uint64_t seed)
{
    Random random = {seed};
    File *file = &files[file_count - 1];
    size_t start = file->records[file->record_count - 1];
    size_t end = file->records[file->record_count];
    static char torn[FILE_MAX];
    for (int round = 0; round < 200; round++) {
        memcpy(torn, file->bytes, file->size);
        uint64_t kept = random_next(&random);
        bool is_whole = true;
        for (size_t sector = 0; sector < file->size; sector += 64) {
            size_t from = sector < start ? start : sector;
            size_t to = sector + 64 > end ? end : sector + 64;
            if (from < to && (kept >> (sector / 64 % 64) & 1) == 0) {
                memset(torn + from, 0, to - from);
                is_whole = is_whole && memcmp(torn + from, file->bytes + from, to - from) == 0;
            }
        }
        restore_files();
        write_file(file->name, torn, file->size);
        Error err = {0};
        State *state = NULL;
        CHECK(state_open(folder, &small_segments, &state, &err));
        state_close(state);
        CHECK(is_whole || is_zero_behind(file->name, start)); // README I6
        CHECK(reopen(&err) == (is_whole ? batch_count - 1 : batch_count - 2));
    }
    restore_files();
}

// Damage in a record that another one followed is not a torn write, even when that one is torn.
static void test_damage_before_torn(void)
{
    const File *file = &files[file_count - 1];
    static char bytes[FILE_MAX];
    memcpy(bytes, file->bytes, file->size);
    bytes[file->records[0] + 150] ^= 1;
    bytes[file->records[1] + 150] ^= 1;
    write_file(file->name, bytes, file->size);
    Error err;
    CHECK(reopen(&err) == -2 && names_the_file(&err, file->name));
    restore_files();
}

static void test_missing_files(void)
{
    char path[128];
    Error err;
    path_of(files[0].name, path);
    unlink(path);
    // The sweep left the first file with the last record, so with it the first file is not needed,
    // without it is.
    State *state = NULL;
    CHECK(state_open(folder, &small_segments, &state, &err));
    CHECK(!state_discard_pending(state, &err) && names_the_file(&err, files[0].name));
    state_close(state);
    CHECK(reopen(&err) == batch_count - 1);
    restore_files();
    unlink(path);
    write_file(files[1].name, files[1].bytes, files[1].records[1]);
    CHECK(reopen(&err) == -2 && names_the_file(&err, files[0].name));
    restore_files();

    path_of("identity", path);
    static const char other[] = "00000000-0000-4000-8000-000000000000\n";
    static char identity[64];
    int fd = open(path, O_RDONLY);
    ssize_t size = read(fd, identity, sizeof identity);
    close(fd);
    write_file("identity", other, sizeof other - 1);
    CHECK(reopen(&err) == -2 && names_the_file(&err, files[0].name));
    write_file("identity", "nonsense", 8);
    CHECK(reopen(&err) == -2 && strstr(err.message, "identity") != NULL);
    unlink(path);
    CHECK(reopen(&err) == -2 && strstr(err.message, "identity is missing") != NULL);
    write_file("identity", identity, (size_t)size);
    write_file("epoch", "x\n", 2);
    CHECK(reopen(&err) == -2 && strstr(err.message, "epoch") != NULL);
    write_file("epoch", "77\n", 3);
    CHECK(reopen(&err) == batch_count - 1);
    restore_files();
}

static int syncs_left;

static int failing_sync(int fd)
{
    if (syncs_left == 0) {
        errno = EIO;
        return -1;
    }
    syncs_left--;
    return model_no_sync(fd);
}

static void test_sync_fails(void)
{
    const char *path = model_folder(false);
    StateOptions options = {.sync_file = failing_sync, .segment_bytes = 3000};
    State *state = NULL;
    StateTable *table = NULL;
    Error err = {0};
    syncs_left = 100;
    CHECK(state_open(path, &options, &state, &err));
    CHECK(state_table(state, "t", slice_of("x"), &table, &err));
    CHECK(commit_batch(state, table, 0, &err));
    syncs_left = 0;
    CHECK(!commit_batch(state, table, 1, &err) && err.kind == ERROR_FAILED);
    CHECK(strstr(err.message, "sync") != NULL);
    state_rollback(state);
    CHECK(has_batch(table, 0));
    syncs_left = 100; // the disk is well again, but what the kernel dropped is gone
    CHECK(!commit_batch(state, table, 1, &err) && err.kind == ERROR_FAILED);
    CHECK(!state_discard_last(state, &err) && err.kind == ERROR_FAILED);
    state_close(state);
    model_remove(path);
}

// A limit on the size of files stands for a full disk: nothing is written, then it goes on.
static void test_no_space(void)
{
    const char *path = model_folder(false);
    StateOptions options = {.sync_file = model_no_sync};
    State *state = NULL;
    StateTable *table = NULL;
    Error err = {0};
    CHECK(state_open(path, &options, &state, &err));
    CHECK(state_table(state, "t", slice_of("x"), &table, &err));
    struct rlimit old;
    getrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit small = {.rlim_cur = 1 << 20, .rlim_max = old.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    CHECK(!commit_batch(state, table, 0, &err));
    setrlimit(RLIMIT_FSIZE, &old);
    state_rollback(state);
    CHECK(state_row_count(table) == 0);
    CHECK(commit_batch(state, table, 0, &err));
    setrlimit(RLIMIT_FSIZE, &small);
    static char value[8 << 20];
    CHECK(state_put(table, 1, slice_of("big"), (Slice){value, sizeof value}, &err));
    CHECK(!state_commit(state, 1, slice_of("{}"), NULL, &err));
    setrlimit(RLIMIT_FSIZE, &old);
    state_rollback(state);
    CHECK(commit_batch(state, table, 1, &err));
    state_close(state);
    snprintf(folder, sizeof folder, "%s", path);
    CHECK(reopen(&err) == 1);
    model_remove(path);
}

// A row whose value is a copy of the log does not look like records of the log.
static void test_log_in_log(void)
{
    const char *path = model_folder(false);
    char name[128];
    State *state = NULL;
    StateTable *table = NULL;
    Error err = {0};
    static char copy[FILE_MAX];
    StateOptions options = {.sync_file = model_no_sync};
    CHECK(state_open(path, &options, &state, &err));
    CHECK(state_table(state, "t", slice_of("x"), &table, &err));
    CHECK(commit_batch(state, table, 0, &err));
    snprintf(name, sizeof name, "%s/log.00000001", path);
    int fd = open(name, O_RDWR);
    CHECK(read(fd, copy, sizeof copy) == (ssize_t)sizeof copy);
    StatePosition position;
    CHECK(state_put(table, 0, slice_of("copy"), (Slice){copy, 4096}, &err));
    CHECK(state_commit(state, 1, slice_of("{}"), &position, &err));
    state_close(state);
    // The second record is torn: only its last bytes are missing.
    CHECK(read(fd, copy, sizeof copy) == (ssize_t)sizeof copy);
    CHECK(pread(fd, copy, sizeof copy, 0) == (ssize_t)sizeof copy);
    size_t end = sizeof copy;
    while (copy[end - 1] == 0) {
        end--;
    }
    CHECK(pwrite(fd, "\0", 1, (off_t)end - 1) == 1);
    close(fd);
    snprintf(folder, sizeof folder, "%s", path);
    CHECK(reopen(&err) == 0);
    model_remove(path);
}

int main(int argc, char **argv)
{
    uint64_t seed = model_seed(argc, argv);
    make_checkpoint();
    Error err;
    CHECK(reopen(&err) == batch_count - 1);
    restore_files();
    test_every_byte();
    test_every_length();
    test_torn_sectors(seed);
    test_damage_before_torn();
    test_missing_files();
    model_remove(folder);
    test_sync_fails();
    test_no_space();
    test_log_in_log();
    return check_done();
}
