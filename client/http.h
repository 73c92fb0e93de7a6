/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One POST over HTTP or HTTPS, bounded in size and time: no redirection is followed, no other
 * scheme spoken, no password sent. The only source that knows libcurl.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "client/context.h"

typedef struct HttpPost {
        const char *url;
        const char *content_type; /* of what is sent */
        const char *answer_type;  /* that the answer must have */
        Bytes body;
        size_t answer_max;
        uint64_t seconds; /* for all of it, at most HTTP_SECONDS_MAX */
} HttpPost;

/* Is it a URL that http_post takes? EXIT_USAGE when not. Speaks to nobody. */
int http_url_check(const Context *context, const char *text);

/*
 * The body of an answer with status 200 and that type; *ret is malloc'ed. EXIT_TRY_AGAIN where
 * nobody answers in time, EXIT_OTHER for another answer.
 */
int http_post(const Context *context, const HttpPost *post, uint8_t **ret, size_t *ret_size);
