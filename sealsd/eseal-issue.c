/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/eseal-issue.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "format/eseal.h"
#include "sealsd/service-internal.h"

void eseal_issue_clear(ESealIssue *issue) {
        seal_picture_free(&issue->picture);
        *issue = (ESealIssue){};
}

/* --- in the main thread ----------------------------------------------------------------------- */

/* What was approved is what is shown. */
static int picture_is_approved(const SealPicture *picture, const PictureFacts *approved) {
        PictureFacts found = {};

        int r = picture_facts(picture, &found);
        if (r != 0)
                return r;
        return strcmp(found.type, approved->type) == 0 &&
                               memcmp(found.sha256, approved->sha256, sizeof(found.sha256)) == 0
                       ? 0
                       : SEAL_E_REGISTER_TAMPERED;
}

int eseal_issue_fill(Service *service, const Seal *seal, ESealIssue *ret) {
        const char *code = seal_type_code(seal->facts.type);
        ESealIssue issue = { .facts = seal->facts.picture, .created = service_now(service) };

        *ret = (ESealIssue){};
        if (issue.facts.type[0] == '\0')
                return 0;
        text_copy(issue.number, sizeof(issue.number), seal->number);
        text_copy(issue.name, sizeof(issue.name), seal->facts.name);
        issue.type = code ? (unsigned) strtoul(code, NULL, 10) : 0;
        int r = store_picture_get(service->store, seal->request, &issue.picture);
        if (r == 0)
                r = picture_is_approved(&issue.picture, &issue.facts);
        if (r == 0)
                *ret = issue;
        else
                eseal_issue_clear(&issue);
        return r == SEAL_E_NOT_FOUND ? SEAL_E_REGISTER_TAMPERED : r;
}

/* --- in the worker ---------------------------------------------------------------------------- */

static int info_sign(const MakerUse *maker, Chip *chip, Bytes info, CertificateRecord *record,
                     ErrorDetail *detail) {
        const SignatureAlgorithm *algorithm;
        _cleanup_free_ uint8_t *value = NULL;
        size_t size = 0;

        int r = maker_use_sign(maker, chip, info, &algorithm, &value, &size, detail);
        if (r != 0)
                return r;
        return eseal_finish(info, (Bytes){ maker->certificate, maker->certificate_size }, algorithm,
                            (Bytes){ value, size }, &record->structure, &record->structure_size);
}

int eseal_issue_run(const ESealIssue *issue, const MakerUse *maker, Chip *chip,
                    CertificateRecord *record, ErrorDetail *detail) {
        const ESealFacts facts = {
                .id = issue->number,
                .vendor = ESEAL_VENDOR,
                .name = issue->name,
                .type = issue->type,
                .certificate = { record->der, record->der_size },
                .created = issue->created,
                .not_before = record->not_before,
                .not_after = record->not_after,
                .picture_type = picture_type_find(issue->facts.type),
                .picture = { issue->picture.data, issue->picture.size },
                .width = issue->facts.width,
                .height = issue->facts.height,
        };
        _cleanup_free_ uint8_t *info = NULL;
        size_t size = 0;

        free(record->structure); /* of a run that was cut off */
        record->structure = NULL;
        record->structure_size = 0;
        if (issue->picture.size == 0)
                return 0;
        int r = eseal_prepare(&facts, &info, &size);
        return r == 0 ? info_sign(maker, chip, (Bytes){ info, size }, record, detail) : r;
}
