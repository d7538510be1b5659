"""The published JSON Schemas are those of the types, and what is printed is valid by them."""

import json
from pathlib import Path

import jsonschema
import pytest

from tests.conftest import Fvp
from tests.reports import json_schemas


@pytest.mark.parametrize("name", json_schemas.PRINTED)
def test_the_published_one_is_that_of_the_type(name: str) -> None:
    published = (json_schemas.FOLDER / f"{name}.schema.json").read_text(encoding="utf-8")
    assert published == json_schemas.schema(json_schemas.PRINTED[name]), "python -m tests.reports.json_schemas"


def test_a_campaign_prints_what_its_schema_says(fvp_tui: Fvp, tmp_path: Path) -> None:
    schema = json.loads((json_schemas.FOLDER / "campaign.schema.json").read_text(encoding="utf-8"))
    command = ("campaign", "sample:digits", "--targets", "ethos-u55-128,ethos-u85-128", "--platform", "simulator")
    done = fvp_tui(*command, "--inferences", "4", "--report", str(tmp_path / "report"), "--json")
    for text in (done.stdout, (tmp_path / "report" / "campaign.json").read_text(encoding="utf-8")):
        found = json.loads(text)
        jsonschema.validate(found, schema)
        assert all(cell["confusion"] is not None for cell in found["cells"])
        del found["cells"][0]["status"]
        with pytest.raises(jsonschema.ValidationError, match="status"):
            jsonschema.validate(found, schema)
