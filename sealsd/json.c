/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/json.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"

json_t *json_documents(const Document *documents, size_t count) {
        _cleanup_json_ json_t *array = json_array();

        for (size_t i = 0; array && i < count; i++)
                if (json_array_append_new(
                            array,
                            json_pack("{s:s, s:o}", "title", documents[i].title, "hash",
                                      json_hex(documents[i].hash, documents[i].hash_size))) != 0)
                        return NULL;
        return steal_ptr(array);
}

bool json_read_documents(const json_t *array, Document *ret, size_t *ret_count) {
        size_t count = json_array_size(array);

        if (!json_is_array(array) || count > DOCUMENTS_MAX)
                return false;
        for (size_t i = 0; i < count; i++) {
                const json_t *item = json_array_get(array, i);
                const char *title = json_string_value(json_object_get(item, "title"));
                const char *hash = json_string_value(json_object_get(item, "hash"));
                size_t size = hash ? strlen(hash) / 2 : 0;

                if (size == 0 || size > DIGEST_MAX || !hex_decode(hash, ret[i].hash, size) ||
                    !title || strlen(title) >= sizeof(ret[i].title))
                        return false;
                strcpy(ret[i].title, title);
                ret[i].hash_size = size;
        }
        *ret_count = count;
        return true;
}

json_t *json_purposes(unsigned purposes) {
        _cleanup_json_ json_t *array = json_array();

        for (unsigned bit = 1; array && bit <= PURPOSE_ALL; bit <<= 1)
                if (purposes & bit &&
                    json_array_append_new(array, json_string(purpose_name((Purpose) bit))) != 0)
                        return NULL;
        return steal_ptr(array);
}
