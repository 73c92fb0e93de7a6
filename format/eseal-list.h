/* SPDX-License-Identifier: Apache-2.0 */
/* The certificates that an electronic seal lists: who may sign with it. */
#pragma once

#include "format/eseal-read.h"

/*
 * Say whether the seal lists the signer's certificate (GB/T 38540-2020 §8.2): the same bytes, or
 * their digest by the hash that is named; where that name is none of ours, by one of ours with a
 * digest of that size. -ENOMEM, -EIO.
 */
int eseal_list_check(const ESealFile *file, VerifyReport *report);
