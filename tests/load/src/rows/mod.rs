//! The rows, one file for each part of the table.

pub(crate) mod biboumi;
pub(crate) mod chat;
pub(crate) mod fanout;
pub(crate) mod fanout_xmpp;
pub(crate) mod growth;
pub(crate) mod idle;
pub(crate) mod irc;
pub(crate) mod leases;
pub(crate) mod mail;
pub(crate) mod mail_out;
pub(crate) mod profile;
pub(crate) mod puppets;
pub(crate) mod relay;
pub(crate) mod through;
