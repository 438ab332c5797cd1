"""What the supervisor needs of DNS: start, status, close."""
from holdfast.twin.status import DnsStatus, HealthCheckStatus
class ResolverService:
    def __init__(self, claimed, events): pass
    async def start(self): pass
    async def close(self): pass
    def status(self): return DnsStatus(serial=0,digest="",zones=(),age_s=None,problems=())
    def health_statuses(self): return ()
