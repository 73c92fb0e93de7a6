/* SPDX-License-Identifier: Apache-2.0 */
#include "client/verify-print.h"

#include <stdio.h>

#include "client/bus-call.h"
#include "client/output.h"

int verify_exit(const VerifyReport *reports, size_t count) {
        static const int codes[VERDICT_MAX] = {
                [VERDICT_PASSED] = EXIT_OK,
                [VERDICT_INCOMPLETE] = EXIT_INCOMPLETE,
                [VERDICT_FAILED] = EXIT_VERIFICATION,
        };

        return codes[verify_reports_verdict(reports, count)];
}

/* --- who signed what -------------------------------------------------------------------------- */

static const OutputField signed_fields[] = {
        { "profile", "Form", FIELD_TEXT },
        { "algorithm", "Algorithm", FIELD_TEXT },
        { "subject", "Signer", FIELD_TEXT },
        { "issuer", "Issuer", FIELD_TEXT },
        { "serial", "Serial number", FIELD_TEXT },
        { "seal", "Seal", FIELD_TEXT },
        { "seal-name", "Name of the seal", FIELD_TEXT },
        { "seal-type", "Type of the seal", FIELD_TEXT },
        { "seal-vendor", "Vendor", FIELD_TEXT },
        { "seal-maker", "Maker of the seal", FIELD_TEXT },
        { "seal-not-before", "Seal not before", FIELD_TIME },
        { "seal-not-after", "Seal not after", FIELD_TIME },
        { "picture", "Picture", FIELD_TEXT },
        { "property-info", "Protected part", FIELD_TEXT },
        { "claimed", "Signed at, it says", FIELD_TIME },
        { "timestamp", "Time stamp", FIELD_TIME },
        { "timestamp-authority", "Stamped by", FIELD_TEXT },
        { "judged", "Judged at", FIELD_TEXT },
};

static const char *source_tell(VerifyTimeSource source) {
        static const char *const texts[VERIFY_TIME_MAX] = {
                [VERIFY_TIME_NOW] = "now",
                [VERIFY_TIME_CLAIMED] = "the time that it claims itself",
                [VERIFY_TIME_STAMPED] = "the time of the time stamp",
                [VERIFY_TIME_GIVEN] = "the time that --at names",
        };

        return texts[source];
}

/* What people want in one line and programs in several keys. */
static void lines_add(json_t *said, const VerifyFacts *facts) {
        char time[TIME_TEXT_SIZE], line[VERIFY_TEXT_MAX + 1];

        if (facts->picture_type[0] != '\0') {
                (void) snprintf(line, sizeof(line), "%s, %u x %u mm", facts->picture_type,
                                facts->picture_width, facts->picture_height);
                (void) json_object_set_new(said, "picture", json_string(line));
        }
        if (facts->time != 0) {
                (void) snprintf(line, sizeof(line), "%s (%s)", time_format(facts->time, time),
                                source_tell(facts->time_source));
                (void) json_object_set_new(said, "judged", json_string(line));
        }
}

/* --- the rest --------------------------------------------------------------------------------- */

static void deviations_print(const VerifyReport *report) {
        if (report->deviation_count > 0)
                puts("\nDeviations from the standard, tolerated:");
        for (size_t i = 0; i < report->deviation_count; i++) {
                printf("  %s: ", deviation_word(report->deviations[i].code));
                print_escaped(report->deviations[i].text);
                putchar('\n');
        }
        if (report->deviations_left_off > 0)
                printf("  and %zu more\n", report->deviations_left_off);
}

/* With what a check is made that was not, as far as an option names it. */
static const char *option_of(CheckCode code) {
        static const char *const options[CHECK_MAX] = {
                [CHECK_DOCUMENT_HASH] = "DOCUMENT",
                [CHECK_TIMESTAMP] = "--tsa-trust",
                [CHECK_CERTIFICATE_CHAIN] = "--trust",
                [CHECK_REVOCATION] = "--crl, --at",
                [CHECK_SEAL_MAKER_CHAIN] = "--trust",
                [CHECK_SEAL_MAKER_REVOCATION] = "--crl, --at",
        };

        return options[code];
}

static void words_print(const VerifyReport *report, CheckResult result) {
        const char *separator = "";

        for (CheckCode code = 0; code < CHECK_MAX; code++) {
                const char *option = result == CHECK_NOT_CHECKED ? option_of(code) : NULL;

                if (verify_result(report, code) != result)
                        continue;
                printf("%s%s", separator, check_word(code));
                if (option)
                        printf(" (%s)", option);
                separator = ", ";
        }
}

static void verdict_print(const VerifyReport *report) {
        switch (verify_verdict(report)) {
        case VERDICT_PASSED:
                puts("\nGood: all that applies was checked and passed.");
                break;
        case VERDICT_INCOMPLETE:
                fputs("\nNothing is bad, but not all was checked: ", stdout);
                words_print(report, CHECK_NOT_CHECKED);
                puts(".");
                break;
        default:
                fputs("\nNot to be relied on: ", stdout);
                words_print(report, CHECK_FAILED);
                puts(" failed.");
        }
}

static int people_print(const Context *context, const VerifyReport *report,
                        const json_t *document) {
        static const OutputField fields[] = {
                { "check", "CHECK", FIELD_TEXT },
                { "result", "RESULT", FIELD_TEXT },
                { "text", "WHAT WAS FOUND", FIELD_TEXT },
        };
        json_t *said = json_object_get(document, "signed");

        lines_add(said, &report->facts);
        int r = print_fields(context, said, FIELDS(signed_fields));
        putchar('\n');
        if (r == 0)
                r = print_table(context, json_object_get(document, "checks"), FIELDS(fields),
                                "Nothing was checked.");
        deviations_print(report);
        verdict_print(report);
        return r;
}

/* What all of them come to is never to be looked for. */
static void signers_print(const VerifyReport *reports, size_t count) {
        size_t of[VERDICT_MAX] = {};

        for (size_t i = 0; i < count; i++)
                of[verify_verdict(&reports[i])]++;
        printf("\nOf %zu signers: %zu good, %zu not wholly checked, %zu not to be relied on.\n",
               count, of[VERDICT_PASSED], of[VERDICT_INCOMPLETE], of[VERDICT_FAILED]);
}

static int several_print(const Context *context, const VerifyReport *reports, size_t count,
                         const json_t *document) {
        const json_t *signers = json_object_get(document, "signers");
        int r = 0;

        for (size_t i = 0; r == 0 && i < count; i++) {
                printf("%sSigner %zu of %zu\n\n", i > 0 ? "\n" : "", i + 1, count);
                r = people_print(context, &reports[i], json_array_get(signers, i));
        }
        signers_print(reports, count);
        return r;
}

int verify_print(const Context *context, const VerifyReport *reports, size_t count) {
        _cleanup_(json_freep) json_t *document = verify_reports_json(reports, count);
        int r;

        if (!document)
                return fail(context, EXIT_OTHER, "out of memory");
        if (context->json)
                r = print_json_value(context, document);
        else
                r = count == 1 ? people_print(context, reports, document)
                               : several_print(context, reports, count, document);
        return r != 0 ? r : verify_exit(reports, count);
}
