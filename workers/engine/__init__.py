"""Processes that run messages: a worker and its children, and the lane of RQ's queues."""
