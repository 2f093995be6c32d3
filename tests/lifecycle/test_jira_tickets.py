"""B28: a ticket of Jira as a means of approval, on Cloud and on Data Center alike."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from cicd.errors import NotFound, Refused
from cicd.lifecycle.jira import adf
from cicd.model import ApprovalState, Secret
from tests.lifecycle.jira_documents import document_of
from tests.lifecycle.jira_server import ALICE, BOT, DROP, LOST, MALLORY, Reply, errors
from tests.lifecycle.jira_world import OTHER, PLAN, REQUEST, World

NONE, PENDING, APPROVED, REJECTED, STALE = ApprovalState


def asked(world: World) -> str:
    """The key of the ticket that asks for the plan."""
    world.tickets().ask(REQUEST)
    return world.jira.keys()[-1]


def test_reading_changes_nothing(world: World) -> None:
    approval = world.tickets().read(REQUEST)
    assert (approval.state, approval.link) == (NONE, "")
    assert not world.jira.issues
    assert not [one for one in world.jira.requests if one.path in {"/issue", "/issue/K/comment"}]


def test_it_is_asked_for_once_however_often(world: World) -> None:
    first, again = (world.tickets().ask(REQUEST) for _ in range(2))
    [key] = world.jira.keys()
    assert first.state is again.state is PENDING
    assert first.link == again.link == f"{world.jira.url}/browse/{key}"
    assert first.approvers == "whoever may move it to Done or Approved"
    assert len(world.jira.sent("POST /issue")) == 1
    assert len(world.jira.issue(key)["comments"]) == 1  # the plan


def test_the_ticket_says_what_of_and_how_to_decide(world: World) -> None:
    issue = world.jira.issue(asked(world))
    fields, told = issue["fields"], json.dumps(issue["fields"]["description"])
    assert fields["summary"] == "Approve prd: churn (3fa94c1d2b77)"
    assert fields["labels"] == ["cicd", "cicd-3fa94c1d2b77", "cicd-stage-churn-prd"]
    assert (fields["project"], fields["issuetype"]) == ({"key": "ML"}, {"name": "Task"})
    for words in (PLAN, "c0ffee", "https://ci.example.com/runs/7", "Done or Approved"):
        assert words in told
    assert issue["properties"]["cicd"]["fingerprint"] == PLAN
    assert "hello -" in json.dumps(issue["comments"][0]["body"])


def test_a_ticket_moved_to_an_approved_status_approves(world: World) -> None:
    key = asked(world)
    world.jira.move(key, "In Review", ALICE)
    assert world.tickets().read(REQUEST).state is PENDING
    world.jira.move(key, "Done", ALICE)
    approval = world.tickets().read(REQUEST)
    assert approval.is_given
    assert (approval.by, approval.fingerprint) == ("Alice", PLAN)
    assert approval.at.startswith("2026-11-30T1")
    assert approval.at.endswith("Z")
    assert approval.parts == REQUEST.parts


@pytest.mark.parametrize("names", [("done",), ("DONE", "x"), ("10001",), (" Done ",)])
def test_a_status_counts_by_its_name_in_any_case_or_by_its_id(
    world: World, names: tuple[str, ...]
) -> None:
    world.settings = {"approved": names}
    world.jira.move(asked(world), "Done")
    assert world.tickets().read(REQUEST).is_given


def test_b28_ticket_rejected_says_by_whom_and_why(world: World) -> None:
    key = asked(world)
    world.jira.say(key, "metrics are  too\nlow", ALICE)
    world.jira.say(key, "me too", MALLORY)
    world.jira.move(key, "Rejected", ALICE)
    approval = world.tickets().read(REQUEST)
    assert approval.state is REJECTED
    assert (approval.by, approval.note) == ("Alice", "metrics are too low")
    assert world.tickets().ask(REQUEST) == approval
    assert len(world.jira.issues) == 1


def test_a_ticket_closed_otherwise_is_no_approval(world: World) -> None:
    world.jira.move(asked(world), "Won't Do")
    approval = world.tickets().read(REQUEST)
    assert approval.state is REJECTED
    assert '"Won\'t Do", which is in neither approved nor rejected' in approval.note


def test_b28_ticket_deleted_gets_a_new_one_and_it_is_said(world: World) -> None:
    key = asked(world)
    world.jira.move(key, "Done")
    # the search lags behind: it still finds what is gone
    world.jira.fail(f"GET /issue/{key}", Reply(404, {"errorMessages": ["gone"], "errors": {}}))
    approval = world.tickets().ask(REQUEST)
    assert approval.state is PENDING
    assert approval.note == f"{key} was deleted"
    world.jira.delete(key)
    assert world.jira.keys()[-1] != key
    assert world.tickets().read(REQUEST).state is PENDING


@pytest.mark.parametrize(
    "reply",
    [
        LOST,
        Reply(502, "<html>Bad Gateway</html>", done=True),
        Reply(503, {"message": "later"}, {"Retry-After": "1"}, done=True),
        Reply(500, {"errorMessages": ["Internal server error"], "errors": {}}, done=True),
        Reply(200, "<html>Log in</html>", done=True),
        Reply(408, done=True),
        Reply(201, done=True),
    ],
    ids=["reset", "502", "503", "500", "page", "408", "empty"],
)
def test_b28_ticket_whose_answer_was_lost_is_looked_for_and_not_made_twice(
    world: World, reply: Reply
) -> None:
    world.jira.lag = 6
    world.jira.fail("POST /issue", reply)
    approval = world.tickets().ask(REQUEST)
    [key] = world.jira.keys()
    assert approval.link.endswith(key)
    assert len(world.jira.sent("POST /issue")) == 1
    assert world.naps == [2.0] * 7


def test_a_lost_ticket_that_is_not_found_in_a_minute_is_refused_and_found_later(
    world: World,
) -> None:
    world.jira.lag = 100
    world.jira.fail("POST /issue", LOST)
    with pytest.raises(Refused, match=r"answer to a new ticket of ML was lost.*run the same again"):
        world.tickets().ask(REQUEST)
    assert sum(world.naps) == 60.0
    for issue in world.jira.issues.values():
        issue["blind"] = 0
    assert world.tickets().ask(REQUEST).state is PENDING
    assert len(world.jira.sent("POST /issue")) == 1


def test_a_create_that_was_never_taken_is_not_repeated_either(world: World) -> None:
    world.jira.fail("POST /issue", DROP)
    with pytest.raises(Refused, match="is not to be found"):
        world.tickets().ask(REQUEST)
    assert len(world.jira.sent("POST /issue")) == 1
    assert world.tickets().ask(REQUEST).state is PENDING


def test_b28_of_tickets_created_twice_the_oldest_counts_and_the_others_are_closed(
    world: World,
) -> None:
    world.jira.lag = 2  # the second run does not see the first one's ticket
    first, second = asked(world), asked(world)
    assert len({first, second}) == 2
    for issue in world.jira.issues.values():
        issue["blind"] = 0
    approval = world.tickets().ask(REQUEST)
    assert approval.link.endswith(first)
    assert world.jira.status(second) == "Rejected"
    assert first.replace("-", "") in json.dumps(world.jira.issue(second)["comments"]).replace(
        "-", ""
    ).replace("\\\\", "")
    # the newer one says nothing, whatever somebody makes of it
    world.jira.move(second, "Done")
    assert world.tickets().read(REQUEST).state is PENDING
    world.jira.move(first, "Done")
    assert world.tickets().read(REQUEST).is_given


def test_a_duplicate_that_cannot_be_rejected_is_closed_otherwise_and_never_approved(
    world: World,
) -> None:
    world.settings = {"approved": ("Done", "Rejected"), "rejected": ("Refused",)}
    world.jira.lag = 2
    asked(world)
    second = asked(world)
    for issue in world.jira.issues.values():
        issue["blind"] = 0
    world.tickets().ask(REQUEST)
    assert world.jira.status(second) == "Won't Do"


def test_b28_approval_withdrawn_is_none_any_more(world: World) -> None:
    key = asked(world)
    world.jira.move(key, "Done", ALICE)
    tickets = world.tickets()
    assert tickets.read(REQUEST).is_given
    world.jira.move(key, "In Review", MALLORY)
    approval = tickets.read(REQUEST)  # the same object: nothing is remembered
    assert approval.state is PENDING
    assert approval.note.startswith("the approval of Alice was withdrawn by Mallory at 2026-")


def test_b28_approval_of_another_fingerprint_does_not_count(world: World) -> None:
    key = asked(world)
    world.jira.move(key, "Done", ALICE)
    approval = world.tickets().read(world.another_plan())
    assert approval.state is STALE
    assert (approval.fingerprint, approval.by) == (PLAN, "Alice")
    assert approval.note == f"{key} (approved) is of another plan"
    assert approval.parts == REQUEST.parts
    new = world.tickets().ask(world.another_plan())
    assert new.state is PENDING
    assert len(world.jira.issues) == 2
    assert len(world.jira.issue(key)["comments"]) == 2  # the old one says where it goes on
    # and of two the one that is of this plan counts, whichever is newer
    assert world.tickets().read(REQUEST).is_given


def test_a_ticket_of_another_plan_that_nobody_decided_is_no_decision(world: World) -> None:
    key = asked(world)
    approval = world.tickets().read(world.another_plan())
    assert (approval.state, approval.note) == (NONE, f"{key} (pending) is of another plan")
    world.tickets().ask(world.another_plan())
    assert "Another plan" in json.dumps(world.jira.issue(key)["comments"][-1]["body"])


def test_another_model_under_the_same_plan_is_asked_for_anew(world: World) -> None:
    first = replace(REQUEST, made={"execution/train": "e1"})
    world.tickets().ask(first)
    key = world.jira.keys()[0]
    world.jira.move(key, "Done", ALICE)
    assert world.tickets().read(first).is_given
    again = replace(REQUEST, made={"execution/train": "e2"})
    former = world.tickets().read(again)
    assert (former.state, former.made) == (STALE, {"execution/train": "e1"})
    assert world.tickets().ask(again).state is PENDING
    assert world.tickets().ask(again).state is PENDING
    assert len(world.jira.issues) == 2
    assert world.tickets().read(first).is_given


def test_tickets_of_other_stages_are_left_alone(world: World) -> None:
    key = asked(world)
    world.jira.move(key, "Done", ALICE)
    other = replace(REQUEST, stage="churn/tst")
    assert world.tickets().read(other).state is NONE
    # two names with one label
    same = replace(REQUEST, stage="churn prd", fingerprint=OTHER)
    assert world.tickets().read(same).state is NONE


def test_the_proof_is_asked_for_by_itself_where_a_ticket_does_not_tell_it(world: World) -> None:
    world.jira.is_without_properties = True
    forged = world.jira.add(MALLORY, labels=["cicd-3fa94c1d2b77"])
    key = asked(world)
    assert key != forged
    world.jira.move(key, "Done")
    assert world.tickets().read(REQUEST).is_given
    assert len(world.jira.sent(f"GET /issue/{key}/properties/cicd")) == 1


def test_fields_and_reasons_that_we_may_not_see_stop_nothing(world: World) -> None:
    world.jira.fail("GET /field", errors(403, "no right"))
    world.settings = {"fields": {"customfield_10012": "ML"}}
    key = asked(world)
    assert world.jira.issue(key)["fields"]["customfield_10012"] == "ML"
    world.jira.move(key, "Rejected", ALICE)
    world.jira.fail("GET /issue/.*/comment", errors(403, "no right"))
    approval = world.tickets().read(REQUEST)
    assert (approval.state, approval.by, approval.note) == (REJECTED, "Alice", "")


def test_a_label_that_somebody_typed_does_not_count(world: World) -> None:
    labels = ["cicd", "cicd-3fa94c1d2b77", "cicd-stage-churn-prd"]
    forged = world.jira.add(MALLORY, labels=labels)
    world.jira.move(forged, "Done", MALLORY)
    assert world.tickets().read(REQUEST).state is NONE
    approval = world.tickets().ask(REQUEST)
    assert not approval.link.endswith(forged)
    assert not world.jira.issue(forged)["comments"]


def test_a_hundred_forged_labels_do_not_hide_the_ticket(world: World) -> None:
    key = asked(world)
    world.jira.max_page = 2
    for _ in range(5):
        world.jira.add(MALLORY, labels=["cicd-3fa94c1d2b77"])
    world.jira.move(key, "Done")
    assert world.tickets().read(REQUEST).is_given


def test_the_account_that_asks_cannot_approve(world: World) -> None:
    key = asked(world)
    world.jira.move(key, "Done", BOT)
    approval = world.tickets().read(REQUEST)
    assert approval.state is PENDING
    assert "the account that asks: somebody else has to" in approval.note


def test_nobody_applies_what_they_have_approved_themselves(world: World) -> None:
    key = asked(world)
    world.jira.move(key, "Done", ALICE)
    mine = world.tickets(ALICE).read(REQUEST)
    assert mine.state is PENDING
    assert 'moved to "Done" by Alice, as whom cicd runs here' in mine.note
    assert world.tickets().read(REQUEST).is_given


def test_a_ticket_that_nobody_moved_approves_nothing(world: World) -> None:
    key = asked(world)
    world.jira.issue(key)["status"] = "Done"  # made in it, as some workflows have it
    approval = world.tickets().read(REQUEST)
    assert approval.state is PENDING
    assert "nobody has moved it there" in approval.note


def name_of_alice(world: World) -> str:
    return ALICE.account_id if world.jira.is_cloud else "alice@example.com"


def test_b28_not_allowed_approver_does_not_count(world: World) -> None:
    world.settings = {"approvers": (name_of_alice(world),)}
    key = asked(world)
    world.jira.move(key, "Done", MALLORY)
    approval = world.tickets().read(REQUEST)
    assert approval.state is PENDING
    assert approval.approvers == name_of_alice(world)
    assert "Mallory is none of its approvers" in approval.note
    world.jira.move(key, "In Review", MALLORY)
    world.jira.move(key, "Done", ALICE)
    assert world.tickets().read(REQUEST).is_given


def test_a_name_that_anybody_can_take_names_no_approver(world: World) -> None:
    world.settings = {"approvers": ("Alice Smith",)}
    key = asked(world)
    world.jira.move(key, "Done", ALICE)
    for change in world.jira.issue(key)["changes"]:
        change["author"]["displayName"] = "Alice Smith"
    approval = world.tickets().read(REQUEST)
    assert approval.state is PENDING
    assert "a shown name can be anybody's, name the account as " in approval.note


def test_who_moved_it_is_found_behind_many_changes(world: World) -> None:
    key = asked(world)
    world.jira.max_page = 3
    for _ in range(4):
        world.jira.move(key, "In Review", MALLORY)
        world.jira.move(key, "Open", MALLORY)
    world.jira.move(key, "Done", ALICE)
    assert world.tickets().read(REQUEST).by == "Alice"


def test_deciding_moves_the_ticket_and_says_why(world: World) -> None:
    key = asked(world)
    approval = world.tickets(ALICE).decide(REQUEST, "rejected", "too slow")
    assert approval.state is REJECTED
    assert (approval.by, approval.note.rpartition(": ")[2]) == ("Alice", "too slow")
    world.jira.move(key, "In Review", ALICE)
    world.tickets(ALICE).decide(REQUEST, "approved", "")
    assert world.jira.status(key) == "Done"
    assert world.tickets().read(REQUEST).is_given
    moves = len(world.jira.sent("POST .*transitions"))
    world.tickets(ALICE).decide(REQUEST, "approved", "")  # twice is once
    assert len(world.jira.sent("POST .*transitions")) == moves


@pytest.mark.parametrize("names", [("Approve",), ("approve",), ("10001",)])
def test_a_transition_is_found_by_where_it_leads_or_by_its_own_name(
    world: World, names: tuple[str, ...]
) -> None:
    key = asked(world)
    world.tickets(ALICE, approved=names).decide(REQUEST, "approved", "")
    assert world.jira.status(key) == "Done"


def test_a_transition_that_is_not_open_is_refused_and_the_open_ones_are_told(
    world: World,
) -> None:
    key = asked(world)
    guest = replace(MALLORY, is_approver=False)
    world.jira.users[2] = guest
    with pytest.raises(Refused) as caught:
        world.tickets(guest).decide(REQUEST, "approved", "")
    told = str(caught.value)
    assert f'{key} is in "Open", and no transition to Done or Approved is open to Mallory' in told
    assert "Start review (to In Review)" in told
    assert f"/browse/{key}" in told
    assert world.jira.status(key) == "Open"


def test_a_decision_that_would_not_count_is_refused_before_anything_is_sent(
    world: World,
) -> None:
    with pytest.raises(Refused, match=r"no ticket of ML asks for this plan of churn/prd.*apply"):
        world.tickets(ALICE).decide(REQUEST, "approved", "")
    asked(world)
    with pytest.raises(Refused, match=r"Cicd-Bot asks with ML-\d+, and cannot approve it"):
        world.tickets().decide(REQUEST, "approved", "")
    with pytest.raises(Refused, match="Mallory is none of its approvers"):
        world.tickets(MALLORY, approvers=("alice",)).decide(REQUEST, "approved", "")
    assert not world.jira.sent("POST .*transitions")


def test_a_decision_whose_answer_was_lost_is_looked_at(world: World) -> None:
    key = asked(world)
    world.jira.fail("POST .*transitions", LOST)
    world.jira.fail("POST .*comment", LOST)
    assert world.tickets(ALICE).decide(REQUEST, "approved", "fine").is_given
    assert len(world.jira.sent("POST .*transitions")) == 1
    assert len(world.jira.issue(key)["comments"]) == 2
    assert world.jira.status(key) == "Done"


def test_further_fields_are_found_by_name_and_written_as_jira_takes_them(world: World) -> None:
    world.settings = {
        "fields": {
            "Risk": "High",
            "customfield_10011": "see *there*",
            "Team": "ML [a|b]",
            "Priority": "High",
            "components": ["serving"],
            "labels": ["mlops"],
        }
    }
    fields = world.jira.issue(asked(world))["fields"]
    assert fields["customfield_10010"] == {"value": "High"}
    rich = document_of("see *there*") if world.jira.is_cloud else r"see \*there\*"
    assert fields["customfield_10011"] == rich
    assert fields["customfield_10012"] == "ML [a|b]"
    assert fields["priority"] == {"name": "High"}
    assert fields["components"] == [{"name": "serving"}]
    assert fields["labels"][-1] == "mlops"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"Riks": "x"}, "approval.jira.fields.Riks: Riks is no field of this Jira"),
        ({"summary": "x"}, "summary is written by cicd itself"),
        ({"Team": Secret("kanary-secret")}, "Team is a secret, and a ticket is read by many"),
        ({"Risk": {"value": [Secret("kanary-secret")]}}, "Risk is a secret"),
        ({"Team": "of kanary-41f7"}, "Team is a secret"),  # from the environment
    ],
)
def test_a_field_that_cannot_be_written_is_refused(
    world: World, fields: dict[str, Any], told: str
) -> None:
    world.hidden = "kanary-41f7"
    with pytest.raises(Refused) as caught:
        world.tickets(fields=fields).ask(REQUEST)
    assert told in str(caught.value)
    assert not world.jira.issues


def test_a_huge_plan_and_a_long_title_fit_into_what_jira_takes(world: World) -> None:
    text = "\n".join(f"~ deployment/serve-{n}: \U0001f600 é → x" for n in range(9000))
    request = replace(REQUEST, title=f"Approve\n{'very ' * 100}long \U0001f600", text=text)
    approval = world.tickets().ask(request)
    [key] = world.jira.keys()
    assert approval.note == ""
    [comment] = world.jira.issue(key)["comments"]
    assert "and more: see the run" in json.dumps(comment["body"], ensure_ascii=False)
    assert world.jira.issue(key)["fields"]["summary"].endswith("(3fa94c1d2b77)")
    many = {f"deployment/serve field-{n}": "0" * 8 for n in range(3000)}
    world.tickets().ask(world.another_plan(parts=many))
    assert len(world.jira.issues) == 2


def test_a_plan_comment_that_was_not_written_is_written_by_the_next_run(world: World) -> None:
    world.jira.fail("POST .*comment", errors(403, "no permission to comment"))
    approval = world.tickets().ask(REQUEST)
    assert approval.state is PENDING
    assert "the plan could not be written as a comment: Jira answers 403" in approval.note
    key = world.jira.keys()[0]
    assert not world.jira.issue(key)["comments"]
    world.tickets().ask(REQUEST)
    assert len(world.jira.issue(key)["comments"]) == 1


def test_the_plan_is_written_without_what_a_forge_makes_of_it(world: World) -> None:
    text = (
        "### Stage <code>prd</code>: 1 to update\n\n> [!IMPORTANT]\n> **Waits:** a\\_b\n\n\n\n"
        "<details><summary><b>update</b> <code>deployment/serve</code></summary>\n\n"
        '  ```diff\n- x: "&lt;b&gt; @\u200borg"\n  ```\n</details>'
    )
    world.tickets().ask(replace(REQUEST, text=text))
    [comment] = world.jira.issue(world.jira.keys()[0])["comments"]
    told = adf.plain_text(comment["body"])
    words = 'update deployment/serve - x: "<b> @org"'
    assert f"### Stage prd: 1 to update Waits: a_b {words}" in told.replace("{noformat}", "")


def test_no_secret_is_in_a_ticket(world: World) -> None:
    world.hidden = "kanary-41f7"
    request = replace(
        REQUEST, text="+ token: kanary-41f7", author="kanary-41f7", link="https://x/kanary-41f7"
    )
    world.tickets().ask(request)
    assert "kanary-41f7" not in json.dumps([one.body for one in world.jira.requests])


def test_a_check_tells_what_stands_in_the_way_of_a_ticket(world: World) -> None:
    def found(**settings: Any) -> list[tuple[str, str, str]]:
        return [(one.state, one.text, one.cure) for one in world.tickets(**settings).check()]

    login = ("ok", f"logged in at {world.jira.url} as Cicd-Bot", "")
    assert found() == [login]
    wrong_type = "ML has no tickets of the type Epic"
    assert found(issue_type="Epic")[1:] == [
        ("error", wrong_type, "set issue_type to one of Approval, Task")
    ]
    names = "set approved to some of Open, In Review, Done, Rejected, Won't Do"
    assert found(approved=("Doen", "OK"))[1:] == [
        ("error", "no Task of ML can ever be Doen or OK", names)
    ]
    world.jira.forbidden = {"CREATE_ISSUES"}
    assert found()[1][:2] == ("error", "Cicd-Bot may not CREATE_ISSUES in ML")
    with pytest.raises(NotFound, match="No project could be found with key 'NOPE'"):
        found(project="NOPE")
