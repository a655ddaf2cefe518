//! An envelope and its content as tags of lines, and back.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::{Bytes, BytesMut};
use cpim_adapter::envelope::{Joiner, split};

/// The tag of a piece of an envelope.
const ENVELOPE: &str = "+cpim-gateway/envelope";

/// The tag of a piece of the content, which comes before its envelope.
const CONTENT: &str = "+cpim-gateway/content";

/// Octets of a tag's value: with its key it fits into what a client may send (4,094; message-tags, "Size limit").
const VALUE_OCTETS: usize = 4_000;

/// Octets of content in one line: four of base64 stand for three.
const CHUNK_OCTETS: usize = VALUE_OCTETS / 4 * 3;

/// What one line carries.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Tag {
    pub(crate) key: &'static str,
    pub(crate) value: String,
}

/// An envelope and its content, as what a line each carries. `None` where the envelope is over the limit.
pub(crate) fn parcel(envelope: &str, content: Option<&Bytes>) -> Option<Vec<Tag>> {
    let chunks = content.into_iter().flat_map(|content| content.chunks(CHUNK_OCTETS));
    let chunks = chunks.map(|chunk| Tag { key: CONTENT, value: URL_SAFE_NO_PAD.encode(chunk) });
    let pieces = split(envelope, VALUE_OCTETS)?.into_iter().map(|value| Tag { key: ENVELOPE, value });
    Some(chunks.chain(pieces).collect())
}

/// An envelope that has come as a whole.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Arrived {
    pub(crate) envelope: String,
    /// The content that came before it. `None`: over the limit, or no base64.
    pub(crate) content: Option<Bytes>,
}

/// Puts what one sender's lines carry together again.
#[derive(Debug)]
pub(crate) struct Intake {
    joiner: Joiner,
    content: BytesMut,
    spoilt: bool,
    /// Octets of content at most.
    most: usize,
}

impl Intake {
    /// For contents of at most so many octets.
    pub(crate) fn new(most: usize) -> Self {
        Self { joiner: Joiner::default(), content: BytesMut::new(), spoilt: false, most }
    }

    /// Takes a line's tags, found by `tag`; gives what is whole with it.
    pub(crate) fn take<'a>(&mut self, tag: impl Fn(&str) -> Option<&'a str>) -> Option<Arrived> {
        if let Some(chunk) = tag(CONTENT) {
            match URL_SAFE_NO_PAD.decode(chunk) {
                Ok(octets) if !self.spoilt && self.content.len() + octets.len() <= self.most => {
                    self.content.extend_from_slice(&octets);
                }
                _ => {
                    self.spoilt = true;
                    self.content = BytesMut::new();
                }
            }
        }
        let envelope = self.joiner.push(tag(ENVELOPE)?)?;
        let content = std::mem::take(&mut self.content).freeze();
        let spoilt = std::mem::take(&mut self.spoilt);
        Some(Arrived { envelope, content: (!spoilt).then_some(content) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cross(tags: &[Tag], intake: &mut Intake) -> Vec<Arrived> {
        let take = |tag: &Tag| intake.take(|key| (key == tag.key).then_some(&*tag.value));
        tags.iter().filter_map(take).collect()
    }

    #[test]
    fn what_takes_several_lines_comes_whole() {
        let envelope = format!("v=1&x={}&m=abcdefgh", "y".repeat(10_000));
        for octets in [0, 1, CHUNK_OCTETS, CHUNK_OCTETS + 1, 40_000] {
            let content = Bytes::from(vec![0xfe; octets]);
            let tags = parcel(&envelope, Some(&content)).unwrap();
            assert!(tags.iter().all(|tag| tag.key.len() + 1 + tag.value.len() <= 4_094));
            let arrived = cross(&tags, &mut Intake::new(40_000));
            assert_eq!(arrived, [Arrived { envelope: envelope.clone(), content: Some(content) }]);
        }
    }

    #[test]
    fn too_much_spoils_one_and_not_the_next() {
        let mut intake = Intake::new(10);
        let large = parcel("v=1&m=abcdefgh", Some(&Bytes::from_static(&[0; 11]))).unwrap();
        assert_eq!(cross(&large, &mut intake)[0].content, None);
        let odd = [Tag { key: CONTENT, value: "!".into() }];
        assert!(cross(&odd, &mut intake).is_empty());
        let small = parcel("v=1&m=abcdefgh", None).unwrap();
        assert_eq!(cross(&small, &mut intake)[0].content, None);
        assert_eq!(cross(&small, &mut intake)[0].content, Some(Bytes::new()));
    }
}
