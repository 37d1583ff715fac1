//! Role: the outbox, published to JetStream in order.
