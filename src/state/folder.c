// SPDX-License-Identifier: Apache-2.0
#include "state/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"

bool folder_open(const char *folder, int *fd, Error *err)
{
    int opened = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0) {
        return fail_errno(err, "open checkpoint folder %s", folder);
    }
    *fd = opened;
    return true;
}

static bool sync_folder(const char *folder, Error *err)
{
    int fd = -1;
    if (!folder_open(folder, &fd, err)) {
        return false;
    }
    bool ok =
        fsync(fd) == 0 || fail(err, ERROR_FAILED, "sync folder %s: %s", folder, strerror(errno));
    close(fd);
    return ok;
}

// Makes one level; its entry is synced in the parent, which ends before the last '/'.
static bool make_level(char *path, Error *err)
{
    if (mkdir(path, 0777) != 0) {
        return errno == EEXIST || fail_errno(err, "make checkpoint folder %s", path);
    }
    char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return sync_folder(".", err);
    }
    if (slash == path) {
        return sync_folder("/", err);
    }
    *slash = '\0';
    bool ok = sync_folder(path, err);
    *slash = '/';
    return ok;
}

bool folder_make(const char *folder, Error *err)
{
    Buffer path = {0};
    buffer_append_text(&path, folder);
    while (path.size > 1 && path.data[path.size - 1] == '/') {
        path.data[--path.size] = '\0';
    }
    bool ok = true;
    for (size_t i = 1; ok && i <= path.size; i++) {
        char c = path.data[i];
        if ((c == '/' && path.data[i - 1] != '/') || i == path.size) {
            path.data[i] = '\0';
            ok = make_level(path.data, err);
            path.data[i] = c;
        }
    }
    buffer_done(&path);
    return ok;
}

bool folder_lock(int folder_fd, const char *folder, int *lock_fd, Error *err)
{
    int fd = openat(folder_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) {
        return fail_errno(err, "open %s/lock", folder);
    }
    char text[32];
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        bool is_held = errno == EWOULDBLOCK;
        if (!is_held) {
            fail_errno(err, "lock %s/lock", folder);
        } else {
            ssize_t size = read(fd, text, sizeof text - 1);
            text[size < 0 ? 0 : size] = '\0';
            text[strcspn(text, "\n")] = '\0';
            fail(err, ERROR_CONFLICT,
                 "checkpoint %s is in use by process %s: stop that one first (`tarn stop`)", folder,
                 text[0] == '\0' ? "(unknown)" : text);
        }
        close(fd);
        return false;
    }
    // The number is for the message above only; the lock itself goes with the process.
    int size = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)size, 0) != size) {
        fail_errno(err, "write %s/lock", folder);
        close(fd);
        return false;
    }
    *lock_fd = fd;
    return true;
}

bool folder_read_text(int folder_fd, const char *folder, const char *name, char *text,
                      size_t capacity, bool *found, Error *err)
{
    *found = false;
    int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT || fail_errno(err, "open %s/%s", folder, name);
    }
    ssize_t size = read(fd, text, capacity - 1);
    if (size < 0) {
        fail_errno(err, "read %s/%s", folder, name);
        close(fd);
        return false;
    }
    close(fd);
    text[size] = '\0';
    if (size > 0 && text[size - 1] == '\n') {
        text[size - 1] = '\0';
    }
    *found = true;
    return true;
}

bool folder_write_text(int folder_fd, const char *folder, const char *name, const char *text,
                       FileSync sync, Error *err)
{
    char temporary[64];
    snprintf(temporary, sizeof temporary, "%s.new", name);
    int fd = openat(folder_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        return fail_errno(err, "write %s/%s", folder, name);
    }
    ssize_t size = (ssize_t)strlen(text);
    ssize_t written = write(fd, text, (size_t)size);
    if (written != size) {
        errno = written < 0 ? errno : ENOSPC;
        fail_errno(err, "write %s/%s", folder, name);
        close(fd);
        return false;
    }
    if (sync(fd) != 0) {
        fail(err, ERROR_FAILED, "sync %s/%s: %s", folder, name, strerror(errno));
        close(fd);
        return false;
    }
    close(fd);
    if (renameat(folder_fd, temporary, folder_fd, name) != 0) {
        return fail_errno(err, "rename %s/%s", folder, temporary);
    }
    if (sync(folder_fd) != 0) {
        return fail(err, ERROR_FAILED, "sync folder %s: %s", folder, strerror(errno));
    }
    return true;
}
