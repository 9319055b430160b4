//! Names of C's constants, and expressions to numbers.

use super::flow::Flow;
use crate::code::{Names, Value};
use crate::script::Expr;
use sockeye_posix::{Errno, SocketOption, abi};

/// Constants that the socket layer has no use for.
const OTHERS: [(&str, i64); 62] = [
    ("NULL", 0),
    ("SOL_SOCKET", 1),
    ("SOL_IP", 0),
    ("SOL_TCP", 6),
    ("SOL_UDP", 17),
    ("SOL_IPV6", 41),
    ("IPPROTO_ICMP", 1),
    ("IPPROTO_ICMPV6", 58),
    ("IPPROTO_RAW", 255),
    ("MSG_PROXY", 0x10),
    ("MSG_FIN", 0x200),
    ("MSG_SYN", 0x400),
    ("MSG_CONFIRM", 0x800),
    ("MSG_RST", 0x1000),
    ("MSG_CMSG_CLOEXEC", 0x4000_0000),
    ("O_ACCMODE", 3),
    ("O_CREAT", 0o100),
    ("O_EXCL", 0o200),
    ("O_TRUNC", 0o1000),
    ("POLLMSG", 0x400),
    ("POLLREMOVE", 0x1000),
    ("EPOLLMSG", 0x400),
    ("SO_EE_ORIGIN_TIMESTAMPING", 4),
    ("SO_EE_ORIGIN_ZEROCOPY", 5),
    ("SO_EE_CODE_ZEROCOPY_COPIED", 1),
    ("SO_TIMESTAMPING", 37),
    ("SCM_TIMESTAMPING", 37),
    ("SO_TIMESTAMP", 29),
    ("SO_MARK", 36),
    ("SO_MAX_PACING_RATE", 47),
    ("SO_ZEROCOPY", 60),
    ("SCM_TIMESTAMPING_OPT_STATS", 54),
    ("SCM_TSTAMP_SND", 0),
    ("SCM_TSTAMP_SCHED", 1),
    ("SCM_TSTAMP_ACK", 2),
    ("SOF_TIMESTAMPING_TX_HARDWARE", 1),
    ("SOF_TIMESTAMPING_TX_SOFTWARE", 1 << 1),
    ("SOF_TIMESTAMPING_RX_HARDWARE", 1 << 2),
    ("SOF_TIMESTAMPING_RX_SOFTWARE", 1 << 3),
    ("SOF_TIMESTAMPING_SOFTWARE", 1 << 4),
    ("SOF_TIMESTAMPING_SYS_HARDWARE", 1 << 5),
    ("SOF_TIMESTAMPING_RAW_HARDWARE", 1 << 6),
    ("SOF_TIMESTAMPING_OPT_ID", 1 << 7),
    ("SOF_TIMESTAMPING_TX_SCHED", 1 << 8),
    ("SOF_TIMESTAMPING_TX_ACK", 1 << 9),
    ("SOF_TIMESTAMPING_OPT_CMSG", 1 << 10),
    ("SOF_TIMESTAMPING_OPT_TSONLY", 1 << 11),
    ("SOF_TIMESTAMPING_OPT_STATS", 1 << 12),
    ("SOF_TIMESTAMPING_OPT_ID_TCP", 1 << 16),
    ("IP_MTU_DISCOVER", 10),
    ("IP_RECVERR", 11),
    ("IP_MTU", 14),
    ("IP_PMTUDISC_DONT", 0),
    ("IP_PMTUDISC_WANT", 1),
    ("IP_PMTUDISC_DO", 2),
    ("IP_PMTUDISC_PROBE", 3),
    ("IPV6_MTU_DISCOVER", 23),
    ("IPV6_MTU", 24),
    ("IPV6_RECVERR", 25),
    ("SPLICE_F_MOVE", 1),
    ("SPLICE_F_MORE", 4),
    ("TCP_INFINITE_SSTHRESH", 0x7fff_ffff),
];

/// A constant's value.
pub(super) fn symbol(name: &str) -> Option<i64> {
    let option = || SocketOption::by_name(name).map(|option| i64::from(option.number()));
    let error = || Errno::from_name(name).map(|error| i64::from(error.number()));
    let other = || OTHERS.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    abi::by_name(name).or_else(option).or_else(error).or_else(other)
}

/// What an expression comes to.
///
/// # Errors
/// A message, if it is no number.
pub(super) fn number(expression: &Expr) -> Result<i64, String> {
    match expression {
        Expr::Int(value) => Ok(*value),
        Expr::Word(name) => symbol(name).ok_or_else(|| format!("unknown symbol `{name}`")),
        Expr::Or(left, right) => Ok(number(left)? | number(right)?),
        _ => Err("a number is expected".into()),
    }
}

/// [`number`], of a C `int`: what is beyond is cut off, as C does.
pub(super) fn int(expression: &Expr) -> Result<i32, String> {
    number(expression).map(|value| value as i32)
}

/// What the wire shows of a connection and scripts otherwise see normalised: the number of our SYN, and both ends.
pub(super) fn wire_names(flow: &Flow) -> Vec<(String, Value)> {
    let mut names = vec![("local_isn".to_owned(), Value::Int(i128::from(flow.local_isn())))];
    for (end, address) in [("local", flow.local), ("remote", flow.remote)] {
        if let Some(address) = address {
            names.push((format!("{end}_ip"), Value::Str(address.ip().to_string())));
            names.push((format!("{end}_port"), Value::Int(i128::from(address.port()))));
        }
    }
    names
}

/// Names that code can use besides the fields of `TCP_INFO`.
pub(super) fn code_names() -> Names {
    let numbered = |names: &[&str], from: i128| -> Vec<(String, Value)> {
        names
            .iter()
            .zip(from..)
            .map(|(name, number)| ((*name).to_owned(), Value::Int(number)))
            .collect()
    };
    let states = [
        "TCP_ESTABLISHED",
        "TCP_SYN_SENT",
        "TCP_SYN_RECV",
        "TCP_FIN_WAIT1",
        "TCP_FIN_WAIT2",
        "TCP_TIME_WAIT",
        "TCP_CLOSE",
        "TCP_CLOSE_WAIT",
        "TCP_LAST_ACK",
        "TCP_LISTEN",
        "TCP_CLOSING",
    ];
    let recovery =
        ["TCP_CA_Open", "TCP_CA_Disorder", "TCP_CA_CWR", "TCP_CA_Recovery", "TCP_CA_Loss"];
    let options = [
        ("TCPI_OPT_TIMESTAMPS", 1),
        ("TCPI_OPT_SACK", 2),
        ("TCPI_OPT_WSCALE", 4),
        ("TCPI_OPT_ECN", 8),
        ("TCPI_OPT_ECN_SEEN", 16),
        ("TCPI_OPT_SYN_DATA", 32),
        ("TCPI_OPT_USEC_TS", 64),
        ("TCPI_OPT_TFO_CHILD", 128),
    ];
    let options = options.map(|(name, bit)| (name.to_owned(), Value::Int(bit)));
    numbered(&states, 1).into_iter().chain(numbered(&recovery, 0)).chain(options).collect()
}
