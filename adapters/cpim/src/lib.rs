//! The native CPIM adapter.
