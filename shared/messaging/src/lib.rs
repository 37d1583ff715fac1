//! NATS JetStream: streams and consumers as code, the consumer loop, the confirmed publisher.
