/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/rules-digest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/bytes.h"
#include "base/cleanup.h"

#define FILES_MAX 1024
#define FILE_BYTES_MAX (1024 * 1024)

typedef struct RulesFile {
        char *name;
        int folder; /* borrowed */
        size_t rank;
} RulesFile;

typedef struct Rules {
        RulesFile *files; /* FILES_MAX */
        size_t count;
        size_t unreadable;
} Rules;

static void context_freep(EVP_MD_CTX **context) {
        EVP_MD_CTX_free(*context);
}

static bool is_rules_file(const char *name) {
        static const char ending[] = ".rules";
        size_t size = strlen(name);

        return size > sizeof(ending) - 1 && name[0] != '.' &&
               strcmp(name + size - (sizeof(ending) - 1), ending) == 0;
}

static int folder_list(Rules *rules, int folder, size_t rank) {
        int copy = fcntl(folder, F_DUPFD_CLOEXEC, 3);
        DIR *dir = copy < 0 ? NULL : fdopendir(copy);
        struct dirent *entry;

        if (!dir) {
                closep(&copy);
                rules->unreadable++;
                return 0;
        }
        while (rules->count < FILES_MAX && (entry = readdir(dir))) {
                if (!is_rules_file(entry->d_name))
                        continue;
                char *name = strdup(entry->d_name);
                if (!name) {
                        (void) closedir(dir);
                        return -ENOMEM;
                }
                rules->files[rules->count++] = (RulesFile){ name, folder, rank };
        }
        (void) closedir(dir);
        return 0;
}

/* By name; of two of one name the folder that comes first. */
static int compare(const void *a, const void *b) {
        const RulesFile *x = a, *y = b;
        int r = strcmp(x->name, y->name);

        if (r != 0)
                return r;
        return x->rank < y->rank ? -1 : x->rank > y->rank;
}

static int put(EVP_MD_CTX *context, const void *data, size_t size) {
        uint8_t length[8];
        Writer w = writer_over(length, sizeof(length));

        writer_put_u64(&w, size);
        return EVP_DigestUpdate(context, length, sizeof(length)) == 1 &&
                               EVP_DigestUpdate(context, data, size) == 1
                       ? 0
                       : -EIO;
}

/* Returns -ENODATA for what cannot be read. */
static int file_read(const RulesFile *file, uint8_t *ret, size_t *ret_size) {
        _cleanup_close_ int fd = openat(file->folder, file->name,
                                        O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        struct stat st;
        size_t used = 0;
        ssize_t n;

        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return -ENODATA;
        do {
                n = read(fd, ret + used, FILE_BYTES_MAX - used);
                used += n > 0 ? (size_t) n : 0;
        } while (n > 0 && used < FILE_BYTES_MAX);
        *ret_size = used;
        return n < 0 ? -ENODATA : 0;
}

static int hash_files(Rules *rules, EVP_MD_CTX *context, size_t *ret_files) {
        _cleanup_free_ uint8_t *buffer = malloc(FILE_BYTES_MAX);
        size_t size = 0;
        int r = 0;

        if (!buffer)
                return -ENOMEM;
        for (size_t i = 0; r == 0 && i < rules->count; i++) {
                const RulesFile *file = &rules->files[i];

                if (i > 0 && strcmp(file->name, rules->files[i - 1].name) == 0)
                        continue;
                if (file_read(file, buffer, &size) != 0) {
                        rules->unreadable++;
                        continue;
                }
                r = put(context, file->name, strlen(file->name));
                if (r == 0)
                        r = put(context, buffer, size);
                *ret_files += r == 0;
        }
        return r;
}

static int rules_hash(Rules *rules, RulesDigest *ret) {
        _cleanup_(context_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();
        RulesDigest out = { .digest.size = TPM2_SHA256_DIGEST_SIZE };

        qsort(rules->files, rules->count, sizeof(rules->files[0]), compare);
        if (!context)
                return -ENOMEM;
        if (EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
                return -EIO;
        int r = hash_files(rules, context, &out.files);
        if (r == 0 && EVP_DigestFinal_ex(context, out.digest.buffer, NULL) != 1)
                r = -EIO;
        out.unreadable = rules->unreadable;
        if (r == 0)
                *ret = out;
        return r;
}

#define FOLDERS_MAX 8

int rules_digest_of(const char *const *folders, RulesDigest *ret) {
        Rules rules = { .files = calloc(FILES_MAX, sizeof(RulesFile)) };
        int fds[FOLDERS_MAX];
        size_t count = 0;
        int r = rules.files ? 0 : -ENOMEM;

        for (; r == 0 && folders[count] && count < FOLDERS_MAX; count++) {
                fds[count] = open(folders[count], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (fds[count] >= 0)
                        r = folder_list(&rules, fds[count], count);
                else
                        rules.unreadable += errno != ENOENT;
        }
        if (r == 0)
                r = rules_hash(&rules, ret);
        while (count > 0)
                closep(&fds[--count]);
        for (size_t i = 0; i < rules.count; i++)
                free(rules.files[i].name);
        free(rules.files);
        return r;
}

int rules_digest(RulesDigest *ret) {
        static const char *const folders[] = {
                "/etc/polkit-1/rules.d",
                "/run/polkit-1/rules.d",
                "/usr/local/share/polkit-1/rules.d",
                "/usr/share/polkit-1/rules.d",
                NULL,
        };

        return rules_digest_of(folders, ret);
}
