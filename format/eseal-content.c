/* SPDX-License-Identifier: Apache-2.0 */
#include "format/eseal-content.h"

#include <string.h>
#include <strings.h>

#include <openssl/objects.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/utc.h"
#include "format/picture.h"

#define OID_TEXT_MAX 128 /* cut beyond */

static void validity_check(VerifyReport *report) {
        const VerifyFacts *facts = &report->facts;
        char from[TIME_TEXT_SIZE], until[TIME_TEXT_SIZE];

        (void) time_format_rfc3339(facts->seal_not_before, from);
        (void) time_format_rfc3339(facts->seal_not_after, until);
        if (facts->time < facts->seal_not_before)
                verify_check(report, CHECK_SEAL_VALIDITY, CHECK_FAILED,
                             "The seal was not valid yet: it begins at %s", from);
        else if (facts->time >= facts->seal_not_after + USEC_PER_SEC) /* its last second included */
                verify_check(report, CHECK_SEAL_VALIDITY, CHECK_FAILED,
                             "The seal was not valid any more: it ended at %s", until);
        else
                verify_check(report, CHECK_SEAL_VALIDITY, CHECK_PASSED,
                             "The seal is valid from %s until %s", from, until);
}

/* ---- extensions and picture ------------------------------------------------------------------ */

static bool critical_find(const STACK_OF(SesExtension) * list, char ret[static OID_TEXT_MAX]) {
        for (int i = 0; i < sk_SesExtension_num(list); i++) {
                const SesExtension *extension = sk_SesExtension_value(list, i);

                if (extension->critical == -1 || extension->critical == 0)
                        continue;
                (void) OBJ_obj2txt(ret, OID_TEXT_MAX, extension->id, 1);
                return true;
        }
        return false;
}

/* None is known here, so that a critical one is always unknown (as in RFC 5280 §4.2). */
static void extensions_check(const ESealFile *file, VerifyReport *report) {
        const STACK_OF(SesExtension) *seal = eseal_file_extensions(file);
        const STACK_OF(SesExtension) *signature = file->extensions;
        const int count = (seal ? sk_SesExtension_num(seal) : 0) +
                          (signature ? sk_SesExtension_num(signature) : 0);
        char oid[OID_TEXT_MAX] = "";

        if (critical_find(seal, oid) || critical_find(signature, oid))
                verify_check(report, CHECK_SEAL_EXTENSIONS, CHECK_FAILED,
                             "Its critical extension %s is not known here", oid);
        else if (count > 0)
                verify_check(report, CHECK_SEAL_EXTENSIONS, CHECK_PASSED,
                             "None of its extensions (%d) is critical", count);
        else
                verify_check(report, CHECK_SEAL_EXTENSIONS, CHECK_ABSENT, "It has none");
}

/* Types that are seen and not decoded here: how such files begin. */
static const struct {
        const char *type, *magic;
} others[] = { { "GIF", "GIF8" }, { "BMP", "BM" }, { "OFD", "PK\x03\x04" } };

#define OTHERS (sizeof(others) / sizeof(others[0]))

static void other_picture_check(VerifyReport *report, const char *type, Bytes picture) {
        for (size_t i = 0; i < OTHERS; i++) {
                const size_t size = strlen(others[i].magic);

                if (strcasecmp(type, others[i].type) != 0)
                        continue;
                if (picture.size >= size && memcmp(picture.data, others[i].magic, size) == 0)
                        verify_check(report, CHECK_SEAL_PICTURE, CHECK_PASSED,
                                     "It begins as its type (%s) says, and is not decoded here",
                                     others[i].type);
                else
                        verify_check(report, CHECK_SEAL_PICTURE, CHECK_FAILED,
                                     "It does not begin as its type (%s) says", others[i].type);
                return;
        }
        verify_check(report, CHECK_SEAL_PICTURE, CHECK_NOT_CHECKED, "Its type is not known here");
}

static int known_picture_check(VerifyReport *report, PictureType type, Bytes picture) {
        PictureType found = PICTURE_NONE;
        unsigned width = 0, height = 0;
        ErrorDetail detail = {};

        int r = picture_decode(picture, &found, &width, &height, &detail);
        if (r < 0)
                return r;
        if (r == SEAL_E_LIMITS_EXCEEDED)
                verify_check(report, CHECK_SEAL_PICTURE, CHECK_NOT_CHECKED,
                             "It is not decoded here: %s", detail.text);
        else if (r != 0)
                verify_check(report, CHECK_SEAL_PICTURE, CHECK_FAILED, "It is not shown here: %s",
                             detail.text);
        else if (found != type)
                verify_check(report, CHECK_SEAL_PICTURE, CHECK_FAILED,
                             "Its type says %s, and it is %s", picture_type_label(type),
                             picture_type_label(found));
        else
                verify_check(report, CHECK_SEAL_PICTURE, CHECK_PASSED,
                             "It is %s of %u by %u pixels", picture_type_label(type), width,
                             height);
        return 0;
}

static int picture_check_type(const ESealFile *file, VerifyReport *report) {
        const SesPicture *picture = file->info->picture;
        const Bytes type = ses_bytes(picture->type), data = ses_bytes(picture->data);
        char name[WORD_MAX + 1] = "";

        if (type.size > WORD_MAX || memchr(type.data, '\0', type.size)) {
                verify_check(report, CHECK_SEAL_PICTURE, CHECK_FAILED, "Its type is no word");
                return 0;
        }
        memcpy(name, type.data, type.size);
        for (size_t i = 0; i < type.size; i++)
                if (name[i] >= 'a' && name[i] <= 'z')
                        verify_deviation(report, DEVIATION_PICTURE_TYPE_CASE, NULL);
        const PictureType known = picture_type_find(name);
        if (known != PICTURE_NONE)
                return known_picture_check(report, known, data);
        other_picture_check(report, name, data);
        return 0;
}

int eseal_content_check(const ESealFile *file, VerifyReport *report) {
        validity_check(report);
        extensions_check(file, report);
        return picture_check_type(file, report);
}
