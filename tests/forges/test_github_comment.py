"""One comment per pull request, whatever else happens there."""

from __future__ import annotations

import threading
from time import sleep

import pytest

from cicd.errors import Denied, NotFound
from cicd.forges.github import Client
from cicd.forges.sticky import write_comment
from cicd.model import Secret
from cicd.render.sections import compose, parse
from tests.forges.github_server import (
    DROP,
    NOT_ACCESSIBLE,
    TOKEN,
    GitHub,
    Reply,
)
from tests.forges.plan_documents import RUN, plan, typical

LIST = "GET /repos/org/repo/issues/7/comments"
CREATE = "POST /repos/org/repo/issues/7/comments"
EDIT = r"PATCH /repos/org/repo/issues/comments/\d+"


def test_the_first_plan_makes_a_comment(github: GitHub, client: Client) -> None:
    url = write_comment(client, 7, [typical()], run_url=RUN)
    assert github.bodies() == [compose({}, [typical()], run_url=RUN)]
    assert url == github.comments[7][0]["html_url"]


def test_two_stages_in_two_runs_are_one_comment_with_two_sections(
    github: GitHub, client: Client
) -> None:
    first = write_comment(client, 7, [typical("dev")], run_url=f"{RUN}1")
    second = write_comment(client, 7, [typical("tst")], run_url=f"{RUN}2")
    assert first == second
    assert list(parse(*github.bodies())) == ["dev", "tst"]


def test_an_equal_plan_writes_nothing(github: GitHub, client: Client) -> None:
    write_comment(client, 7, [typical()], run_url=RUN)
    write_comment(client, 7, [typical()], run_url=RUN)
    assert len(github.sent(CREATE)) == 1
    assert not github.sent(EDIT)


def test_it_is_found_on_the_third_page(github: GitHub, client: Client) -> None:
    for number in range(230):
        github.add_comment(f"talk {number}", "alice")
    write_comment(client, 7, [typical("dev")], run_url=RUN)
    write_comment(client, 7, [typical("tst")], run_url=RUN)
    assert len(github.bodies()) == 231
    assert len(parse(github.bodies()[-1])) == 2


def test_a_pasted_head_is_left_alone(github: GitHub, client: Client) -> None:
    pasted = compose({}, [plan("prd")], run_url=RUN)
    for login in ("mallory", "dependabot[bot]"):
        github.add_comment(pasted, login)
    write_comment(client, 7, [typical()], run_url=RUN)
    assert github.bodies()[:2] == [pasted, pasted]
    assert list(parse(github.bodies()[2])) == ["dev"]


def test_our_other_comments_are_left_alone(github: GitHub, client: Client) -> None:
    github.add_comment("the linter says hello")
    github.add_comment("quote:\n\n<!-- cicd:plan {} -->")
    write_comment(client, 7, [typical()], run_url=RUN)
    assert len(github.bodies()) == 3
    assert github.bodies()[0] == "the linter says hello"


def test_a_user_token_edits_its_own(github: GitHub, client: Client) -> None:
    github.users[TOKEN] = "Alice"
    github.add_comment(compose({}, [plan("tst")], run_url=RUN), "alice")
    write_comment(client, 7, [typical()], run_url=RUN)
    assert [list(parse(body)) for body in github.bodies()] == [["tst", "dev"]]


def test_duplicates_become_one(github: GitHub, client: Client) -> None:
    github.add_comment(compose({}, [plan("dev"), plan("tst")], run_url=RUN))
    github.add_comment(compose({}, [typical("tst"), plan("prd")], run_url=RUN))
    write_comment(client, 7, [typical("dev")], run_url=RUN)
    assert len(github.bodies()) == 1
    found = parse(github.bodies()[0])
    assert found.keys() == {"dev", "tst", "prd"}
    assert found["tst"] == parse(compose({}, [typical("tst")], run_url=RUN))["tst"]


@pytest.mark.parametrize(
    "fault",
    [DROP, Reply(502), Reply(drop=True, done=True), Reply(502, done=True)],
    ids=["reset", "502", "reset after it was done", "502 after it was done"],
)
def test_a_lost_answer_makes_no_second_comment(
    github: GitHub, client: Client, fault: Reply
) -> None:
    github.fail(CREATE, fault)
    assert write_comment(client, 7, [typical()], run_url=RUN)
    assert len(github.bodies()) == 1


def test_a_comment_made_meanwhile_is_merged(github: GitHub, client: Client) -> None:
    other = compose({}, [typical("tst")], run_url=f"{RUN}2")

    def meanwhile() -> None:
        github.add_comment(other)

    github.fail(CREATE, meanwhile)
    write_comment(client, 7, [typical("dev")], run_url=RUN)
    assert len(github.bodies()) == 1
    assert parse(github.bodies()[0]).keys() == {"dev", "tst"}


def test_a_section_lost_to_another_writer_is_written_again(github: GitHub, client: Client) -> None:
    stale = github.add_comment(compose({}, [plan("prd")], run_url=RUN))
    other = compose(parse(stale["body"]), [typical("tst")], run_url=f"{RUN}2")

    def overwritten() -> None:
        stale["body"] = other

    # after our edit, before our look: someone who had read the old text writes it back with theirs
    github.fail(LIST, lambda: None, overwritten)
    write_comment(client, 7, [typical("dev")], run_url=RUN)
    assert parse(github.bodies()[0]).keys() == {"prd", "tst", "dev"}


def test_a_comment_deleted_meanwhile_is_made_anew(github: GitHub, client: Client) -> None:
    github.add_comment(compose({}, [plan("prd")], run_url=RUN))
    github.fail(EDIT, github.comments[7].clear)
    write_comment(client, 7, [typical("dev")], run_url=RUN)
    assert [list(parse(body)) for body in github.bodies()] == [["prd", "dev"]] or [
        list(parse(body)) for body in github.bodies()
    ] == [["dev"]]


def test_five_runs_at_once_leave_one_comment_with_five_sections(github: GitHub) -> None:
    stages = ["dev", "tst", "prd", "eu", "us"]

    def run(stage: str) -> None:
        client = Client(
            f"{github.url}/api/v3", Secret(TOKEN), "org/repo", sleep=lambda wish: sleep(wish / 4)
        )
        write_comment(client, 7, [typical(stage)], run_url=f"{RUN}-{stage}")
        client.close()

    threads = [threading.Thread(target=run, args=(stage,)) for stage in stages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert github.bodies()
    # whoever writes next makes good what a race has left
    run("dev")
    assert len(github.bodies()) == 1
    assert "dev" in parse(github.bodies()[0])


def test_no_permission_is_said(github: GitHub, client: Client) -> None:
    github.fail(CREATE, Reply(403, NOT_ACCESSIBLE))
    with pytest.raises(Denied, match="Resource not accessible"):
        write_comment(client, 7, [typical()])


def test_no_such_pull_request(client: Client) -> None:
    with pytest.raises(NotFound, match="Not Found"):
        write_comment(client, 8, [typical()])
