/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/installation.h"

unsigned installation_index_count(unsigned capacity) {
        return (capacity + MAKER_BITS + SEALS_PER_INDEX - 1) / SEALS_PER_INDEX;
}
