/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/algorithm.h"

#include "tpm/context.h"

static int parameters_for(const Algorithm *algorithm, TPMT_PUBLIC_PARMS *ret) {
        const TPM2B_PUBLIC template = algorithm_template(algorithm, 0, NULL);
        TPMT_PUBLIC_PARMS parameters = {
                .type = algorithm->type,
                .parameters = template.publicArea.parameters,
        };
        TPMT_SIG_SCHEME scheme;
        size_t size;

        int r = algorithm_scheme(algorithm, NULL, NULL, &scheme, &size, NULL);
        if (r != 0)
                return r;
        parameters.parameters.asymDetail.scheme.scheme = scheme.scheme;
        parameters.parameters.asymDetail.scheme.details.anySig.hashAlg = scheme.details.any.hashAlg;
        *ret = parameters;
        return 0;
}

/* A parameter that is blamed is one that the chip lacks; any other error is an error. */
static int algorithm_ask(Tpm *tpm, const Algorithm *algorithm, FeatureSet *features,
                         ErrorDetail *detail) {
        TPMT_PUBLIC_PARMS parameters;

        int r = parameters_for(algorithm, &parameters);
        if (r != 0)
                return r;
        TSS2_RC rc = Esys_TestParms(tpm->esys, NO_SESSIONS, &parameters);
        if (rc == TSS2_RC_SUCCESS)
                *features |= feature_of_algorithm(algorithm);
        else if (!tpm_rc_blames_parameter(rc))
                return tpm_rc(rc, TPM_STEP_TEST_PARMS, detail);
        return 0;
}

/* One at a time: a chip may give fewer than it is asked for (Part 3 §30.2). */
static int extra_ask(Tpm *tpm, TPM2_ALG_ID id, FeatureSet *features, ErrorDetail *detail) {
        _cleanup_esys_ TPMS_CAPABILITY_DATA *data = NULL;

        int r = tpm_capability(tpm, TPM2_CAP_ALGS, id, 1, &data, detail);
        if (r == 0 && data->data.algorithms.count > 0 &&
            data->data.algorithms.algProperties[0].alg == id)
                *features |= feature_of_id(id);
        return r;
}

int tpm_features(Tpm *tpm, FeatureSet *ret, ErrorDetail *detail) {
        FeatureSet features = 0;
        int r = 0;

        for (size_t i = 0; r == 0 && i < FEATURE_MAX; i++)
                r = algorithm_at(i) ? algorithm_ask(tpm, algorithm_at(i), &features, detail)
                                    : extra_ask(tpm, feature_id(i), &features, detail);
        if (r == 0)
                *ret = features;
        return r;
}
