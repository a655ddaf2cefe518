//! The cases, by what they are about.

mod answers;
mod claims;
mod commit;
mod contact;
mod ending;
mod incoming;
mod outgoing;
mod presence;
mod pressure;
mod strangers;
mod told;

use crate::case::Case;

/// Every case.
pub(crate) fn all() -> Vec<Case> {
    [
        claims::CASES,
        outgoing::CASES,
        answers::CASES,
        commit::CASES,
        incoming::CASES,
        told::CASES,
        strangers::CASES,
        pressure::CASES,
        contact::CASES,
        ending::CASES,
        presence::CASES,
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn every_case_has_a_name_of_its_own_a_sentence_and_a_clause() {
        let mut names = HashSet::new();
        for case in super::all() {
            assert!(names.insert(case.name), "{} twice", case.name);
            assert!(
                case.name.contains('.') && case.should.ends_with('.') && !case.clause.is_empty(),
                "{}",
                case.name
            );
        }
    }
}
