//! Frames: a start line, an element, and content.

use bytes::{Bytes, BytesMut};

/// Octets of a start line at most, its CRLF included.
const MAX_START_LINE: usize = 1_024;

/// One frame, as it came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Frame {
    parameters: Vec<(String, String)>,
    /// The element.
    pub(crate) xml: String,
    /// The content.
    pub(crate) content: Bytes,
}

impl Frame {
    /// The value of a parameter of the start line.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Takes a frame off the buffer, as soon as it is whole.
    pub(crate) fn take(buffer: &mut BytesMut) -> Result<Option<Self>, String> {
        let Some(end) = buffer.windows(2).position(|two| two == b"\r\n") else {
            return match buffer.len() > MAX_START_LINE {
                true => Err("a start line without an end".to_owned()),
                false => Ok(None),
            };
        };
        let line = buffer.get(..end).map(|line| String::from_utf8_lossy(line).into_owned());
        let line = line.unwrap_or_default();
        let bad = || format!("no start line: {line}");
        let mut parts = line.split(' ');
        let (Some("CPIM/1"), Some(xml), Some(content)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(bad());
        };
        let xml: usize = xml.parse().map_err(|_| bad())?;
        let content: usize = content.parse().map_err(|_| bad())?;
        let whole = end.saturating_add(2).saturating_add(xml).saturating_add(content);
        if buffer.len() < whole {
            return Ok(None);
        }
        let parameters = parts
            .map(|part| part.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(bad)?;
        let mut frame = buffer.split_to(whole).split_off(end + 2);
        let element = frame.split_to(xml);
        let xml = String::from_utf8(element.to_vec()).map_err(|_| "an element that is not UTF-8")?;
        Ok(Some(Self { parameters, xml, content: frame.freeze() }))
    }
}

/// The octets of a frame.
pub(crate) fn write(parameters: &str, xml: &str, content: &[u8]) -> Vec<u8> {
    let mut octets = format!("CPIM/1 {} {}{parameters}\r\n{xml}", xml.len(), content.len()).into_bytes();
    octets.extend_from_slice(content);
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_however_it_is_cut() {
        let octets = write(" hops=7 via=a.example", "<x/>", b"\r\n\r\nbody");
        let mut buffer = BytesMut::new();
        for octet in &octets[..octets.len() - 1] {
            buffer.extend_from_slice(&[*octet]);
            assert_eq!(Frame::take(&mut buffer), Ok(None));
        }
        buffer.extend_from_slice(b"yrest");
        let frame = Frame::take(&mut buffer).unwrap().unwrap();
        assert_eq!((frame.xml.as_str(), &frame.content[..]), ("<x/>", &b"\r\n\r\nbody"[..]));
        assert_eq!((frame.parameter("hops"), frame.parameter("id")), (Some("7"), None));
        assert_eq!(&buffer[..], b"rest");
        assert!(Frame::take(&mut BytesMut::from("HTTP/1.1 200 OK\r\n")).is_err());
    }
}
