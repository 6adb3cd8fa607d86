"""Evidence resolved by the worker's agent "identity": how fast, whether it slows as contacts grow, or beside a hub.

The log is the topic `identity-evidence` itself, filled beforehand with events that all carry evidence: what the agent
"contacts" costs before is measured end to end, and isn't mixed in here. All evidence is of one tenant, so one partition
and one writer do all the work; more tenants could only be faster.
"""
