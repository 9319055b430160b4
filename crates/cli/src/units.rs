//! Sizes, rates, times and probabilities, as people write them.

#[cfg(test)]
mod tests;

use std::time::Duration;

/// A number and what follows it.
fn split(text: &str) -> Result<(f64, &str), String> {
    let text = text.trim();
    let end =
        text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let value: f64 = number
        .replace('_', "")
        .parse()
        .map_err(|_| format!("{text:?} does not begin with a number"))?;
    Ok((value, unit.trim()))
}

/// `100M`, `64K`, `1GiB`, `1000`: K, M, G, T are powers of 1000; Ki, Mi, Gi, Ti of 1024; a `B` may follow.
pub(crate) fn parse_bytes(text: &str) -> Result<u64, String> {
    let (value, unit) = split(text)?;
    let unit = unit.strip_suffix(['B', 'b']).unwrap_or(unit);
    let factor: u64 = match unit {
        "" => 1,
        "k" | "K" => 1_000,
        "M" | "m" => 1_000_000,
        "G" | "g" => 1_000_000_000,
        "T" | "t" => 1_000_000_000_000,
        "Ki" | "ki" => 1 << 10,
        "Mi" | "mi" => 1 << 20,
        "Gi" | "gi" => 1 << 30,
        "Ti" | "ti" => 1 << 40,
        _ => return Err(format!("{unit:?} is no size: write K, M, G (1000) or Ki, Mi, Gi (1024)")),
    };
    whole(text, value, factor)
}

/// `1Gbit`, `100M`, `2.5Gbit/s`, `unlimited`: bits per second, in powers of 1000.
pub(crate) fn parse_rate(text: &str) -> Result<Rate, String> {
    if matches!(text.trim(), "unlimited" | "none") {
        return Ok(Rate(None));
    }
    let (value, unit) = split(text)?;
    let unit = unit.strip_suffix("/s").unwrap_or(unit);
    let unit = unit.strip_suffix("bit").or(unit.strip_suffix("bps")).unwrap_or(unit);
    let factor = match unit {
        "" => 1,
        "k" | "K" => 1_000,
        "M" | "m" => 1_000_000,
        "G" | "g" => 1_000_000_000,
        _ => return Err(format!("{unit:?} is no rate: write 10Mbit, 1Gbit or unlimited")),
    };
    match whole(text, value, factor)? {
        0 => Err("a rate of 0 would never deliver anything".to_owned()),
        bits => Ok(Rate(Some(bits))),
    }
}

/// Bits per second; `None` for as many as there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Rate(pub(crate) Option<u64>);

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(bits) => write!(f, "{bits}bit"),
            None => f.write_str("unlimited"),
        }
    }
}

fn whole(text: &str, value: f64, factor: u64) -> Result<u64, String> {
    let product = value * factor as f64;
    // 2⁵³: beyond that an f64 does not hold every whole number, and no transfer is that long.
    if product > (1_u64 << 53) as f64 {
        return Err(format!("{text:?} is too large"));
    }
    Ok(product.round() as u64)
}

/// `20ms`, `1.5s`, `300us`, `0`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let (value, unit) = split(text)?;
    let seconds = match unit {
        "s" => value,
        "ms" => value / 1e3,
        "us" | "µs" => value / 1e6,
        "" if value == 0.0 => 0.0,
        "" => return Err(format!("{text:?} has no unit: write {text}ms, {text}us or {text}s")),
        _ => return Err(format!("{unit:?} is no unit of time: write us, ms or s")),
    };
    Duration::try_from_secs_f64(seconds).map_err(|_| format!("{text:?} is too long"))
}

/// `2`, `0.5`, `2%`: a percentage from 0 to 100, given as a probability.
pub(crate) fn parse_percent(text: &str) -> Result<Percent, String> {
    let (value, unit) = split(text)?;
    if !matches!(unit, "" | "%") {
        return Err(format!("{text:?} is no percentage: write 2 or 0.5"));
    }
    if value > 100.0 {
        return Err(format!("{text:?} is more than 100 %"));
    }
    Ok(Percent(value))
}

/// A percentage.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Percent(pub(crate) f64);

impl Percent {
    pub(crate) fn probability(self) -> f64 {
        self.0 / 100.0
    }
}

impl std::fmt::Display for Percent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// `1234567,7654321`: two sequence numbers.
pub(crate) fn parse_isn(text: &str) -> Result<[u32; 2], String> {
    let wanted = || format!("{text:?}: write A's and B's number, as in 1234567,7654321");
    let (a, b) = text.split_once(',').ok_or_else(wanted)?;
    let number = |part: &str| part.trim().parse::<u32>().map_err(|_| wanted());
    Ok([number(a)?, number(b)?])
}

/// `1073741824` as `1,073,741,824`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 packet`, `2 packets`.
pub(crate) fn counted(number: u64, one: &str) -> String {
    let many = if number == 1 { "" } else { "s" };
    format!("{} {one}{many}", grouped(number))
}

/// `6.30 Gbit/s`.
pub(crate) fn rate(bits_per_second: f64) -> String {
    let (value, unit) = match bits_per_second {
        rate if rate >= 1e9 => (rate / 1e9, "Gbit/s"),
        rate if rate >= 1e6 => (rate / 1e6, "Mbit/s"),
        rate if rate >= 1e3 => (rate / 1e3, "kbit/s"),
        rate => (rate, "bit/s"),
    };
    format!("{value:.2} {unit}")
}
