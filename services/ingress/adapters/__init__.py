"""What ingress reaches outside of itself: Kafka and the control plane."""
