/* SPDX-License-Identifier: Apache-2.0 */
/* What an electronic seal holds: its validity, its extensions, its picture. */
#pragma once

#include "format/eseal-read.h"

/* Say of each whether it is good, at facts.time, which verify_time_choose() has set. -ENOMEM. */
int eseal_content_check(const ESealFile *file, VerifyReport *report);
