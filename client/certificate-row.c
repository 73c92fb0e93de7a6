/* SPDX-License-Identifier: Apache-2.0 */
#include "client/certificate-row.h"

#include "base/limits.h"
#include "format/x509-read.h"
#include "format/x509-signed.h"
#include "policy/openssl.h"

json_t *certificate_row(Bytes der) {
        char subject[X509_NAME_TEXT_MAX + 1], issuer[X509_NAME_TEXT_MAX + 1];
        char serial[2 * CERTIFICATE_SERIAL_MAX + 1] = "";
        _cleanup_(X509_freep) X509 *certificate = NULL;
        uint64_t begin, end;

        if (x509_read(der, &certificate, NULL) != 0 ||
            !x509_time_read(X509_get0_notBefore(certificate), &begin) ||
            !x509_time_read(X509_get0_notAfter(certificate), &end))
                return NULL;
        const ASN1_INTEGER *number = X509_get0_serialNumber(certificate);
        if (number->length > 0 && number->length <= CERTIFICATE_SERIAL_MAX)
                (void) hex_encode(number->data, (size_t) number->length, serial);
        return json_pack("{ss ss ss sI sI}", "subject",
                         x509_name_text(X509_get_subject_name(certificate), subject), "issuer",
                         x509_name_text(X509_get_issuer_name(certificate), issuer), "serial",
                         serial, "not-before", (json_int_t) begin, "not-after", (json_int_t) end);
}
