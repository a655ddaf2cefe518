//! An adapter in a process of its own: the example in Python, as it is copied, and what it claims.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use cpim_adapter::{Capabilities, Feature, PresenceSupport, Support};
use cpim_gateway::matrix::{self, Side};

use crate::support::gateway::Site;

/// The selector, and what proves that it is the adapter's.
pub(crate) const GIVEN: &str = "[selectors]\nlines = \"opaque\"\n\
     [[application]]\nname = \"LINES\"\ncovers = [\"lines:\"]\nsecret_file = \"lines.secret\"\n";
const SECRET: &str = "of the lines";

/// The adapters of this build, and that one.
pub(crate) fn sides() -> Vec<Side> {
    let mut sides = matrix::sides(1024 * 1024);
    let claims = Capabilities {
        support: |feature| match feature {
            Feature::Outcome | Feature::Unicode => Support::Full,
            Feature::AnyContent | Feature::MultiLine => Support::Rejected,
            Feature::RichPresence => Support::Degraded("open or closed, and the text beside it"),
            Feature::Date | Feature::DisplayNames | Feature::Subject | Feature::Threads => Support::Dropped,
        },
        presence: PresenceSupport::Observe,
        max_content_octets: Some(900),
    };
    let says = |feature| matches!(feature, Feature::Outcome | Feature::Unicode);
    sides.push(Side { name: "lines", claims, says });
    sides
}

/// The adapter. It ends with this value.
pub(crate) struct Adapter {
    child: Child,
    /// Where its users connect.
    pub(crate) port: u16,
}

/// Writes the secret, before the gateway starts.
pub(crate) fn prepare(site: &Site) {
    let file = site.path("lines.secret");
    std::fs::write(&file, SECRET).unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

impl Adapter {
    /// In contact with the gateway of this site.
    pub(crate) fn start(site: &Site) -> Self {
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/adapters/python/lines.py");
        let mut child = Command::new("python3")
            .args(["-B", program, "127.0.0.1:0"])
            .env("CPIM_SERVER", format!("127.0.0.1:{}", site.port))
            .env("CPIM_SECRET", SECRET)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("NOT RUN: python3: {error}"));
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let listening = said.find(|line| line.starts_with("listening at ")).expect("it listens");
        let port = listening.rsplit(':').next().unwrap().parse().unwrap();
        let contact = said.find(|line| line.starts_with("in contact"));
        contact.expect("it is in contact");
        // What it says later nobody reads: it is little.
        std::thread::spawn(move || said.for_each(drop));
        Self { child, port }
    }
}

impl Drop for Adapter {
    fn drop(&mut self) {
        // It may have ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
