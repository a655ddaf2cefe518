//! The *copying* yardstick: reads the same frames as a gateway, has quick-xml parse their XML, and writes them out
//! again on the other connection of the pair, with no logic of a gateway.

use std::io;

use quick_xml::events::Event;
use quick_xml::{Reader as Xml, XmlVersion};
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
    let mut out = Vec::new();
    loop {
        let mut parsed = true;
        reader
            .read(|frame| {
                let xml = String::from_utf8_lossy(frame.xml);
                parsed &= parse(&xml).is_some();
                native::put(&mut out, "", &xml, frame.content);
            })
            .await?;
        if !parsed {
            return Err(io::ErrorKind::InvalidData.into());
        }
        writer.write_all(&out).await?;
        out.clear();
    }
}

/// Reads the whole element, with every attribute as text.
fn parse(xml: &str) -> Option<Vec<(String, String)>> {
    let mut reader = Xml::from_str(xml);
    let mut attributes = Vec::new();
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) | Event::Empty(tag) => {
                for attribute in tag.attributes() {
                    let attribute = attribute.ok()?;
                    let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
                    attributes.push((attribute.key.as_ref().to_owned(), value.into_owned()));
                }
            }
            Event::Eof => return Some(attributes),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_attribute_is_read() {
        let attributes = super::parse("<message source='im:a&amp;b@c' transID='1'/>").unwrap();
        assert_eq!(attributes[0], ("source".to_owned(), "im:a&b@c".to_owned()));
        assert_eq!(attributes.len(), 2);
    }
}
