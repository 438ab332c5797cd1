import json
from pathlib import Path

import pytest
import yaml

from holdfast import check, graph
from infra.settings import parse
from infra.topology import plan

ROOT = Path(__file__).parents[2]
SHAPES = sorted(path.parent for path in (ROOT / "examples").glob("*/Pulumi.prod.yaml"))


def _platform(shape: Path) -> dict[str, object]:
    document = yaml.safe_load((shape / "Pulumi.prod.yaml").read_text(encoding="utf-8"))
    platform: dict[str, object] = document["config"]["holdfast:platform"]
    return platform


def test_there_are_five_shapes_and_each_has_a_page_that_the_overview_links() -> None:
    overview = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    assert len(SHAPES) == 5
    for shape in SHAPES:
        assert (shape / "README.md").is_file()
        assert f"]({shape.name})" in overview


def _built(shape: Path) -> graph.Graph:
    config = {"holdfast:platform": json.dumps(_platform(shape))}
    return graph.run(ROOT, "prod", config=config)


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_every_serving_region_of_a_shape_becomes_a_network_and_a_replica(shape: Path) -> None:
    topology = plan(parse(_platform(shape), "prod"))
    networks = [node.region for node in _built(shape).nodes if node.type == "aws:ec2/vpc:Vpc"]
    assert sorted(filter(None, networks)) == sorted(
        region.name for jurisdiction in topology.jurisdictions for region in jurisdiction.regions
    )


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_every_shape_keeps_the_checklist(shape: Path) -> None:
    assert check.run(_built(shape), ROOT / "policies").findings == ()
