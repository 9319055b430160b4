use super::*;

#[test]
fn sizes_are_decimal_unless_an_i_says_otherwise() {
    assert_eq!(parse_bytes("100M"), Ok(100_000_000));
    assert_eq!(parse_bytes("1GiB"), Ok(1 << 30));
    assert_eq!(parse_bytes("64Ki"), Ok(65_536));
    assert_eq!(parse_bytes("1.5k"), Ok(1_500));
    assert_eq!(parse_bytes("1_000"), Ok(1_000));
    assert_eq!(parse_bytes("7 B"), Ok(7));
    for bad in ["", "M", "-1", "1X", "1e9", "99999999T", "1..2"] {
        assert!(parse_bytes(bad).is_err(), "{bad}");
    }
}

#[test]
fn rates_are_bits_per_second() {
    assert_eq!(parse_rate("1Gbit"), Ok(Rate(Some(1_000_000_000))));
    assert_eq!(parse_rate("2.5Gbit/s"), Ok(Rate(Some(2_500_000_000))));
    assert_eq!(parse_rate("100M"), Ok(Rate(Some(100_000_000))));
    assert_eq!(parse_rate("64kbps"), Ok(Rate(Some(64_000))));
    assert_eq!(parse_rate("unlimited"), Ok(Rate(None)));
    assert!(parse_rate("0").is_err());
    assert!(parse_rate("1Gibit").is_err());
    let rate = Rate(Some(1_234_567));
    assert_eq!(parse_rate(&rate.to_string()), Ok(rate));
}

#[test]
fn times_need_a_unit() {
    assert_eq!(parse_duration("20ms"), Ok(Duration::from_millis(20)));
    assert_eq!(parse_duration("1.5s"), Ok(Duration::from_millis(1_500)));
    assert_eq!(parse_duration("300us"), Ok(Duration::from_micros(300)));
    assert_eq!(parse_duration("0"), Ok(Duration::ZERO));
    assert!(parse_duration("20").unwrap_err().contains("20ms"));
    assert!(parse_duration("9999999999999999999999s").is_err());
}

#[test]
fn percentages_end_at_a_hundred() {
    assert_eq!(parse_percent("2"), Ok(Percent(2.0)));
    assert_eq!(parse_percent("0.5%").map(Percent::probability), Ok(0.005));
    assert!(parse_percent("101").is_err());
    assert!(parse_percent("-1").is_err());
}

#[test]
fn sequence_numbers_come_in_pairs() {
    assert_eq!(parse_isn("1234567,7654321"), Ok([1_234_567, 7_654_321]));
    assert!(parse_isn("1").is_err());
    assert!(parse_isn("1,4294967296").is_err());
}

#[test]
fn numbers_are_readable() {
    assert_eq!(grouped(0), "0");
    assert_eq!(grouped(999), "999");
    assert_eq!(grouped(1_073_741_824), "1,073,741,824");
    assert_eq!(counted(1, "packet"), "1 packet");
    assert_eq!(counted(2_000, "packet"), "2,000 packets");
    assert_eq!(rate(6.3e9), "6.30 Gbit/s");
    assert_eq!(rate(12.0), "12.00 bit/s");
}
