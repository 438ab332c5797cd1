"""How a pure core is run: on a thread, in an asyncio task, or by a simulator.

Clocks and timings, programs (generators that yield their requests) and pumps (which send the
requests of a core that also keeps time). Knows stores, and no protocol.
"""
