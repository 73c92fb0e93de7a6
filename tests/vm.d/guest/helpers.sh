# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What the checks share. They run in this file's folder, where each leaves what later ones need: a file
# with a seal's number has its name, NAME.pem its public key.

export SEALSD_TCTI=device:/dev/tpmrm0
export TPM2TOOLS_TCTI=$SEALSD_TCTI
register=/var/lib/sealsd

# note TEXT: a line among the results.
note() {
        echo "note $*" >&3
}

as() {
        local user=$1

        shift
        setpriv --reuid="$user" --regid="$user" --init-groups "$@"
}

# refused NAME COMMAND...: fails, and says this name.
refused() {
        local name=$1

        shift
        if "$@" >answer 2>&1; then
                echo "not refused: $*"
                return 1
        fi
        cat answer
        grep -qw "$name" answer
}

# same WHAT ONE OTHER
same() {
        [[ $2 == "$3" ]] || {
                echo "$1: '$2' is not '$3'"
                return 1
        }
}

status() {
        sealctl --json status | jq -r ".\"$1\""
}

property() {
        systemctl show --property="$1" --value sealsd.service
}

# new_seal NAME [OPTION...]: applied for, approved and made; root is its keeper.
new_seal() {
        local name=$1 request

        shift
        request=$(as alice sealctl --json apply --name "$name" --keeper root "$@" | jq .id)
        as bob sealctl approve "$request"
        sealctl --json request "$request" | jq -r .seal >"$name"
        sealctl show "$(<"$name")" --public-key >"$name.pem"
}

sign() {
        local name=$1

        shift
        sealctl --json sign "$(<"$name")" document --output "$name.sig" "$@"
}

verify() {
        openssl dgst -sha256 -verify "$1.pem" -signature "$1.sig" document
}

# signs NAME [OPTION...]: and openssl takes the signature.
signs() {
        rm -f "$1.sig"
        sign "$@"
        verify "$1"
}

# request_use NAME [OPTION...]: its request's number.
request_use() {
        local name=$1

        shift
        sealctl --json request-use "$(<"$name")" document "$@" | jq .id
}

approve_use() {
        as "$2" sealctl --yes approve-use "$1" --key "$2.pem" --document document
}

# collects NAME REQUEST: and openssl takes the signature.
collects() {
        rm -f "$1.sig"
        sealctl collect "$2" --output "$1.sig"
        verify "$1"
}

uses() {
        sealctl --json show "$(<"$1")" | jq '."use-count"'
}

# past_the_daemon FOLDER NAME: root asks the chip himself, with all that a copy of the register holds.
past_the_daemon() {
        attacker sign "$1" "$(<"$2")"
}

# keep_register FOLDER: a copy, as a backup or a thief would have it.
keep_register() {
        systemctl stop sealsd
        cp -a "$register" "$1"
        systemctl start sealsd
}

# put_back FOLDER: such a copy in the register's place; the service is not started.
put_back() {
        systemctl stop sealsd
        rm -rf "$register"
        cp -a "$1" "$register"
}
