// SPDX-License-Identifier: Apache-2.0
#include "engine/control.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

enum {
    REQUEST_MAX = 4096,
    CLIENT_TIMEOUT_MS = 2000, // a client that says nothing must not keep the others out for long
    ANSWER_TIMEOUT_MS = 10000,
};

struct InstanceLock {
    int fd;
};

// ---- the lock ------------------------------------------------------------------------------

static bool make_folders(const char *path, Error *err)
{
    char *copy = strdup(path);
    bool ok = copy != NULL;
    for (char *slash = copy; ok && slash != NULL;) {
        slash = strchr(slash + 1, '/');
        if (slash != NULL) {
            *slash = '\0';
        }
        ok = mkdir(copy, 0777) == 0 || errno == EEXIST;
        if (slash != NULL) {
            *slash = '/';
        }
    }
    if (!ok) {
        fail_errno(err, "make the storage folder %s", path);
    }
    free(copy);
    return ok;
}

static int open_lock(const char *storage, int flags)
{
    Buffer path = {0};
    buffer_printf(&path, "%s/tarn.lock", storage);
    int fd = open(buffer_text(&path), flags | O_CLOEXEC, 0666);
    buffer_done(&path);
    return fd;
}

static int pid_in(int fd)
{
    char text[32] = {0};
    ssize_t size = pread(fd, text, sizeof text - 1, 0);
    long pid = size > 0 ? strtol(text, NULL, 10) : 0;
    return pid > 0 && pid < INT32_MAX ? (int)pid : 0;
}

// Opens and locks the file; -1 with err. `tarn clean` unlinks the file while it holds the lock, so
// what was locked must still be what the name means.
static int lock_file(const char *storage, Error *err)
{
    while (true) {
        int fd = open_lock(storage, O_RDWR | O_CREAT);
        if (fd < 0) {
            fail_errno(err, "open %s/tarn.lock", storage);
            return -1;
        }
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            if (errno == EWOULDBLOCK) {
                fail(err, ERROR_INPUT,
                     "process %d uses this project's storage already (%s). `tarn status` shows "
                     "what it does, `tarn stop` ends it",
                     pid_in(fd), storage);
            } else {
                fail_errno(err, "lock %s/tarn.lock", storage);
            }
            close(fd);
            return -1;
        }
        struct stat mine;
        struct stat named;
        int again = open_lock(storage, O_RDONLY);
        bool is_same = again >= 0 && fstat(fd, &mine) == 0 && fstat(again, &named) == 0 &&
                       mine.st_ino == named.st_ino;
        if (again >= 0) {
            close(again);
        }
        if (is_same) {
            return fd;
        }
        close(fd);
    }
}

bool instance_lock(const char *storage, InstanceLock **lock, Error *err)
{
    if (!make_folders(storage, err)) {
        return false;
    }
    int fd = lock_file(storage, err);
    if (fd < 0) {
        return false;
    }
    char text[32];
    int size = snprintf(text, sizeof text, "%d\n", (int)getpid());
    // Only for people and messages: the lock itself is the kernel's.
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)size, 0) != size) {
        fail_errno(err, "write %s/tarn.lock", storage);
        close(fd);
        return false;
    }
    InstanceLock *held = malloc(sizeof *held);
    if (held == NULL) {
        close(fd);
        return fail(err, ERROR_FAILED, "out of memory");
    }
    held->fd = fd;
    *lock = held;
    return true;
}

void instance_unlock(InstanceLock *lock)
{
    if (lock != NULL) {
        // The file stays: unlinking it would let two processes lock two files of one name.
        int ignored = ftruncate(lock->fd, 0);
        (void)ignored;
        close(lock->fd);
        free(lock);
    }
}

int instance_pid(const char *storage)
{
    int fd = open_lock(storage, O_RDONLY);
    if (fd < 0) {
        return 0;
    }
    int pid = 0;
    if (flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        pid = pid_in(fd);
    }
    close(fd);
    return pid;
}

// ---- the status object ---------------------------------------------------------------------

static void append_text(Buffer *json, const char *key, const char *value)
{
    buffer_printf(json, ",\"%s\":", key);
    if (value == NULL) {
        buffer_append_text(json, "null");
    } else {
        buffer_append_json(json, slice_of(value));
    }
}

static void append_int(Buffer *json, const char *key, int64_t value, int64_t none)
{
    if (value == none) {
        buffer_printf(json, ",\"%s\":null", key);
    } else {
        buffer_printf(json, ",\"%s\":%lld", key, (long long)value);
    }
}

void control_begin_status(Buffer *json, const char *project, bool running, int pid, TimeUs started)
{
    char text[32];
    time_format_iso(started, text);
    buffer_printf(json, "{\"v\":1,\"type\":\"status\",\"running\":%s", running ? "true" : "false");
    append_text(json, "project", project);
    append_int(json, "pid", pid, 0);
    append_text(json, "started", text);
    buffer_append_text(json, ",\"flows\":[");
}

static void append_time(Buffer *json, const char *key, TimeUs time)
{
    char text[32];
    if (time != TIME_MIN) {
        time_format_iso(time, text);
    }
    append_text(json, key, time == TIME_MIN ? NULL : text);
}

static void append_comma(Buffer *json)
{
    if (json->size > 0 && json->data[json->size - 1] == '}') {
        buffer_append_char(json, ',');
    }
}

void control_append_flow(Buffer *json, const ControlFlow *flow)
{
    append_comma(json);
    buffer_append_text(json, "{\"flow\":");
    buffer_append_json(json, slice_of(flow->flow));
    append_text(json, "dataset", flow->dataset);
    append_text(json, "state", flow->state);
    append_int(json, "batch", flow->batch, -1);
    append_int(json, "batches", flow->batches, INT64_MIN);
    append_int(json, "duration_ms", flow->duration / TIME_MS, INT64_MIN);
    append_int(json, "input_rows", flow->input_rows, INT64_MIN);
    append_int(json, "output_rows", flow->output_rows, INT64_MIN);
    buffer_printf(json, ",\"rows_per_second\":%.1f", flow->rows_per_second);
    append_int(json, "lag_rows", flow->lag_rows, -1);
    append_int(json, "lag_ms", flow->lag_ms, -1);
    append_time(json, "watermark", flow->watermark);
    append_int(json, "state_rows", flow->state_rows, INT64_MIN);
    append_int(json, "state_bytes", flow->state_bytes, INT64_MIN);
    append_int(json, "dropped", flow->dropped, INT64_MIN);
    append_int(json, "malformed", flow->malformed, INT64_MIN);
    append_text(json, "error", flow->error);
    buffer_printf(json, ",\"progress\":%s}", flow->progress == NULL ? "null" : flow->progress);
}

void control_begin_views(Buffer *json)
{
    buffer_append_text(json, "],\"views\":[");
}

void control_append_view(Buffer *json, const ControlView *view)
{
    append_comma(json);
    buffer_append_text(json, "{\"view\":");
    buffer_append_json(json, slice_of(view->view));
    append_text(json, "kind", "materialized view");
    append_text(json, "state", view->state);
    append_time(json, "refreshed", view->refreshed);
    append_int(json, "refreshes", view->refreshes, INT64_MIN);
    append_int(json, "duration_ms", view->duration / TIME_MS, INT64_MIN);
    append_int(json, "rows", view->refreshes == 0 ? -1 : view->rows, -1);
    append_text(json, "error", view->error);
    buffer_append_char(json, '}');
}

void control_end_status(Buffer *json)
{
    buffer_append_text(json, "]}");
}

// ---- the socket ----------------------------------------------------------------------------

struct Control {
    ControlHandler handler;
    char *storage;
    int folder; // of the storage: socket names have 108 bytes, paths of projects may be longer
    int listener;
    int wake; // eventfd: control_close
    pthread_t thread;
    bool has_thread;
};

// "/proc/self/fd/<folder>/tarn.sock"
static struct sockaddr_un address_in(int folder)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/tarn.sock", folder);
    return address;
}

static bool wait_for(int fd, short events, int timeout_ms)
{
    struct pollfd entry = {.fd = fd, .events = events};
    int count;
    do {
        count = poll(&entry, 1, timeout_ms);
    } while (count < 0 && errno == EINTR);
    return count == 1;
}

// Reads up to the first line's end, or the stream's. False: too long, too slow, or gone.
static bool read_line(int fd, Buffer *line, size_t limit, int timeout_ms)
{
    while (line->size < limit) {
        char bytes[4096];
        if (!wait_for(fd, POLLIN, timeout_ms)) {
            return false;
        }
        ssize_t size = recv(fd, bytes, sizeof bytes, 0);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size <= 0) {
            return false;
        }
        buffer_append_bytes(line, bytes, (size_t)size);
        if (memchr(line->data, '\n', line->size) != NULL) {
            return true;
        }
    }
    return false;
}

static bool send_all(int fd, Slice bytes)
{
    while (bytes.size > 0) {
        if (!wait_for(fd, POLLOUT, CLIENT_TIMEOUT_MS)) {
            return false;
        }
        ssize_t size = send(fd, bytes.data, bytes.size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (size < 0 && (errno == EINTR || errno == EAGAIN)) {
            continue;
        }
        if (size < 0) {
            return false;
        }
        bytes.data += size;
        bytes.size -= (size_t)size;
    }
    return true;
}

static void answer(const Control *control, Slice request, Buffer *reply)
{
    json_error_t problem;
    json_t *root = json_loadb(request.data, request.size, 0, &problem);
    const char *command = json_string_value(json_object_get(root, "command"));
    if (command != NULL && strcmp(command, "status") == 0) {
        control->handler.status(control->handler.context, reply);
    } else if (command != NULL && strcmp(command, "stop") == 0) {
        buffer_printf(reply, "{\"v\":1,\"type\":\"stopping\",\"pid\":%d}", (int)getpid());
        control->handler.stop();
    } else {
        buffer_append_text(reply, "{\"v\":1,\"type\":\"error\",\"message\":\"unknown command\"}");
    }
    buffer_append_char(reply, '\n');
    json_decref(root);
}

// The mode of the socket keeps others out already; root may always come in.
static bool is_allowed(int client)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == geteuid() || peer.uid == 0);
}

static void serve(const Control *control, int client)
{
    Buffer request = {0};
    Buffer reply = {0};
    if (is_allowed(client) && read_line(client, &request, REQUEST_MAX, CLIENT_TIMEOUT_MS)) {
        answer(control, buffer_slice(&request), &reply);
        (void)send_all(client, buffer_slice(&reply)); // it went away: its business
    }
    buffer_done(&request);
    buffer_done(&reply);
}

static void *control_main(void *context)
{
    const Control *control = context;
    while (true) {
        struct pollfd entries[] = {{.fd = control->wake, .events = POLLIN},
                                   {.fd = control->listener, .events = POLLIN}};
        if (poll(entries, 2, -1) < 0 && errno != EINTR) {
            return NULL;
        }
        if ((entries[0].revents & POLLIN) != 0) {
            return NULL;
        }
        int client = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC);
        if (client >= 0) {
            serve(control, client);
            close(client);
        }
    }
}

static bool listen_in(Control *control, Error *err)
{
    control->folder = open(control->storage, O_PATH | O_DIRECTORY | O_CLOEXEC);
    control->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    control->wake = eventfd(0, EFD_CLOEXEC);
    if (control->folder < 0 || control->listener < 0 || control->wake < 0) {
        return fail_errno(err, "open the control socket in %s", control->storage);
    }
    // The caller holds the instance lock, so a socket that is there belongs to nobody.
    unlinkat(control->folder, "tarn.sock", 0);
    struct sockaddr_un address = address_in(control->folder);
    if (fchmod(control->listener, 0600) != 0 || // before bind: the name is born with this mode
        bind(control->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(control->listener, 16) != 0) {
        return fail_errno(err, "open %s/tarn.sock", control->storage);
    }
    return true;
}

bool control_open(const char *storage, const ControlHandler *handler, Control **control, Error *err)
{
    Control *opened = calloc(1, sizeof *opened);
    if (opened == NULL) {
        return fail(err, ERROR_FAILED, "out of memory");
    }
    *opened = (Control){.handler = *handler, .folder = -1, .listener = -1, .wake = -1};
    opened->storage = strdup(storage);
    bool ok = opened->storage != NULL && listen_in(opened, err);
    if (ok) {
        int code = pthread_create(&opened->thread, NULL, control_main, opened);
        opened->has_thread = code == 0;
        ok = code == 0 || fail(err, ERROR_FAILED, "start the control thread: %s", strerror(code));
    }
    if (!ok) {
        control_close(opened);
        return false;
    }
    *control = opened;
    return true;
}

void control_close(Control *control)
{
    if (control == NULL) {
        return;
    }
    if (control->has_thread) {
        uint64_t one = 1;
        ssize_t ignored = write(control->wake, &one, sizeof one);
        (void)ignored;
        pthread_join(control->thread, NULL);
        unlinkat(control->folder, "tarn.sock", 0);
    }
    const int fds[] = {control->folder, control->listener, control->wake};
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    free(control->storage);
    free(control);
}

// Connects; -1 and *running false when nobody listens.
static int connect_to(const char *storage, bool *running, Error *err)
{
    *running = false;
    int folder = open(storage, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = address_in(folder);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        if (errno != ENOENT && errno != ECONNREFUSED) {
            *running = true;
            fail_errno(err, "connect to %s/tarn.sock", storage);
        }
        close(fd);
        fd = -1;
    }
    close(folder);
    *running = *running || fd >= 0;
    return fd;
}

bool control_ask(const char *storage, const char *command, Buffer *reply, bool *running, Error *err)
{
    int fd = connect_to(storage, running, err);
    if (fd < 0) {
        return !*running;
    }
    Buffer request = {0};
    buffer_printf(&request, "{\"command\":\"%s\"}\n", command);
    bool ok =
        send_all(fd, buffer_slice(&request)) && read_line(fd, reply, SIZE_MAX, ANSWER_TIMEOUT_MS);
    buffer_done(&request);
    close(fd);
    if (!ok) {
        return fail(err, ERROR_RETRY, "the running instance (%s/tarn.sock) does not answer",
                    storage);
    }
    return true;
}
