//! Away: there, and not looking. A note says it in words that no program understands; RPID says it so that one does.

use crate::xml::{Event, Reader, Rules, XmlError};
use crate::{Basic, Presence, Tuple};

/// RPID (RFC 4480 section 4).
const RPID: &str = "urn:ietf:params:xml:ns:pidf:rpid";

/// How being away is written: for whoever reads it, beside whatever words there are.
const AWAY: &str = "<activities xmlns='urn:ietf:params:xml:ns:pidf:rpid'><away/></activities>";

/// Activities during which nobody expects an answer at once (RFC 4480 section 3.2). The others, such as `working` or `playing`,
/// say what somebody does, and not that he is not at his device.
const ELSEWHERE: [&str; 20] = [
    "appointment",
    "away",
    "breakfast",
    "busy",
    "dinner",
    "holiday",
    "in-transit",
    "meal",
    "meeting",
    "on-the-phone",
    "performance",
    "permanent-absence",
    "presentation",
    "shopping",
    "sleeping",
    "spectator",
    "steering",
    "travel",
    "vacation",
    "worship",
];

/// As in [`Tuple::text`].
const RULES: Rules = Rules { depth: 64, attributes: 1_024, comments: false, any_encoding: false };

impl Tuple {
    /// The same, and away: messages are taken, and read later.
    #[must_use]
    pub fn away(mut self) -> Self {
        self.markup = format!("{}{AWAY}", self.markup).into();
        self
    }

    /// Whether it says, in RPID, that whoever it is about is away. A note alone does not say so: `at my desk` is one, too.
    #[must_use]
    pub fn is_away(&self) -> bool {
        let has_rpid =
            self.markup.contains(RPID) || self.namespaces.iter().any(|(_, namespace)| &**namespace == RPID);
        // Markup that is not well formed never came over a wire, and says nothing.
        has_rpid && self.reads_away().unwrap_or_default()
    }

    fn reads_away(&self) -> Result<bool, XmlError> {
        let wrapped = self.wrapped();
        let mut reader = Reader::new(wrapped.as_bytes(), &RULES)?;
        reader.root()?;
        let mut depth = 0_usize;
        loop {
            match reader.event()? {
                Event::Start(tag) => {
                    let (namespace, local) = reader.expanded(&tag);
                    if namespace == RPID && ELSEWHERE.contains(&local) {
                        return Ok(true);
                    }
                    depth += 1;
                }
                Event::Text(_) => {}
                Event::End if depth == 0 => return Ok(false),
                Event::End => depth -= 1,
            }
        }
    }
}

impl Presence {
    /// Whether the presentity takes messages and is away, wherever it takes them.
    #[must_use]
    pub fn is_away(&self) -> bool {
        let mut open = self.tuples().iter().filter(|tuple| tuple.status == Basic::Open).peekable();
        open.peek().is_some() && open.all(Tuple::is_away)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(markup: &str) -> Tuple {
        Tuple { markup: markup.into(), ..Tuple::new("im:fred@a.example", Basic::Open) }
    }

    #[test]
    fn away_is_what_rpid_says_and_no_note() {
        let away = Tuple::new("im:fred@a.example", Basic::Open).with_text("at <lunch>").away();
        assert!(away.is_away());
        assert_eq!(away.text().as_deref(), Some("at <lunch>"));
        let rpid = |activity: &str| format!("<r:activities xmlns:r='{RPID}'><r:{activity}/></r:activities>");
        for (markup, expected) in [
            ("away".to_owned(), false),
            ("<away/>".to_owned(), false),
            (rpid("meal"), true),
            (rpid("working"), false),
            (format!("at lunch<x>{}</x>", rpid("away")), true),
            (format!("<y xmlns='{RPID}x'><away/></y>{RPID}"), false),
            (format!("{} broken <", rpid("working")), false),
        ] {
            assert_eq!(open(&markup).is_away(), expected, "{markup}");
        }
        let inherited = Tuple { namespaces: vec![("".into(), RPID.into())], ..open("<away/>") };
        assert!(inherited.is_away());
    }

    #[test]
    fn a_presentity_is_away_where_it_is_so_everywhere() {
        let (here, away) = (open(""), open("").away());
        let gone = Tuple::new("im:fred@a.example", Basic::Closed).away();
        let is_away = |first: &Tuple, more: &[Tuple]| Presence::new(first.clone(), more.to_vec()).is_away();
        assert!(is_away(&away, &[]) && is_away(&away, std::slice::from_ref(&gone)));
        assert!(!is_away(&away, std::slice::from_ref(&here)) && !is_away(&here, &[]) && !is_away(&gone, &[]));
    }
}
