//! Words for what is unknown: what is accepted, and what was perhaps meant.

/// `unknown KIND "name"; did you mean "…"? Accepted: …`.
pub(crate) fn unknown(kind: &str, name: &str, accepted: &[&str]) -> String {
    let meant =
        nearest(name, accepted).map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"));
    let list = accepted.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
    let accepted =
        if list.is_empty() { "none is accepted here".to_owned() } else { format!("accepted: {list}") };
    format!(
        "unknown {kind} \"{name}\"{}{accepted}",
        if meant.is_empty() { "; ".to_owned() } else { meant + " " }
    )
}

/// The word that `name` was perhaps meant to be: no further away than a third of its letters.
pub(crate) fn nearest<'a>(name: &str, accepted: &[&'a str]) -> Option<&'a str> {
    let near = accepted.iter().map(|word| (distance(name, word), *word)).min()?;
    let limit = name.chars().count().div_ceil(3).min(3);
    (near.0 <= limit).then_some(near.1)
}

/// How many letters must be changed, added, taken away or swapped with their neighbour (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut above: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    let mut last = None;
    for (line, from) in a.chars().enumerate() {
        let mut next = vec![line.saturating_add(1)];
        for (column, to) in b.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX);
            let changed = at(&row, column).saturating_add(usize::from(from != *to));
            let added = at(&next, column).saturating_add(1);
            let gone = at(&row, column.saturating_add(1)).saturating_add(1);
            let neighbour = column.checked_sub(1).and_then(|before| Some((before, *b.get(before)?)));
            let swapped = match (neighbour, last) {
                (Some((before, left)), Some(previous)) if left == from && previous == *to => {
                    at(&above, before).saturating_add(1)
                }
                _ => usize::MAX,
            };
            next.push(changed.min(added).min(gone).min(swapped));
        }
        above = std::mem::replace(&mut row, next);
        last = Some(from);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        let table =
            [("", "", 0), ("hops", "hops", 0), ("hop", "hops", 1), ("hpos", "hops", 1), ("", "abc", 3)];
        for (a, b, expected) in table {
            assert_eq!(distance(a, b), expected, "{a} {b}");
            assert_eq!(distance(b, a), expected, "{b} {a}");
        }
    }

    #[test]
    fn only_what_is_near_is_offered() {
        assert_eq!(nearest("serve", &["serves", "sources"]), Some("serves"));
        assert_eq!(nearest("colour", &["serves", "sources"]), None);
    }
}
