/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-NAME [--findings FOLDER] FILE|FOLDER... - runs a fuzz target without libFuzzer over files
 * and over mutations of them that are the same every time, and says in TAP whether it held. The
 * input that it did not hold for is written into FOLDER. One FILE alone is run as it is.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tests/fuzz/fuzz.h"

/* Longest time of one file with its mutations, in seconds: beyond it something does not end. */
#define PATIENCE 60
#define FILES_MAX 1024
#define CHANGES_MAX 4

typedef struct File {
        char *path;
        uint8_t *data;
        size_t size;
} File;

typedef struct Replay {
        const char *program;
        const char *findings; /* folder for what did not hold */
        unsigned mutations;
        size_t count;
        File files[FILES_MAX];
} Replay;

/* Where the child is; mutation 0 is the file itself. Shared, since the child may die there. */
typedef struct Position {
        size_t file;
        unsigned mutation;
} Position;

/* --- files ---------------------------------------------------------------------------------- */

static void __attribute__((noreturn)) die(const char *path) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        exit(EXIT_FAILURE);
}

static void file_add(Replay *replay, const char *path) {
        _cleanup_fclose_ FILE *in = fopen(path, "re");
        File *file = &replay->files[replay->count];

        if (!in || replay->count == FILES_MAX)
                die(path);
        file->data = malloc(FUZZ_INPUT_MAX);
        file->path = strdup(path);
        if (!file->data || !file->path)
                die(path);
        file->size = fread(file->data, 1, FUZZ_INPUT_MAX, in);
        replay->count++;
}

static int is_visible(const struct dirent *entry) {
        return entry->d_name[0] != '.';
}

static void folder_add(Replay *replay, const char *folder) {
        struct dirent **entries;
        char path[4096];

        int count = scandir(folder, &entries, is_visible, alphasort);
        if (count < 0)
                die(folder);
        for (int i = 0; i < count; i++) {
                (void) snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
                file_add(replay, path);
                free(entries[i]);
        }
        free(entries);
}

static void path_add(Replay *replay, const char *path) {
        struct stat st;

        if (stat(path, &st) < 0)
                die(path);
        if (S_ISDIR(st.st_mode))
                folder_add(replay, path);
        else
                file_add(replay, path);
}

/* --- mutations ------------------------------------------------------------------------------ */

/* xorshift64* of a seed that is never 0. */
static uint64_t next_random(uint64_t *state) {
        *state ^= *state >> 12;
        *state ^= *state << 25;
        *state ^= *state >> 27;
        return *state * 0x2545F4914F6CDD1DULL;
}

static size_t below(uint64_t *state, size_t limit) {
        return limit > 0 ? (size_t) (next_random(state) >> 16) % limit : 0;
}

/* FNV-1a over the file and the mutation's number. */
static uint64_t seed_of(const File *file, unsigned mutation) {
        uint64_t hash = 0xcbf29ce484222325ULL + mutation;

        for (size_t i = 0; i < file->size; i++)
                hash = (hash ^ file->data[i]) * 0x100000001b3ULL;
        return hash | 1;
}

static size_t remove_some(uint8_t *data, size_t size, uint64_t *state) {
        size_t at = below(state, size), count = 1 + below(state, size - at < 64 ? size - at : 64);

        if (count > size - at)
                count = size - at;
        memmove(data + at, data + at + count, size - at - count);
        return size - count;
}

/* Insert some bytes of other (which may be data itself) somewhere. */
static size_t insert_some(uint8_t *data, size_t size, const File *other, uint64_t *state) {
        uint8_t some[64];
        size_t from = below(state, other->size), at = below(state, size + 1);
        size_t count = 1 + below(state, sizeof(some));

        if (count > other->size - from)
                count = other->size - from;
        if (size + count > FUZZ_INPUT_MAX)
                return size;
        memcpy(some, other->data + from, count);
        memmove(data + at + count, data + at, size - at);
        memcpy(data + at, some, count);
        return size + count;
}

static size_t change(const Replay *replay, uint8_t *data, size_t size, uint64_t *state) {
        static const uint8_t edges[] = { 0, 1, 0x7f, 0x80, 0xff, '"', '\n', ',', '-', ' ' };

        if (size == 0)
                return insert_some(data, size, &replay->files[below(state, replay->count)], state);
        size_t at = below(state, size);
        switch (below(state, 6)) {
        case 0:
                data[at] ^= (uint8_t) (1U << below(state, 8));
                return size;
        case 1:
                data[at] = edges[below(state, sizeof(edges))];
                return size;
        case 2:
                data[at] = (uint8_t) next_random(state);
                return size;
        case 3:
                return remove_some(data, size, state);
        case 4:
                return at; /* cut */
        default:
                return insert_some(data, size, &replay->files[below(state, replay->count)], state);
        }
}

/* Into FUZZ_INPUT_MAX bytes; returns the size. */
static size_t mutate(const Replay *replay, Position position, uint8_t *ret) {
        const File *file = &replay->files[position.file];
        uint64_t state = seed_of(file, position.mutation);
        size_t size = file->size;

        if (size > 0) /* an empty file has no data */
                memcpy(ret, file->data, size);
        if (position.mutation == 0)
                return size;
        for (size_t i = below(&state, CHANGES_MAX) + 1; i > 0; i--)
                size = change(replay, ret, size, &state);
        return size;
}

/* --- running -------------------------------------------------------------------------------- */

/* From a block of exactly its size, as libFuzzer does it. */
static void run_one(const uint8_t *data, size_t size) {
        _cleanup_free_ uint8_t *exact = fuzz_copy((Bytes){ .data = data, .size = size });

        (void) LLVMFuzzerTestOneInput(exact, size);
}

static void run_all(const Replay *replay, Position *position) {
        static uint8_t input[FUZZ_INPUT_MAX];

        for (position->file = 0; position->file < replay->count; position->file++) {
                (void) alarm(PATIENCE);
                for (position->mutation = 0; position->mutation <= replay->mutations;
                     position->mutation++)
                        run_one(input, mutate(replay, *position, input));
        }
        position->mutation = 0;
}

static void finding_write(const Replay *replay, Position position) {
        static uint8_t input[FUZZ_INPUT_MAX];
        char path[4096];

        if (position.file >= replay->count) /* a leak, which shows at the end */
                return;
        if (position.mutation == 0) {
                printf("# %s\n", replay->files[position.file].path);
                return;
        }
        size_t size = mutate(replay, position, input);
        (void) snprintf(path, sizeof(path), "%s/%s-%zu-%u", replay->findings, replay->program,
                        position.file, position.mutation);
        _cleanup_fclose_ FILE *out = fopen(path, "we");
        if (!out || fwrite(input, 1, size, out) != size)
                die(path);
        printf("# %s, mutation %u; again: %s %s\n", replay->files[position.file].path,
               position.mutation, program_invocation_name, path);
}

static bool run_in_child(const Replay *replay) {
        Position *position = mmap(NULL, sizeof(*position), PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        int status;

        fflush(stdout);
        pid_t child = position != MAP_FAILED ? fork() : -1;
        if (child < 0)
                die("fork");
        if (child == 0) {
                run_all(replay, position);
                exit(EXIT_SUCCESS);
        }
        if (waitpid(child, &status, 0) != child)
                die("waitpid");
        bool good = status == 0;
        printf("%sok 1 - %s: %zu files, %u mutations of each\n", good ? "" : "not ",
               replay->program, replay->count, replay->mutations);
        if (WIFSIGNALED(status))
                printf("# killed by signal %d\n", WTERMSIG(status));
        if (!good)
                finding_write(replay, *position);
        return good;
}

static void replay_done(Replay *replay) {
        for (size_t i = 0; i < replay->count; i++) {
                free(replay->files[i].data);
                free(replay->files[i].path);
        }
}

int main(int argc, char **argv) {
        static Replay replay = { .findings = "." };
        int first = 1;
        struct stat st;

        replay.program = program_invocation_short_name;
        replay.mutations = fuzz_mutations;
        if (argc > 2 && strcmp(argv[1], "--findings") == 0) {
                replay.findings = argv[2];
                first = 3;
        }
        if (argc == 2 && stat(argv[1], &st) == 0 && S_ISREG(st.st_mode))
                replay.mutations = 0;
        for (int i = first; i < argc; i++)
                path_add(&replay, argv[i]);
        if (replay.count == 0) {
                fprintf(stderr, "Usage: %s [--findings FOLDER] FILE|FOLDER...\n", argv[0]);
                return EXIT_FAILURE;
        }
        bool good = run_in_child(&replay);
        replay_done(&replay);
        return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
