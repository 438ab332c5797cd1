"""Small harmful changes of the protocols' sources, each with the fast tests that must notice it.

The mutants next door are caught by simulated worlds, which take minutes. These are what a hurried
edit leaves behind: a comparison that is off by one, a line that is gone, the wrong of two names.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class SourceMutant:
    """One change of one source file.

    Attributes:
        harm: What goes wrong with it, as a sentence.
        file: Below ``holdfast/coordination``.
        before: Text that stands there once.
        after: What the mutant has instead.
        tests: File below ``tests/coordination`` whose fast tests notice.
    """

    harm: str
    file: str
    before: str
    after: str
    tests: str


def _of(file: str, tests: str, *changes: tuple[str, str, str]) -> tuple[SourceMutant, ...]:
    return tuple(
        SourceMutant(harm=harm, file=file, before=before, after=after, tests=tests)
        for harm, before, after in changes
    )


_VERSIONED: Final = _of(
    "records/versioned_core.py",
    "records/test_versioned.py",
    (
        "a living leader loses its lease over one dropped request",
        "number(item, fence.attribute) > fence.token",
        "number(item, fence.attribute) >= fence.token",
    ),
    (
        "an update returns what it computed last and not what was stored",
        "return mine[applied]",
        "return value",
    ),
    (
        "an update is applied a second time after its reply was lost",
        "            mine[nonce] = value\n",
        "",
    ),
    (
        "a lost reply is forgotten, and who is not sure says that it was not applied",
        "if reply.outcome is Outcome.UNKNOWN and unsure_since is None:",
        "if False:",
    ),
    (
        "an update goes on after its nonce may have been forgotten, and is applied twice",
        "- unsure_since > REMEMBERED",
        "- unsure_since > 10 * REMEMBERED",
    ),
    (
        "only the last change but one is recognised",
        "_nonces(item)[:REMEMBERED]",
        "_nonces(item)[:1]",
    ),
    (
        "a record that somebody made meanwhile is overwritten",
        'Absent("nonce") if known is None',
        'Absent("missing") if known is None',
    ),
    (
        "a record's version stands still",
        'number(item, "version") + 1,',
        'number(item, "version"),',
    ),
    (
        "a writer of an earlier term is not kept out",
        "guarded = fence.guard(request)",
        "guarded = request",
    ),
    (
        "a record that a newer release wrote is misread",
        "found > self.version or ",
        "",
    ),
)

_OUTBOX: Final = _of(
    "records/outbox.py",
    "records/test_outbox.py",
    (
        "two relays at once and a new change lose a message",
        "kept = tuple(message for message in before.messages if message.id not in sent)",
        "kept = before.messages[len(sent):]",
    ),
    (
        "a change drops the messages of the change before",
        "pending = (*(before.messages if before else ()), *added)",
        "pending = added",
    ),
    (
        "messages overtake each other",
        "pending = (*(before.messages if before else ()), *added)",
        "pending = (*added, *(before.messages if before else ()))",
    ),
    (
        "different messages have one id",
        "replace(message, id=new_nonce())",
        'replace(message, id="message")',
    ),
    (
        "a message loses the id that its maker gave it",
        "message if message.id else replace(message, id=new_nonce())",
        "replace(message, id=new_nonce())",
    ),
    (
        "a record takes one message more than a reader of it bears",
        "if len(pending) > MAX_PENDING:",
        "if len(pending) > MAX_PENDING + 1:",
    ),
)

_ELECTION: Final = _of(
    "leases/election_core.py",
    "leases/test_election_core.py",
    (
        "a leader that was asked to stop gives its lease to others while its work goes on",
        "if not self._working:",
        "if True:",
    ),
    (
        "who resigns wins again before anybody else has looked",
        "_GIVE_WAY_PERIODS = 2",
        "_GIVE_WAY_PERIODS = 0",
    ),
    (
        "a leader is told twice that its term has ended",
        "                self._told = True\n",
        "",
    ),
    (
        "who was told to stop while it leads stands again",
        "                self._finished = self._stopping\n                if self._stopping:",
        "                self._finished = False\n                if False:",
    ),
    (
        "a process that lost its lease never stands again",
        "elif self._lease.phase is Phase.IDLE:",
        "elif False:",
    ),
    (
        "a second call of stop releases the lease of work that goes on",
        "            return self._follow(now_ms, actions)\n        self._stopping = True",
        "            actions += self._lease.leave(now_ms)\n        self._stopping = True",
    ),
)

_LEAVING: Final = _of(
    "leases/lease_core.py",
    "leases/test_leaving.py",
    (
        "what a request whose reply was lost has won stays behind",
        "for nonce in self._unknown]",
        "for nonce in ()]",
    ),
    (
        "a lease that was won long ago stays behind",
        '            equals.append(Equals("token", self._former))\n',
        "            pass\n",
    ),
    (
        "a release is given up after one retry, and the others wait for a whole lease",
        "self._leave_by_ms = now_ms + self._timing.lease_ms",
        "self._leave_by_ms = now_ms + 1",
    ),
    (
        "a release goes to whatever term is there",
        'when=AllOf((Equals("holder", self._holder), self._leave_when))',
        'when=AllOf((Equals("holder", self._holder),))',
    ),
    (
        "a release takes the next holder's record away",
        'when=AllOf((Equals("holder", self._holder), self._leave_when))',
        "when=AllOf(())",
    ),
    (
        "a released record still says when its holder would have been late",
        'remove=("holder", "beat", "lease_ms"),\n        )\n        return self._send',
        'remove=("holder",),\n        )\n        return self._send',
    ),
    (
        "a lease that is won on the way out is kept",
        "            self._leave_holding(now_ms, token)\n            self._next_ms = now_ms\n",
        "            pass\n",
    ),
    (
        "a record that names who leaves is left behind",
        "        if ours:\n",
        "        if False:\n",
    ),
    (
        "who leaves with nothing waits for a silent store for a whole lease",
        "self._leave_by_ms = now_ms + self._timing.retry_ms",
        "self._leave_by_ms = now_ms + self._timing.lease_ms",
    ),
)

_ROSTER: Final = _of(
    "leases/partition_core.py",
    "leases/test_roster.py",
    (
        "a member that is late, and not gone, is taken out",
        "now_ms - line.since_ms >= line.lease_ms",
        "now_ms - line.since_ms >= self._suspect_ms",
    ),
    (
        "a member that comes back is taken out again by who has not seen it",
        "unchanged = Equals(member, line.text)",
        "unchanged = Always()",
    ),
    (
        "lines of members that are gone stay for ever",
        "return self._adjust(now_ms) + self._sweep(now_ms)",
        "return self._adjust(now_ms)",
    ),
    (
        "a member sweeps itself out",
        "gone = Update(key=self._roster_key, when=unchanged, remove=(member,))",
        "gone = Update(key=self._roster_key, when=unchanged, remove=(self._member,))",
    ),
    (
        "a member that is gone looks new at every reading",
        "                lines[member] = known\n                continue\n",
        "                pass\n",
    ),
    (
        "who leaves leaves its line behind",
        "gone = Update(key=self._roster_key, when=Always(), remove=(self._member,))",
        "gone = Update(key=self._roster_key, when=Always(), remove=())",
    ),
    (
        "work stops everywhere at once when members change",
        "handing_over = any(each.leaving for each in self._parts.values())",
        "handing_over = False",
    ),
)

_MARKED: Final = _of(
    "records/versioned_core.py",
    "records/test_outbox.py",
    (
        "a record stays marked although nothing is left to do for it",
        "remove=() if PENDING in written or PENDING not in (item or {}) else (PENDING,)",
        "remove=()",
    ),
)

SOURCE_MUTANTS: Final = (*_VERSIONED, *_MARKED, *_OUTBOX, *_ELECTION, *_LEAVING, *_ROSTER)
"""All of them."""
