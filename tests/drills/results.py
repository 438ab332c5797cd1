"""Made-up results, judged from made-up histories."""

from holdfast.drills.history import History
from holdfast.drills.judgement import Circumstances, judge
from holdfast.drills.mutants import Mutant
from holdfast.drills.region_loss import RegionLoss
from holdfast.drills.result import DrillResult, Limit, Phase

CIRCUMSTANCES = Circumstances(
    target="twin",
    started_at="2026-11-23T06:00:00+00:00",
    took_s=131.5,
    phases=(Phase(name="start", took_s=2.5), Phase(name="drill", took_s=120)),
    limits=(Limit(subject="Route 53", text="has <more> checkers"),),
    digests={"contract": "0" * 64},
    history_file="region-loss.jsonl",
    report_file="region-loss.html",
)


def a_result(history: History, mutant: Mutant | None = None) -> DrillResult:
    return judge(RegionLoss, history, mutant, CIRCUMSTANCES)
