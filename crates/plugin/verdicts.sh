#!/usr/bin/env bash
# Compares the verdicts of `sockeye drill` with those of google's packetdrill with the plug-in, script by script.
#
# usage: verdicts.sh [-V IP_VERSION] [-D NAME=VALUE]... PACKETDRILL SCRIPT_OR_FOLDER...
#
#   PACKETDRILL   google's program, built
#   -V            ipv4 (default), ipv6 or ipv4-mapped-ipv6
#   -D            a value for a name in scripts
#   SOCKEYE, PLUGIN   (environment) the runner and the shared object, if they are not those of target/debug
#
# One line a script whose verdicts differ, with the reasons of both; the last line counts. Status 1 if any differ.
set -euo pipefail

version=ipv4
defines=()
while getopts V:D: option; do
    case $option in
    V) version=$OPTARG ;;
    D) defines+=(-D "$OPTARG") ;;
    *) sed -n '4,11s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[ $# -ge 2 ] || { sed -n '4,11s/^# \{0,1\}//p' "$0" >&2; exit 2; }
packetdrill=$(realpath "$1")
shift
target=$(realpath "$(dirname "$0")/../../target/debug")
sockeye=${SOCKEYE:-$target/sockeye}
plugin=$(realpath "${PLUGIN:-$target/libsockeye_plugin.so}")

# The addresses that the scripts count on: cookies of Fast Open depend on them.
options=(--send_omit_free)
case $version in
ipv4) names=(-D CMSG_LEVEL_IP=SOL_IP -D CMSG_TYPE_RECVERR=IP_RECVERR -D CODE=host_unreachable) ;;
*) names=(-D CMSG_LEVEL_IP=SOL_IPV6 -D CMSG_TYPE_RECVERR=IPV6_RECVERR -D CODE=host_unreachable) ;;
esac
case $version in
ipv6)
    options+=(--mtu=1520)
    flags=mtu=1520,local=fd3d:0a0b:17d6::1
    local=(--local_ip=fd3d:0a0b:17d6::1 --gateway_ip=fd3d:0a0b:17d6:8888::1)
    remote=(--remote_ip=fd3d:fa7b:d17d::1)
    names+=(-D CODE=address_unreachable)
    ;;
*)
    flags=local=192.168.0.1
    local=(--local_ip=192.168.0.1 --gateway_ip=192.168.0.1 --netmask_ip=255.255.0.0)
    remote=(--remote_ip=192.0.2.1)
    ;;
esac
# A namespace has the kernel's congestion controls only if the machine has loaded them.
flags=$flags,tcp_congestion_control=cubic

# The scripts' settings are of a namespace of their own each, with the device that they configure.
unshare=(unshare --net)
[ "$(id -u)" = 0 ] || unshare=(unshare --map-root-user --net)
google() {
    local given=("${options[@]}")
    # packetdrill's command line counts more than a script's own options, which shall hold.
    grep -qE '^--local_ip' "$1" || given+=("${local[@]}")
    grep -qE '^--remote_ip' "$1" || given+=("${remote[@]}")
    cd "$(dirname "$1")"
    timeout 60 "${unshare[@]}" sh -c 'ip link set lo up; ip tuntap add dev tun0 mode tun; ip link set tun0 up; exec "$@"' sh \
        env LD_PRELOAD="$plugin" "$packetdrill" --so_filename="$plugin" --so_flags="$flags" \
        --ip_version="$version" "${given[@]}" "${names[@]}" "${defines[@]}" "$(basename "$1")" 2>&1
}

equal=0 differ=0 skipped=0
ours=$("$sockeye" drill --allow-trailing --ip-version "$version" "${defines[@]}" "$@" 2>/dev/null || true)
while IFS= read -r line; do
    case $line in
    pass\ * | FAIL\ *) ;;
    skip\ *) skipped=$((skipped + 1)); continue ;;
    *) continue ;;
    esac
    verdict=${line%% *}
    file=${line#* }
    file=${file%%.pkt*}.pkt
    if said=$(google "$file"); then other=pass; else other=FAIL; fi
    if [ "$verdict" = "$other" ]; then
        equal=$((equal + 1))
        continue
    fi
    differ=$((differ + 1))
    why=$(grep -E '\.pkt:|rror' <<<"$said" | head -2 | cut -c1-300 | tr '\n' ' ' || true)
    echo "sockeye $verdict, packetdrill $other: ${line#* } | $why"
done <<<"$ours"
echo "$version: $equal equal, $differ different ($skipped not run)"
[ "$differ" = 0 ]
