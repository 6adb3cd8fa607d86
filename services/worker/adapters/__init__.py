"""PostgreSQL and Kafka behind the handlers' ports. Both retry, with growing pauses, while their server is away."""
