/* SPDX-License-Identifier: Apache-2.0 */
/* Object paths: numbers and ids stand in them as they are, without escaping. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"

#define MANAGER_PATH "/org/sealsd1"
#define REQUEST_ROOT "/org/sealsd1/request"
#define SEAL_ROOT "/org/sealsd1/seal"
#define OBJECT_PATH_MAX 64

/* [0-9A-Z]{1,32} */
bool number_is_valid(const char *number);

/* Decimal, no sign, no leading zero, at most INT64_MAX: the register's integers are signed. */
bool request_id_parse(const char *text, uint64_t *ret);

/* Into OBJECT_PATH_MAX bytes; return ret. number is a valid one. */
const char *seal_path(const char *number, char ret[static OBJECT_PATH_MAX]);
const char *request_path(uint64_t id, char ret[static OBJECT_PATH_MAX]);

/* The number in the path of a seal, NULL when it is the path of none. Points into path. */
const char *seal_path_number(const char *path);
bool request_path_id(const char *path, uint64_t *ret);

/* The path of a "seal/NUMBER" or "request/ID"; the Manager's for anything else. */
const char *object_path(const char *object, char ret[static OBJECT_PATH_MAX]);
