//! What goes wrong around the gateway: its disk, its files, its ports, its clock, and whoever tells it to stop.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "in a test, a panic is a failed test"
)]

mod support {
    pub mod gateway;
    pub mod native;
}

mod faults {
    mod clock;
    mod configuration;
    mod full;
    mod reload;
    mod store;
    mod stop;
}
