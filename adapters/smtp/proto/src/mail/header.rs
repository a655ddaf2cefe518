//! The header of a mail, field by field, as it stands there (RFC 5322 section 2.2).

use bytes::Bytes;

/// A field: its octets from its name to its line end, and where its value begins.
#[derive(Clone, Debug)]
pub(super) struct Field {
    octets: Bytes,
    name_octets: usize,
}

impl Field {
    /// Whether it has this name, in any case.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name().eq_ignore_ascii_case(name.as_bytes())
    }

    /// The name as it is written.
    pub(super) fn name(&self) -> &[u8] {
        self.octets.get(..self.name_octets).unwrap_or_default()
    }

    /// Name, value and line end.
    pub(super) const fn octets(&self) -> &Bytes {
        &self.octets
    }

    /// The value without folds and outer blanks. Nothing where it is not UTF-8.
    pub(super) fn value(&self) -> Option<String> {
        let value = self.octets.get(self.name_octets + 1..).unwrap_or_default();
        let text = std::str::from_utf8(value).ok()?;
        Some(text.replace("\r\n", "").trim_matches([' ', '\t']).to_owned())
    }

    /// Whether it belongs to the MIME entity (RFC 2045 section 3). `Content-Length` is of some stores' making.
    pub(super) fn is_of_entity(&self) -> bool {
        let prefix = self.name().get(.."Content-".len());
        prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case(b"Content-")) && !self.is("Content-Length")
    }

    /// Whether it can stand in a mail as it is: ASCII without control characters, its lines within the limit of RFC
    /// 5322 section 2.1.1, every line end a fold.
    pub(super) fn is_plain(&self) -> bool {
        let lines = self.octets.strip_suffix(b"\r\n").unwrap_or(&self.octets);
        std::str::from_utf8(lines).is_ok_and(|text| {
            text.split("\r\n").enumerate().all(|(at, line)| {
                line.len() <= super::MAX_LINE_OCTETS
                    && (at == 0 || line.starts_with([' ', '\t']))
                    && !line.trim_matches([' ', '\t']).is_empty()
                    && line.chars().all(|c| c.is_ascii() && (!c.is_ascii_control() || c == '\t'))
            })
        })
    }
}

/// The fields of a header. What is no field is passed over: nothing behind it is lost.
pub(super) fn fields(header: &Bytes) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut rest = header.clone();
    while !rest.is_empty() {
        // A field ends at a line end that no blank follows: one with a blank behind it is a fold.
        let end = rest
            .windows(3)
            .position(|three| matches!(three, [b'\r', b'\n', next] if !matches!(next, b' ' | b'\t')))
            .map_or(rest.len(), |end| end + 2);
        let octets = rest.split_to(end);
        if let Some(name_octets) = name_octets(&octets) {
            fields.push(Field { octets, name_octets });
        }
    }
    fields
}

/// Whether a line begins a field.
pub(super) fn is_field(line: &[u8]) -> bool {
    name_octets(line).is_some()
}

/// How long the name is with which a field begins.
fn name_octets(line: &[u8]) -> Option<usize> {
    let colon = line.iter().position(|octet| *octet == b':')?;
    let name = line.get(..colon)?.trim_ascii_end();
    (!name.is_empty() && name.iter().all(u8::is_ascii_graphic)).then_some(name.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_as_they_were_written() {
        let header = Bytes::from_static(
            b"A: 1\r\n b\r\nno field\r\nContent-Type:\ttext/plain\r\nContent-Length: 3\r\n",
        );
        let fields = fields(&header);
        let names: Vec<_> = fields.iter().map(|field| field.name().to_vec()).collect();
        assert_eq!(names, [b"A".to_vec(), b"Content-Type".to_vec(), b"Content-Length".to_vec()]);
        let [first, second, third] = fields.as_slice() else { panic!("{fields:?}") };
        assert_eq!(first.value().as_deref(), Some("1 b"));
        assert_eq!(second.octets().as_ref(), b"Content-Type:\ttext/plain\r\n");
        assert!(second.is_of_entity() && !third.is_of_entity() && !first.is_of_entity());
        assert!(fields.iter().all(Field::is_plain));
    }

    #[test]
    fn what_could_end_a_header_is_not_plain() {
        for header in [
            &b"A: b\r\n"[..],
            b"A: \xc3\xa9\r\n",
            b"A: b\rc\r\n",
            b"A: b\nc\r\n",
            b"A: b\0\r\n",
            b"A: b\r\n \r\n",
        ] {
            let plain = fields(&Bytes::copy_from_slice(header)).iter().all(Field::is_plain);
            assert_eq!(plain, header == b"A: b\r\n", "{header:?}");
        }
    }
}
