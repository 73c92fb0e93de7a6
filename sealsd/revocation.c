/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/revocation.h"

#include <string.h>

/* What it was revoked from: out of control, replaced, or given up. */
static X509Reason reason_of(const RevocationEntry *entry) {
        if (entry->state == SEAL_SUSPENDED || entry->state == SEAL_LOST)
                return X509_REASON_CERTIFICATE_HOLD;
        if (entry->before == SEAL_LOST)
                return X509_REASON_KEY_COMPROMISE;
        if (entry->replaced)
                return X509_REASON_SUPERSEDED;
        return entry->before == SEAL_SURRENDERED ? X509_REASON_CESSATION_OF_OPERATION
                                                 : X509_REASON_NONE;
}

X509CrlEntry revocation_of(const RevocationEntry *entry) {
        return (X509CrlEntry){
                .serial = { entry->serial, entry->serial_size },
                .date = entry->since,
                .reason = reason_of(entry),
        };
}

static bool entry_equal(const RevocationEntry *a, const RevocationEntry *b) {
        const X509CrlEntry x = revocation_of(a), y = revocation_of(b);

        return x.date == y.date && x.reason == y.reason && x.serial.size == y.serial.size &&
               memcmp(x.serial.data, y.serial.data, x.serial.size) == 0;
}

bool revocations_equal(const RevocationEntry *a, size_t a_count, const RevocationEntry *b,
                       size_t b_count) {
        if (a_count != b_count)
                return false;
        for (size_t i = 0; i < a_count; i++)
                if (!entry_equal(&a[i], &b[i]))
                        return false;
        return true;
}
