/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/bus-options.h"

#include <errno.h>
#include <string.h>

#define OPTION_NAME_SHOWN_MAX 64

static const char *const signatures[] = {
        [OPTION_STRING] = "s",         [OPTION_TEXT] = "s",
        [OPTION_BOOLEAN] = "b",        [OPTION_U32] = "u",
        [OPTION_TIME] = "t",           [OPTION_BYTES] = "ay",
        [OPTION_SECRET] = "s, h or o", [OPTION_FILE] = "ay or h",
        [OPTION_CUSTOM] = NULL,        [OPTION_LATER] = NULL,
};

int option_invalid(ErrorDetail *detail, const char *option, const char *why) {
        return error_set(detail, SEAL_E_INVALID_ARGS, "'%s': %s", option, why);
}

int option_too_large(ErrorDetail *detail, const char *option, size_t max, const char *unit) {
        return error_set(detail, SEAL_E_LIMITS_EXCEEDED, "'%s': more than %zu %s", option, max,
                         unit);
}

/* The caller's own word is shown only when it is short and plain. */
static int option_unknown(ErrorDetail *detail, const char *name) {
        static const char plain[] =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
        size_t size = strnlen(name, OPTION_NAME_SHOWN_MAX + 1);

        if (size > OPTION_NAME_SHOWN_MAX || strspn(name, plain) != size)
                return error_set(detail, SEAL_E_INVALID_ARGS, "Unknown option");
        return error_set(detail, SEAL_E_INVALID_ARGS, "Unknown option '%s'", name);
}

int argument_text(sd_bus_message *m, const char *name, size_t max, const char **ret,
                  ErrorDetail *detail) {
        const char *text;

        int r = sd_bus_message_read_basic(m, 's', &text);
        if (r < 0)
                return r;
        if (max > 0 && strnlen(text, max + 1) > max)
                return option_too_large(detail, name, max, "bytes");
        *ret = text;
        return 0;
}

int argument_bytes(sd_bus_message *m, const char *name, size_t max, Bytes *ret,
                   ErrorDetail *detail) {
        const void *data;
        size_t size;

        int r = sd_bus_message_read_array(m, 'y', &data, &size);
        if (r < 0)
                return r;
        if (max > 0 && size > max)
                return option_too_large(detail, name, max, "bytes");
        *ret = (Bytes){ .data = data, .size = size };
        return 0;
}

static int read_copy(sd_bus_message *m, const Option *option, char *target, ErrorDetail *detail) {
        const char *text;

        int r = argument_text(m, option->name, option->max, &text, detail);
        if (r == 0)
                strcpy(target, text); /* max is the target's size less one */
        return r;
}

static int read_boolean(sd_bus_message *m, bool *target) {
        int value;

        int r = sd_bus_message_read_basic(m, 'b', &value);
        if (r >= 0)
                *target = value != 0;
        return sd_result(r);
}

static int read_u32(sd_bus_message *m, const Option *option, uint32_t *target,
                    ErrorDetail *detail) {
        uint32_t value;

        int r = sd_bus_message_read_basic(m, 'u', &value);
        if (r < 0)
                return r;
        if (option->max > 0 && value > option->max)
                return error_set(detail, SEAL_E_LIMITS_EXCEEDED, "'%s': at most %zu", option->name,
                                 option->max);
        *target = value;
        return 0;
}

/* The register's integers are signed (SQLite), and so end where its times and counts do. */
static int read_time(sd_bus_message *m, const Option *option, uint64_t *target,
                     ErrorDetail *detail) {
        uint64_t value;

        int r = sd_bus_message_read_basic(m, 't', &value);
        if (r < 0)
                return r;
        if (value > INT64_MAX)
                return option_invalid(detail, option->name, "at most 2^63 - 1");
        *target = value;
        return 0;
}

/* --- secrets -------------------------------------------------------------------------------- */

static int read_inline_secret(sd_bus_message *m, const char *name, const OptionContext *context,
                              Secret *target, ErrorDetail *detail) {
        const char *text;

        int r = argument_text(m, name, SECRET_MAX, &text, detail);
        if (r != 0)
                return r;
        if (!context->allow_inline_secrets)
                return option_invalid(detail, name,
                                      "secrets as plain text are not allowed here; pass a sealed "
                                      "memfd or a pipe, or what DepositSecret gave for one");
        return secret_set(target, text, strlen(text));
}

int argument_secret_fd(sd_bus_message *m, const char *name, const OptionContext *context,
                       Secret *ret, ErrorDetail *detail) {
        int fd;

        int r = sd_bus_message_read_basic(m, 'h', &fd);
        if (r < 0)
                return r;
        if (secret_fd_is_pipe(fd)) {
                if (context->pipes->count == SECRET_PIPES_MAX)
                        return option_too_large(detail, name, SECRET_PIPES_MAX, "pipes");
                context->pipes->pipes[context->pipes->count++] = (SecretPipe){ .option = name,
                                                                               .fd = fd,
                                                                               .target = ret };
                return 0;
        }
        r = secret_read_memfd(ret, fd);
        if (r == SEAL_E_LIMITS_EXCEEDED)
                return option_too_large(detail, name, SECRET_MAX, "bytes");
        if (r == SEAL_E_INVALID_ARGS)
                return option_invalid(detail, name,
                                      "the file descriptor is neither a pipe nor a memfd sealed "
                                      "against writing, growing and shrinking");
        return r;
}

/* Whose it was, if anybody's, is not told: one that is another's is as good as none. */
static int read_ticket(sd_bus_message *m, const char *name, const OptionContext *context,
                       Secret *target, ErrorDetail *detail) {
        const char *path;

        int r = sd_bus_message_read_basic(m, 'o', &path);
        if (r < 0)
                return r;
        r = tickets_take(context->tickets, context->sender, path, target);
        if (r == SEAL_E_NOT_FOUND)
                return error_set(detail, r,
                                 "'%s': no secret of yours waits there: DepositSecret gives a path "
                                 "that serves its own connection, one call and a minute",
                                 name);
        return r;
}

static bool signature_is_secret(const char *signature) {
        return strcmp(signature, "s") == 0 || strcmp(signature, "h") == 0 ||
               strcmp(signature, "o") == 0;
}

/* What is in the variant. */
static int read_secret(sd_bus_message *m, const char *name, char type, const OptionContext *context,
                       Secret *target, ErrorDetail *detail) {
        switch (type) {
        case 'h':
                return argument_secret_fd(m, name, context, target, detail);
        case 'o':
                return read_ticket(m, name, context, target, detail);
        default:
                return read_inline_secret(m, name, context, target, detail);
        }
}

int argument_secret(sd_bus_message *m, const char *name, const OptionContext *context, Secret *ret,
                    ErrorDetail *detail) {
        const char *signature;
        char type;

        int r = sd_bus_message_peek_type(m, &type, &signature);
        if (r < 0)
                return r;
        if (type != 'v' || !signature_is_secret(signature))
                return error_set(detail, SEAL_E_INVALID_ARGS, "'%s' has the type %s", name,
                                 signatures[OPTION_SECRET]);
        r = sd_bus_message_enter_container(m, 'v', signature);
        if (r < 0)
                return r;
        r = read_secret(m, name, signature[0], context, ret, detail);
        return r != 0 ? r : sd_result(sd_bus_message_exit_container(m));
}

/* --- files ---------------------------------------------------------------------------------- */

static int read_file(sd_bus_message *m, const Option *option, bool by_fd, HandedFile *target,
                     ErrorDetail *detail) {
        ErrorDetail why = {};
        int r, fd;

        target->given = true;
        target->by_fd = by_fd;
        if (!by_fd)
                return argument_bytes(m, option->name, option->max, &target->bytes, detail);
        r = sd_bus_message_read_basic(m, 'h', &fd);
        if (r < 0)
                return r;
        target->fd = fd;
        r = handed_file_check(fd, option->max, &why);
        return r > 0 ? error_set(detail, r, "'%s': %s", option->name, why.text) : r;
}

/* --- options -------------------------------------------------------------------------------- */

static int read_value(sd_bus_message *m, const Option *option, const char *signature,
                      const OptionContext *context, void *target, ErrorDetail *detail) {
        switch (option->type) {
        case OPTION_STRING:
                return argument_text(m, option->name, option->max, target, detail);
        case OPTION_TEXT:
                return read_copy(m, option, target, detail);
        case OPTION_BOOLEAN:
                return read_boolean(m, target);
        case OPTION_U32:
                return read_u32(m, option, target, detail);
        case OPTION_TIME:
                return read_time(m, option, target, detail);
        case OPTION_BYTES:
                return argument_bytes(m, option->name, option->max, target, detail);
        case OPTION_SECRET:
                return read_secret(m, option->name, signature[0], context, target, detail);
        case OPTION_FILE:
                return read_file(m, option, signature[0] == 'h', target, detail);
        case OPTION_CUSTOM:
                return option->read(m, option->name, target, detail);
        case OPTION_LATER:
                break;
        }
        return error_set(detail, SEAL_E_UNSUPPORTED, "Option '%s' is not supported yet",
                         option->name);
}

static bool signature_fits(const Option *option, const char *signature) {
        if (option->type == OPTION_SECRET)
                return signature_is_secret(signature);
        if (option->type == OPTION_FILE)
                return strcmp(signature, "ay") == 0 || strcmp(signature, "h") == 0;
        if (option->type == OPTION_CUSTOM)
                return strcmp(signature, option->signature) == 0;
        return option->type == OPTION_LATER || strcmp(signature, signatures[option->type]) == 0;
}

static int read_variant(sd_bus_message *m, const Option *option, const OptionContext *context,
                        void *target, ErrorDetail *detail) {
        const char *signature;
        char type;

        int r = sd_bus_message_peek_type(m, &type, &signature);
        if (r < 0)
                return r;
        if (!signature_fits(option, signature))
                return error_set(detail, SEAL_E_INVALID_ARGS, "Option '%s' has the type %s",
                                 option->name,
                                 option->type == OPTION_CUSTOM ? option->signature
                                                               : signatures[option->type]);
        r = sd_bus_message_enter_container(m, 'v', signature);
        if (r < 0)
                return r;
        r = read_value(m, option, signature, context, (uint8_t *) target + option->target, detail);
        if (r != 0)
                return r;
        return sd_result(sd_bus_message_exit_container(m));
}

/* count when it is none. */
static size_t option_find(const Option *table, size_t count, const char *name) {
        size_t i = 0;

        while (i < count && strcmp(table[i].name, name) != 0)
                i++;
        return i;
}

static int read_entry(sd_bus_message *m, const Option *table, size_t count,
                      const OptionContext *context, uint64_t *seen, void *target,
                      ErrorDetail *detail) {
        const char *name;

        int r = sd_bus_message_read_basic(m, 's', &name);
        if (r < 0)
                return r;
        size_t i = option_find(table, count, name);
        if (i == count)
                return option_unknown(detail, name);
        if (*seen & (1ULL << i))
                return error_set(detail, SEAL_E_INVALID_ARGS, "Option '%s' is given twice", name);
        *seen |= 1ULL << i;
        return read_variant(m, &table[i], context, target, detail);
}

int options_read(sd_bus_message *m, const Option *table, size_t count, const OptionContext *context,
                 void *target, ErrorDetail *detail) {
        uint64_t seen = 0;

        int r = sd_bus_message_enter_container(m, 'a', "{sv}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = read_entry(m, table, count, context, &seen, target, detail);
                if (r == 0)
                        r = sd_result(sd_bus_message_exit_container(m));
                if (r != 0)
                        return r;
        }
        if (r < 0)
                return r;
        return sd_result(sd_bus_message_exit_container(m));
}
