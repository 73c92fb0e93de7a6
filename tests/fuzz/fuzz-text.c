/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that people chose: UTF-8 and what misleads in it, cut copies, hex; subjects, numbers, ids
 * and object paths on both sides of the bus; times and counts of the command line.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/utc.h"
#include "client/text.h"
#include "sealsd/bus-path.h"
#include "sealsd/subject.h"
#include "tests/fuzz/fuzz.h"

const unsigned fuzz_mutations = 1000;

#define CUT 16

/* Does decoding from character to character get to the end? */
static bool decodes(const uint8_t *data, size_t size, bool *ret_misleads, size_t *ret_chars) {
        *ret_misleads = false;
        *ret_chars = 0;
        for (size_t at = 0; at < size; ++*ret_chars) {
                uint32_t c;
                size_t length = char_decode((const char *) data + at, size - at, &c);

                if (length == 0)
                        return false;
                fuzz_demand(length <= 4 && length <= size - at);
                fuzz_demand(c <= 0x10ffff && (c < 0xd800 || c > 0xdfff));
                *ret_misleads |= char_misleads(c);
                at += length;
        }
        return true;
}

static void check_utf8(const uint8_t *data, size_t size, const char *text) {
        char cut[CUT];
        size_t chars;
        bool misleads;

        bool good = decodes(data, size, &misleads, &chars);
        fuzz_demand(text_is_utf8((const char *) data, size) == good);
        _cleanup_free_ char *repaired = strdup(text);
        fuzz_demand(repaired);
        text_repair(repaired);
        fuzz_demand(text_is_utf8(repaired, strlen(text)) && strlen(repaired) == strlen(text));
        if (strlen(text) != size)
                return;
        fuzz_demand(!good || strcmp(repaired, text) == 0);
        bool line = text_is_line(text, NAME_CHARS_MAX);
        fuzz_demand(!line || (good && !misleads && chars > 0 && chars <= NAME_CHARS_MAX));
        text_copy(cut, sizeof(cut), text);
        fuzz_demand(strlen(cut) < sizeof(cut) && strncmp(cut, text, strlen(cut)) == 0);
        fuzz_demand(!good || text_is_utf8(cut, strlen(cut)));
        fuzz_demand(size >= sizeof(cut) || !good || strcmp(cut, text) == 0);
        _cleanup_free_ char *escaped = text_escape(text);
        fuzz_demand(escaped && decodes((uint8_t *) escaped, strlen(escaped), &misleads, &chars));
        fuzz_demand(!misleads && (!line || strcmp(escaped, text) == 0));
}

static void check_hex(const uint8_t *data, size_t size, const char *text) {
        _cleanup_free_ char *hex = malloc(2 * size + 1);
        _cleanup_free_ uint8_t *back = malloc(size + 1);

        fuzz_demand(hex && back && hex_encode(data, size, hex) == hex && strlen(hex) == 2 * size);
        fuzz_demand(hex_decode(hex, back, size) && (size == 0 || memcmp(back, data, size) == 0));
        if (hex_decode(text, back, strlen(text) / 2)) {
                hex_encode(back, strlen(text) / 2, hex);
                fuzz_demand(strcasecmp(hex, text) == 0);
        }
}

static void check_subject(const char *text) {
        char complete[SUBJECT_MAX + 1];
        SubjectKind kind;
        const char *name;
        Subject subject;

        if (subject_text_split(text, &kind, &name)) {
                fuzz_demand(name > text && name[0] != '\0' && strlen(text) <= SUBJECT_MAX);
                fuzz_demand(name - text == (kind == SUBJECT_USER ? 5 : 6));
                subject_from_account(kind, 7, name, &subject);
                fuzz_demand(strcmp(subject.text, text) == 0 && subject.id == 7);
                fuzz_demand(subject_complete(text, complete) && strcmp(complete, text) == 0);
        }
        subject_from_account(SUBJECT_GROUP, UINT32_MAX, text, &subject);
        fuzz_demand(subject_text_split(subject.text, &kind, &name) && kind == SUBJECT_GROUP);
        if (subject_complete(text, complete))
                fuzz_demand(strncmp(complete, "user:", 5) == 0 ||
                            strncmp(complete, "group:", 6) == 0);
}

static void check_number(const char *text) {
        char path[OBJECT_PATH_MAX], other[PATH_SIZE];
        uint64_t id = 0, again = 0;

        if (number_is_valid(text)) {
                fuzz_demand(strcmp(seal_path_number(seal_path(text, path)), text) == 0);
                fuzz_demand(seal_path_parse(text, other) && strcmp(other, path) == 0);
        }
        if (request_id_parse(text, &id)) {
                fuzz_demand(id > 0 && id <= INT64_MAX);
                fuzz_demand(request_path_id(request_path(id, path), &again) && again == id);
                fuzz_demand(strcmp(path_last(path), text) == 0);
                fuzz_demand(request_path_parse(text, other) && strcmp(other, path) == 0);
        }
}

static void check_path(const char *text) {
        char path[OBJECT_PATH_MAX], again[OBJECT_PATH_MAX];
        uint64_t id;

        const char *number = seal_path_number(text);
        if (number)
                fuzz_demand(strcmp(seal_path(number, path), text) == 0);
        if (request_path_id(text, &id))
                fuzz_demand(strcmp(request_path(id, path), text) == 0);
        fuzz_demand(object_path(text, path) == path && strlen(path) < sizeof(path));
        bool made = strcmp(path, MANAGER_PATH) == 0 || seal_path_number(path) ||
                    request_path_id(path, &id);
        fuzz_demand(made);
        if (seal_path_parse(text, path))
                fuzz_demand(seal_path_parse(path, again) && strcmp(path, again) == 0);
        if (request_path_parse(text, path))
                fuzz_demand(request_path_parse(path, again) && strcmp(path, again) == 0);
}

static void check_times(const char *text) {
        const uint64_t now = 1700000000ULL * 1000000;
        uint64_t begin = 0, end = 0, count = 0;

        bool good = time_parse(text, false, now, &begin);
        fuzz_demand(time_parse(text, true, now, &end) == good);
        fuzz_demand(!good || (begin > 0 && end >= begin && end <= UTC_MAX));
        if (good) {
                char shown[TIME_TEXT_SIZE];
                bool same = time_parse(time_format_rfc3339(begin, shown), false, now, &end);
                fuzz_demand(same && end == begin);
        }
        if (count_parse(text, &count))
                fuzz_demand(strspn(text, "0123456789") == strlen(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = fuzz_text((Bytes){ .data = data, .size = size });

        check_utf8(data, size, text);
        check_hex(data, size, text);
        check_subject(text);
        check_number(text);
        check_path(text);
        check_times(text);
        return 0;
}
