/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-login.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "sealsd/caller.h"

#define PROC_PATH_MAX 48

/* A short text file of /proc/PID; "" when it cannot be read. */
static void proc_read(uint32_t pid, const char *name, char *ret, size_t size) {
        char path[PROC_PATH_MAX];
        ssize_t n = -1;

        (void) snprintf(path, sizeof(path), "/proc/%" PRIu32 "/%s", pid, name);
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd >= 0)
                n = read(fd, ret, size - 1);
        ret[n > 0 ? n : 0] = '\0';
        ret[strcspn(ret, "\n")] = '\0';
}

/* proc(5): the UID of the login from which it comes, 4294967295 without one. */
static uint32_t read_login(uint32_t pid) {
        char text[16], *end;

        proc_read(pid, "loginuid", text, sizeof(text));
        errno = 0;
        unsigned long login = strtoul(text, &end, 10);
        return text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || login > LOGIN_NONE
                       ? LOGIN_NONE
                       : (uint32_t) login;
}

/* The kernel tells the executable to root and the process's own user; to others its short name. */
static void read_process(uint32_t pid, char *ret, size_t size) {
        char path[PROC_PATH_MAX];

        (void) snprintf(path, sizeof(path), "/proc/%" PRIu32 "/exe", pid);
        ssize_t n = readlink(path, ret, size - 1);
        if (n > 0)
                ret[n] = '\0';
        else
                proc_read(pid, "comm", ret, size);
        text_disarm(ret);
}

static void read_unit(uint32_t pid, char *ret, size_t size) {
        _cleanup_free_ char *unit = NULL;

        if (sd_pid_get_unit((pid_t) pid, &unit) < 0)
                return;
        text_copy(ret, size, unit);
        text_disarm(ret);
}

void caller_observe(Caller *caller) {
        caller->login_uid = LOGIN_NONE;
        caller->process[0] = '\0';
        caller->unit[0] = '\0';
        if (caller->pid == 0)
                return;
        caller->login_uid = read_login(caller->pid);
        read_process(caller->pid, caller->process, sizeof(caller->process));
        read_unit(caller->pid, caller->unit, sizeof(caller->unit));
}
