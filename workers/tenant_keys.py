"""The keys that hold what belongs to one tenant. Nothing but strings."""

from workers.keys import our_prefix


def tenant_index(tenant: str) -> str:
    """List: the newest jobs of a tenant; in two halves, as the index of a message type."""
    return f"{our_prefix()}tenant-index:{tenant}"


def older_tenant_index(tenant: str) -> str:
    """List: the older half of it; dropped when the newer one takes its place."""
    return f"{our_prefix()}older-tenant-index:{tenant}"


def dead_letters_of(tenant: str) -> str:
    """Sorted set: the job ids of a tenant's dead letters, by the time they were buried."""
    return f"{our_prefix()}dead-of:{tenant}"
