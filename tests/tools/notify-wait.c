/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify-wait SOCKET SECONDS COMMAND... - starts COMMAND with NOTIFY_SOCKET set to SOCKET, which it
 * makes, and waits until COMMAND says READY=1, as a service manager does. Then prints the process
 * id and leaves COMMAND running. Exits with 1 when COMMAND ends before or the time is over.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int socket_make(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd;

        if (strlen(path) >= sizeof(address.sun_path)) {
                errno = ENAMETOOLONG;
                return -1;
        }
        memcpy(address.sun_path, path, strlen(path));
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -1;
        (void) unlink(path);
        /* COMMAND may run as any user. */
        if (bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0 || chmod(path, 0666) < 0) {
                (void) close(fd);
                return -1;
        }
        return fd;
}

static pid_t command_start(const char *path, char **command) {
        pid_t pid = fork();

        if (pid != 0)
                return pid;
        if (setenv("NOTIFY_SOCKET", path, 1) == 0)
                (void) execvp(command[0], command);
        perror(command[0]);
        _exit(127);
}

static int milliseconds_left(const struct timespec *end) {
        struct timespec now;
        long left;

        if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
                return 0;
        left = (end->tv_sec - now.tv_sec) * 1000 + (end->tv_nsec - now.tv_nsec) / 1000000;
        return left > 0 ? (int) left : 0;
}

static bool says_ready(char *message) {
        for (char *rest = message, *line; (line = strsep(&rest, "\n"));)
                if (strcmp(line, "READY=1") == 0)
                        return true;
        return false;
}

/* Whether READY=1 came before the process ended and before the end of the time. */
static bool wait_ready(int fd, pid_t pid, int seconds) {
        struct pollfd fds[2] = { { .fd = fd, .events = POLLIN }, { .events = POLLIN } };
        struct timespec end;
        char message[4096];

        fds[1].fd = (int) syscall(SYS_pidfd_open, pid, 0);
        if (fds[1].fd < 0 || clock_gettime(CLOCK_MONOTONIC, &end) < 0)
                return false;
        end.tv_sec += seconds;

        for (;;) {
                int left = milliseconds_left(&end);
                ssize_t size;

                if (left == 0 || (poll(fds, 2, left) < 0 && errno != EINTR))
                        return false;
                while ((size = recv(fd, message, sizeof(message) - 1, 0)) >= 0) {
                        message[size] = '\0';
                        if (says_ready(message))
                                return true;
                }
                if (fds[1].revents)
                        return false;
        }
}

int main(int argc, char **argv) {
        pid_t pid;
        int fd;

        if (argc < 4) {
                fprintf(stderr, "Usage: notify-wait SOCKET SECONDS COMMAND...\n");
                return 2;
        }
        fd = socket_make(argv[1]);
        if (fd < 0) {
                perror(argv[1]);
                return 1;
        }
        pid = command_start(argv[1], argv + 3);
        if (pid < 0) {
                perror("fork");
                return 1;
        }
        if (!wait_ready(fd, pid, atoi(argv[2]))) {
                (void) kill(pid, SIGKILL);
                (void) waitpid(pid, NULL, 0);
                return 1;
        }
        printf("%d\n", pid);
        return 0;
}
