"""The RQ lane's worker: what it takes from the queues, and what it does when a job is lost."""
