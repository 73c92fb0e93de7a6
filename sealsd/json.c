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

bool json_read_text(const json_t *object, const char *key, char *ret, size_t size) {
        const char *text = json_string_value(json_object_get(object, key));

        if (!text || strlen(text) >= size)
                return false;
        strcpy(ret, text);
        return true;
}

bool json_read_number(const json_t *object, const char *key, uint64_t *ret) {
        const json_t *value = json_object_get(object, key);
        json_int_t number = json_integer_value(value);

        if (!json_is_integer(value) || number < 0 || (uint64_t) number > JSON_NUMBER_MAX)
                return false;
        *ret = (uint64_t) number;
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

bool json_read_purposes(const json_t *array, unsigned *ret) {
        for (size_t i = 0; i < json_array_size(array); i++) {
                const char *name = json_string_value(json_array_get(array, i));
                unsigned purpose = name ? purpose_from_name(name) : 0;

                if (purpose == 0 || *ret & purpose)
                        return false;
                *ret |= purpose;
        }
        return *ret != 0;
}

bool json_read_subject(const json_t *text, const json_t *id, Subject *ret) {
        const char *subject = json_string_value(text), *name;
        json_int_t number = json_integer_value(id);

        if (!subject || !json_is_integer(id) || number < 0 || number > UINT32_MAX ||
            !subject_text_split(subject, &ret->kind, &name))
                return false;
        ret->id = (uint32_t) number;
        strcpy(ret->text, subject);
        return true;
}
