use super::Pattern;

#[test]
fn a_pattern_is_the_same_from_every_place() {
    let pattern = Pattern::new(3);
    let whole = pattern.octets(0, 1_000);
    for (from, len) in [(0, 0), (1, 1), (7, 9), (8, 8), (13, 500), (999, 1)] {
        let part = pattern.octets(from as u64, len);
        assert_eq!(part, whole[from..from + len]);
        assert_eq!(pattern.first_difference(from as u64, &part), None);
    }
}

#[test]
fn a_wrong_octet_or_place_is_noticed() {
    let pattern = Pattern::new(3);
    let mut octets = pattern.octets(5, 100).to_vec();
    octets[40] ^= 1;
    assert_eq!(pattern.first_difference(5, &octets), Some(45));
    assert!(pattern.first_difference(6, &pattern.octets(5, 100)).is_some());
    assert!(Pattern::new(4).first_difference(5, &pattern.octets(5, 100)).is_some());
}
