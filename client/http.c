/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "base/cleanup.h"
#include "base/limits.h"

#define SCHEMES "http,https"
#define STATUS_OK 200

static void curlp(CURL **curl) {
        curl_easy_cleanup(*curl);
}

static void slistp(struct curl_slist **list) {
        curl_slist_free_all(*list);
}

static void urlp(CURLU **url) {
        curl_url_cleanup(*url);
}

static void curl_textp(char **text) {
        curl_free(*text);
}

/* What arrives; its room is there from the beginning. */
typedef struct Answer {
        uint8_t *data;
        size_t size, max;
        bool overflow;
} Answer;

int http_url_check(const Context *context, const char *text) {
        _cleanup_(urlp) CURLU *url = curl_url();
        _cleanup_(curl_textp) char *scheme = NULL, *user = NULL;

        if (!url)
                return fail(context, EXIT_OTHER, "out of memory");
        if (strlen(text) > URL_MAX || curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK ||
            curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
            (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
                return fail(context, EXIT_USAGE, "'%s' is no URL of http or https", text);
        if (curl_url_get(url, CURLUPART_USER, &user, 0) == CURLUE_OK)
                return fail(context, EXIT_USAGE, "a URL here has no name and no password");
        return 0;
}

/* Less than what came makes libcurl stop. */
static size_t answer_take(char *data, size_t one, size_t size, void *userdata) {
        Answer *answer = userdata;

        (void) one; /* always 1 */
        if (size > answer->max - answer->size) {
                answer->overflow = true;
                return 0;
        }
        memcpy(answer->data + answer->size, data, size);
        answer->size += size;
        return size;
}

static CURLcode options_set(CURL *curl, const HttpPost *post, struct curl_slist *headers,
                            Answer *answer) {
        const struct {
                CURLoption option;
                long value;
        } numbers[] = {
                { CURLOPT_FOLLOWLOCATION, 0 },
                { CURLOPT_NOSIGNAL, 1 },
                { CURLOPT_POST, 1 },
                { CURLOPT_POSTFIELDSIZE, (long) post->body.size },
                { CURLOPT_CONNECTTIMEOUT, HTTP_CONNECT_SECONDS_MAX },
                { CURLOPT_TIMEOUT, (long) post->seconds },
                { CURLOPT_MAXFILESIZE, (long) post->answer_max },
        };
        CURLcode code = curl_easy_setopt(curl, CURLOPT_URL, post->url);

        for (size_t i = 0; code == CURLE_OK && i < sizeof(numbers) / sizeof(numbers[0]); i++)
                code = curl_easy_setopt(curl, numbers[i].option, numbers[i].value);
        if (code == CURLE_OK)
                code = curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, SCHEMES);
        if (code == CURLE_OK)
                code = curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        if (code == CURLE_OK)
                code = curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *) post->body.data);
        if (code == CURLE_OK)
                code = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, answer_take);
        if (code == CURLE_OK)
                code = curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
        return code;
}

/* "NAME: VALUE", appended; false without memory. */
static bool header_add(struct curl_slist **list, const char *name, const char *value) {
        _cleanup_free_ char *line = NULL;

        if (asprintf(&line, "%s: %s", name, value) < 0) {
                line = NULL;
                return false;
        }
        struct curl_slist *longer = curl_slist_append(*list, line);
        if (longer)
                *list = longer;
        return longer;
}

/* A type, with whatever parameters. */
static bool type_is(const char *type, const char *expected) {
        const size_t size = strlen(expected);

        return type && strncasecmp(type, expected, size) == 0 &&
               (type[size] == '\0' || type[size] == ';' || type[size] == ' ');
}

static int answer_check(const Context *context, const HttpPost *post, CURL *curl) {
        const char *type = NULL;
        long status = 0;

        (void) curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        (void) curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
        if (status != STATUS_OK)
                return fail_plain(context, EXIT_OTHER, "%s answers with HTTP status %ld", post->url,
                                  status);
        if (!type_is(type, post->answer_type))
                return fail_plain(context, EXIT_OTHER, "%s answers with '%s' and not with %s",
                                  post->url, type ? type : "", post->answer_type);
        return 0;
}

static int failure_tell(const Context *context, const HttpPost *post, const Answer *answer,
                        CURLcode code) {
        if (answer->overflow || code == CURLE_FILESIZE_EXCEEDED)
                return fail_plain(context, EXIT_OTHER, "%s answers with more than %zu bytes",
                                  post->url, post->answer_max);
        return fail_plain(context, EXIT_TRY_AGAIN, "%s: %s", post->url, curl_easy_strerror(code));
}

static int post_perform(const Context *context, const HttpPost *post, Answer *answer) {
        _cleanup_(curlp) CURL *curl = curl_easy_init();
        _cleanup_(slistp) struct curl_slist *headers = NULL;

        if (!curl || !header_add(&headers, "Content-Type", post->content_type) ||
            !header_add(&headers, "Accept", post->answer_type) ||
            options_set(curl, post, headers, answer) != CURLE_OK)
                return fail(context, EXIT_OTHER, "out of memory");
        CURLcode code = curl_easy_perform(curl);
        if (code != CURLE_OK)
                return failure_tell(context, post, answer, code);
        return answer_check(context, post, curl);
}

int http_post(const Context *context, const HttpPost *post, uint8_t **ret, size_t *ret_size) {
        _cleanup_free_ uint8_t *data = NULL;

        int r = http_url_check(context, post->url);
        if (r != 0)
                return r;
        data = malloc(post->answer_max);
        if (!data || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
                return fail(context, EXIT_OTHER, "out of memory");
        Answer answer = { .data = data, .max = post->answer_max };
        r = post_perform(context, post, &answer);
        curl_global_cleanup();
        if (r != 0)
                return r;
        *ret = steal_ptr(data);
        *ret_size = answer.size;
        return 0;
}
