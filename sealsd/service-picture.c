/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/service-picture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/text.h"
#include "format/picture.h"
#include "policy/openssl.h"
#include "sealsd/background.h"
#include "sealsd/service-internal.h"

struct PictureJob {
        Task task;
        Service *service;
        uint32_t uid;
        HandedFile file; /* owned */
        SealPicture picture;
        Reply reply;
        PictureJob *next;
};

static void job_free(PictureJob *job) {
        handed_file_done(&job->file);
        seal_picture_free(&job->picture);
        free(job);
}

int picture_facts(const SealPicture *picture, PictureFacts *ret) {
        uint8_t sha256[sizeof(ret->sha256)];

        if (EVP_Digest(picture->data, picture->size, sha256, NULL, EVP_sha256(), NULL) != 1)
                return openssl_short();
        text_copy(ret->type, sizeof(ret->type), picture->type);
        memcpy(ret->sha256, sha256, sizeof(ret->sha256));
        return 0;
}

/* --- in its thread ---------------------------------------------------------------------------- */

/* A picture that is judged says "picture: " itself. */
static const char *without_prefix(const char *text) {
        static const char prefix[] = "picture: ";

        return strncmp(text, prefix, sizeof(prefix) - 1) == 0 ? text + sizeof(prefix) - 1 : text;
}

static int picture_run(Task *task, ErrorDetail *detail) {
        PictureJob *job = (PictureJob *) task;
        SealPicture *picture = &job->picture;
        unsigned width, height; /* in pixels */
        PictureType type;
        ErrorDetail why = {};

        int r = handed_file_read(&job->file, PICTURE_MAX, &picture->data, &picture->size, &why);
        if (r == 0)
                r = picture_check((Bytes){ picture->data, picture->size }, &type, &width, &height,
                                  &why);
        if (r == 0)
                text_copy(picture->type, sizeof(picture->type), picture_type_name(type));
        return r > 0 ? error_set(detail, r, "'picture': %s",
                                 without_prefix(error_describe(r, &why)))
                     : r;
}

/* --- in the main thread ----------------------------------------------------------------------- */

static void picture_done(Task *task, int code, const ErrorDetail *detail);

static int job_start(PictureJob *job, ErrorDetail *detail) {
        job->task = (Task){ .run = picture_run, .done = picture_done };
        return background_start(job->service->background, &job->task, detail);
}

/* Those that cannot begin are answered, until one can. */
static void pictures_next(Service *service) {
        PictureJob *job;
        ErrorDetail detail = {};
        int r = -EAGAIN;

        while ((job = service->pictures.waiting) && (r = job_start(job, &detail)) != 0) {
                service->pictures.waiting = job->next;
                job->reply.done(job->reply.userdata, r, &detail, NULL);
                job_free(job);
        }
}

static void picture_done(Task *task, int code, const ErrorDetail *detail) {
        PictureJob *job = (PictureJob *) task;
        Service *s = job->service;

        s->pictures.waiting = job->next;
        job->reply.done(job->reply.userdata, code, detail, code == 0 ? &job->picture : NULL);
        job_free(job);
        if (!s->stopping)
                pictures_next(s);
}

unsigned pictures_waiting(const Service *service, uint32_t uid) {
        unsigned count = 0;

        for (const PictureJob *job = service->pictures.waiting; job; job = job->next)
                count += job->uid == uid;
        return count;
}

int picture_look(Service *service, uint32_t uid, const HandedFile *file, Reply reply,
                 ErrorDetail *detail) {
        PictureJob *job = calloc(1, sizeof(*job)), **last = &service->pictures.waiting;
        const bool first = !*last;

        if (!job)
                return -ENOMEM;
        *job = (PictureJob){ .service = service, .uid = uid, .reply = reply };
        int r = handed_file_copy(file, &job->file);
        if (r == 0 && first)
                r = job_start(job, detail);
        if (r != 0) {
                job_free(job);
                return r;
        }
        while (*last)
                last = &(*last)->next;
        *last = job;
        return 0;
}

void picture_stop(Service *service) {
        PictureJob *job;

        while ((job = service->pictures.waiting)) {
                service->pictures.waiting = job->next;
                job->reply.done(job->reply.userdata, -ECANCELED, NULL, NULL);
                job_free(job);
        }
}
