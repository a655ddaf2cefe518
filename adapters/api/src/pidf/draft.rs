//! From a document to the draft's form.

use super::loss::Losses;
use super::{Document, Loss, Note};
use crate::{Address, Basic, Class, Presence, Tuple};

impl Document {
    /// The presence in the draft's form, and what that form has no place for.
    ///
    /// `presentity` is whose presence it is by the operation, which alone counts: a document may name another.
    #[must_use]
    pub fn to_presence(&self, presentity: &Address) -> (Presence, Vec<Loss>) {
        let mut losses = Losses::default();
        self.losses.iter().cloned().for_each(|loss| losses.add(loss));
        let inbox = || presentity.with_class(Class::Im).to_string();
        let whole = text(self.notes(), &mut losses);
        let mut silent = false;
        let mut tuples: Vec<Tuple> = self
            .tuples()
            .iter()
            .map(|tuple| {
                losses.add_if(tuple.contact.is_none(), Loss::Contact);
                losses.add_if(tuple.basic.is_none(), Loss::Status);
                let own = text(&tuple.notes, &mut losses);
                silent |= own.is_none();
                let note = own.or_else(|| whole.clone()).unwrap_or_default();
                let destination = tuple.contact.clone().unwrap_or_else(inbox);
                Tuple::new(&destination, tuple.basic.unwrap_or(Basic::Closed)).with_text(&note)
            })
            .collect();
        // Zero tuples is a document, and no presence of the draft's.
        losses.add_if(tuples.is_empty(), Loss::Tuples);
        losses.add_if(!tuples.is_empty() && !silent && whole.is_some(), Loss::Notes);
        let first = match tuples.is_empty() {
            true => Tuple::new(&inbox(), Basic::Closed).with_text(whole.as_deref().unwrap_or_default()),
            false => tuples.remove(0),
        };
        let presence = Presence::new(first, tuples).with_entity_info(self.homepage().map(Into::into));
        (presence, losses.into_vec())
    }
}

/// Notes as one text, a line each; nothing where they say nothing.
fn text(notes: &[Note], losses: &mut Losses) -> Option<String> {
    let notes: Vec<&str> =
        notes.iter().map(|note| &*note.text).filter(|text| !text.trim().is_empty()).collect();
    losses.add_if(notes.len() > 1, Loss::Notes);
    (!notes.is_empty()).then(|| notes.join("\n"))
}
