//! Delivery reports on what we sent: they settle its operations.

use bytes::Bytes;
use cpim_adapter::{AdapterContext, LegRef, Report, Word};
use cpim_smtp_proto::dsn;
use tracing::{debug, info};

/// Takes a mail that came to the reverse-path of a leg, once the key of that path has proven it (RFC 3464 section 4.1:
/// nothing else does).
///
/// What is no report, or not the last word, changes nothing. `true`: whatever it changes is durable, and the mail may be
/// answered 250; `false`: it is to come again.
///
/// # Cancel safety
/// Cancelled, the report was made.
pub async fn take_report(leg: u64, mail: &Bytes, cx: &AdapterContext) -> bool {
    let Some(report) = dsn::read(mail) else {
        debug!(leg, "a mail to a reverse-path is no report that can be read");
        return true;
    };
    // One recipient, one group; should there be more, the first last word holds, as with several reports.
    let Some(response) = report.groups.iter().find_map(dsn::Group::response) else {
        return true;
    };
    info!(leg, %response, "reported");
    cx.reported(Report { leg: LegRef::Number(leg), word: Word::Answered(response) }).await
}
