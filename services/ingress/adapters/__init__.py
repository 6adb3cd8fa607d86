"""Kafka, the control plane and the read models, behind the ports of ingress."""
