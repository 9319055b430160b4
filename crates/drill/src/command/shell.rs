//! Shell text to commands of words: quotes, comments, continued lines and `$((…))`, nothing more.

/// The simple commands in order; redirections to files of `/proc/sys` are kept as `>` and the file, all others dropped.
pub(super) fn commands(text: &str) -> Vec<Result<Vec<String>, String>> {
    let text = text.replace("\\\n", " ");
    let mut commands = Vec::new();
    for line in split_commands(&text) {
        match words(&line) {
            Ok(words) if words.is_empty() => {}
            Ok(words) => commands.push(without_redirections(words)),
            Err(message) => commands.push(Err(message)),
        }
    }
    commands
}

/// Splits at line ends, `;`, `&&` and `||` outside quotes; comments are dropped.
fn split_commands(text: &str) -> Vec<String> {
    let mut commands = vec![String::new()];
    let mut quote = None;
    let mut letters = text.chars().peekable();
    let mut before = '\n';
    while let Some(letter) = letters.next() {
        let current = commands.len() - 1;
        match (quote, letter) {
            (Some(open), _) => {
                if letter == open {
                    quote = None;
                }
                commands[current].push(letter);
            }
            (None, '"' | '\'') => {
                quote = Some(letter);
                commands[current].push(letter);
            }
            (None, '#') if before.is_whitespace() || before == ';' => {
                while letters.peek().is_some_and(|next| *next != '\n') {
                    letters.next();
                }
            }
            (None, '\n' | ';') => commands.push(String::new()),
            (None, '&' | '|') if letters.peek() == Some(&letter) => {
                letters.next();
                commands.push(String::new());
            }
            _ => commands[current].push(letter),
        }
        before = letter;
    }
    commands
}

fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut rest = line;
    while let Some(letter) = rest.chars().next() {
        if let (None | Some('"'), Some(inner)) = (quote, rest.strip_prefix("$((")) {
            let end = inner.find("))").ok_or("`$((` is not closed")?;
            let value = arithmetic(&inner[..end])
                .ok_or_else(|| format!("cannot compute `{}`", &inner[..end]))?;
            word.get_or_insert_default().push_str(&value.to_string());
            rest = &inner[end + 2..];
            continue;
        }
        rest = &rest[letter.len_utf8()..];
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(letter),
            (None, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, _) if letter.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    if quote.is_some() {
        return Err(format!("a quote does not end: `{}`", line.trim()));
    }
    words.extend(word.take());
    Ok(words)
}

fn without_redirections(words: Vec<String>) -> Result<Vec<String>, String> {
    let mut kept = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let target = match word.as_str() {
            ">" | "1>" | "2>" | "&>" | ">>" => {
                words.next().ok_or("a redirection without a file")?
            }
            "2>&1" | ">&2" => continue,
            _ => match word.trim_start_matches(['&', '1', '2']).strip_prefix('>') {
                Some(file) if word.len() < file.len() + 3 => file.to_owned(),
                _ => {
                    kept.push(word);
                    continue;
                }
            },
        };
        if target.starts_with("/proc/sys/") {
            kept.extend([">".to_owned(), target]);
        }
    }
    Ok(kept)
}

/// Sums and products of numbers.
fn arithmetic(text: &str) -> Option<i64> {
    let mut sum = 0_i64;
    for term in text.split('+') {
        let mut product = 1_i64;
        for factor in term.split('*') {
            let factor = factor.trim().trim_matches(['(', ')']);
            product = product.checked_mul(factor.parse().ok()?)?;
        }
        sum = sum.checked_add(product)?;
    }
    Some(sum)
}
