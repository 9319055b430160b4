//! `sockeye proxy` between Linux's clients and proxies.

use super::support::proxies::Role;
use super::support::{Linux, Namespace, Program, has_tool, pattern, payload_len};
use super::{assert_fetched, in_url};
use std::time::{Duration, Instant};

/// Addresses that lead into the TUN device.
const TARGETS: [&str; 2] = ["203.0.113.9", "2001:db8:77::9"];
const PATIENCE: Duration = Duration::from_secs(20);

/// Starts the proxy, and sends what goes to the targets its way.
fn start(namespace: &Namespace, via: &str, more: &[&str]) -> Program {
    let addresses = ["--addr", "198.18.0.2/30", "--addr", "2001:db8::2/64"];
    let arguments = [&["proxy", "--tun", "sk0", "--via", via][..], &addresses, more].concat();
    let program = namespace.sockeye(&arguments);
    for route in
        ["route add 203.0.113.0/24 dev sk0 metric 1", "-6 route add 2001:db8:77::/48 dev sk0"]
    {
        let started = Instant::now();
        while !ip(namespace, route) {
            assert!(started.elapsed() < PATIENCE, "ip {route}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    program
}

fn ip(namespace: &Namespace, arguments: &str) -> bool {
    let tried = namespace.command("ip").args(arguments.split(' ')).output();
    tried.is_ok_and(|tried| tried.status.success())
}

#[test]
fn clients_are_served_over_either_kind_of_proxy() {
    let Some(namespace) = Namespace::new("proxy") else { return };
    if !has_tool("curl") {
        println!("skipped: needs curl");
        return;
    }
    let large = pattern(payload_len());
    let web = namespace.linux(Linux::Proxies(Role::Web));
    let echo = namespace.linux(Linux::Proxies(Role::Echo));
    let names = namespace.linux(Linux::Proxies(Role::Names));
    let socks5 = namespace.linux(Linux::Proxies(Role::Socks5));
    let http = namespace.linux(Linux::Proxies(Role::Http));
    for via in [
        format!("socks5://127.0.0.1:{}", socks5.port()),
        format!("http://127.0.0.1:{}", http.port()),
    ] {
        let proxy = start(&namespace, &via, &["--stats"]);
        for target in TARGETS {
            let at = |port: u16| format!("{}:{port}", in_url(target));
            let play = |role| namespace.linux(Linux::Proxies(role)).finish();
            // Half of the connection outlives the other.
            play(Role::Converse { to: at(echo.port()), count: 1, len: payload_len() });
            assert_fetched(namespace.fetch(&format!("http://{}/", at(web.port()))), &large);
            // Nobody listens there, and the client is told as if it had asked itself.
            namespace.linux(Linux::Refused { by: at(9) }).finish();
            play(Role::Ask { server: at(53) });
        }
        let to = format!("{}:{}", TARGETS[0], echo.port());
        let many = Role::Converse { to, count: 500, len: 1_000 };
        namespace.linux(Linux::Proxies(many)).finish();
        proxy.signal("TERM");
        let answer = proxy.output();
        assert_eq!(answer.code, Some(0), "{}", answer.stderr);
        // Each family's conversation and page, and the five hundred.
        assert!(answer.stderr.contains("504 closed, 0 broken"), "{}", answer.stderr);
    }
    drop((web, names));
}

/// The way out is chosen by interface where the routes lead back into the device.
#[test]
fn direct_is_a_way_too() {
    let Some(near) = Namespace::new("near") else { return };
    let Some(far) = Namespace::new("far") else { return };
    let cable = format!("link add up0 type veth peer name far0 netns {}", far.name());
    for arguments in [
        &cable,
        "addr add 192.0.2.1/24 dev up0",
        "link set dev up0 up",
        "route add 203.0.113.0/24 via 192.0.2.2 dev up0 metric 100",
    ] {
        assert!(ip(&near, arguments), "ip {arguments}");
    }
    for arguments in [
        "addr add 192.0.2.2/24 dev far0",
        "addr add 203.0.113.9/24 dev far0",
        "link set dev far0 up",
    ] {
        assert!(ip(&far, arguments), "ip {arguments}");
    }
    let echo = far.linux(Linux::Proxies(Role::Echo));
    let proxy = start(&near, "direct", &["--out", "up0"]);
    let to = format!("{}:{}", TARGETS[0], echo.port());
    let role = Role::Converse { to, count: 1, len: payload_len() };
    near.linux(Linux::Proxies(role)).finish();
    near.linux(Linux::Refused { by: format!("{}:9", TARGETS[0]) }).finish();
    assert_eq!(proxy.terminate(), Some(0));
}
