/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many elements a file of BER has, told before libcrypto makes an object of each: one of two
 * bytes takes fifty times as many.
 */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"

/*
 * At most max in the element that the file begins with (X.690 §8.1), whatever follows it? What is
 * in primitive ones is not looked at. Also true of what is damaged, which libcrypto refuses as far
 * as it takes it apart.
 */
bool der_elements_fit(Bytes file, size_t max);
