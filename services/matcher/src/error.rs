//! Why the role ends.

/// The role could not go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The broker no longer lets us consume.
    #[error("the consumer ended")]
    Consumer(#[source] Box<dyn std::error::Error + Send + Sync>),
}
