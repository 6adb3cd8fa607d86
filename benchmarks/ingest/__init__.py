"""What comes in: signed webhooks and batches of events accepted by one process, and how soon a webhook can be read.

Everything is accepted as in production: signatures and keys are checked, and an answer comes once Kafka has
acknowledged with acks=all. Requests are made before the clock starts, and whoever sends them does next to nothing
else: it shares the machine with the service that is measured, with Kafka and with PostgreSQL.
"""
