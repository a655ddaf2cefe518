//! Numbers that are too small to work with, or that contradict each other.

use std::time::Duration;

use super::super::draft::Draft;
use super::super::sections::{Dns, Kept, Limits, Presence, Store};
use super::super::source::KeyPath;
use super::super::words;
use super::Check;

/// The least that `limits.pair_backlog` may be: the contract with those who send.
const LEAST_BACKLOG: usize = 1024;
/// The least room for the XML of a frame, in octets: two addresses of usual length and a transID of 255.
const LEAST_XML: usize = 4096;
/// The least depth: `notify`, `presence`, `tuple` and one element of a tuple's own.
const LEAST_DEPTH: usize = 4;
/// The least number of attributes: the most that an element of the session has, with room for namespaces.
const LEAST_ATTRIBUTES: usize = 8;
/// Addresses of one domain that are tried at least.
const LEAST_CANDIDATES: usize = 2;

/// The least that other servers are asked for: renewing it must not become a flood.
const LEAST_LEASE: Duration = Duration::from_secs(60);

/// The least that something is kept for: its reader must be able to ask for it.
const LEAST_KEPT: Duration = Duration::from_secs(60);

impl Check<'_, '_> {
    pub(super) fn limits(&mut self, draft: &Draft) {
        let Limits {
            hops,
            retry_horizon: _,
            max_wait,
            pair_backlog,
            memory_octets,
            xml_octets,
            content_octets,
            depth,
            attributes,
            session_operations,
            sessions,
            remembers,
            drain: _,
        } = draft.limits;
        let frame = xml_octets.saturating_add(content_octets);
        let second = Duration::from_secs(1);
        let table = [
            ("hops", hops >= 1, "a number from 1 to 255".to_owned()),
            ("max_wait", max_wait >= second, "a time of at least \"1s\"".to_owned()),
            ("pair_backlog", pair_backlog >= LEAST_BACKLOG, format!("a number of at least {LEAST_BACKLOG}")),
            (
                "memory_octets",
                memory_octets >= frame,
                format!("room for one frame at its limit, {frame} octets,"),
            ),
            ("xml_octets", xml_octets >= LEAST_XML, format!("a size of at least {LEAST_XML} octets")),
            ("content_octets", content_octets >= 1, "a size of at least 1 octet".to_owned()),
            ("depth", depth >= LEAST_DEPTH, format!("a number of at least {LEAST_DEPTH}")),
            (
                "attributes",
                attributes >= LEAST_ATTRIBUTES,
                format!("a number of at least {LEAST_ATTRIBUTES}"),
            ),
            ("session_operations", session_operations >= 1, "a number of at least 1".to_owned()),
            ("sessions", sessions >= 1, "a number of at least 1".to_owned()),
            ("remembers", remembers.subsec_nanos() == 0, "a time in whole seconds".to_owned()),
        ];
        self.bounds("limits", table);
        self.presence(&draft.presence);
        self.kept(&draft.kept);
        self.store(&draft.store, remembers);
        self.dns(&draft.dns);
        if let Err(e) = crate::logging::filter(&draft.log.level) {
            self.wrong(&KeyPath::new(&["log", "level"]), e.to_string());
        }
    }

    fn presence(&mut self, presence: &Presence) {
        let second = Duration::from_secs(1);
        let table = [
            ("max_lease", presence.max_lease >= second, "a time of at least \"1s\"".to_owned()),
            ("default_lease", presence.default_lease >= LEAST_LEASE, "a time of at least \"1m\"".to_owned()),
            ("leases_per_watcher", presence.leases_per_watcher >= 1, "a number of at least 1".to_owned()),
            (
                "leases_per_presentity",
                presence.leases_per_presentity >= 1,
                "a number of at least 1".to_owned(),
            ),
            ("rate", presence.rate >= 1, "a number of at least 1".to_owned()),
        ];
        self.bounds("presence", table);
    }

    fn kept(&mut self, kept: &Kept) {
        let table = [
            ("for", kept.keep >= LEAST_KEPT, "a time of at least \"1m\"".to_owned()),
            (
                "octets",
                kept.octets >= kept.octets_per_reader,
                format!("a size of at least kept.octets_per_reader, {} octets,", kept.octets_per_reader),
            ),
        ];
        self.bounds("kept", table);
    }

    fn store(&mut self, store: &Store, remembers: Duration) {
        let keep_answers = KeyPath::new(&["store", "keep_answers"]);
        let holds = store.keep_answers >= remembers;
        // Whichever was written is the one to change.
        if self.reader.origins.is_written(&keep_answers) {
            let accepted = format!("a time of at least limits.remembers, \"{}s\",", remembers.as_secs());
            self.bounds("store", [("keep_answers", holds, accepted)]);
        } else {
            let kept = store.keep_answers.as_secs();
            let accepted = format!("a time of at most store.keep_answers, \"{kept}s\",");
            self.bounds("limits", [("remembers", holds, accepted)]);
        }
    }

    fn dns(&mut self, dns: &Dns) {
        let table = [
            ("timeout", !dns.timeout.is_zero(), "a time above 0".to_owned()),
            ("attempts", dns.attempts >= 1, "a number of at least 1".to_owned()),
            ("max_candidates", dns.max_candidates >= LEAST_CANDIDATES, "a number of at least 2".to_owned()),
        ];
        self.bounds("dns", table);
        if dns.enabled && !dns.system && dns.servers.is_empty() {
            let message = "nobody to ask; system = true, servers, or enabled = false is accepted";
            self.wrong(&KeyPath::new(&["dns", "system"]), message);
        }
        let protocols = KeyPath::new(&["dns", "protocols"]);
        let known = self.protocols();
        for (nth, protocol) in dns.protocols.iter().enumerate() {
            if !known.contains(&protocol.as_str()) {
                self.wrong(&protocols.nth(nth), words::unknown("protocol", protocol, &known));
            }
            if dns.protocols.iter().take(nth).any(|before| before == protocol) {
                self.wrong(
                    &protocols.nth(nth),
                    format!("\"{protocol}\" is named already; each protocol is named once"),
                );
            }
        }
    }

    /// Notes each key of `section` that does not hold, with what is accepted.
    fn bounds<const N: usize>(&mut self, section: &str, table: [(&str, bool, String); N]) {
        for (key, holds, accepted) in table {
            if !holds {
                self.wrong(&KeyPath::new(&[section, key]), format!("out of bounds; {accepted} is accepted"));
            }
        }
    }
}
