# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

# report_to FOLDER SUPPRESSIONS: have the sanitizers write what they find into files of FOLDER; of
# several such options the last one counts. They make a file when there is something to write. TSan
# heeds the file SUPPRESSIONS.
report_to() {
        export ASAN_OPTIONS="${ASAN_OPTIONS:-}:log_path=$1/asan"
        export UBSAN_OPTIONS="${UBSAN_OPTIONS:-}:log_path=$1/ubsan:print_stacktrace=1"
        export TSAN_OPTIONS="${TSAN_OPTIONS:-}:log_path=$1/tsan:suppressions=$2:print_suppressions=0"
}
