use super::{CodeError, Names, Value, run};

fn with(text: &str) -> Result<Names, CodeError> {
    let mut names = Names::new();
    names.insert("tcpi_rtt".into(), Value::Int(20_000));
    names.insert("tcpi_options".into(), Value::Int(7));
    run(text, &mut names, &mut Vec::new()).map(|()| names)
}

#[test]
fn true_assertions_pass() {
    for text in [
        "assert tcpi_rtt == 20000, tcpi_rtt",
        "assert 18000 <= tcpi_rtt <= 22000, 'srtt=%d us' % tcpi_rtt",
        "assert (tcpi_options & 4) != 0; assert tcpi_options & 8 == 0",
        "assert not tcpi_rtt == 1 and (tcpi_rtt > 1 or 1/0)",
        "assert tcpi_rtt in (1, 20000) and 3 not in [1, 2]",
        "assert 7 // 2 == 3 and -7 // 2 == -4 and -7 % 3 == 2 and 7 / 2 == 3.5 and 7 % -3 == -2 and 7 // -2 == -4",
        "assert 1 << 4 | 2 ** 3 ^ 1 == 25",
        "assert abs(-3) == min(3, 4) == max([1, 3]) and int(3.9) == 3 and round(2.5) == 2",
        "assert tcpi_rtt > 1, \\\n  'over two lines'",
        "assert (tcpi_rtt >\n 1)  # a comment\n\npass",
        "assert 'a%sb%%' % 1 == 'a1b%' and '%d-%x' % (1, 255) == '1-ff'",
        "assert (1 if tcpi_rtt else 2) == 1 and None is None",
        "assert 0x7fffffff == 2147483647 and True + 1 == 2",
        "assert len((1,)) == 1 and len('abc') == 3",
    ] {
        with(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
}

#[test]
fn false_assertions_fail_with_their_message() {
    let error = with("assert tcpi_rtt == 1, 'rtt=%d' % tcpi_rtt").unwrap_err();
    assert_eq!(error, CodeError::Assertion("assert tcpi_rtt == 1 (rtt=20000)".into()));
    assert!(matches!(with("x = 1\nassert 1 < 3 < 2"), Err(CodeError::Assertion(_))));
    assert!(matches!(with("assert 0"), Err(CodeError::Assertion(_))));
}

#[test]
fn assignments_stay() {
    let names = with("cwnd = 10; cwnd += 2\ncwnd *= 2").unwrap();
    assert_eq!(names["cwnd"], Value::Int(24));
    let mut printed = Vec::new();
    run("print(1, 'a')", &mut Names::new(), &mut printed).unwrap();
    assert_eq!(printed, ["1 a"]);
}

#[test]
fn what_python_refuses_is_refused() {
    for text in [
        "assert tcpi_none == 1",
        "assert 'a' < 1",
        "x = 1 // 0",
        "x = 'a' - 1",
        "y += 1",
        "x = '%d' % 'a'",
    ] {
        assert!(matches!(with(text), Err(CodeError::Invalid(_))), "{text}");
    }
}

#[test]
fn what_is_not_supported_never_passes() {
    for text in [
        "import os",
        "for x in (1, 2): pass",
        "if 1: pass",
        "assert foo(1)",
        "x = {1: 2}",
        "a.b = 1",
        "lambda: 1",
        "x = [1][0]",
        "assert 1 ==",
        "assert",
        "print 1",
    ] {
        assert!(with(text).is_err(), "{text}");
    }
}
