use super::{Effect, interpret};
use std::path::Path;

fn effects(text: &str) -> Vec<Effect> {
    interpret(text, Path::new("/nowhere/script.pkt"))
}

fn sysctl(name: &str, value: &str) -> Effect {
    Effect::Sysctl { name: name.into(), value: value.into() }
}

#[test]
fn assignments_in_all_their_forms() {
    let text = "sysctl -q net.ipv4.tcp_sack=0 net.ipv4.tcp_rmem=\"4096 $((256*1024)) 5\" > /dev/null 2>&1 # a note\n\
                echo 1 > /proc/sys/net/ipv4/tcp_ecn; ../common/set_sysctls.py /proc/sys/net/ipv4/tcp_fastopen=0x1 \\\n \
                /proc/sys/net/ipv4/tcp_timestamps=0";
    let expected = [
        sysctl("net.ipv4.tcp_sack", "0"),
        sysctl("net.ipv4.tcp_rmem", "4096 262144 5"),
        sysctl("net.ipv4.tcp_ecn", "1"),
        sysctl("net.ipv4.tcp_fastopen", "0x1"),
        sysctl("net.ipv4.tcp_timestamps", "0"),
    ];
    assert_eq!(effects(text), expected);
}

#[test]
fn harmless_commands_mean_nothing() {
    assert_eq!(
        effects("tc qdisc add dev tun0 root pfifo"),
        [sysctl("net.core.default_qdisc", "pfifo")]
    );
    assert_eq!(effects("/tmp/sysctl_restore_${PPID}.sh"), [Effect::Nothing]);
    assert_eq!(effects("ip tcp_metrics flush all > /dev/null 2>&1"), [Effect::FlushMetrics]);
    assert_eq!(effects("nstat > /dev/null"), [Effect::Nothing]);
    assert_eq!(effects("\n # nothing\n"), []);
}

#[test]
fn files_are_those_of_the_run() {
    let text = "/bin/rm -f /tmp/x\n/bin/dd bs=5 count=2 if=/dev/zero of=/tmp/x status=none";
    let expected =
        [Effect::NoFile("/tmp/x".into()), Effect::Zeros { name: "/tmp/x".into(), bytes: 10 }];
    assert_eq!(effects(text), expected);
    assert!(matches!(effects("dd if=/etc/passwd of=/tmp/x")[..], [Effect::Warning(_)]));
}

#[test]
fn foreign_tools_skip_the_script() {
    for text in [
        "tc qdisc replace dev tun0 root pfifo limit 0",
        "nstat | grep Tcp",
        "ip route change 192.0.2.1 dev tun0",
    ] {
        assert!(matches!(effects(text)[..], [Effect::Skip(_)]), "{text}");
    }
}

#[test]
fn what_is_not_understood_is_told() {
    for text in ["frobnicate", "missing.sh", "echo 'open", "set_sysctls.py none"] {
        assert!(matches!(effects(text)[..], [Effect::Warning(_)]), "{text}");
    }
}

#[test]
fn files_beside_the_script_are_read() {
    let folder = std::env::temp_dir().join(format!("sockeye-drill-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(
        folder.join("defaults.sh"),
        "#!/bin/bash\nsysctl -q net.ipv4.tcp_sack=1\n./loop.sh\n",
    )
    .unwrap();
    std::fs::write(folder.join("loop.sh"), "./loop.sh\n").unwrap();
    let found = interpret("./defaults.sh\nsysctl -q a=1", &folder.join("script.pkt"));
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(found[0], sysctl("net.ipv4.tcp_sack", "1"));
    assert!(matches!(&found[1], Effect::Warning(text) if text.contains("too deeply")));
    assert_eq!(found[2], sysctl("a", "1"));
}

#[test]
fn addresses_are_added() {
    let one = |text: &str| interpret(text, Path::new("x.pkt"));
    let added = |address: &str, prefix_len| Effect::Address {
        address: address.parse().unwrap(),
        prefix_len,
    };
    assert_eq!(one("ip addr add 10.1.1.1/24 dev tun1"), [added("10.1.1.1", 24)]);
    assert_eq!(one("ip address add 2001:db8::1/64 dev tun1"), [added("2001:db8::1", 64)]);
    assert!(matches!(one("ip addr add 10.1.1.1 dev tun1")[..], [Effect::Warning(_)]));
    assert!(matches!(one("ip route add default")[..], [Effect::Skip(_)]));
}
