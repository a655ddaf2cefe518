//! The *copying* yardstick: reads the same frames as a gateway, has quick-xml read their elements with every attribute and
//! text, writes them anew with quick-xml, and sends them on by the other connection of the pair, with no logic of a
//! gateway. It is given the same sockets, the same windows and the same frames, and writes once for all that it has read.

use std::io;

use quick_xml::events::{BytesStart, BytesText, Event};
use quick_xml::{Reader as Xml, Writer as XmlWriter, XmlVersion};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::native::{self, Reader, Writer};

/// Takes connections for as long as it lives: the first is a sender's, the second its receiver's, and so on. Prints the
/// port first.
///
/// # Errors
/// Where it cannot listen.
pub(crate) async fn run() -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("{}", listener.local_addr()?.port());
    loop {
        let (reader, writer) = native::halves(listener.accept().await?.0)?;
        let (other_reader, other_writer) = native::halves(listener.accept().await?.0)?;
        tokio::spawn(copy(reader, other_writer));
        tokio::spawn(copy(other_reader, writer));
    }
}

async fn copy(mut reader: Reader, mut writer: Writer) -> io::Result<()> {
    let (mut out, mut xml) = (Vec::new(), Vec::new());
    loop {
        let mut result = Ok(());
        reader
            .read(|frame| {
                xml.clear();
                let written = std::str::from_utf8(frame.xml).map_err(io::Error::other);
                match written.and_then(|element| again(element, &mut xml)) {
                    Ok(()) => native::put_octets(&mut out, &xml, frame.content),
                    Err(error) => result = Err(error),
                }
            })
            .await?;
        result?;
        writer.write_all(&out).await?;
        out.clear();
    }
}

/// Reads the whole element, every attribute and text of it as a value, and writes it anew.
fn again(element: &str, to: &mut Vec<u8>) -> io::Result<()> {
    let (mut reader, mut writer) = (Xml::from_str(element), XmlWriter::new(to));
    loop {
        let event = reader.read_event().map_err(io::Error::other)?;
        match event {
            Event::Start(tag) => writer.write_event(Event::Start(copied(&tag)?))?,
            Event::Empty(tag) => writer.write_event(Event::Empty(copied(&tag)?))?,
            Event::Text(text) => {
                let text = text.xml10_content().into_owned();
                writer.write_event(Event::Text(BytesText::new(&text)))?;
            }
            Event::Eof => return Ok(()),
            other => writer.write_event(other)?,
        }
    }
}

fn copied(tag: &BytesStart<'_>) -> io::Result<BytesStart<'static>> {
    let mut copy = BytesStart::new(tag.name().into_inner().to_owned());
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(io::Error::other)?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(io::Error::other)?;
        copy.push_attribute((attribute.key.into_inner(), value.as_ref()));
    }
    Ok(copy)
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_element_is_written_as_it_was() {
        for element in [
            r#"<message source="im:a&amp;b@c" transID="1"/>"#,
            r#"<response status="failure" transID="1">refused: <b>no</b> more</response>"#,
        ] {
            let mut written = Vec::new();
            super::again(element, &mut written).unwrap();
            assert_eq!(String::from_utf8(written).unwrap(), element);
        }
    }
}
