/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl verify: what is this signature or seal worth, check by check? */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "client/file.h"
#include "client/hash.h"
#include "client/verb.h"
#include "client/verify-input.h"
#include "client/verify-material.h"
#include "client/verify-plain.h"
#include "client/verify-print.h"
#include "client/verify-raw.h"
#include "client/verify-state.h"
#include "format/cms-content.h"
#include "format/cms-verify.h"
#include "format/eseal-verify.h"
#include "policy/sm2.h"

static const char help[] =
        "Usage: sealctl verify [DOCUMENT] --signature FILE --trust FILE [OPTIONS]\n"
        "       sealctl verify DOCUMENT --public-key PEM [OPTIONS]\n"
        "       sealctl verify DOCUMENT --seal NUMBER [OPTIONS]\n"
        "\n"
        "Check a signature or an electronic seal offline, each check with a result of its\n"
        "own: a CAdES signature (also of PAdES, and of GB/T 35275) beside DOCUMENT or around\n"
        "it, a signature with an electronic seal (GB/T 38540-2020, GM/T 0031-2014), such a\n"
        "seal alone (.esl), or a bare signature with its certificate. What FILE is, it says\n"
        "itself. Trust comes from the files named here and from nowhere else. A signature\n"
        "of several signers has a report of each, and the exit code is the worst. With\n"
        "--public-key, or --seal for a bare signature, that key alone decides.\n"
        "\n"
        "Exits with 0 when all that applies was checked and passed, with 10 when a check\n"
        "failed, and with 11 when nothing failed and something could not be checked, as\n"
        "revocation without a list of each issuer. The row seal-state is absent where no\n"
        "sealsd knows the seal, and not-checked where --seal asks for it all the same;\n"
        "--offline asks nobody.\n"
        "\n"
        "Certificates and seal are judged at the time of --at, else of a time stamp that\n"
        "passed, else at the time that the signer claims, else now. A certificate revoked\n"
        "after a time that is only claimed is not-checked: any time can be claimed.\n"
        "\n"
        "Options:\n"
        "  --signature FILE      The signature or seal (default: the only one there is of\n"
        "                        DOCUMENT.sig, .p7s, .cms, .ses)\n"
        "  --trust FILE          Certificates that are trusted, PEM or DER; repeat\n"
        "  --intermediate FILE   Certificates that lead to them; repeat\n"
        "  --crl FILE            Revocation lists; repeat\n"
        "  --tsa-trust FILE      Certificates trusted to stamp times; repeat\n"
        "  --at TIME             Judge at this time, as 2026-11-20T09:30:00Z or -30d\n"
        "  --offline             Do not ask the daemon of this machine how the seal stood\n"
        "  --seal NUMBER         The seal that it has to be of, and whose state is asked\n"
        "  --kind KIND           cades, eseal, seal, raw: read FILE as this\n"
        "  --extract OUT         Write the document that a signature holds to OUT\n"
        "  --certificate FILE    Of a bare signature: the signer's, and what leads on\n"
        "  --public-key PEM      Of a bare signature: a public key or certificate\n"
        "  --hash HASH           Of a bare signature: sha256, sha384, sha512, sm3 (default:\n"
        "                        by the key: sha256, P-384 sha384, SM2 sm3)\n"
        "  --scheme SCHEME       Of a bare RSA signature: rsassa or rsapss (default: either)\n"
        "\n"
        "Example:\n"
        "  sealctl verify contract.pdf --trust maker.pem --crl maker.crl\n"
        "  sealctl verify --signature seal.esl --trust maker.pem\n"
        "  sealctl verify contract.pdf --public-key seal.pem\n"
        "\n"
        "Next: the same of a bare signature with openssl:\n"
        "  openssl dgst -sha256 -verify seal.pem -signature contract.pdf.sig contract.pdf\n"
        "with -sigopt rsa_padding_mode:pss for rsapss, and for SM2 with -sm3 and\n"
        "-sigopt distid:" SM2_IDENTITY ". Of the others: sealctl-verify(8), OPENSSL.\n";

/* --- what goes together ----------------------------------------------------------------------- */

static int words_check(const Context *context, const VerifyWords *w) {
        if (!w->document && !w->signature)
                return fail(context, EXIT_USAGE, "DOCUMENT or --signature is missing");
        if (w->document && strcmp(w->document, "-") == 0 && !w->signature)
                return fail(context, EXIT_USAGE, "standard input needs --signature");
        if (w->signature && strcmp(w->signature, "-") == 0 && w->document &&
            strcmp(w->document, "-") == 0)
                return fail(context, EXIT_USAGE, "only one of both can be standard input");
        if (w->public_key && (w->certificate || w->seal))
                return fail(context, EXIT_USAGE, "--public-key excludes --certificate and --seal");
        if (w->seal && w->offline)
                return fail(context, EXIT_USAGE,
                            "--seal is asked of the daemon, and --offline asks nobody");
        if (w->extract && strcmp(w->extract, "-") == 0)
                return fail(context, EXIT_USAGE,
                            "the report is on standard output: --extract takes a file");
        return hash_check(context, w->hash);
}

/* What would be passed over in silence where one key decides. */
static int key_words_check(const Context *context, const VerifyWords *w, const VerifyInput *input) {
        const char *option = w->public_key ? "--public-key" : "--seal";

        if (!w->document)
                return fail(context, EXIT_USAGE, "a bare signature needs its DOCUMENT");
        if (input->kind != VERIFY_FILE_OTHER)
                return fail(context, EXIT_USAGE,
                            "%s is for a bare signature; %s says itself whose it is", option,
                            w->signature ? w->signature : "this one");
        if (w->trust.count > 0 || w->intermediates.count > 0 || w->crls.count > 0 ||
            w->timestamp_trust.count > 0 || w->at != 0 || w->extract)
                return fail(context, EXIT_USAGE,
                            "of a bare signature %s alone decides: --trust, --intermediate, --crl, "
                            "--tsa-trust, --at and --extract need --certificate, or a signature "
                            "with one",
                            option);
        return 0;
}

/* A bare signature says nothing of itself. */
static int kind_check(const Context *context, const VerifyWords *w, const VerifyInput *input) {
        const char *name = w->signature ? w->signature : "the signature";

        if (input->kind == VERIFY_FILE_X509)
                return fail_plain(context, EXIT_USAGE,
                                  "%s is a certificate, a request or a list, not a signature",
                                  name);
        if (input->kind == VERIFY_FILE_OTHER && !w->certificate)
                return fail(context, EXIT_USAGE,
                            "%s is no signature or seal that says what it is; a bare signature "
                            "needs --certificate, --public-key or --seal",
                            name);
        if (input->kind == VERIFY_FILE_OTHER && !w->document)
                return fail(context, EXIT_USAGE, "a bare signature needs its DOCUMENT");
        if (input->kind == VERIFY_FILE_SES_SEAL && w->document)
                return fail(context, EXIT_USAGE, "%s is a seal alone, and of no DOCUMENT", name);
        if (input->kind != VERIFY_FILE_OTHER && (w->certificate || w->hash || w->scheme))
                return fail(context, EXIT_USAGE,
                            "--certificate, --hash and --scheme are for a bare signature; %s says "
                            "these itself",
                            name);
        if (input->kind != VERIFY_FILE_CMS && w->extract)
                return fail(context, EXIT_USAGE, "%s holds no document to extract", name);
        return 0;
}

/* --- verifying -------------------------------------------------------------------------------- */

/* A verifier tells everything in its report, but for what went wrong here. */
static int judged(const Context *context, int r) {
        return r < 0 ? fail_errno(context, r, "it cannot be verified") : 0;
}

/* One report for each signer. */
typedef struct Reports {
        VerifyReport *items; /* CMS_SIGNERS_MAX */
        size_t count;
} Reports;

static int cms_judge(const Context *context, const VerifyWords *w, const VerifyTrust *trust,
                     Bytes file, Reports *reports) {
        const char *hashes[VERIFY_HASHES_MAX];
        VerifyDocument document = {};

        int r = verify_document_hash(context, w, hashes, cms_document_hashes(file, hashes),
                                     &document);
        return r != 0 ? r
                      : judged(context, cms_verify(file, &document, trust, reports->items,
                                                   CMS_SIGNERS_MAX, &reports->count));
}

static int eseal_judge(const Context *context, const VerifyWords *w, const VerifyTrust *trust,
                       Bytes file, VerifyReport *report) {
        const char *hash = eseal_document_hash(file);
        VerifyDocument document = {};

        int r = verify_document_hash(context, w, &hash, hash ? 1 : 0, &document);
        return r != 0 ? r : judged(context, eseal_verify(file, &document, trust, report));
}

static int judge(const Context *context, const VerifyWords *w, const VerifyTrust *trust,
                 const VerifyInput *input, Reports *reports) {
        const Bytes file = { input->data, input->size };

        reports->count = 1;
        switch (input->kind) {
        case VERIFY_FILE_CMS:
                return cms_judge(context, w, trust, file, reports);
        case VERIFY_FILE_SES_SIGNATURE:
        case VERIFY_FILE_SES_SEAL:
                return eseal_judge(context, w, trust, file, reports->items);
        default:
                return verify_raw(context, w, trust, file, reports->items);
        }
}

/* Only what nothing speaks against: what is written is what was signed. */
static int extract(const Context *context, const VerifyWords *w, Bytes file,
                   const Reports *reports) {
        _cleanup_free_ uint8_t *document = NULL;
        size_t size = 0;

        if (!w->extract ||
            verify_reports_verdict(reports->items, reports->count) == VERDICT_FAILED) {
                if (w->extract)
                        note(context, "Since a check failed, nothing is written to %s.",
                             w->extract);
                return 0;
        }
        int r = cms_content(file, &document, &size);
        if (r < 0)
                return fail_errno(context, r, "the document cannot be extracted");
        if (r > 0)
                return fail_plain(context, EXIT_NOT_FOUND,
                                  "the signature is detached: there is no document in it");
        return file_write(context, w->extract, 0644, (Bytes){ document, size });
}

static int reports_fill(Context *context, const VerifyWords *w, const VerifyInput *input,
                        const VerifyTrust *trust, Reports *reports) {
        int r = judge(context, w, trust, input, reports);

        if (r == 0)
                r = verify_state(context, w, reports->items, reports->count);
        for (size_t i = 0; r == 0 && input->pem && i < reports->count; i++)
                verify_deviation(&reports->items[i], DEVIATION_PEM, NULL);
        return r == 0 ? extract(context, w, (Bytes){ input->data, input->size }, reports) : r;
}

static int report_make(Context *context, const VerifyWords *w, const VerifyInput *input) {
        _cleanup_verify_material_ VerifyMaterial material = {};
        _cleanup_free_ VerifyReport *items = calloc(CMS_SIGNERS_MAX, sizeof(*items));
        Reports reports = { .items = items };

        if (!items)
                return fail(context, EXIT_OTHER, "out of memory");
        int r = verify_material_read(context, w, &material);
        if (r == 0)
                r = reports_fill(context, w, input, &material.trust, &reports);
        return r != 0 ? r : verify_print(context, reports.items, reports.count);
}

static int input_verify(Context *context, const VerifyWords *w, const VerifyInput *input) {
        const bool by_key = w->public_key ||
                            (w->seal && !w->certificate && input->kind == VERIFY_FILE_OTHER);

        int r = by_key ? key_words_check(context, w, input) : kind_check(context, w, input);
        if (r != 0)
                return r;
        return by_key ? verify_plain(context, w, (Bytes){ input->data, input->size })
                      : report_make(context, w, input);
}

int verb_verify(Context *context, int argc, char **argv) {
        VerifyWords w = {};
        const CommandOption table[] = {
                { "signature", .text = &w.signature },
                { "trust", .list = &w.trust },
                { "intermediate", .list = &w.intermediates },
                { "crl", .list = &w.crls },
                { "tsa-trust", .list = &w.timestamp_trust },
                { "at", .time_end = &w.at },
                { "offline", .flag = &w.offline },
                { "seal", .text = &w.seal },
                { "kind", .text = &w.kind },
                { "extract", .text = &w.extract },
                { "certificate", .text = &w.certificate },
                { "public-key", .text = &w.public_key },
                { "hash", .text = &w.hash },
                { "scheme", .text = &w.scheme },
        };
        const Usage usage = { help, OPTIONS(table), 0, 1 };
        VerifyInput input = {};
        char **arguments;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r != 0)
                return r;
        w.document = arguments[0];
        r = words_check(context, &w);
        if (r == 0)
                r = verify_input_read(context, &w, &input);
        if (r == 0)
                r = input_verify(context, &w, &input);
        verify_input_done(&input);
        return r;
}
