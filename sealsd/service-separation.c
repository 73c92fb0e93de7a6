/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The separation of the installation, once it stands: an administrator raises it, the authority
 * lets him lower it. Seals keep the mode of their birth.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/log.h"
#include "policy/key.h"
#include "sealsd/json.h"
#include "sealsd/service-authority.h"
#include "sealsd/service-life.h"

/* --- the change --------------------------------------------------------------------------- */

static int separation_write(Service *service, const Caller *caller, const Installation *changed) {
        const Event event = { .code = EVENT_SEPARATION_CHANGED, .caller = caller };
        const char *from = separation_name(service->installation.separation);

        int r = store_begin(service->store);
        if (r != 0)
                return r;
        r = store_installation_save(service->store, changed);
        if (r == 0)
                r = service_event(service, event,
                                  json_pack("{s:s, s:s}", "from", from, "to",
                                            separation_name(changed->separation)));
        return store_end(service->store, r);
}

static int separation_set(Service *service, const Caller *caller, Separation mode) {
        Installation changed = service->installation;

        changed.separation = mode;
        int r = separation_write(service, caller, &changed);
        OPENSSL_cleanse(&changed, sizeof(changed));
        if (r != 0)
                return r;
        service_attention(service, "warning", "separation-changed", "",
                          "%s changed the separation from %s to %s", caller->subject.text,
                          separation_name(service->installation.separation), separation_name(mode));
        service->installation.separation = mode;
        service->separation_offer = (SeparationOffer){};
        service_changed(service, "manager", "", service->state);
        return 0;
}

/* --- the authority's word ------------------------------------------------------------------- */

/* "sealsd/separation/MODE" ‖ 0 ‖ 32 random bytes ‖ the authority's Name. */
static int lowering_bytes(const Service *service, Separation mode, Writer *writer) {
        const TPM2B_NAME *authority = &service->authority_name;
        uint8_t random[32];
        char words[64];

        if (RAND_bytes(random, sizeof(random)) != 1)
                return -EIO;
        (void) snprintf(words, sizeof(words), "sealsd/separation/%s", separation_name(mode));
        writer_put(writer, words, strlen(words) + 1);
        writer_put(writer, random, sizeof(random));
        writer_put(writer, authority->name, authority->size);
        return writer->overflow ? -EOVERFLOW : 0;
}

/* External: fresh each time, once, and gone with the daemon. */
static int lowering_offer(Service *service, Separation mode) {
        SeparationOffer offer = { .mode = mode,
                                  .expires = service_now(service) + CHALLENGE_LIFETIME };
        Writer w = writer_over(offer.bytes, sizeof(offer.bytes));
        uint32_t random;

        int r = lowering_bytes(service, mode, &w);
        if (r != 0)
                return r;
        if (RAND_bytes((uint8_t *) &random, sizeof(random)) != 1)
                return -EIO;
        (void) snprintf(offer.id, sizeof(offer.id), "separation-%08x", random);
        offer.size = w.used;
        service->separation_offer = offer;
        log_notice("challenge %s is on offer: separation %s", offer.id, separation_name(mode));
        return 0;
}

void service_separation_offered(Service *service, ChallengeList *list) {
        const SeparationOffer *offer = &service->separation_offer;

        if (offer->size == 0 || offer->expires <= service_now(service) ||
            list->count >= sizeof(list->challenges) / sizeof(list->challenges[0]))
                return;
        Challenge *c = &list->challenges[list->count++];
        *c = (Challenge){
                .kind = "separation",
                .bytes = { offer->bytes, offer->size },
                .expires = offer->expires,
        };
        memcpy(c->id, offer->id, sizeof(offer->id));
}

int service_separation_answer(Service *service, const Caller *caller, const char *id,
                              Bytes signature, ErrorDetail *detail) {
        const SeparationOffer *offer = &service->separation_offer;

        if (offer->size == 0 || strcmp(offer->id, id) != 0)
                return SEAL_E_NOT_FOUND;
        if (offer->expires <= service_now(service)) {
                service->separation_offer = (SeparationOffer){};
                return SEAL_E_APPROVAL_EXPIRED;
        }
        int r = signature_verify(&service->installation.authority,
                                 (Bytes){ offer->bytes, offer->size }, signature);
        if (r == SEAL_E_APPROVAL_INVALID)
                return error_set(detail, r,
                                 "The signature is not the authority's over the bytes of this "
                                 "challenge");
        return r == 0 ? separation_set(service, caller, offer->mode) : r;
}

/* Resident. */
typedef struct Lowering {
        Service *service;
        Caller caller;
        Separation mode;
        Reply outer;
} Lowering;

static void lowering_proved(void *userdata, int code, const ErrorDetail *detail,
                            const void *result) {
        Lowering *lowering = userdata;

        (void) result;
        if (code == 0)
                code = separation_set(lowering->service, &lowering->caller, lowering->mode);
        lowering->outer.done(lowering->outer.userdata, code, detail, NULL);
        free(lowering);
}

static int lowering_prove(Service *service, const Caller *caller, Separation mode,
                          const Secret *passphrase, Reply reply, ErrorDetail *detail) {
        uint8_t bytes[AUTHORITY_BYTES_MAX];
        Writer w = writer_over(bytes, sizeof(bytes));
        Lowering *lowering = malloc(sizeof(*lowering));

        if (!lowering)
                return -ENOMEM;
        *lowering = (Lowering){ service, *caller, mode, reply };
        int r = lowering_bytes(service, mode, &w);
        if (r == 0)
                r = service_authority_prove(
                        service, caller->uid, passphrase, (Bytes){ bytes, w.used },
                        (Reply){ .done = lowering_proved, .userdata = lowering }, detail);
        if (r != 0)
                free(lowering);
        return r;
}

int service_set_separation(Service *service, const Caller *caller, Separation mode,
                           const Secret *passphrase, Reply reply, ErrorDetail *detail) {
        int r = service_require_ready(service, detail);

        if (r != 0)
                return r;
        if (!separation_lowers(service->installation.separation, mode)) {
                r = mode == service->installation.separation
                            ? 0
                            : separation_set(service, caller, mode);
        } else if (service->installation.resident) {
                return lowering_prove(service, caller, mode, passphrase, reply, detail);
        } else {
                r = lowering_offer(service, mode);
        }
        if (r == 0)
                reply.done(reply.userdata, 0, NULL, NULL);
        return r;
}
