"""Who may act now: leases, locks, elections, partitions, who watches them, and the fence.

Each protocol is a core that takes events and times, and a thin tool around it for threads
and one for asyncio.
"""
