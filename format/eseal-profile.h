/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of an electronic seal tells whether it conforms to the standard, which has SM2 and SM3 only.
 */
#pragma once

#include "format/eseal-asn1.h"

/*
 * Has each certificate that a seal lists a key of SM2? Of digests nothing can be told against it.
 * Also false where memory is short: nothing is claimed then.
 */
bool eseal_list_is_sm2(const STACK_OF(SesListed) * list);
