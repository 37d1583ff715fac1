//! What is wrong with a field that somebody sent, told so that they can mend it.

/// One fault of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Where, as a JSON pointer into the data (RFC 6901), such as `/children/0/sex`.
    pub pointer: String,
    /// What kind of fault, such as `required` or `unknown_postcode`.
    pub code: &'static str,
    /// What to do about it, in words; never repeats what was sent, which may identify a child.
    pub detail: String,
}

impl FieldError {
    /// A fault of kind `code` at `pointer`.
    pub fn new(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            code,
            detail: detail.into(),
        }
    }
}
