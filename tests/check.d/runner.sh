# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What the runners of tests share: run, count, and end in one line. A runner sources this file, calls
# `begin`, runs its tests, and ends with `end`, whose status is its own.
#
# Heeded: SEALSD_BUILD (folder of the programs), CHECK_JOBS (integration tests at a time),
# PYTEST_ARGS (more arguments of pytest).

# shellcheck source=tests/check.d/report-to.sh
. tests/check.d/report-to.sh

build=${SEALSD_BUILD:-build}
# Longest run of one unit test program, in seconds.
patience=300
# Words before each unit test program.
unit_wrap=()
passed=0
failed=0
skipped=0
# Where instruments leave what they find, one file a process; tests/sandbox puts it there too.
reports=
instrument=

# begin [NAME [SLOWNESS]]: NAME is the instrument that the programs are built for, under which they may
# take SLOWNESS times as long.
begin() {
        instrument=${1:-}
        build=$(realpath "$build")
        [[ -n $instrument ]] || return 0
        export SEALSD_SLOWNESS=${2:-1}
        patience=$((patience * SEALSD_SLOWNESS))
        reports=$build/reports
        rm -rf "$reports"
        mkdir -p "$reports"
        export SEALSD_REPORTS=$reports
        report_to "$reports" "$PWD/tests/check.d/tsan.supp"
}

# run_script NAME COMMAND...: one test, which says why it fails.
run_script() {
        local name=$1

        shift
        if "$@"; then
                echo "ok    $name"
                passed=$((passed + 1))
        else
                echo "FAIL  $name"
                failed=$((failed + 1))
        fi
}

# run_unit PROGRAM: counts what it reports in TAP; a crash or an early end is a failure too.
run_unit() {
        local log=$build/tests/${1##*/}.log status=0 bad skip good

        CMOCKA_MESSAGE_OUTPUT=TAP timeout "$patience" "${unit_wrap[@]}" "$1" >"$log" 2>&1 || status=$?
        # cmocka writes a skipped test as "not ok N # SKIP".
        skip=$(grep -cE '^(not )?ok\b.*# SKIP' "$log" || true)
        bad=$(grep -E '^not ok\b' "$log" | grep -cv '# SKIP' || true)
        good=$(grep -E '^ok\b' "$log" | grep -cv '# SKIP' || true)
        ((status == 0 || bad > 0)) || bad=1
        passed=$((passed + good))
        failed=$((failed + bad))
        skipped=$((skipped + skip))
        if ((bad)); then
                echo "FAIL  ${1##*/} (status $status)"
                cat "$log"
        else
                echo "ok    ${1##*/} ($good)"
        fi
}

run_all_units() {
        local source name

        for source in tests/unit/test-*.c; do
                [[ -e $source ]] || continue
                name=${source##*/}
                run_unit "$build/tests/${name%.c}"
        done
}

# run_pytest NAME ARGUMENT...: counts what is in its report. That it finds nothing to run is no failure;
# $collected tells. Debian's interpreter has Debian's modules; another one in PATH need not.
run_pytest() {
        local report=$build/pytest-$1.xml status=0 counts good bad skip

        shift
        rm -f "$report"
        # shellcheck disable=SC2086 # words
        SEALSD_BUILD=$build /usr/bin/python3 -m pytest -p no:cacheprovider --quiet --tb=short \
                --junitxml="$report" "$@" ${PYTEST_ARGS:-} || status=$?
        counts=$(/usr/bin/python3 - "$report" <<-'END'
		import sys, xml.etree.ElementTree as tree
		total = bad = skip = 0
		for suite in tree.parse(sys.argv[1]).iter("testsuite"):
		    total += int(suite.get("tests"))
		    bad += int(suite.get("failures")) + int(suite.get("errors"))
		    skip += int(suite.get("skipped"))
		print(total - bad - skip, bad, skip)
	END
        ) || counts="0 1 0"
        read -r good bad skip <<<"$counts"
        # 5: no test was collected.
        ((status == 0 || status == 5 || bad > 0)) || bad=1
        collected=$((collected + good + bad + skip))
        passed=$((passed + good))
        failed=$((failed + bad))
        skipped=$((skipped + skip))
}

# run_integration FILE...: several tests at a time, but for those that share a sandbox; then, one after
# the other, the tests that are marked as alone.
run_integration() {
        local jobs=${CHECK_JOBS:-1} at_a_time=() collected=0

        ((jobs <= 1)) || at_a_time=(--numprocesses "$jobs" --dist loadgroup)
        run_pytest together "${at_a_time[@]}" -m "not alone" "$@"
        run_pytest alone -m alone "$@"
        if ((collected == 0)); then
                echo "FAIL  no integration test was found"
                failed=$((failed + 1))
        fi
}

# What a process reports that no test looks after is found here.
end() {
        local more=

        if [[ -n $reports ]]; then
                run_script "nothing-found-by-$instrument" tests/check.d/findings "$reports"
                more="; ${SECONDS}s under $instrument"
        fi
        echo "$passed passed, $failed failed, $skipped skipped$more"
        ((failed == 0))
}
