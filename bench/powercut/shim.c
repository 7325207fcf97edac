/* Records what one process asks of its disk, for everything below one folder.
 *
 * Preloaded (ld.so(8), LD_PRELOAD) into a process that then calls powercut_start(folder): every creation, write,
 * truncation, rename, removal and sync below that folder is carried out and noted, in the order in which it was
 * carried out. Nothing is recorded before, and no environment is read.
 *
 * A record is {int64 kind, inode, other, offset, length} and `length` bytes of data, padded to 8; names are data, and
 * paths from that folder. Folders are watched like files, so that their syncs are told apart.
 * Not here: reads, memory maps (SQLite's -shm file; it means nothing after a power cut), metadata such as times.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { CREATE = 1, WRITE, TRUNCATE, SYNC, SYNC_FOLDER, RENAME, UNLINK, MAKE_FOLDER, LINK, REMOVE_FOLDER };
enum { MOST_FILES = 1 << 16 };

struct record { int64_t kind, inode, other, offset, length; }; /* `other` is unused */

static pthread_mutex_t mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static char folder[4096];
static dev_t device;
static ino_t files[MOST_FILES];
static size_t file_count;
static char *records;
static size_t used, room;
static int64_t record_count;
static int recording, failed;

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static void note(int64_t kind, ino_t inode, ino_t other, int64_t offset, const void *data, int64_t length) {
    size_t padded = (size_t)(length + 7) & ~(size_t)7, needed = sizeof(struct record) + padded;
    if (used + needed > room) {
        size_t larger = (room + needed) * 2;
        char *moved = realloc(records, larger);
        if (!moved) { failed = 1; return; }
        records = moved, room = larger;
    }
    struct record one = {kind, (int64_t)inode, (int64_t)other, offset, length};
    memcpy(records + used, &one, sizeof one);
    memset(records + used + sizeof one, 0, padded);
    if (length) memcpy(records + used + sizeof one, data, (size_t)length);
    used += needed, record_count++;
}

static const char *name_in_folder(const char *path) {
    size_t length = strlen(folder);
    if (!recording || strncmp(path, folder, length) || path[length] != '/') return NULL;
    return path + length + 1;
}

/* A path that is relative to an open folder, as rmtree gives it, from the root. */
static const char *from_root(int at, const char *path, char *whole, size_t room_for_it) {
    char link[64];
    if (!recording || *path == '/' || at == AT_FDCWD) return path;
    snprintf(link, sizeof link, "/proc/self/fd/%d", at);
    ssize_t length = readlink(link, whole, room_for_it - 1);
    if (length < 0 || (size_t)length + strlen(path) + 2 > room_for_it) return path;
    sprintf(whole + length, "/%s", path);
    return whole;
}

static void watch(ino_t inode) {
    if (file_count < MOST_FILES) files[file_count++] = inode; else failed = 1;
}

static ino_t watched(int fd) {
    struct stat st;
    if (!recording || fstat(fd, &st) || st.st_dev != device) return 0;
    for (size_t i = file_count; i-- > 0;) if (files[i] == st.st_ino) return st.st_ino;
    return 0;
}

static ino_t inode_of(const char *path) {
    struct stat st;
    return lstat(path, &st) ? 0 : st.st_ino;
}

static ino_t inode_at(int at, const char *path) {
    struct stat st;
    return fstatat(at, path, &st, AT_SYMLINK_NOFOLLOW) ? 0 : st.st_ino;
}

/* --- what the recording process calls ------------------------------------------------------------------- */

void powercut_watch(int64_t inode) { watch((ino_t)inode); }

int powercut_start(const char *path) {
    struct stat st;
    if (stat(path, &st) || strlen(path) >= sizeof folder) return -1;
    strcpy(folder, path);
    device = st.st_dev, used = 0, record_count = 0, failed = 0, recording = 1;
    watch(st.st_ino);
    return 0;
}

int powercut_stop(void) { recording = 0, file_count = 0; return failed; }
int64_t powercut_count(void) { return record_count; }
int64_t powercut_bytes(void) { return (int64_t)used; }
const char *powercut_records(void) { return records; }

/* --- what it and its libraries call without knowing ----------------------------------------------------- */

typedef int (*opener)(int, const char *, int, ...);

static int noted_open(opener real, int at, const char *path, int flags, mode_t mode) {
    const char *name = flags & (O_CREAT | O_TRUNC) ? name_in_folder(path) : NULL;
    if (!name) return real(at, path, flags, mode);
    pthread_mutex_lock(&mutex);
    ino_t before = inode_of(path);
    int fd = real(at, path, flags, mode);
    if (fd >= 0 && !before) {
        before = inode_of(path);
        watch(before);
        note(CREATE, before, 0, 0, name, (int64_t)strlen(name));
    } else if (fd >= 0 && flags & O_TRUNC) {
        note(TRUNCATE, before, 0, 0, NULL, 0);
    }
    pthread_mutex_unlock(&mutex);
    return fd;
}

#define MODE mode_t mode = 0; if (flags & (O_CREAT | __O_TMPFILE)) { \
    va_list more; va_start(more, flags); mode = va_arg(more, mode_t); va_end(more); }

int open(const char *path, int flags, ...) { MODE REAL(openat); return noted_open(real, AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE REAL(openat64); return noted_open(real, AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE REAL(openat); return noted_open(real, at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE REAL(openat64); return noted_open(real, at, path, flags, mode); }

static off_t end_of(int fd) {
    struct stat st;
    if (fcntl(fd, F_GETFL) & O_APPEND && !fstat(fd, &st)) return st.st_size;
    return lseek(fd, 0, SEEK_CUR);
}

#define NOTED(type, condition, call, then) { \
    pthread_mutex_lock(&mutex); \
    ino_t inode = condition; \
    type done = call; \
    if (inode && done >= 0) { then; } \
    pthread_mutex_unlock(&mutex); \
    return done; \
}

ssize_t write(int fd, const void *data, size_t length) {
    REAL(write);
    if (!watched(fd)) return real(fd, data, length);
    off_t at = end_of(fd);
    NOTED(ssize_t, watched(fd), real(fd, data, length), note(WRITE, inode, 0, at, data, done))
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t at) {
    REAL(pwrite);
    NOTED(ssize_t, watched(fd), real(fd, data, length, at), note(WRITE, inode, 0, at, data, done))
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t at) {
    REAL(pwrite64);
    NOTED(ssize_t, watched(fd), real(fd, data, length, at), note(WRITE, inode, 0, at, data, done))
}

int ftruncate(int fd, off_t length) {
    REAL(ftruncate);
    NOTED(int, watched(fd), real(fd, length), note(TRUNCATE, inode, 0, length, NULL, 0))
}

int ftruncate64(int fd, off64_t length) {
    REAL(ftruncate64);
    NOTED(int, watched(fd), real(fd, length), note(TRUNCATE, inode, 0, length, NULL, 0))
}

static void note_sync(int fd, ino_t inode) {
    struct stat st;
    note(!fstat(fd, &st) && S_ISDIR(st.st_mode) ? SYNC_FOLDER : SYNC, inode, 0, 0, NULL, 0);
}

int fsync(int fd) { REAL(fsync); NOTED(int, watched(fd), real(fd), note_sync(fd, inode)) }
int fdatasync(int fd) { REAL(fdatasync); NOTED(int, watched(fd), real(fd), note_sync(fd, inode)) }

int rename(const char *from, const char *to) {
    REAL(rename);
    const char *old_name = name_in_folder(from), *new_name = name_in_folder(to);
    char both[8192];
    if (!old_name || !new_name) { if (old_name || new_name) failed = 1; return real(from, to); }
    size_t length = strlen(old_name) + 1;
    memcpy(both, old_name, length);
    strcpy(both + length, new_name);
    NOTED(int, inode_of(from), real(from, to), note(RENAME, inode, 0, 0, both, (int64_t)(length + strlen(new_name))))
}

static int noted_removal(int at, const char *path, int flags) {
    int (*real)(int, const char *, int) = (int (*)(int, const char *, int))dlsym(RTLD_NEXT, "unlinkat");
    char whole[8192];
    const char *name = name_in_folder(from_root(at, path, whole, sizeof whole));
    if (!name) return real(at, path, flags);
    int64_t kind = flags & AT_REMOVEDIR ? REMOVE_FOLDER : UNLINK;
    NOTED(int, inode_at(at, path), real(at, path, flags), note(kind, inode, 0, 0, name, (int64_t)strlen(name)))
}

int unlink(const char *path) { return noted_removal(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return noted_removal(AT_FDCWD, path, AT_REMOVEDIR); }
int unlinkat(int at, const char *path, int flags) { return noted_removal(at, path, flags); }

int mkdir(const char *path, mode_t mode) {
    REAL(mkdir);
    const char *name = name_in_folder(path);
    if (!name) return real(path, mode);
    pthread_mutex_lock(&mutex);
    int done = real(path, mode);
    if (!done) {
        ino_t inode = inode_of(path);
        watch(inode);
        note(MAKE_FOLDER, inode, 0, 0, name, (int64_t)strlen(name));
    }
    pthread_mutex_unlock(&mutex);
    return done;
}

int symlink(const char *target, const char *path) {
    REAL(symlink);
    const char *name = name_in_folder(path);
    char both[8192];
    if (!name) return real(target, path);
    size_t length = strlen(target) + 1;
    memcpy(both, target, length);
    strcpy(both + length, name);
    pthread_mutex_lock(&mutex);
    int done = real(target, path);
    if (!done) note(LINK, inode_of(path), 0, 0, both, (int64_t)(length + strlen(name)));
    pthread_mutex_unlock(&mutex);
    return done;
}

/* Ways past the recorder: whoever takes one inside the folder makes the recording fail instead of lying. */
#define NO_WAY_PAST(fd) if (watched(fd)) failed = 1
ssize_t writev(int fd, const struct iovec *parts, int count) { REAL(writev); NO_WAY_PAST(fd); return real(fd, parts, count); }
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) { REAL(pwritev); NO_WAY_PAST(fd); return real(fd, parts, count, at); }
