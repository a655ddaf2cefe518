//! Names and numbers that are drawn.

use cpim_adapter::OperationId;

use crate::clock::UnixMs;

/// 32 random bits that cannot be guessed: of a generator of this thread's own, which the system seeds, and seeds anew
/// from time to time. Asking the system each time is a call into the kernel for each.
///
/// # Panics
/// The system has no randomness at the first draw of a thread: without it transIDs could be guessed and answers forged.
pub(crate) fn draw() -> u32 {
    rand::random()
}

/// A word that cannot be guessed, short enough to be typed: 12 characters, 60 bits, in Crockford's base 32.
pub(crate) fn word() -> String {
    let drawn: u64 = rand::random();
    (0..12).map(|place| digit(u128::from(drawn >> (5 * place)))).collect()
}

/// A new name for an operation: 10 characters of time, so that names sort by age, and 16 drawn ones
/// (80 bits). Crockford's base 32, in lower case.
pub(crate) fn operation_id() -> OperationId {
    let time = u64::try_from(UnixMs::now().0).unwrap_or_default();
    let drawn = (u128::from(draw()) << 64) | (u128::from(draw()) << 32) | u128::from(draw());
    let text: String = (0..10)
        .rev()
        .map(|place| digit(u128::from(time >> (5 * place))))
        .chain((0..16).rev().map(|place| digit(drawn >> (5 * place))))
        .collect();
    OperationId::parse(&text).unwrap_or_else(|_| unreachable!("26 digits are an operation's name"))
}

fn digit(bits: u128) -> char {
    const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    char::from(DIGITS.get((bits & 31) as usize).copied().unwrap_or(b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_by_age_and_differ() {
        let (one, other) = (operation_id(), operation_id());
        assert_ne!(one, other);
        assert_eq!(one.as_str().len(), 26);
        assert!(one.as_str().get(..6) <= other.as_str().get(..6));
    }
}
