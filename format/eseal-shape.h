/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a template cannot say of an electronic seal: values that have to be one thing, that agree
 * with each other, or that have bounds. And what its file says, told in a report.
 */
#pragma once

#include "format/eseal-read.h"

/*
 * False, with the structure check failed, where a value is not what the standard asks for; true
 * with the deviations and the facts told.
 */
bool eseal_shape_check(const ESealFile *file, VerifyReport *report);
