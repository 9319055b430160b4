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
for built in "$packetdrill" "$sockeye" "$plugin"; do
    [ -e "$built" ] || { echo "verdicts.sh: $built is not there: build it first" >&2; exit 2; }
done

# The scripts' settings are of a namespace of their own each, with the device that they configure, and with Linux's usual settings where
# the machine has others.
unshare=(unshare --net)
[ "$(id -u)" = 0 ] || unshare=(unshare --map-root-user --net)
namespace='ip link set lo up; ip tuntap add dev tun0 mode tun; ip link set tun0 up
    sysctl -qw net.ipv4.tcp_rmem="4096 131072 6291456" net.ipv4.tcp_wmem="4096 16384 4194304"
    exec "$@"'
google() {
    local file=$1 version=$version mtu=1500 home=192.168.0.1 away=192.0.2.1 code=host_unreachable level=SOL_IPV6
    local kind=IPV6_RECVERR given=(--send_omit_free)
    # Scripts for one version run over that one alone.
    case $file in
    *v4.pkt) [ "$version" != ipv6 ] || version=ipv4 ;;
    *v6.pkt) version=ipv6 ;;
    esac
    ! grep -q '^--ip_version=' "$file" || version=$(sed -n 's/^--ip_version=//p' "$file" | head -1)
    # The addresses that the scripts count on: cookies of Fast Open depend on them.
    case $version in
    ipv4) level=SOL_IP kind=IP_RECVERR ;;
    ipv6) mtu=1520 home=fd3d:0a0b:17d6::1 away=fd3d:fa7b:d17d::1 code=address_unreachable ;;
    esac
    # packetdrill's command line counts more than a script's own options, which shall hold.
    mtu=$(sed -n 's/^--mtu=//p' "$file" | tail -1 | grep . || echo $mtu)
    grep -q '^--local_ip' "$file" || given+=(--local_ip=$home)
    grep -q '^--remote_ip' "$file" || given+=(--remote_ip=$away)
    case $version in
    ipv6) given+=(--gateway_ip=fd3d:0a0b:17d6:8888::1) ;;
    *) given+=(--gateway_ip=192.168.0.1 --netmask_ip=255.255.0.0) ;;
    esac
    # A namespace has the kernel's congestion controls only if the machine has loaded them.
    local flags=local=$home,mtu=$mtu,tcp_congestion_control=cubic
    local mss
    mss=$(sed -n 's/^--mss=//p' "$file" | tail -1)
    [ -z "$mss" ] || flags+=,mss=$mss
    cd "$(dirname "$file")"
    timeout 60 "${unshare[@]}" sh -c "$namespace" sh \
        env LD_PRELOAD="$plugin" "$packetdrill" --so_filename="$plugin" --so_flags="$flags" --ip_version="$version" --mtu="$mtu" \
        "${given[@]}" -D CMSG_LEVEL_IP=$level -D CMSG_TYPE_RECVERR=$kind -D CODE=$code "${defines[@]}" "$(basename "$file")" 2>&1
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
