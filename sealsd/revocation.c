/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/revocation.h"

#include <string.h>

/* After it was lost somebody else may have had it, until it was found, or handed in. */
static bool is_missing(const RevocationEntry *entry) {
        return entry->lost != 0 && entry->lost > entry->suspended &&
               entry->lost > entry->surrendered;
}

static X509Reason reason_of(const RevocationEntry *entry) {
        if (is_missing(entry))
                return X509_REASON_KEY_COMPROMISE;
        if (entry->replaced)
                return X509_REASON_SUPERSEDED;
        if (entry->surrendered != 0)
                return X509_REASON_CESSATION_OF_OPERATION;
        return X509_REASON_NONE;
}

X509CrlEntry revocation_of(const RevocationEntry *entry) {
        X509CrlEntry ret = { .serial = { entry->serial, entry->serial_size } };

        if (entry->state == SEAL_SUSPENDED || entry->state == SEAL_LOST) {
                ret.date = entry->state == SEAL_LOST ? entry->lost : entry->suspended;
                ret.reason = X509_REASON_CERTIFICATE_HOLD;
        } else {
                ret.date = entry->revoked;
                ret.reason = reason_of(entry);
        }
        return ret;
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
