/* SPDX-License-Identifier: Apache-2.0 */
/* Made by tests/unit/make-vectors with tpm2-tools, openssl and swtpm; do not edit. */
#pragma once

/* clang-format off */

/* Keys as PEM and SubjectPublicKeyInfo, and the Names the chip gives them. */
#define V_AUTHORITY_PEM \
        "-----BEGIN PUBLIC KEY-----\n" \
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEfVokTwv6kKJUU6yLF9NihqeW/+e9\n" \
        "L5kDsetOA5yjeb6aQGsqglsVRxMUh4wxFbxh/DFfLB8vE0k6LrcDIJWGcA==\n" \
        "-----END PUBLIC KEY-----\n" \
        ""
#define V_AUTHORITY_NAME "000b9dfddc9528ad445e9bd3328d89061631182de0b23314f74e1889519115f6fba4"
#define V_AUTHORITY_SPKI \
        "3059301306072a8648ce3d020106082a8648ce3d030107034200047d5a244f0bfa90a25453ac8b17d36286a7" \
        "96ffe7bd2f9903b1eb4e039ca379be9a406b2a825b15471314878c3115bc61fc315f2c1f2f13493a2eb70320" \
        "958670"
#define V_A0_PEM \
        "-----BEGIN PUBLIC KEY-----\n" \
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE4y5KY+1LrPsJO47wvkK0yUy0zuiP\n" \
        "BTiQjGLms1x12OKNv6CAP5pwOdPq+e9LygNfGi0SNZ5tPqA3dCH0Z/zsKQ==\n" \
        "-----END PUBLIC KEY-----\n" \
        ""
#define V_A0_NAME "000bedab30f2d60aeba2087170cda2f86362631b1a9124925934f4e59cabff55b192"
#define V_A0_SPKI \
        "3059301306072a8648ce3d020106082a8648ce3d03010703420004e32e4a63ed4bacfb093b8ef0be42b4c94c" \
        "b4cee88f0538908c62e6b35c75d8e28dbfa0803f9a7039d3eaf9ef4bca035f1a2d12359e6d3ea0377421f467" \
        "fcec29"
#define V_A1_PEM \
        "-----BEGIN PUBLIC KEY-----\n" \
        "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEtq6w7zN/yvDc7hzQzRzV+5O1U/2mJgSs\n" \
        "lmUCjOEi5HPzVRXQLHWurCeyP4BIux1GR9rGoUmYFxuBb5SapdaqkK6zd6SyQ9Sv\n" \
        "MzptcCbgM4XCy8353LZe/WcpN7RlLNUS\n" \
        "-----END PUBLIC KEY-----\n" \
        ""
#define V_A1_NAME "000be067ce67125ec0b1dfa81a1ebc5f686913840e674213c3c979014aed5d73f126"
#define V_A1_SPKI \
        "3076301006072a8648ce3d020106052b8104002203620004b6aeb0ef337fcaf0dcee1cd0cd1cd5fb93b553fd" \
        "a62604ac9665028ce122e473f35515d02c75aeac27b23f8048bb1d4647dac6a14998171b816f949aa5d6aa90" \
        "aeb377a4b243d4af333a6d7026e03385c2cbcdf9dcb65efd672937b4652cd512"
#define V_A2_PEM \
        "-----BEGIN PUBLIC KEY-----\n" \
        "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEArwS5OWYgD6AwJ0p+t9aq\n" \
        "Aqh6n5KkzMdbJBo6UQ9DbJYERowYeSBsk1mXUpPz+gKwT5J7PsRZHQ2dWJ0ZgFLV\n" \
        "u8IdMZRkjt6ieCvX2eDqkYxPiuRzfw4LO34axUxezl9jm4r8g74KPd+HCsg4ml4W\n" \
        "aEdShI59OU7JKMyKMwQvgiYYJRaw8aPCfN6dYCVK69CuZqohKIaSd/mrbJ1/RA1Y\n" \
        "9eXrZtCV865OEk9PyHXQRhZnCoEahusi5CgWANQe9ImEXlIBu439Z8/RzTHW7a5J\n" \
        "6Sn3EicCzFObUge5x4Y0Hx/ZrSzIcEFTe7TH9Bj8RNMgfDhCZKkTQ+GiaSmIb1CY\n" \
        "AQIDAQAB\n" \
        "-----END PUBLIC KEY-----\n" \
        ""
#define V_A2_NAME "000b4a3b6adb16be4d12d3fa13c7f2e053581a7dc9bc429555aac545f089124b54ee"
#define V_A2_SPKI \
        "30820122300d06092a864886f70d01010105000382010f003082010a0282010100af04b93966200fa030274a" \
        "7eb7d6aa02a87a9f92a4ccc75b241a3a510f436c9604468c1879206c9359975293f3fa02b04f927b3ec4591d" \
        "0d9d589d198052d5bbc21d3194648edea2782bd7d9e0ea918c4f8ae4737f0e0b3b7e1ac54c5ece5f639b8afc" \
        "83be0a3ddf870ac8389a5e16684752848e7d394ec928cc8a33042f8226182516b0f1a3c27cde9d60254aebd0" \
        "ae66aa2128869277f9ab6c9d7f440d58f5e5eb66d095f3ae4e124f4fc875d04616670a811a86eb22e4281600" \
        "d41ef489845e5201bb8dfd67cfd1cd31d6edae49e929f7122702cc539b5207b9c786341f1fd9ad2cc8704153" \
        "7bb4c7f418fc44d3207c384264a91343e1a26929886f5098010203010001"
#define V_RSA3072_PEM \
        "-----BEGIN PUBLIC KEY-----\n" \
        "MIIBojANBgkqhkiG9w0BAQEFAAOCAY8AMIIBigKCAYEAwPLEmuXPABPTQWiCZ7+X\n" \
        "tv7xhbL1DlrebRRW6AJlFdeY12xuXu+TQ+JsA7ymFwMJVFOfVcMpO0ncoZsURgN4\n" \
        "msaFT5BpmMmbUgpdyZfQvlFv1TF5lizqqm4MnmPGMY6CV2Dm4xvHPLiAB48CMDi1\n" \
        "248ird1SGUavqn+txti99vNyhi0Fl1mod0JLCpz+Iij0zvWRYbQQuFx0JXxW5F28\n" \
        "TT2tg37cc9wi1+6LCPOTIUrveX0Jmbpdzp+Rj634aHcr5KTRJ76O8DyB8iKa5SmT\n" \
        "99xeZjk8/bO1JiV5A6pvyj7v9wz2bBTbyC1logZTsg5iA+QlnnZnls1gv/FY+Owm\n" \
        "h8glMvnOnDlHp6kzLUDviRDxDxL+yYXxOJBex7V+VFQfugBgNInLCI9S4EgT7vD+\n" \
        "ZMsB8Lc1smbZCSrfKZQ/lhcJR19WC0/w3Wtg3msADl5V4x5obb6JQbA0Yu4KYbrk\n" \
        "oSweXLp3+YR9EHzTv9JfFIcMPpLOFnw6A+fuzB/xZHqhAgMBAAE=\n" \
        "-----END PUBLIC KEY-----\n" \
        ""
#define V_RSA3072_SPKI \
        "308201a2300d06092a864886f70d01010105000382018f003082018a0282018100c0f2c49ae5cf0013d34168" \
        "8267bf97b6fef185b2f50e5ade6d1456e8026515d798d76c6e5eef9343e26c03bca617030954539f55c3293b" \
        "49dca19b144603789ac6854f906998c99b520a5dc997d0be516fd53179962ceaaa6e0c9e63c6318e825760e6" \
        "e31bc73cb880078f023038b5db8f22addd521946afaa7fadc6d8bdf6f372862d059759a877424b0a9cfe2228" \
        "f4cef59161b410b85c74257c56e45dbc4d3dad837edc73dc22d7ee8b08f393214aef797d0999ba5dce9f918f" \
        "adf868772be4a4d127be8ef03c81f2229ae52993f7dc5e66393cfdb3b526257903aa6fca3eeff70cf66c14db" \
        "c82d65a20653b20e6203e4259e766796cd60bff158f8ec2687c82532f9ce9c3947a7a9332d40ef8910f10f12" \
        "fec985f138905ec7b57e54541fba00603489cb088f52e04813eef0fe64cb01f0b735b266d9092adf29943f96" \
        "1709475f560b4ff0dd6b60de6b000e5e55e31e686dbe8941b03462ee0a61bae4a12c1e5cba77f9847d107cd3" \
        "bfd25f14870c3e92ce167c3a03e7eecc1ff1647aa10203010001"
#define V_AUTHORITY_CERTIFICATE \
        "-----BEGIN CERTIFICATE-----\n" \
        "MIIBgDCCASWgAwIBAgIUANKxJV9JfPoWy/KxM2Bvl1dRvr4wCgYIKoZIzj0EAwIw\n" \
        "FDESMBAGA1UEAwwJYXV0aG9yaXR5MCAXDTI2MTEyMzAxMDk0MloYDzIxMDkwMTEy\n" \
        "MDEwOTQyWjAUMRIwEAYDVQQDDAlhdXRob3JpdHkwWTATBgcqhkjOPQIBBggqhkjO\n" \
        "PQMBBwNCAAR9WiRPC/qQolRTrIsX02KGp5b/570vmQOx604DnKN5vppAayqCWxVH\n" \
        "ExSHjDEVvGH8MV8sHy8TSToutwMglYZwo1MwUTAdBgNVHQ4EFgQUtmIkdCa5ixbS\n" \
        "1qUQ0FeChvI+hhQwHwYDVR0jBBgwFoAUtmIkdCa5ixbS1qUQ0FeChvI+hhQwDwYD\n" \
        "VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEA3i+wPURI+EKqdEpnDxwr\n" \
        "lqgOrjJEGddYr78f1fDm5zQCIQCE0UVp4Fzv90xPo8OGhr5RGzPVO+bN8R2IFlgx\n" \
        "8QhkXA==\n" \
        "-----END CERTIFICATE-----\n" \
        ""

/* openssl dgst -sha256 -sign over V_MESSAGE. */
#define V_MESSAGE "sealsd test message"
#define V_AUTHORITY_SIGNATURE \
        "304402202665fd73b8783ffe7c58d8923521232dc94a32460d8c8476ad59ff484d8e51bb02202eba71c12d35" \
        "8d8e5fd9dbccd3b2f8916f8a417da34f890e1dc0711e7fbaa47e"
#define V_A1_SIGNATURE \
        "3066023100c9be5823f6969a596109d0041e870a3fdfff595128b4c7505844ec7b4a694e4235bfdc77a7fabd" \
        "ab5707be77663a5994023100fd5a4e4315870765f4f8750d3952a29121121a58b285f521daec7e793bd1779e" \
        "b49f1db9d5d95063781b889bcc086310"
#define V_A2_SIGNATURE \
        "28379710b33ae82a291974a9fa0f5d28045f1a5c58fd4599626b7915be4fb6185c20a02b0836c30a88d7e33b" \
        "67437359b978b6fe1bd308525f7167e7e0aeda075a33a79bb1ae423e12b8255d3b6cb699efd2f08c12f1a5a0" \
        "77be4a09f088f835629dc6d3b6dc31468ee30d62698dc747d8ef962af2120fea7108ff45445ad23c883df304" \
        "26669077033ff1b8de10a0eb0a520fa72e2f2929edd99df59384e7163e585ac75e871775988dac82198594f3" \
        "f71dd6db0365b6b1fa99c5880c09a608225823164997cf680be3842b87b73b672dd46baa336f3a5b44422fc5" \
        "46e78fb6b397bf77cde9085740700f4cf50475c12964eda7e6754b6761cb9279e82ebe36"

/* Keys that are refused. */
#define V_P224_PEM \
        "-----BEGIN PUBLIC KEY-----\n" \
        "ME4wEAYHKoZIzj0CAQYFK4EEACEDOgAEX4UaPgVl73lrNhQyOK1IbcbEpexw8Q/r\n" \
        "h8OBbYSk0L+Fm2GI9Ue72/oUmcs57i3dDd7U0ZVckAQ=\n" \
        "-----END PUBLIC KEY-----\n" \
        ""
#define V_P521_PEM \
        "-----BEGIN PUBLIC KEY-----\n" \
        "MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQA61rbcLY7bvi9JnVBW8ZT/qcYSBby\n" \
        "rF6TVgeyBWMO/0KhiG2PhgVe/MLlnAitQaplIu+05zy7tjcEZG6b8trwYewBRZ/a\n" \
        "P/7DAeAOsCu//Ch8UrSwq21P/q7v05JXfuYQUM/Mt4kE4Xs708VS0akQ70UW7DvF\n" \
        "wYvPx3ALhUXSHAUDW6g=\n" \
        "-----END PUBLIC KEY-----\n" \
        ""
#define V_K256_PEM \
        "-----BEGIN PUBLIC KEY-----\n" \
        "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEtey7MY6OTaRwauhUdeCwXi3z80p2uKot\n" \
        "tP29mKh76rOpb7Ch1kRln9BiHwJEnPK0tsCaHj9q7zBl5QyXVIYyWg==\n" \
        "-----END PUBLIC KEY-----\n" \
        ""
#define V_EXPLICIT_PEM \
        "-----BEGIN PUBLIC KEY-----\n" \
        "MIIBSzCCAQMGByqGSM49AgEwgfcCAQEwLAYHKoZIzj0BAQIhAP////8AAAABAAAA\n" \
        "AAAAAAAAAAAA////////////////MFsEIP////8AAAABAAAAAAAAAAAAAAAA////\n" \
        "///////////8BCBaxjXYqjqT57PrvVV2mIa8ZR0GsMxTsPY7zjw+J9JgSwMVAMSd\n" \
        "NgiG5wSTamZ44ROdJreBn36QBEEEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5\n" \
        "RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9QIhAP////8AAAAA\n" \
        "//////////+85vqtpxeehPO5ysL8YyVRAgEBA0IABO9xtY4N28XtXiJ8XJZRLgEA\n" \
        "Q0dZzR6kjx+lpZFByNsdbtiHvH0TUz5LIvRf6rbcYM5g55c2JVxMeuNYWUO8+O0=\n" \
        "-----END PUBLIC KEY-----\n" \
        ""
#define V_ED25519_PEM \
        "-----BEGIN PUBLIC KEY-----\n" \
        "MCowBQYDK2VwAyEAYGipE25cq5AIAY6y983CFylF2N8mPpn7Wv9MuM5zcZk=\n" \
        "-----END PUBLIC KEY-----\n" \
        ""
#define V_SM2_PEM \
        "-----BEGIN PUBLIC KEY-----\n" \
        "MFkwEwYHKoZIzj0CAQYIKoEcz1UBgi0DQgAEuGb79p7p3uXrr3v4vDLnNIRRxBwG\n" \
        "fElaKl6UlqksA73Yd44tJO+I5n935r5JjwNzHk3TnL9kCC+FZCItfngioQ==\n" \
        "-----END PUBLIC KEY-----\n" \
        ""
#define V_PSS_PEM \
        "-----BEGIN PUBLIC KEY-----\n" \
        "MIIBIDALBgkqhkiG9w0BAQoDggEPADCCAQoCggEBANzn1j96zF6T61m4sIdT6QHe\n" \
        "ZoOFSqEH2on+BMLl+AJeDkY0CMVDAUyGcd4UkknzAdOyczLzkDnQQDErLA6/jPhJ\n" \
        "0FghBoljEM6hyPArU9emdRo2D91lPVuoU5Wk9QigiJUEB3x8dad+5uBVHaiJU0if\n" \
        "MlYTPuofxjlxrBMr5NKhvcmEJ87KKkRPcLm70GrlY+AfuwXO1lvpjtUMeYaGMVfV\n" \
        "nnVVJssZGJxSg1pYeYqI/BP/NDu/O2PHlbLrTAp4jTx2IV7hkSqIYrcWfhYOWKZR\n" \
        "S9nIcsN8mo61Zfx2CcaC2yXOqZnMWjHvEUco9NE2eujiit+BhH/AEBkdzRhegRsC\n" \
        "AwEAAQ==\n" \
        "-----END PUBLIC KEY-----\n" \
        ""
#define V_RSA1024_PEM \
        "-----BEGIN PUBLIC KEY-----\n" \
        "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDIlZdPLFyvgHsCDSicTwr2RYGH\n" \
        "iweWs0bMYJ4KpkYPx646aQqzDmOjy/NkW2P+wVJ4Q72nkwnX912XsywsBK6AN/xo\n" \
        "b+SMuw5Rox5NdO+QQZuPDn1tpr36jptkx6UZmYsl7cJOYf4pr1cwPjwK4+VmEn82\n" \
        "fxFzAizmL2PB0lgsewIDAQAB\n" \
        "-----END PUBLIC KEY-----\n" \
        ""
#define V_RSA3_PEM \
        "-----BEGIN PUBLIC KEY-----\n" \
        "MIIBIDANBgkqhkiG9w0BAQEFAAOCAQ0AMIIBCAKCAQEArDielQlFkiFRhLrFeGY1\n" \
        "zo/AsQdcUZnPSiTWgNxrBhqS5lFZ7aRmvn4AadDbz1z96+CWoJ33s06y9uqFm31I\n" \
        "s300KcnILpwfWVS9RspmE6dsI7mWjOxDH4jFimcmHs3MluHqwPYKcrKd3hzPVr3Y\n" \
        "YUdfXn2lOt/37DcHB2ZmoGTjQYBRAr5RP/aa8xvqc+V509g8EBGJqXYEParoYwvm\n" \
        "wsQxonPHxMFi6cPk4UEN9L2ptq+0NyTKeO6b/k2MYhZl0Ozgl7856ch9zOv8gsep\n" \
        "ob1DgFnrGNiIHNf8azplRhK/vbojwv3RAAR7LIiGUWjJuPzmiFP1FpWlkyHHyYe+\n" \
        "awIBAw==\n" \
        "-----END PUBLIC KEY-----\n" \
        ""
#define V_SM2_SPKI \
        "3059301306072a8648ce3d020106082a811ccf5501822d03420004b866fbf69ee9dee5ebaf7bf8bc32e73484" \
        "51c41c067c495a2a5e9496a92c03bdd8778e2d24ef88e67f77e6be498f03731e4dd39cbf64082f8564222d7e" \
        "7822a1"

/* PCRs: tpm2_pcrread, tpm2_policypcr. */
#define V_PCR_SHA256_TEXT "sha256:0,2,7"
#define V_PCR_SHA256_VALUES \
        "ae258828c94882d94c15f135937d561658a2d065f42426ea0e7c2b5849997a5be841897b212ef2536da427be" \
        "d53a09fc1c27eb5352888f39417385ff3cdcec165e3a1127bb7fbbcd214e8ab05a02648bf8d748aebb4c7aac" \
        "9aa6fbc481b04f10"
#define V_PCR_SHA256_POLICY "938041486083bebeebfc866377e1c4d74cd2c212799ec8b1f44612f1f983f330"
#define V_PCR_SHA384_TEXT "sha384:1,7,23"
#define V_PCR_SHA384_VALUES \
        "68473cdd7b986bf7a49eb77d1cf3baf8fb54dd7ae05e498d6f921ed22bf5d52d78c0f6c7668cdb2b7d3bf8de" \
        "abcffbb05d6d2add6fdec6510548c0368b57f7ad6989e1c1b57da20e1c6701802703f84ef89abb818b75a4a8" \
        "332060a6a3591160d57ecb2d46d35b39691ebaf1c12f2fb89847d379b743019de8128423610a488010ec8078" \
        "c4995ab4e288a80e53e8f46e"
#define V_PCR_SHA384_POLICY "0407483b7ffdcd4ca24672b344809643dff27c6ecb5565e5f60cfafc4893f9cc"

/* Terms, each from the start in a trial session. */
#define V_REF_PROFILE "fb711418e9426d8010478673c23361894d2d8245f49508b47bdc2085bc7c11fd"
#define V_REF_SEAL "f05514871ed75dadba1a34af64420c64a66358c1f8f392337d35291dd8952530"
#define V_AUTH_VALUE "8fcd2169ab92694e0c633f1ab772842b8241bbc20288981fc7ac1eddc1fddb0e"
#define V_DUPLICATE "bef56b8c1cc84e11edd717528d2cd99356bd2bbf8f015209c3f84aeeaba8e8a2"
#define V_NV_WRITTEN_YES "f7887d158ae8d38be0ac5319f37a9e07618bf54885453c7a54ddb0c6a6193beb"
#define V_NV_WRITTEN_NO "3c326323670e28ad37bd57f63b4cc34d26ab205ef22f275c58d47fab2485466e"
#define V_DUPLICATION_SELECT "8acde1c6d226ae159831308c65cde301b2528552830cfeaf134b00f2066f429d"
#define V_DUPLICATION_SELECT_OBJECT \
        "be692ddfbd7120eb2e8f57f5290b610b5a6fe47edb70c6e1ca446d6109cc8898"
#define V_AUTHORIZE "0e6c50d9eeb19282346a93d86c67bcd52aaffd21d012cb0c58373307c47fa650"
#define V_SIGNED "ccafab7185e80968dd814825580c52a369c7af2abfe4322894b6b46d135e48c1"

/* Indices: the chip took the first writes under a PolicySigned bound to these cpHashes. */
#define V_REVOCATION_BITS UINT64_C(0xF000000000000001)
#define V_REVOCATION_HANDLE "01812345"
#define V_REVOCATION_FIRST "daec43fae095b46fa1d4f9e2995ad7c28ac0bcfd117587d64e0e7099e0274b87"
#define V_REVOCATION_LATER "636ac47c3f990024d504fdcc720b6fc40df5d63a5df47acb33c8e157b08f672c"
#define V_REVOCATION_POLICY "801f1becf4f29965cdf5fac6fe58d9b596a7da8ae0480ad88bfff9fb4af3d3c9"
#define V_REVOCATION_NAME_UNWRITTEN \
        "000bcdb6c756f98306e754a7a11caed107d0aaf7167412dbf95a6a7f05adb77d0f47"
#define V_REVOCATION_CPHASH "50f15375423d456cfdccadba4a8a4cc4a5768edacff87d3a5fda90695074a11f"
#define V_REVOCATION_NAME_WRITTEN \
        "000b172cac511f0d2956a0491656a796760fdbb4f15b134299dcef3d82947f4ed9a3"
#define V_LEDGER_GENESIS "1a47ed6feabd2430c1daddaf7c934b48f5f038c5a828fa8cddb7cf49f90a82fe"
#define V_LEDGER_HANDLE "01812346"
#define V_LEDGER_FIRST "5466117cd9616569232178c2ad55c7663936f7147e3cb8c19fc92925bbb0aaf3"
#define V_LEDGER_LATER "636ac47c3f990024d504fdcc720b6fc40df5d63a5df47acb33c8e157b08f672c"
#define V_LEDGER_POLICY "fdd009dbc1e4cd4501cd32ebb7fc9b24d739ccde6f06cfbc66cbbb84543bf8f0"
#define V_LEDGER_NAME_UNWRITTEN \
        "000bdd5cdfb2fecc1ec96f7497b919ac8c363ed8c4fd9c94e6980995a585e6afe3f2"
#define V_LEDGER_CPHASH "0c5bdd6d96d8a9b26d45371a254a84c92e8c05114d72a254f69be07ae92500c1"
#define V_LEDGER_NAME_WRITTEN \
        "000b241d5ff13b03f75a63d78b7f4bc4caf579a93703efde685a70fd5c6a50a846d4"
#define V_NV_BIT_3 "0f4c488b62e160d998fe56cf74cb6bc2ec8933c1fa821555c29197be4b53d976"

/* A seal with PIN, 2 of 3 approvers (A0, A1, A2) and backup, bit 3; one with PIN alone. */
#define V_SEAL_PROFILE "default"
#define V_SEAL_NUMBER "11010500000001"
#define V_SEAL_U01 "fce356ae295abaed2f3bfba029cce8591c430c60bcdf70f39b8f05628eb1db7a"
#define V_SEAL_U02 "7d830895ffe3d763dbbf8c4f5b17f3e24c1cf2803891e90cb69847ae5332d648"
#define V_SEAL_U12 "020ca2535d02edca71fe59852815a3542999ddbfd6ab77d23c91435e0911b3c4"
#define V_SEAL_DUP "95bed74fe309064f593adddbff122a6b16d12e8f16eeb08e46253bd043db5fa8"
#define V_SEAL_SEAL "ca5627336909ff3c4a7ae29eac21ffe851abab2c4d80c09d13a7673104d13978"
#define V_SEAL_PIN_ONLY "84084c1a4fd90fb56dfa86c92ddf43f7647cb4e3e6619968f36c89e164d7be9f"

/* cpHash of TPM2_Sign as tpm2_sign computes it. */
#define V_SIGN_NAME "000b84b6061ee15aa37d7ecd6b7f9ca86ed40baf718c6286e8fd24476d72d6b043c0"
#define V_SIGN_DIGEST "43cc23fa52b87b4cc1d02b5b114154151d6adddb17c9fddc06b027fa99e24008"
#define V_SIGN_CPHASH "2b8757ea8e2a625bead04e2a359a723bf1830ee7a281222130afbadbe5845567"
