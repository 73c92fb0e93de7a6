/* SPDX-License-Identifier: Apache-2.0 */
#include "client/pem-file.h"

#include <errno.h>
#include <string.h>

#include <openssl/pem.h>

#include "client/bus-call.h"
#include "client/file.h"
#include "client/output.h"
#include "client/verify-material.h"

BIO *pem_new(const Context *context) {
        BIO *pem = BIO_new(BIO_s_mem());

        if (!pem)
                (void) fail_openssl(context, "PEM");
        return pem;
}

bool pem_put(BIO *pem, const char *name, Bytes der) {
        return PEM_write_bio(pem, name, "", der.data, (long) der.size) > 0;
}

int pem_write(const Context *context, BIO *pem, const char *path) {
        uint8_t *text = NULL;
        const long size = BIO_get_mem_data(pem, &text);

        return file_write(context, path, 0644, (Bytes){ text, (size_t) size });
}

int pem_write_tell(const Context *context, BIO *pem, const char *path, const char *what) {
        int r = pem_write(context, pem, path);

        if (r != 0 || strcmp(path, "-") == 0)
                return r;
        return print_done(context, "output", path, "%s %s", what, path);
}

int pem_put_certificates(BIO *pem, sd_bus_message *reply, int limit) {
        Bytes der = {};
        int count = 0;

        int r = sd_bus_message_enter_container(reply, 'a', "ay");
        while (r >= 0 && count < limit &&
               (r = sd_bus_message_read_array(reply, 'y', (const void **) &der.data, &der.size)) >
                       0)
                if (der.size > CERTIFICATE_MAX || !pem_put(pem, PEM_STRING_X509, der))
                        r = -EBADMSG;
                else
                        count++;
        return r < 0 ? r : count;
}

static int list_append(sd_bus_message *call, const DerList *list) {
        int r = sd_bus_message_open_container(call, 'a', "ay");

        for (size_t i = 0; i < list->count && r >= 0; i++)
                r = sd_bus_message_append_array(call, 'y', list->items[i].data,
                                                list->items[i].size);
        return r < 0 ? r : sd_bus_message_close_container(call);
}

int certificates_append(const Context *context, sd_bus_message *call, const char *path) {
        DerList list = {};

        int r = certificates_read(context, path, &list);
        if (r == 0)
                r = call_built(context, list_append(call, &list));
        der_list_clear(&list);
        return r;
}
