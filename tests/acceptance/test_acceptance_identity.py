"""What people change by hand in AI Launchpad or the BTP cockpit is drift: named, and put back.

Never is a second one made, and never is anything of another stage taken for ours.
"""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.operations_world import APPLY, Said, World
from tests.platforms.stub_server import Reply

SERVE = """\
aicore: {resource_group: GROUP}
deployments:
  - key: serve
    configuration:
      name: churn-serving
      scenario_id: churn
      executable_id: serve
      parameter_bindings: {greeting: hello}
"""
POINTING = SERVE + "    destination_name: POINTER\n"
DENIED = Reply(403, "RBAC: access denied")
HANDMADE = "changed by hand: configuration handmade → churn-serving"


def send(world: World, method: str, path: str, body: Any = None, code: int = 0) -> Any:
    """One request of somebody else, to the emulator itself."""
    headers = {"AI-Resource-Group": world.group}
    answer = world.client.send(method, f"/v2{path}", body, headers=headers)
    assert answer.status_code == code or (not code and answer.ok), answer.text
    return answer.json() if answer.text else None


def configuration(world: World, name: str = "handmade", greeting: str = "moin") -> str:
    body = {
        "name": name,
        "scenarioId": "churn",
        "executableId": "serve",
        "parameterBindings": [{"key": "greeting", "value": greeting}],
        "inputArtifactBindings": [],
    }
    return str(send(world, "POST", "/lm/configurations", body)["id"])


def deploy(world: World, configuration_id: str) -> str:
    id = str(send(world, "POST", "/lm/deployments", {"configurationId": configuration_id})["id"])
    wait(world, id, "RUNNING")
    return id


def wait(world: World, id: str, *words: str) -> None:
    deadline = time.monotonic() + 60
    while (found := send(world, "GET", f"/lm/deployments/{id}"))["status"] not in words:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def repoint(world: World, id: str, name: str = "handmade", greeting: str = "moin") -> str:
    """The usual click in AI Launchpad: another configuration for what runs."""
    other = configuration(world, name, greeting)
    send(world, "PATCH", f"/lm/deployments/{id}", {"configurationId": other})
    wait(world, id, "RUNNING")
    return other


def stop(world: World, id: str) -> None:
    send(world, "PATCH", f"/lm/deployments/{id}", {"targetStatus": "STOPPED"})
    wait(world, id, "STOPPED")


def up(world: World, text: str = SERVE) -> str:
    """The stage applied; the id of its one deployment."""
    world.stage(text)
    said = world.cicd(*APPLY)
    assert said.code == 0, said.all
    (item,) = world.listed("deployments")
    return str(item["id"])


def changes(world: World, stage: str = "dev") -> dict[str, dict[str, Any]]:
    said = world.cicd("plan", stage, "--output", "json")
    assert said.code == 0, said.all
    return {change["key"]: change for change in json.loads(said.out)["changes"]}


def running(world: World) -> dict[str, str]:
    """Id -> name of the configuration, of all deployments that are there."""
    return {str(i["id"]): str(i["configurationName"]) for i in world.listed("deployments")}


def ok(said: Said) -> Said:
    assert said.code == 0, said.all
    return said


def no_label_rights(world: World) -> None:
    world.gate.on("PATCH", f"/v2/admin/resourceGroups/{world.group}", DENIED)


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("knows", ["label", "destination"])
def test_a_deployment_that_was_re_pointed_is_drift_and_put_back(
    world: World, times: int, knows: str
) -> None:
    if knows == "destination":
        world.make_group()
        no_label_rights(world)
    id = up(world, POINTING if knows == "destination" else SERVE)
    for turn in range(times):
        repoint(world, id, greeting=f"moin {turn}")

    change = changes(world)["deployment/serve"]
    assert (change["action"], change["id"], change["reason"]) == ("update", id, HANDMADE)
    (field,) = change["fields"]
    assert (field["path"], field["before"]) == ("configuration", "handmade")
    assert field["after"] == "churn-serving"
    assert HANDMADE in world.cicd("plan", "dev").out

    rows = json.loads(ok(world.cicd("status", "dev", "-o", "json")).out)
    (row,) = [row for row in rows if row["key"] == "deployment/serve"]
    assert (row["id"], row["status"], row["configuration_name"]) == (id, "RUNNING", "handmade")
    if knows == "label":
        assert row["notes"][0] == f"{HANDMADE}; apply puts it back"

    ok(world.cicd(*APPLY))
    assert running(world) == {id: "churn-serving"}
    assert "No changes." in ok(world.cicd(*APPLY)).out


def test_a_re_pointed_deployment_can_be_rolled_back_stopped_and_destroyed(world: World) -> None:
    world.make_group()
    id = up(world)
    repoint(world, id)
    told = json.loads(ok(world.cicd("rollback", "dev", "serve", "--list", "-o", "json")).out)
    assert {(row["name"], row["running"]) for row in told} == {
        ("handmade", True),
        ("churn-serving", False),
    }
    (good,) = [row["id"] for row in told if not row["running"]]
    ok(world.cicd("rollback", "dev", "serve", "--to", good, "--yes"))
    assert running(world) == {id: "churn-serving"}
    assert "No changes." in ok(world.cicd("plan", "dev")).out

    repoint(world, id, greeting="again")
    ok(world.cicd("logs", "dev", "serve"))
    said = ok(world.cicd("stop", "dev", "serve", "--yes"))
    assert id in said.all
    repointed = ok(world.cicd("list", "deployments", "dev")).out
    assert "unmanaged" not in repointed, repointed
    ok(world.cicd("destroy", "dev", "--yes", "--stage-name", "dev"))
    assert running(world) == {}


def test_one_that_was_re_pointed_and_stopped_is_replaced_and_goes(world: World) -> None:
    id = up(world)
    repoint(world, id)
    stop(world, id)
    change = changes(world)["deployment/serve"]
    assert (change["action"], change["id"]) == ("replace", id)
    assert change["reason"] == f"{HANDMADE}; {id} is STOPPED"
    ok(world.cicd(*APPLY))
    (new,) = running(world)
    assert new != id and running(world)[new] == "churn-serving"


def test_of_two_candidates_it_is_the_one_that_is_known(world: World) -> None:
    id = up(world)
    repoint(world, id)
    (ours,) = [c["id"] for c in world.listed("configurations") if c["name"] == "churn-serving"]
    theirs = deploy(world, ours)
    ok(world.cicd(*APPLY))
    assert running(world) == {id: "churn-serving", theirs: "churn-serving"}
    # whichever of them is the newer, the plan stays with ours
    assert changes(world)["deployment/serve"]["id"] == id
    repoint(world, theirs, "theirs")
    assert "No changes." in ok(world.cicd(*APPLY)).out


def test_one_that_was_stopped_gives_way_to_one_that_runs(world: World) -> None:
    id = up(world)
    stop(world, id)
    (ours,) = [c["id"] for c in world.listed("configurations") if c["name"] == "churn-serving"]
    other = deploy(world, ours)
    assert changes(world)["deployment/serve"]["id"] == other


def test_the_deployment_of_another_stage_is_never_taken(world: World) -> None:
    id = up(world)
    world.stage(SERVE.replace("hello", "hallo"), name="tst")
    said = world.cicd("apply", "tst", "--yes")
    assert said.code == 5 and f"{id} in {world.group} is of stage dev" in said.error, said.all

    repoint(world, id)
    ok(world.cicd("apply", "tst", "--yes"))
    (theirs,) = running(world).keys() - {id}
    # ours looks like nothing of ours, and theirs just like it
    assert changes(world)["deployment/serve"]["id"] == id
    ok(world.cicd(*APPLY))
    assert changes(world, "tst")["deployment/serve"]["id"] == theirs
    assert running(world) == {id: "churn-serving", theirs: "churn-serving"}
    assert "No changes." in ok(world.cicd("plan", "tst")).out
    ok(world.cicd("destroy", "tst", "--yes", "--stage-name", "tst"))
    assert running(world) == {id: "churn-serving"}


def test_two_keys_of_one_stage_keep_their_own(world: World) -> None:
    second = SERVE.split("deployments:\n")[1].replace("key: serve", "key: second")
    world.stage(SERVE + second.replace("churn-serving", "churn-second").replace("hello", "hey"))
    ok(world.cicd(*APPLY))
    before = {key: change["id"] for key, change in changes(world).items() if "deployment" in key}
    second = {c["name"]: c["id"] for c in world.listed("configurations")}["churn-second"]
    serve = before["deployment/serve"]
    send(world, "PATCH", f"/lm/deployments/{serve}", {"configurationId": second})
    wait(world, serve, "RUNNING")
    found = changes(world)
    assert {key: found[key]["id"] for key in before} == before
    assert found["deployment/second"]["action"] == "no_op"
    assert "configuration churn-second → churn-serving" in found["deployment/serve"]["reason"]
    ok(world.cicd(*APPLY))
    assert running(world)[serve] == "churn-serving" and len(running(world)) == 2


def test_a_new_name_in_the_stage_file_is_nobodys_hand(world: World) -> None:
    id = up(world)
    world.stage(SERVE.replace("churn-serving", "churn-v2"))
    change = changes(world)["deployment/serve"]
    assert (change["action"], change["id"]) == ("update", id)
    assert "by hand" not in change["reason"]
    assert "no stage names" not in ok(world.cicd("plan", "dev")).out
    ok(world.cicd(*APPLY))
    assert running(world) == {id: "churn-v2"}
    # a key that was renamed stays with what it had
    world.stage(SERVE.replace("churn-serving", "churn-v2").replace("key: serve", "key: api"))
    assert changes(world)["deployment/api"]["id"] == id


def test_a_destination_that_was_pointed_elsewhere_takes_nothing_with_it(world: World) -> None:
    world.make_group()
    no_label_rights(world)
    id = up(world, POINTING)
    theirs = deploy(world, configuration(world, "theirs"))
    entry = cockpit(world, "GET", "/POINTER")
    cockpit(world, "PUT", "", {**entry, "URL": entry["URL"].replace(id, theirs)})
    found = changes(world)
    assert (found["deployment/serve"]["id"], found["deployment/serve"]["action"]) == (id, "no_op")
    assert found["destination/POINTER"]["action"] == "update"
    ok(world.cicd(*APPLY))
    assert running(world) == {id: "churn-serving", theirs: "theirs"}


SCHEDULED = """\
aicore: {resource_group: GROUP}
executions:
  - key: train
    wait_for_status: null
    configuration:
      name: churn-training
      scenario_id: churn
      executable_id: train
      parameter_bindings: {mode: complete}
      input_artifact_bindings: {data: data}
artifacts:
  - {key: data, name: Churn data, kind: dataset, url: "ai://default/d", scenario_id: churn}
schedules:
  - {key: weekly, name: weekly, execution: train, cron: "0 0 * * 0"}
"""


def training(world: World, name: str) -> str:
    data = world.listed("artifacts")[0]["id"]
    body = {
        "name": name,
        "scenarioId": "churn",
        "executableId": "train",
        "parameterBindings": [{"key": "mode", "value": name}],
        "inputArtifactBindings": [{"key": "data", "artifactId": data}],
    }
    return str(send(world, "POST", "/lm/configurations", body)["id"])


def schedules(world: World) -> dict[str, str]:
    """Id -> id of the configuration."""
    return {str(i["id"]): str(i["configurationId"]) for i in world.listed("executionSchedules")}


def scheduled(world: World) -> tuple[str, str]:
    """The stage with a schedule applied: the ids of the schedule and of what it runs."""
    world.stage(SCHEDULED)
    ok(world.cicd(*APPLY))
    (found,) = schedules(world).items()
    return found


@pytest.mark.parametrize("times", [1, 2])
def test_a_schedule_that_was_re_pointed_is_drift_and_put_back(world: World, times: int) -> None:
    id, ours = scheduled(world)
    for turn in range(times):
        other = training(world, f"handmade-{turn}")
        send(world, "PATCH", f"/lm/executionSchedules/{id}", {"configurationId": other})
    change = changes(world)["schedule/weekly"]
    assert (change["action"], change["id"]) == ("update", id)
    told = f"changed by hand: configuration handmade-{times - 1} → churn-training"
    assert change["reason"] == told
    assert told in world.cicd("status", "dev", "-o", "json").out
    ok(world.cicd(*APPLY))
    assert schedules(world) == {id: ours}


def test_a_newer_schedule_of_the_same_name_is_not_ours(world: World) -> None:
    id, ours = scheduled(world)
    other = training(world, "handmade")
    body = {"name": "weekly", "configurationId": other, "cron": "0 0 * * 1"}
    theirs = str(send(world, "POST", "/lm/executionSchedules", body)["id"])
    assert changes(world)["schedule/weekly"]["action"] == "no_op"
    ok(world.cicd(*APPLY))
    assert schedules(world) == {id: ours, theirs: other}


def test_a_schedule_that_runs_what_another_stage_made_is_still_ours(world: World) -> None:
    id, ours = scheduled(world)
    world.stage(SCHEDULED.replace("churn-training", "theirs").split("schedules:")[0], name="tst")
    ok(world.cicd("apply", "tst", "--yes"))
    (theirs,) = [c["id"] for c in world.listed("configurations") if c["name"] == "theirs"]
    send(world, "PATCH", f"/lm/executionSchedules/{id}", {"configurationId": theirs})
    ok(world.cicd(*APPLY))
    assert schedules(world) == {id: ours}


APPLICATION = """\
aicore: {resource_group: GROUP}
git: {application: NAME, repository: "REPOSITORY", path: templates, revision: main}
"""


@pytest.mark.parametrize(
    "change",
    [
        {"path": "elsewhere"},
        {"revision": "other"},
        {"repositoryUrl": "https://example.com/theirs.git"},
        {"repositoryUrl": "https://example.com/theirs.git", "path": "x", "revision": "other"},
    ],
)
def test_an_application_that_was_moved_by_hand_is_drift_and_put_back(
    world: World, change: dict[str, str], tmp_path: Path
) -> None:
    bare = tmp_path / f"remote-{world.group}.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(world.folder), str(bare)], check=True)
    url = bare.as_uri()
    known = send(world, "GET", "/admin/repositories")["resources"]
    if "https://example.com/theirs.git" not in [item["url"] for item in known]:
        body = {"name": "theirs", "username": "", "password": ""}
        send(
            world, "POST", "/admin/repositories", {**body, "url": "https://example.com/theirs.git"}
        )
    name = f"moved-{world.group}"
    world.stage(APPLICATION.replace("NAME", name).replace("REPOSITORY", url))
    ok(world.cicd(*APPLY))
    path = f"/admin/applications/{name}"
    before = send(world, "GET", path)
    send(world, "PATCH", path, {**before, **change})
    found = changes(world)[f"application/{name}"]
    ours = {"path": "path", "revision": "revision", "repositoryUrl": "repository"}
    assert found["action"] == "update"
    assert {ours[field] for field in change} <= {field["path"] for field in found["fields"]}
    ok(world.cicd(*APPLY))
    after = send(world, "GET", path)
    assert {field: after[field] for field in ours} == {field: before[field] for field in ours}
    assert "No changes." in ok(world.cicd(*APPLY)).out


LABELLED = SERVE.replace(
    "{resource_group: GROUP}", '{resource_group: GROUP, labels: {ext.ai.sap.com/team: "ours"}}'
)


@pytest.mark.parametrize(
    "labels",
    [
        [{"key": "ext.ai.sap.com/team", "value": "theirs"}],
        [],
        [{"key": "ext.ai.sap.com/other", "value": "1"}],
    ],
)
def test_labels_of_a_group_that_were_changed_by_hand_are_drift_and_put_back(
    world: World, labels: list[dict[str, str]]
) -> None:
    """Also those in which we remember things: they are written again with the next update."""
    id = up(world, LABELLED)
    path = f"/admin/resourceGroups/{world.group}"
    send(world, "PATCH", path, {"labels": labels})
    found = changes(world)
    group = found[f"resource_group/{world.group}"]
    assert (group["action"], group["fields"][0]["path"][:6]) == ("update", "labels")
    assert (found["deployment/serve"]["action"], found["deployment/serve"]["id"]) == ("no_op", id)
    ok(world.cicd(*APPLY))
    after = {item["key"]: item["value"] for item in send(world, "GET", path)["labels"]}
    assert after["ext.ai.sap.com/team"] == "ours"
    assert all(after[item["key"]] for item in labels)
    assert "No changes." in ok(world.cicd(*APPLY)).out
    assert running(world) == {id: "churn-serving"}


DESTINATIONS = "/destination-configuration/v1/subaccountDestinations"


def cockpit(world: World, method: str, path: str = "", body: Any = None) -> Any:
    """One request of somebody at the BTP cockpit."""
    known = world.client.world.credentials
    token = {"Authorization": f"Bearer {known.issue('destination', issuer=world.client.url)}"}
    answer = world.client.send(method, DESTINATIONS + path, body, headers=token)
    assert answer.ok, answer.text
    return answer.json() if answer.text else None


def rename(world: World, before: str, after: str, **fields: str) -> None:
    copy(world, before, after, **fields)
    cockpit(world, "DELETE", f"/{before}")


def copy(world: World, name: str, other: str, **fields: str) -> None:
    entry = cockpit(world, "GET", f"/{name}")
    cockpit(world, "POST", "", {**entry, "Name": other, **fields})


def names(world: World) -> set[str]:
    return {entry["Name"] for entry in cockpit(world, "GET") if world.group in str(entry)}


def pointing(world: World) -> tuple[str, str]:
    """A stage that points at its server, applied; the id of that, and the destination's name."""
    name = f"POINTER-{world.group}"
    return up(world, POINTING.replace("POINTER", name)), name


@pytest.mark.parametrize("other", ["OURS-{}", "zz_{}", "POINTER-{}-2"])
def test_a_destination_that_was_renamed_is_drift_and_put_back(world: World, other: str) -> None:
    id, name = pointing(world)
    renamed = other.format(world.group)
    rename(world, name, renamed, **{"sap-client": "100"})

    change = changes(world)[f"destination/{name}"]
    told = f"changed by hand: name {renamed} → {name}"
    assert (change["action"], change["id"], change["reason"]) == ("update", renamed, told)
    rows = json.loads(ok(world.cicd("status", "dev", "-o", "json")).out)
    (row,) = [row for row in rows if row["key"] == f"destination/{name}"]
    assert (row["id"], row["notes"]) == (renamed, [f"{told}; apply puts it back"])

    ok(world.cicd(*APPLY))
    assert names(world) == {name}
    entry = cockpit(world, "GET", f"/{name}")
    assert entry["URL"].endswith(id) and entry["sap-client"] == "100"
    assert "No changes." in ok(world.cicd(*APPLY)).out


def test_a_destination_that_was_renamed_goes_with_its_stage(world: World) -> None:
    world.make_group()
    _, name = pointing(world)
    rename(world, name, f"OURS-{world.group}")
    ok(world.cicd("destroy", "dev", "--yes", "--stage-name", "dev"))
    assert names(world) == set()


@pytest.mark.parametrize("case", ["copy", "elsewhere", "unmarked", "two", "another stage"])
def test_a_destination_that_may_be_of_others_is_left_alone(world: World, case: str) -> None:
    world.make_group()
    id, name = pointing(world)
    theirs = f"THEIRS-{world.group}"
    kept = {theirs}
    if case == "copy":
        copy(world, name, theirs)
    elif case == "elsewhere":
        url = cockpit(world, "GET", f"/{name}")["URL"].replace(id, "d-elsewhere")
        rename(world, name, theirs, URL=url)
    elif case == "unmarked":
        rename(world, name, theirs, **{"cicd.owner": ""})
    elif case == "two":
        copy(world, name, f"{theirs}-2")
        rename(world, name, theirs)
        kept |= {f"{theirs}-2"}
    else:
        rename(world, name, theirs, **{"cicd.owner": f"tst: {name}"})
    ok(world.cicd(*APPLY))
    assert names(world) == kept | {name}
    ok(world.cicd("destroy", "dev", "--yes", "--stage-name", "dev"))
    assert names(world) == kept


def test_a_destination_and_its_server_that_were_both_changed_are_put_back(world: World) -> None:
    world.make_group()
    no_label_rights(world)
    id, name = pointing(world)
    rename(world, name, f"OURS-{world.group}")
    repoint(world, id)
    found = changes(world)
    assert (found["deployment/serve"]["id"], found["deployment/serve"]["reason"]) == (id, HANDMADE)
    ok(world.cicd(*APPLY))
    assert running(world) == {id: "churn-serving"} and names(world) == {name}


def test_a_new_name_of_a_destination_in_the_stage_file_is_nobodys_hand(world: World) -> None:
    _, name = pointing(world)
    world.stage(POINTING.replace("POINTER", f"NEW-{world.group}"))
    assert changes(world)[f"destination/NEW-{world.group}"]["action"] == "create"
    ok(world.cicd(*APPLY))
    assert names(world) == {name, f"NEW-{world.group}"}


@pytest.mark.parametrize(
    ("method", "status"), [("DELETE", 403), ("DELETE", 409), ("POST", 403), ("POST", 520)]
)
def test_one_that_cannot_be_put_back_is_no_second_one_and_the_next_apply_goes_on(
    world: World, method: str, status: int
) -> None:
    id, name = pointing(world)
    renamed = f"OURS-{world.group}"
    rename(world, name, renamed)
    path = f"{DESTINATIONS}/{renamed}" if method == "DELETE" else DESTINATIONS
    world.gate.on(method, path, Reply(status, "{}"))
    assert world.cicd(*APPLY).code in {1, 4}
    assert names(world) <= {renamed}
    world.gate.on(method, path, world.forward)
    ok(world.cicd(*APPLY))
    assert names(world) == {name}
    assert cockpit(world, "GET", f"/{name}")["URL"].endswith(id)


MADE_BY_HAND = ["imported", "made again"]


@pytest.mark.parametrize("how", MADE_BY_HAND)
def test_what_people_have_made_and_the_stage_names_is_its_own_from_the_next_apply_on(
    world: World, how: str
) -> None:
    world.make_group()
    if how == "imported":
        id = deploy(world, configuration(world, "churn-serving", "hello"))
        world.stage(SERVE)
    else:
        old = up(world)
        (ours,) = [item["configurationId"] for item in world.listed("deployments")]
        stop(world, old)
        send(world, "DELETE", f"/lm/deployments/{old}")
        id = deploy(world, ours)
    assert "No changes." in ok(world.cicd(*APPLY)).out
    repoint(world, id)
    change = changes(world)["deployment/serve"]
    assert (change["action"], change["id"], change["reason"]) == ("update", id, HANDMADE)
    ok(world.cicd(*APPLY))
    assert running(world) == {id: "churn-serving"}
    ok(world.cicd("destroy", "dev", "--yes", "--stage-name", "dev"))
    assert running(world) == {}


def test_what_another_stage_has_is_not_taken_by_one_that_only_uses_it(world: World) -> None:
    world.make_group()
    id = up(world)
    world.stage(SERVE, name="tst")
    ok(world.cicd("apply", "tst", "--yes"))
    repoint(world, id)
    assert changes(world)["deployment/serve"]["id"] == id
    assert changes(world, "tst")["deployment/serve"]["action"] == "create"


@pytest.mark.parametrize(
    "command",
    [
        ("logs", "dev", "serve"),
        ("explain", "deployment/serve", "dev"),
        ("rollback", "dev", "serve", "--list"),
        ("stop", "dev", "serve", "--yes"),
    ],
)
def test_commands_find_a_re_pointed_one_also_by_its_destination_alone(
    world: World, command: tuple[str, ...]
) -> None:
    world.make_group()
    no_label_rights(world)
    id, _ = pointing(world)
    repoint(world, id)
    said = ok(world.cicd(*command))
    for words in ("it is not there", "not deployed", "not been started"):
        assert words not in said.all
    if command[0] == "stop":
        assert world.listed("deployments")[0]["status"] == "STOPPED"


def test_two_stages_whose_servers_were_swapped_keep_their_own(world: World) -> None:
    world.make_group()
    ours = up(world)
    world.stage(SERVE.replace("churn-serving", "churn-tst").replace("hello", "hallo"), name="tst")
    ok(world.cicd("apply", "tst", "--yes"))
    (theirs,) = running(world).keys() - {ours}
    used = {i["configurationName"]: i["configurationId"] for i in world.listed("deployments")}
    for id, name in ((ours, "churn-tst"), (theirs, "churn-serving")):
        send(world, "PATCH", f"/lm/deployments/{id}", {"configurationId": used[name]})
        wait(world, id, "RUNNING")
    for stage, id in (("dev", ours), ("tst", theirs)):
        assert changes(world, stage)["deployment/serve"]["id"] == id
        said = ok(world.cicd("plan", stage)).out + ok(world.cicd("status", stage)).out
        assert "no stage names" not in said, said
    ok(world.cicd("destroy", "tst", "--yes", "--stage-name", "tst"))
    ok(world.cicd(*APPLY))
    assert running(world) == {ours: "churn-serving"}
