"""Ingress: the rate of signed webhooks and of batches that one process accepts, and how soon a webhook is visible.

It runs as in production: signatures and keys are checked, and answers are given once Kafka has acknowledged with
acks=all. Requests are made before the clock starts, and the client does as little as possible, because it shares the
machine with the measured service, with Kafka and with PostgreSQL.
"""
