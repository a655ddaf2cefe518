//! The CPIM model and the adapter contract.
