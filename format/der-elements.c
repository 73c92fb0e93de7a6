/* SPDX-License-Identifier: Apache-2.0 */
#include "format/der-elements.h"

#include "policy/openssl.h"

/* Deeper ones libcrypto does not take apart (it nests 30 templates), unless their end is open. */
#define DEPTH_MAX 64

typedef struct Count {
        const unsigned char *at;
        size_t left; /* that there may be still */
        bool full;   /* there are more */
} Count;

static void element_count(Count *count, const unsigned char *end, int depth);

/* What one is made of; open: up to two zeros. */
static void content_count(Count *count, const unsigned char *end, bool open, int depth) {
        while (count->at < end && !count->full) {
                if (open && end - count->at >= 2 && count->at[0] == 0 && count->at[1] == 0) {
                        count->at += 2;
                        return;
                }
                element_count(count, end, depth);
        }
}

/*
 * One and all in it. What is damaged is not counted beyond the element of known size that it is in,
 * behind which libcrypto goes on where it has not looked into it.
 */
static void element_count(Count *count, const unsigned char *end, int depth) {
        int tag, class;
        long size = 0;

        const int form = ASN1_get_object(&count->at, &size, &tag, &class, end - count->at);
        if ((form & 0x80) != 0) {
                count->at = end;
                return;
        }
        if (count->left == 0) {
                count->full = true;
                return;
        }
        count->left--;
        const bool open = (form & 1) != 0;
        const unsigned char *behind = open ? end : count->at + size;
        if ((form & V_ASN1_CONSTRUCTED) != 0 && depth < DEPTH_MAX)
                content_count(count, behind, open, depth + 1);
        else if (open)
                count->full = true;
        if (!open)
                count->at = behind;
}

bool der_elements_fit(Bytes file, size_t max) {
        Count count = { .at = file.data, .left = max };

        element_count(&count, file.data + file.size, 0);
        ERR_clear_error();
        return !count.full;
}
