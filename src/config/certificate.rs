//! Certificates and their keys.
