//! `<adapter>` within `open`: what an adapter in a process of its own claims.

use std::time::Duration;

use cpim_adapter::xml::{Event, Reader, Rules, Tag};
use cpim_adapter::{Feature, PresenceSupport, Standing};

use super::ignored::Ignored;
use super::{Violation, excerpt};
use crate::frame::decimal;

/// What an external adapter claims. What it does not mention it is given as it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Description {
    /// How its system knows presence.
    pub presence: PresenceSupport,
    /// Largest entity that it takes, in octets; absent: as large as a frame may be.
    pub max_content_octets: Option<usize>,
    /// How well it knows its users at best.
    pub standing: Standing,
    /// For how long handing over is tried; absent: as the gateway is configured.
    pub horizon: Option<Duration>,
    /// How long an answer of it is awaited; absent: as the gateway is configured.
    pub patience: Option<Duration>,
    /// Its addresses.
    pub grammar: Grammar,
    /// What it says of features, each once.
    pub features: Vec<(Feature, Claimed)>,
}

/// How far an external adapter supports a feature.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Claimed {
    /// It crosses whole.
    Full,
    /// It crosses in another form, which is named.
    Degraded(String),
    /// The operation crosses without it.
    Dropped,
    /// The operation is refused.
    Rejected,
}

/// Which addresses a foreign system has, and which of them are one. All that can be said without asking it: the
/// gateway compares addresses also while the adapter is out of contact.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Grammar {
    /// Which letters make no difference.
    pub fold: Fold,
    /// The characters that an address may hold, once it is folded; absent: any.
    pub characters: Option<CharacterSet>,
    /// Its longest address, in octets; absent: as long as a local-part may be.
    pub max_octets: Option<usize>,
}

/// Which letters of an address make no difference.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Fold {
    /// `A` to `Z` are `a` to `z`, everywhere.
    Ascii,
    /// The same up to the first `/`, or behind the last `@`: in the host, where there is one.
    Host,
    /// Every letter counts.
    #[default]
    None,
}

/// A set of characters, written as in `a-z0-9._-`: single ones and ranges, a `-` that is meant first or last.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CharacterSet {
    written: String,
    ranges: Vec<(char, char)>,
}

/// Ranges of a set at most: each character of an address is looked for in all of them.
const MAX_RANGES: usize = 64;

/// Seconds that an operation may be tried, or wait for its answer, at most: five days, as long as mail is tried (RFC 5321
/// section 4.5.4.1). Whoever waits longer waits for nothing, and what waits takes room in the journal.
const MOST_SECONDS: u32 = 5 * 86_400;

impl Default for Description {
    fn default() -> Self {
        Self {
            presence: PresenceSupport::None,
            max_content_octets: None,
            standing: Standing::Verified,
            horizon: None,
            patience: None,
            grammar: Grammar::default(),
            features: Vec::new(),
        }
    }
}

impl Description {
    /// What is claimed of a feature.
    #[must_use]
    pub fn claim(&self, feature: Feature) -> &Claimed {
        let claim = self.features.iter().find(|(claimed, _)| *claimed == feature);
        claim.map_or(&Claimed::Full, |(_, claim)| claim)
    }

    /// The description among an `open`'s extensions, where there is one. What it does not know it passes over.
    ///
    /// # Errors
    /// [`Violation::Malformed`] where there are two, or one that cannot be meant.
    pub fn find(extensions: &str) -> Result<Option<Self>, Violation> {
        Self::find_noting(extensions, &mut Ignored::default())
    }

    /// As [`Self::find`]; what is passed over is noted.
    pub(super) fn find_noting(extensions: &str, ignored: &mut Ignored) -> Result<Option<Self>, Violation> {
        if extensions.is_empty() {
            return Ok(None);
        }
        let within = format!("<open>{extensions}</open>");
        // It was read before, within its limits.
        let rules = Rules { depth: usize::MAX, attributes: usize::MAX, comments: false, any_encoding: false };
        let mut reader = Reader::new(within.as_bytes(), &rules)?;
        reader.root()?;
        let mut found = None;
        loop {
            match reader.event()? {
                Event::Start(tag) if tag.name == "adapter" && found.is_some() => {
                    return Err(malformed("there is one already"));
                }
                Event::Start(tag) if tag.name == "adapter" => {
                    found = Some(Self::read(&tag, &mut reader, ignored)?);
                }
                Event::Start(tag) => {
                    ignored.element(tag.name, "open");
                    reader.inner()?;
                }
                Event::Text(_) => {}
                Event::End => return Ok(found),
            }
        }
    }

    fn read(tag: &Tag<'_>, reader: &mut Reader<'_>, ignored: &mut Ignored) -> Result<Self, Violation> {
        ignored.attributes(tag, &["presence", "max-content", "standing", "horizon", "patience"]);
        let mut description = Self {
            presence: match tag.attribute("presence") {
                None | Some("none") => PresenceSupport::None,
                Some("observe") => PresenceSupport::Observe,
                Some("pass-through") => PresenceSupport::PassThrough,
                Some(other) => return Err(unknown("presence", other, "none, observe or pass-through")),
            },
            max_content_octets: number(tag, "max-content")?,
            standing: match tag.attribute("standing") {
                None => Standing::Verified,
                Some(word) => Standing::from_word(word)
                    .ok_or_else(|| unknown("standing", word, "verified, claimed or anonymous"))?,
            },
            horizon: seconds(tag, "horizon")?,
            patience: seconds(tag, "patience")?,
            ..Self::default()
        };
        loop {
            match reader.event()? {
                Event::Start(tag) if tag.name == "address" => {
                    ignored.attributes(&tag, &["fold", "characters", "max-octets"]);
                    description.grammar = Grammar::read(&tag)?;
                    reader.inner()?;
                }
                Event::Start(tag) if tag.name == "feature" => {
                    ignored.attributes(&tag, &["name", "support", "how"]);
                    let (feature, claim) = feature(&tag)?;
                    reader.inner()?;
                    if description.features.iter().any(|(known, _)| *known == feature) {
                        return Err(malformed(format!("two claims of `{}`", name_of(feature))));
                    }
                    description.features.push((feature, claim));
                }
                Event::Start(tag) => {
                    ignored.element(tag.name, "adapter");
                    reader.inner()?;
                }
                Event::Text(_) => {}
                Event::End => return Ok(description),
            }
        }
    }
}

/// One `<feature name='subject' support='degraded' how='first line of the text'/>`.
fn feature(tag: &Tag<'_>) -> Result<(Feature, Claimed), Violation> {
    let name = tag.attribute("name").unwrap_or_default();
    let feature = Feature::ALL.into_iter().find(|feature| name_of(*feature) == name);
    let names = || Feature::ALL.map(name_of).join(", ");
    let feature = feature.ok_or_else(|| unknown("name", name, &names()))?;
    let claim = match tag.attribute("support") {
        Some("full") => Claimed::Full,
        Some("degraded") => Claimed::Degraded(tag.attribute("how").unwrap_or("in another form").to_owned()),
        Some("dropped") if is_of_the_text(feature) => {
            return Err(malformed(format!("`{name}` is part of the text, and can be rejected, not dropped")));
        }
        Some("dropped") => Claimed::Dropped,
        Some("rejected") => Claimed::Rejected,
        other => {
            let accepted = "full, degraded, dropped or rejected";
            return Err(unknown("support", other.unwrap_or_default(), accepted));
        }
    };
    Ok((feature, claim))
}

/// What a message cannot be delivered without.
const fn is_of_the_text(feature: Feature) -> bool {
    matches!(feature, Feature::AnyContent | Feature::MultiLine | Feature::Unicode)
}

/// A feature's name on the wire.
pub(crate) const fn name_of(feature: Feature) -> &'static str {
    match feature {
        Feature::AnyContent => "any-content",
        Feature::Date => "date",
        Feature::DisplayNames => "display-names",
        Feature::MultiLine => "multi-line",
        Feature::Outcome => "outcome",
        Feature::RichPresence => "rich-presence",
        Feature::Subject => "subject",
        Feature::Threads => "threads",
        Feature::Unicode => "unicode",
    }
}

impl Grammar {
    fn read(tag: &Tag<'_>) -> Result<Self, Violation> {
        Ok(Self {
            fold: match tag.attribute("fold") {
                None | Some("none") => Fold::None,
                Some("ascii") => Fold::Ascii,
                Some("host") => Fold::Host,
                Some(other) => return Err(unknown("fold", other, "none, host or ascii")),
            },
            characters: match tag.attribute("characters") {
                None => None,
                Some(written) => Some(CharacterSet::parse(written).ok_or_else(|| {
                    unknown("characters", written, "single characters and ranges, such as a-z0-9._-")
                })?),
            },
            max_octets: number(tag, "max-octets")?,
        })
    }

    /// The canonical form of an address, the scheme left out.
    ///
    /// # Errors
    /// What is wrong with it, and what would have been right.
    pub fn canonical(&self, value: &str) -> Result<String, String> {
        let mut folded = value.to_owned();
        match self.fold {
            Fold::None => {}
            Fold::Ascii => folded.make_ascii_lowercase(),
            Fold::Host => {
                let (begin, end) = match (folded.rfind('@'), folded.find('/')) {
                    (Some(at), _) => (at, folded.len()),
                    (None, slash) => (0, slash.unwrap_or(folded.len())),
                };
                if let Some(host) = folded.get_mut(begin..end) {
                    host.make_ascii_lowercase();
                }
            }
        }
        if let Some(max) = self.max_octets.filter(|max| folded.len() > *max) {
            return Err(format!("{} octets; at most {max} are accepted", folded.len()));
        }
        let Some(characters) = &self.characters else { return Ok(folded) };
        match folded.chars().find(|c| !characters.contains(*c)) {
            Some(c) => Err(format!("{c:?} is in no address of that system; of {characters} it is made")),
            None => Ok(folded),
        }
    }
}

impl CharacterSet {
    /// Reads a set. Nothing where it is empty, too long, or a range of it is the wrong way round.
    #[must_use]
    pub fn parse(written: &str) -> Option<Self> {
        let mut ranges = Vec::new();
        let mut rest = written.chars().peekable();
        while let Some(first) = rest.next() {
            let mut ahead = rest.clone();
            let last = match (ahead.next(), ahead.next()) {
                (Some('-'), Some(last)) => {
                    rest = ahead;
                    last
                }
                _ => first,
            };
            if first > last || ranges.len() == MAX_RANGES {
                return None;
            }
            ranges.push((first, last));
        }
        (!ranges.is_empty()).then(|| Self { written: written.to_owned(), ranges })
    }

    /// Whether a character is in it.
    #[must_use]
    pub fn contains(&self, c: char) -> bool {
        self.ranges.iter().any(|(first, last)| (*first..=*last).contains(&c))
    }
}

impl std::fmt::Display for CharacterSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`", self.written)
    }
}

fn number(tag: &Tag<'_>, name: &str) -> Result<Option<usize>, Violation> {
    let Some(text) = tag.attribute(name) else { return Ok(None) };
    let number = decimal::<u32>(text).and_then(|number| usize::try_from(number).ok());
    number.map(Some).ok_or_else(|| unknown(name, text, "a number of octets, at most 4294967295"))
}

/// A time, in seconds; at most [`MOST_SECONDS`].
fn seconds(tag: &Tag<'_>, name: &str) -> Result<Option<Duration>, Violation> {
    let Some(text) = tag.attribute(name) else { return Ok(None) };
    let number = decimal::<u32>(text).filter(|number| (1..=MOST_SECONDS).contains(number));
    let accepted = || unknown(name, text, &format!("a number of seconds from 1 to {MOST_SECONDS}"));
    number.map(|number| Some(Duration::from_secs(number.into()))).ok_or_else(accepted)
}

fn unknown(attribute: &str, found: &str, accepted: &str) -> Violation {
    malformed(format!("`{attribute}`: {:?}; {accepted} is accepted", excerpt(found)))
}

fn malformed(what: impl Into<String>) -> Violation {
    Violation::malformed("adapter", what.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(extensions: &str) -> Description {
        Description::find(extensions).unwrap().expect("an adapter")
    }

    #[test]
    fn every_claim_is_read() {
        let description = found(
            "<other/>text<adapter presence='observe' max-content='512' standing='claimed' new='1' horizon='900' patience='1200'>\
             <address fold='host' characters='a-z/' max-octets='20'/><new/>\
             <feature name='subject' support='dropped'/>\
             <feature name='multi-line' support='degraded' how='one a line'/></adapter>",
        );
        assert_eq!(description.presence, PresenceSupport::Observe);
        assert_eq!(description.max_content_octets, Some(512));
        assert_eq!(description.standing, Standing::Claimed);
        assert_eq!(description.horizon, Some(Duration::from_secs(900)));
        assert_eq!(description.patience, Some(Duration::from_secs(1_200)));
        assert_eq!(description.claim(Feature::Subject), &Claimed::Dropped);
        assert_eq!(description.claim(Feature::MultiLine), &Claimed::Degraded("one a line".into()));
        assert_eq!(description.claim(Feature::Unicode), &Claimed::Full, "not mentioned");
        assert_eq!(description.grammar.max_octets, Some(20));
        assert_eq!(Description::find("<x/>").unwrap(), None);
        assert_eq!(found("<adapter/>"), Description::default());
    }

    #[test]
    fn what_is_not_known_is_noted() {
        let mut ignored = Ignored::default();
        let extensions = "<adaptor/><adapter presense='observe' xmlns:x='urn:x'>\
                          <address folds='host'/><features name='date'/>\
                          <feature name='date' support='full' hows='so'/></adapter>";
        Description::find_noting(extensions, &mut ignored).unwrap();
        assert_eq!(
            ignored.into_words(),
            [
                "the element `adaptor` in `open`",
                "the attribute `presense` of `adapter`",
                "the attribute `folds` of `address`",
                "the element `features` in `adapter`",
                "the attribute `hows` of `feature`",
            ]
        );
    }

    #[test]
    fn what_cannot_be_meant_is_told() {
        for (extensions, named) in [
            ("<adapter presence='maybe'/>", "none, observe or pass-through"),
            ("<adapter max-content='-1'/>", "max-content"),
            ("<adapter standing='sure'/>", "verified, claimed or anonymous"),
            ("<adapter horizon='1h'/>", "a number of seconds from 1 to 432000"),
            ("<adapter patience='0'/>", "a number of seconds from 1 to 432000"),
            ("<adapter patience='432001'/>", "a number of seconds from 1 to 432000"),
            ("<adapter><address fold='all'/></adapter>", "none, host or ascii"),
            ("<adapter><address characters='z-a'/></adapter>", "a-z0-9"),
            ("<adapter><address characters=''/></adapter>", "a-z0-9"),
            ("<adapter><feature name='colour' support='full'/></adapter>", "any-content, date"),
            ("<adapter><feature name='date'/></adapter>", "full, degraded, dropped or rejected"),
            ("<adapter><feature name='unicode' support='dropped'/></adapter>", "part of the text"),
            (
                "<adapter><feature name='date' support='full'/><feature name='date' support='full'/></adapter>",
                "two claims",
            ),
            ("<adapter/><adapter/>", "already"),
        ] {
            let error = Description::find(extensions).unwrap_err().to_string();
            assert!(error.contains(named), "{extensions}: {error}");
        }
    }

    #[test]
    fn addresses_are_folded_and_judged() {
        let grammar = |fold, characters: &str| Grammar {
            fold,
            characters: CharacterSet::parse(characters),
            max_octets: Some(30),
        };
        let host = grammar(Fold::Host, " -~");
        assert_eq!(host.canonical("Example.COM/Fred/X").unwrap(), "example.com/Fred/X");
        assert_eq!(host.canonical("Fred@Example.COM").unwrap(), "Fred@example.com");
        assert_eq!(host.canonical("FRED").unwrap(), "fred", "all of it is the host");
        let ascii = grammar(Fold::Ascii, "a-z0-9/-");
        assert_eq!(ascii.canonical("Example/FRED-1").unwrap(), "example/fred-1");
        assert!(ascii.canonical("fred wilma").unwrap_err().contains("' '"));
        assert!(ascii.canonical(&"a".repeat(31)).unwrap_err().contains("30"));
        assert_eq!(grammar(Fold::None, "").canonical("Übung").unwrap(), "Übung", "no set: any");
    }

    proptest! {
        #[test]
        fn a_canonical_address_is_its_own(value in "[!-~é]{1,40}", fold in 0..3_u8) {
            let fold = [Fold::Ascii, Fold::Host, Fold::None][usize::from(fold)];
            let grammar = Grammar { fold, ..Grammar::default() };
            let canonical = grammar.canonical(&value).unwrap();
            prop_assert_eq!(grammar.canonical(&canonical).unwrap(), canonical);
        }
    }
}
