/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/maker.h"

#include <stdlib.h>

void certificate_record_free(CertificateRecord *record) {
        free(record->der);
        free(record->chain);
        free(record->structure);
        *record = (CertificateRecord){};
}

void revocation_list_free(RevocationList *list) {
        free(list->der);
        *list = (RevocationList){};
}

void seal_picture_free(SealPicture *picture) {
        free(picture->data);
        *picture = (SealPicture){};
}

void use_structure_free(UseStructure *structure) {
        free(structure->structure);
        free(structure->certificates);
        *structure = (UseStructure){};
}
