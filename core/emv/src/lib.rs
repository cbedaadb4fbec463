//! emv
