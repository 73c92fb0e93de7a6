/* SPDX-License-Identifier: Apache-2.0 */
/* Which algorithms of seals the chip has. */
#pragma once

#include "policy/algorithm.h"
#include "tpm/tpm.h"

/*
 * Each algorithm is asked for with TPM2_TestParms (Part 3 §30.3), with the parameters that a seal's
 * key has and the scheme and hash that it signs with where none is named: a chip may list RSA and
 * not make 3072 bits. What else may be chosen at a signature is looked up among the chip's
 * algorithms (TPM2_CAP_ALGS).
 */
int tpm_features(Tpm *tpm, FeatureSet *ret, ErrorDetail *detail);
