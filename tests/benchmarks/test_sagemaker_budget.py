"""What is asked of SageMaker grows with what the stage names, not with what the account has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.sagemaker import Account, account, stage
from cicd.cli.root import execute

LISTS = ("ListModels", "ListEndpointConfigs")
FEW, MORE = 5, 10


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    folder = tmp_path_factory.mktemp("account") / "data"
    folder.mkdir()
    with account(folder) as found:
        yield found


def test_calls_grow_with_what_the_stage_names_and_not_with_the_account(
    at: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {**at.environ, "NO_PROXY": "*"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stages").mkdir()

    def cicd(count: int, *command: str, serves: bool = True) -> Counter[str]:
        text = stage(count, serves=serves)
        (tmp_path / "stages/dev.yaml").write_text(text, encoding="utf-8")
        at.asked()
        code = execute([*command])
        said = capsys.readouterr()
        assert code == 0, said.out + said.err
        return at.asked()

    def planned(count: int) -> Counter[str]:
        """Of a plan that finds everything there; each thing is asked for once."""
        found = cicd(count, "plan", "dev", "--detailed-exitcode")
        for kind in ("Model", "EndpointConfig", "Endpoint"):
            assert found[f"Describe{kind}"] == count, found
        return found

    made = cicd(FEW, "apply", "dev", "--yes", serves=False)
    assert made["CreateModel"] == made["CreateEndpointConfig"] == FEW
    # each is asked for once, by its key, before it is made: somebody may have one of just that name
    assert made["DescribeModel"] == made["DescribeEndpointConfig"] == FEW, made
    at.serve_all()
    alone = planned(FEW)
    at.fill(50)
    assert planned(FEW) == alone
    at.fill(450, first=50)
    among = planned(FEW)
    assert among == alone
    assert all(among[operation] == 1 for operation in LISTS), among
    listed = cicd(FEW, "status", "dev")
    at.fill(150, first=500)
    assert cicd(FEW, "status", "dev") == listed

    cicd(MORE, "apply", "dev", "--yes", serves=False)
    at.serve_all()
    more = planned(MORE)
    grown = {name: number - among[name] for name, number in more.items() if number != among[name]}
    each = MORE - FEW
    wanted = {"DescribeModel": each, "DescribeEndpointConfig": each, "DescribeEndpoint": each}
    assert grown == wanted
