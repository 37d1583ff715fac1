//! Holds the layers and the tidy rules.
