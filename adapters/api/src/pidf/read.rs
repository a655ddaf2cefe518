//! Reading: what a document says, and where it says it.

use std::ops::Range;

use bytes::Bytes;
use jiff::Timestamp;

use super::loss::Losses;
use super::{
    CIPID, DATA_MODEL, Loss, MAX_TUPLES, PIDF, PidfError, Priority, RULES, SIGNATURE, content, timestamp,
};
use crate::xml::{Event, Reader, Rules, Tag};
use crate::{Address, Basic, Content};

/// A presence document that was read (RFC 3863 section 4.1).
///
/// Elements that it does not know are passed over with all that is in them, as section 4.2 wants; also those that
/// say `mustUnderstand`, which never makes a `basic` void.
#[derive(Clone, Debug)]
pub struct Document {
    pub(super) xml: Bytes,
    /// The root's start tag, in octets of the document.
    pub(super) root: Range<usize>,
    /// The root's name with its prefix.
    pub(super) root_name: String,
    /// Something in it is signed (XML Signature).
    pub(super) signed: bool,
    /// It holds a tuple that a later one of the same id replaces.
    pub(super) replaced: bool,
    pub(super) losses: Vec<Loss>,
    entity: Option<String>,
    homepage: Option<String>,
    tuples: Vec<PidfTuple>,
    notes: Vec<Note>,
}

/// A tuple of a document (RFC 3863 section 4.1.2).
#[derive(Clone, Debug, Default)]
pub struct PidfTuple {
    /// Its name among the presentity's tuples; empty where there is none.
    pub id: String,
    /// Its status, where it has a basic one.
    pub basic: Option<Basic>,
    /// Where it is to be reached: a URI without the white space around it.
    pub contact: Option<String>,
    /// How much it is preferred; absent also where what stood there was none.
    pub priority: Option<Priority>,
    /// Words for people, in the order of the document.
    pub notes: Vec<Note>,
    /// When it was so; absent also where what stood there was none.
    pub timestamp: Option<Timestamp>,
    /// The element in octets of the document.
    pub(super) place: Range<usize>,
}

/// Words for people (RFC 3863 section 4.1.6).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Note {
    /// Their language, where it was said.
    pub lang: Option<String>,
    /// The words.
    pub text: String,
}

impl Document {
    /// Reads a whole document.
    ///
    /// # Errors
    /// [`PidfError`]: another type, another encoding, over a limit, not well formed, or no PIDF. A document with a
    /// DOCTYPE is refused before any entity in it is looked at.
    pub fn read(content: &Content) -> Result<Self, PidfError> {
        let (xml, any_encoding) = content::body(content)?;
        let mut reading = Reading::new(&xml, any_encoding)?;
        let (root, root_name, entity) = reading.root()?;
        reading.children()?;
        let Reading { reader, tuples, notes, homepage, signed, replaced, losses } = reading;
        reader.finish()?;
        let losses = losses.into_vec();
        Ok(Self {
            root,
            root_name,
            signed,
            replaced,
            losses,
            entity,
            homepage,
            tuples,
            notes,
            xml: xml.clone(),
        })
    }

    /// Whose presence the document says it is, where it does.
    #[must_use]
    pub fn entity(&self) -> Option<&str> {
        self.entity.as_deref()
    }

    /// Whether the document says that it is this presentity's (RFC 3863 section 4.1.1); its `im:` form counts as well.
    #[must_use]
    pub fn speaks_for(&self, presentity: &Address) -> bool {
        let entity = self.entity.as_deref().and_then(|entity| Address::parse(entity.trim()).ok());
        entity.is_some_and(|entity| entity.with_class(presentity.class()) == *presentity)
    }

    /// Its tuples; of several with one id the last, where the first stood.
    #[must_use]
    pub fn tuples(&self) -> &[PidfTuple] {
        &self.tuples
    }

    /// Notes about the presentity as a whole.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// The presentity's homepage (RFC 4482 section 3.3).
    #[must_use]
    pub fn homepage(&self) -> Option<&str> {
        self.homepage.as_deref()
    }

    /// Its newest timestamp: a document whose newest is older than that of one before is out of date (RFC 3863 section 6).
    #[must_use]
    pub fn newest(&self) -> Option<Timestamp> {
        self.tuples.iter().filter_map(|tuple| tuple.timestamp).max()
    }
}

/// A document that is being read.
struct Reading<'a> {
    reader: Reader<'a>,
    tuples: Vec<PidfTuple>,
    notes: Vec<Note>,
    homepage: Option<String>,
    signed: bool,
    replaced: bool,
    losses: Losses,
}

/// What an element is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Known {
    Basic,
    Contact,
    Homepage,
    Note,
    Person,
    Signature,
    Status,
    Timestamp,
    Tuple,
    Other,
}

impl<'a> Reading<'a> {
    fn new(xml: &'a [u8], any_encoding: bool) -> Result<Self, PidfError> {
        let reader = Reader::new(xml, &Rules { any_encoding, ..RULES })?;
        Ok(Self {
            reader,
            tuples: Vec::new(),
            notes: Vec::new(),
            homepage: None,
            signed: false,
            replaced: false,
            losses: Losses::default(),
        })
    }

    fn root(&mut self) -> Result<(Range<usize>, String, Option<String>), PidfError> {
        let tag = self.reader.root()?;
        if self.reader.expanded(&tag) != (PIDF, "presence") {
            return Err(PidfError::Root);
        }
        Ok((tag.at..self.reader.at(), tag.name.to_owned(), tag.attribute("entity").map(ToOwned::to_owned)))
    }

    fn children(&mut self) -> Result<(), PidfError> {
        while let Some((tag, known)) = self.child()? {
            match known {
                Known::Tuple => self.tuple(&tag)?,
                Known::Note => {
                    let note = self.note(&tag)?;
                    self.notes.push(note);
                }
                Known::Person => self.person()?,
                Known::Homepage => self.page()?,
                _ => self.unknown(&tag, known)?,
            }
        }
        Ok(())
    }

    fn tuple(&mut self, tag: &Tag<'a>) -> Result<(), PidfError> {
        let mut tuple =
            PidfTuple { id: tag.attribute("id").unwrap_or_default().to_owned(), ..PidfTuple::default() };
        while let Some((child, known)) = self.child()? {
            match known {
                Known::Status => tuple.basic = self.status()?.or(tuple.basic),
                Known::Contact => {
                    tuple.priority = child.attribute("priority").and_then(Priority::parse);
                    self.losses.add_if(child.attribute("priority").is_some(), Loss::Priority);
                    tuple.contact = Some(self.text()?.trim().to_owned()).filter(|uri| !uri.is_empty());
                }
                Known::Note => {
                    let note = self.note(&child)?;
                    tuple.notes.push(note);
                }
                Known::Timestamp => {
                    self.losses.add(Loss::Timestamp);
                    tuple.timestamp = timestamp(self.text()?.trim());
                }
                Known::Homepage => {
                    self.losses.add(Loss::Homepage);
                    self.text()?;
                }
                _ => self.unknown(&child, known)?,
            }
        }
        tuple.place = tag.at..self.reader.at();
        // Minted here, it is no loss.
        self.losses.add_if(!tuple.id.starts_with(super::write::MINTED), Loss::Id);
        // A second tuple of one id breaks the rule that they are unique; the last word holds.
        let place = self.tuples.iter().position(|known| !known.id.is_empty() && known.id == tuple.id);
        if let Some(first) = place.and_then(|place| self.tuples.get_mut(place)) {
            *first = tuple;
            self.replaced = true;
        } else if self.tuples.len() < MAX_TUPLES {
            self.tuples.push(tuple);
        } else {
            return Err(PidfError::TooManyTuples);
        }
        Ok(())
    }

    fn status(&mut self) -> Result<Option<Basic>, PidfError> {
        let mut basic = None;
        while let Some((child, known)) = self.child()? {
            match known {
                Known::Basic => {
                    let word = self.text()?;
                    basic = Some(Basic::from_word(word.trim()).ok_or(PidfError::Status(child.at))?);
                }
                _ => self.unknown(&child, known)?,
            }
        }
        Ok(basic)
    }

    fn person(&mut self) -> Result<(), PidfError> {
        while let Some((child, known)) = self.child()? {
            match known {
                Known::Homepage => self.page()?,
                _ => self.unknown(&child, known)?,
            }
        }
        Ok(())
    }

    fn page(&mut self) -> Result<(), PidfError> {
        let page = self.text()?;
        match self.homepage {
            Some(_) => self.losses.add(Loss::Homepage),
            None => self.homepage = Some(page.trim().to_owned()).filter(|page| !page.is_empty()),
        }
        Ok(())
    }

    fn note(&mut self, tag: &Tag<'a>) -> Result<Note, PidfError> {
        let lang = tag.attribute("xml:lang").map(ToOwned::to_owned);
        self.losses.add_if(lang.is_some(), Loss::Language);
        Ok(Note { lang, text: self.text()? })
    }

    /// The next element within the one that is open, or nothing at its end; text between elements says nothing.
    fn child(&mut self) -> Result<Option<(Tag<'a>, Known)>, PidfError> {
        loop {
            match self.reader.event()? {
                Event::Start(tag) => {
                    let known = Known::of(self.reader.expanded(&tag));
                    return Ok(Some((tag, known)));
                }
                Event::Text(_) => {}
                Event::End => return Ok(None),
            }
        }
    }

    /// The text of the element that is open, to its end; elements in it are passed over.
    fn text(&mut self) -> Result<String, PidfError> {
        let mut text = String::new();
        loop {
            match self.reader.event()? {
                Event::Text(piece) => text.push_str(&piece),
                Event::Start(tag) => {
                    let known = Known::of(self.reader.expanded(&tag));
                    self.unknown(&tag, known)?;
                }
                Event::End => return Ok(text),
            }
        }
    }

    /// Passes over an element that says nothing here, but for whether something in it is signed.
    fn unknown(&mut self, tag: &Tag<'a>, known: Known) -> Result<(), PidfError> {
        let (namespace, local) = self.reader.expanded(tag);
        self.losses.element(namespace, local);
        self.signed |= known == Known::Signature;
        let mut depth = 1_usize;
        while depth > 0 {
            match self.reader.event()? {
                Event::Start(tag) => {
                    self.signed |= self.reader.expanded(&tag).0 == SIGNATURE;
                    depth += 1;
                }
                Event::Text(_) => {}
                Event::End => depth -= 1,
            }
        }
        Ok(())
    }
}

impl Known {
    fn of(expanded: (&str, &str)) -> Self {
        match expanded {
            (PIDF, "basic") => Self::Basic,
            (PIDF, "contact") => Self::Contact,
            (PIDF, "note") => Self::Note,
            (PIDF, "status") => Self::Status,
            (PIDF, "timestamp") => Self::Timestamp,
            (PIDF, "tuple") => Self::Tuple,
            (CIPID, "homepage") => Self::Homepage,
            (DATA_MODEL, "person") => Self::Person,
            (SIGNATURE, _) => Self::Signature,
            _ => Self::Other,
        }
    }
}
