//! The numbers of this process, in the text format of Prometheus.

use std::sync::OnceLock;

use metrics::{Unit, describe_counter, describe_gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use super::AdminError;

/// There is one recorder in a process, for as long as it lives.
static RECORDER: OnceLock<Result<PrometheusHandle, String>> = OnceLock::new();

/// Begins to collect; a second call finds the same.
pub(super) fn install() -> Result<PrometheusHandle, AdminError> {
    let installed = RECORDER.get_or_init(|| {
        let handle = PrometheusBuilder::new().install_recorder().map_err(|error| error.to_string())?;
        describe();
        Ok(handle)
    });
    installed.clone().map_err(AdminError::Metrics)
}

/// What the numbers mean, for whoever reads them.
fn describe() {
    describe_counter!("cpim_accepted_total", "Operations accepted: in the journal, and answered for");
    describe_counter!("cpim_notify_dropped_total", "Notifications that nobody asked for, dropped");
    describe_counter!("cpim_refused_total", "Operations refused before acceptance, by code");
    describe_counter!(
        "cpim_retransmissions_total",
        "Operations that came again and were not delivered again"
    );
    describe_counter!("cpim_settled_total", "Operations settled, by status");
    describe_counter!("cpim_stray_responses_total", "Responses that nobody waits for");
    describe_gauge!("cpim_operations_in_flight", Unit::Count, "Operations accepted and not settled");
    describe_gauge!("cpim_ready", "1 where operations are accepted, else 0");
}
