# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Names and helpers of the sandbox, for what runs inside. All paths are fixed, so that the control
# scripts work in a cleared environment too; the mount namespace keeps sandboxes apart.

box=/run/sealsd-sandbox

# What COMMAND finds in its environment, beside these:
#   SEAL                     with --ready, the number of an active ecdsa-p256 seal; root keeps it
#   SEAL_AUTHORITY           the authority's private key, PEM
#   SEALSD_TCTI              how sealsd reaches the TPM
#   TPM2TOOLS_TCTI           how tools reach it; unset with --tcti swtpm, which serves one client
export SEAL_APPLICANT=seal-applicant
export SEAL_REVIEWER=seal-reviewer
export SEAL_MAKER=seal-maker
export SEAL_ADMIN=seal-admin
export SEAL_AUDITOR=seal-auditor
export SEAL_KEEPER=seal-keeper           # no role
export SEAL_STRANGER=seal-stranger       # no role, keeps nothing
export SEAL_AUTHORITY=$box/authority.pem
export SEALSD_STATE=$box/state           # the register's folder
export SEALSD_CRL=$box/crl               # where it puts lists of revoked certificates
export SEALSD_CONF=$box/sealsd.conf      # what sealsd reads at its next start
export SEALSD_LOG=$box/log/sealsd        # what sealsd has written
export SEALSD_CTL=$box/lib/sealsd-ctl    # stop|start|restart|kill|wait|pid
export SEALSD_TPM_CTL=$box/lib/tpm-ctl   # stop|start|kill: the TPM and its resource manager
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/dbus/system_bus_socket

# Longest wait, in seconds, for anything that takes a fraction of one when nothing slows it down.
patience=$((30 * ${SEALSD_SLOWNESS:-1}))

# fail PART: say what did not work, and the last lines of every log.
fail() {
        local log

        echo "sandbox: $1 failed" >&2
        for log in "$box"/log/*; do
                [[ -s $log ]] || continue
                echo "--- ${log##*/}" >&2
                tail -n 20 "$log" >&2
        done
        exit 1
}

# wait_path TEST PATH: until `[[ TEST PATH ]]`; the programs waited for give no other sign.
wait_path() {
        local i

        for ((i = 0; i < patience * 100; i++)); do
                if test "$1" "$2"; then
                        return 0
                fi
                sleep 0.01
        done
        return 1
}

is_running() {
        [[ -s $box/$1.pid ]] && kill -0 "$(<"$box/$1.pid")" 2>/dev/null
}

# wait_end PID: until this process is gone.
wait_end() {
        timeout "$patience" tail --pid="$1" --sleep-interval=0.01 -f /dev/null
}

# end_process NAME SIGNAL: the process of this pid file, until it is gone.
end_process() {
        local pid

        is_running "$1" || return 0
        pid=$(<"$box/$1.pid")
        kill -s "$2" "$pid" 2>/dev/null || true
        wait_end "$pid" || return 1
        rm -f "$box/$1.pid"
}

# start_process NAME COMMAND...: in the background, output to its log.
start_process() {
        local name=$1

        shift
        "$@" >>"$box/log/$name" 2>&1 </dev/null &
        echo "$!" >"$box/$name.pid"
}

# Told what it does, it says in its log why it ends.
start_polkitd() {
        start_process polkitd /usr/lib/polkit-1/polkitd
}

# wait_service NAME BUS_NAME: until the service has its name on the bus, or has ended without.
wait_service() {
        local waiter

        "$box/bin/bus-wait" "$patience" "$2" &
        waiter=$!
        while kill -0 "$waiter" 2>/dev/null; do
                is_running "$1" || fail "$1"
                sleep 0.01
        done
        wait "$waiter" || fail "$1"
}

as_tss() {
        exec setpriv --reuid=tss --regid=tss --clear-groups "$@"
}

# start_swtpm [state]: TPM2_Startup(STATE) makes it a TPM Resume when it was shut down that way.
start_swtpm() {
        rm -f "$box/tpm/socket" "$box/tpm/socket.ctrl"
        start_process swtpm as_tss swtpm socket --tpm2 --tpmstate "dir=$box/tpm" \
                --server "type=unixio,path=$box/tpm/socket,mode=0660" \
                --ctrl "type=unixio,path=$box/tpm/socket.ctrl,mode=0660" \
                --flags "not-need-init,startup-${1:-clear}" --seccomp action=none
        # tpm2-tss expects the control channel beside the other, under this name.
        wait_path -S "$box/tpm/socket" || fail swtpm
        wait_path -S "$box/tpm/socket.ctrl" || fail swtpm
}

# Needs the bus.
start_abrmd() {
        local tap=

        [[ $(<"$box/tcti") == tabrmd: ]] || return 0
        [[ ! -e $box/inject/chip ]] || tap=$box/lib/libtcti-tap.so:
        # What a broker that was killed had loaded would stay in the chip, and soon fill it.
        start_process abrmd as_tss env "SEALSD_INJECT=$box/inject/chip" \
                tpm2-abrmd --flush-all "--tcti=${tap}swtpm:path=$box/tpm/socket"
}

wait_abrmd() {
        [[ $(<"$box/tcti") == tabrmd: ]] || return 0
        wait_service abrmd com.intel.tss2.Tabrmd
}

# The words of $SEALSD_WRAP stand before the daemon's, those of $SEALSD_PROGRAM in its place. Of the
# caller's environment the daemon sees what debugging needs, as it would see nothing of an
# administrator's.
start_sealsd() {
        local wrap=() program=() debug=() name

        is_running sealsd && return 0
        read -ra wrap <"$box/wrap" || true
        read -ra program <<<"${SEALSD_PROGRAM:-sealsd}"
        for name in {ASAN,UBSAN,TSAN}_OPTIONS TSS2_LOG GCOV_PREFIX{,_STRIP}; do
                [[ -z ${!name:-} ]] || debug+=("$name=${!name}")
        done
        if [[ -e $box/inject/sealsd ]]; then
                # What is preloaded has no allocations of its own where a sanitizer has them.
                debug+=("SEALSD_INJECT=$box/inject/sealsd" "LD_PRELOAD=$box/lib/libinject.so"
                        "ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0")
        fi
        "$box/bin/notify-wait" "$box/notify" "$patience" \
                setpriv --reuid=sealsd --regid=sealsd --groups=tss --no-new-privs \
                --inh-caps=-all --bounding-set=-all \
                env -i PATH="$PATH" LANG=C.UTF-8 "NOTIFY_SOCKET=$box/notify" "${debug[@]}" \
                "${wrap[@]}" "$box/bin/${program[0]}" "${program[@]:1}" --config "$SEALSD_CONF" \
                >"$box/sealsd.pid.new" 2>>"$SEALSD_LOG" </dev/null || fail sealsd
        mv "$box/sealsd.pid.new" "$box/sealsd.pid"
}
