/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An application as the register keeps it, in JSON: what is read is within the bounds of its type,
 * and is written and read again to the same text, which is what a request's digest is over.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "sealsd/application.h"
#include "sealsd/json.h"
#include "sealsd/request.h"
#include "sealsd/seal.h"
#include "tests/fuzz/fuzz.h"

const unsigned fuzz_mutations = 500;

static void demand_line(const char *text, size_t size) {
        fuzz_demand(strnlen(text, size) < size && text_is_utf8(text, strlen(text)));
}

static void demand_bounds(const Application *a) {
        demand_line(a->name, sizeof(a->name));
        demand_line(a->holder, sizeof(a->holder));
        demand_line(a->class, sizeof(a->class));
        demand_line(a->type, sizeof(a->type));
        demand_line(a->algorithm, sizeof(a->algorithm));
        fuzz_demand(a->purposes != 0 && !(a->purposes & ~(unsigned) PURPOSE_ALL));
        fuzz_demand(a->not_before <= JSON_NUMBER_MAX && a->not_after <= JSON_NUMBER_MAX &&
                    a->use_limit <= JSON_NUMBER_MAX);
        fuzz_demand(a->keeper_count >= 1 && a->keeper_count <= KEEPERS_MAX);
        fuzz_demand(a->document_count <= DOCUMENTS_MAX);
        for (size_t i = 0; i < a->document_count; i++) {
                demand_line(a->documents[i].title, sizeof(a->documents[i].title));
                fuzz_demand(a->documents[i].hash_size >= 1 &&
                            a->documents[i].hash_size <= DIGEST_MAX);
        }
}

static void demand_same_again(const Application *application) {
        static Application again;
        _cleanup_free_ char *first = NULL, *second = NULL;

        fuzz_demand(application_to_json(application, &first) == 0);
        fuzz_demand(application_from_json(first, &again) == 0);
        fuzz_demand(application_to_json(&again, &second) == 0);
        fuzz_demand(strcmp(first, second) == 0);
        fuzz_demand(fuzz_same(application, &again, sizeof(again)));
}

/* What shows it to people. */
static void demand_described(const Application *application) {
        static Request request = { .kind = REQUEST_KIND_MAKE };
        static Seal seal;
        _cleanup_free_ char *request_text = NULL, *seal_text = NULL;
        uint8_t digest[32];

        request.application = *application;
        seal.facts = *application;
        seal.state = SEAL_ACTIVE;
        fuzz_demand(request_digest(&request, digest) == 0);
        fuzz_demand(request_describe(&request, true, &request_text) == 0);
        const SealContext context = { .request = &request, .why_not = "why" };
        fuzz_demand(seal_describe(&seal, &context, true, &seal_text) == 0);
}

static void check_completion(const Application *application) {
        static Application whole;
        const Subject applicant = { .kind = SUBJECT_USER, .id = 1, .text = "user:a" };
        ErrorDetail detail = {};

        whole = *application;
        int r = application_complete(&whole, &applicant, 1000, 10, &detail);
        fuzz_demand(r == 0 || r == SEAL_E_INVALID_ARGS || r == SEAL_E_UNSUPPORTED);
        fuzz_demand((r == 0) == (detail.text[0] == '\0'));
        if (r != 0)
                fuzz_demand(fuzz_same(&whole, application, sizeof(whole)));
        else
                fuzz_demand(text_is_line(whole.name, NAME_CHARS_MAX) && whole.not_after > 1000 &&
                            whole.not_after > whole.not_before && seal_type_code(whole.type));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = fuzz_text((Bytes){ .data = data, .size = size });
        static Application application, before;

        memset(&before, 0xa5, sizeof(before));
        application = before;
        int r = application_from_json(text, &application);
        fuzz_demand(r == 0 || r == SEAL_E_REGISTER_TAMPERED);
        if (r != 0) {
                fuzz_demand(fuzz_same(&application, &before, sizeof(before)));
                return 0;
        }
        demand_bounds(&application);
        demand_same_again(&application);
        demand_described(&application);
        check_completion(&application);
        return 0;
}
