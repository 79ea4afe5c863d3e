/// What Linux and glibc offer and `import Glibc` does not show.
///
/// Swift imports glibc without `_GNU_SOURCE`, and a header that defined it would give glibc's own types a second definition.
/// So what is missing is declared here by hand: functions as extern, numbers as the kernel's user API fixes them.
/// `<sys/resource.h>` must stay out: its types change with `_GNU_SOURCE`.
#pragma once
// First of all, so that what both declare stays glibc's own: else it would belong to this module and need its import.
#pragma clang module import SwiftGlibc
#include <malloc.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/vfs.h>

// Declared by glibc under _GNU_SOURCE alone.
int accept4(int socket, struct sockaddr *address, socklen_t *length, int flags);
int memfd_create(const char *name, unsigned int flags);
int pipe2(int pipe[2], int flags);
ssize_t copy_file_range(int source, off_t *source_offset, int target, off_t *target_offset, size_t count, unsigned int flags);
int pthread_setname_np(pthread_t thread, const char *name);
const char *strerrorname_np(int error);
const char *strerrordesc_np(int error);

// <linux/fcntl.h>; that header cannot be included beside <fcntl.h>.
#define CLINUX_F_SETLEASE 1024
#define CLINUX_F_ADD_SEALS 1033
#define CLINUX_F_GET_SEALS 1034
#define CLINUX_F_SEAL_SHRINK 0x0002
#define CLINUX_F_SEAL_GROW 0x0004
#define CLINUX_F_SEAL_WRITE 0x0008
#define CLINUX_O_PATH 010000000
#define CLINUX_O_TMPFILE_BIT 020000000

// <linux/memfd.h>.
#define CLINUX_MFD_CLOEXEC 0x0001U
#define CLINUX_MFD_ALLOW_SEALING 0x0002U

// <linux/fs.h>: _IOW(0x94, 9, int), a macro that does not reach Swift.
#define CLINUX_FICLONE 0x40049409

/// `struct ucred` of <sys/socket.h>, which is declared under _GNU_SOURCE alone: what SO_PEERCRED fills in.
struct clinux_ucred {
    pid_t pid;
    uid_t uid;
    gid_t gid;
};

/// CMSG_LEN is a macro with arguments; such macros do not reach Swift.
static inline size_t clinux_cmsg_len(size_t length) { return CMSG_LEN(length); }

/// CMSG_SPACE is a macro with arguments; such macros do not reach Swift.
static inline size_t clinux_cmsg_space(size_t length) { return CMSG_SPACE(length); }

/// CMSG_FIRSTHDR is a macro with arguments; such macros do not reach Swift.
static inline struct cmsghdr *clinux_cmsg_first(const struct msghdr *message) { return CMSG_FIRSTHDR(message); }

/// CMSG_NXTHDR is a macro with arguments; such macros do not reach Swift.
static inline struct cmsghdr *clinux_cmsg_next(struct msghdr *message, struct cmsghdr *header) {
    return CMSG_NXTHDR(message, header);
}

/// CMSG_DATA is a macro with arguments; such macros do not reach Swift.
static inline unsigned char *clinux_cmsg_data(struct cmsghdr *header) { return CMSG_DATA(header); }
