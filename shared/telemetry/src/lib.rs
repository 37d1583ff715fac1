//! Logs without personal data, metrics, health, error chains.
