/* SPDX-License-Identifier: Apache-2.0 */
#include "client/verify-material.h"

#include "base/clock.h"
#include "client/file.h"

typedef int (*Split)(Bytes file, DerList *list, ErrorDetail *detail);

static int file_split(const Context *context, const char *path, Split split, DerList *list) {
        ErrorDetail detail = {};
        uint8_t *data = NULL;
        size_t size = 0;

        int r = file_read(context, path, TRUST_FILE_MAX, &data, &size);
        if (r != 0)
                return r;
        r = split((Bytes){ data, size }, list, &detail);
        file_data_free(data, size);
        if (r < 0)
                return fail_errno(context, r, path);
        return r > 0 ? fail_plain(context, EXIT_USAGE, "%s: %s", path, error_describe(r, &detail))
                     : 0;
}

static int files_split(const Context *context, const TextList *paths, Split split, DerList *list) {
        int r = 0;

        for (size_t i = 0; i < paths->count && r == 0; i++)
                r = file_split(context, paths->values[i], split, list);
        return r;
}

int certificates_read(const Context *context, const char *path, DerList *ret) {
        return file_split(context, path, x509_certificates_split, ret);
}

static VerifyList list_of(const DerList *list) {
        return (VerifyList){ list->items, list->count };
}

int verify_material_read(const Context *context, const VerifyWords *words, VerifyMaterial *ret) {
        const Clock clock = clock_system();

        int r = files_split(context, &words->trust, x509_certificates_split, &ret->anchors);
        if (r == 0)
                r = files_split(context, &words->intermediates, x509_certificates_split,
                                &ret->intermediates);
        if (r == 0)
                r = files_split(context, &words->crls, x509_crls_split, &ret->crls);
        if (r == 0)
                r = files_split(context, &words->timestamp_trust, x509_certificates_split,
                                &ret->timestamp_anchors);
        ret->trust = (VerifyTrust){
                .anchors = list_of(&ret->anchors),
                .intermediates = list_of(&ret->intermediates),
                .crls = list_of(&ret->crls),
                .timestamp_anchors = list_of(&ret->timestamp_anchors),
                .at = words->at,
                .now = clock_now(&clock),
        };
        return r;
}

void verify_material_done(VerifyMaterial *material) {
        der_list_clear(&material->anchors);
        der_list_clear(&material->intermediates);
        der_list_clear(&material->crls);
        der_list_clear(&material->timestamp_anchors);
}
