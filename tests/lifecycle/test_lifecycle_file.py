"""An approval as a file in Git: what counts is what is committed on the branch that is applied."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from cicd.errors import CicdError, Refused
from cicd.lifecycle.approvals import Request, Surroundings
from cicd.lifecycle.file import FileApprovals, connect, owners_of
from cicd.model import ApprovalState, FileApproval

FILE = "approvals/prd.yaml"
REQUEST = Request(
    "churn/prd",
    "churn",
    "f" * 64,
    "Approve",
    parts={"deployment/serve ttl": "a" * 64},
    made={"execution/train": "e1"},
)
GIVEN = f"stage: churn/prd\nfingerprint: {'f' * 64}\ndecision: approved\n"


class Desk:
    """A repository, and the means of approval as an apply in it has them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environ: dict[str, str] = {}
        subprocess.run(["git", "init", "-q", "-b", "main", str(root)], check=True)
        (root / "stage.yaml").write_text("a: 1\n", encoding="utf-8")
        self.commit("Alice")

    def run(self, *words: str) -> str | None:
        done = subprocess.run(
            ["git", *words], cwd=self.root, capture_output=True, text=True, check=False
        )
        return None if done.returncode else done.stdout.strip()

    def commit(self, who: str) -> None:
        me = ("-c", f"user.name={who}", "-c", f"user.email={who.lower()}@example.com")
        assert self.run("add", "-A") is not None
        assert self.run(*me, "commit", "-qm", f"by {who}") is not None

    def means(self, **around: object) -> FileApprovals:
        plain = Surroundings(self.root, self.environ, self.run, branch="main", checked_out="main")
        return connect(FileApproval(FILE), replace(plain, **around))  # type: ignore[arg-type]

    def approve(self, who: str = "Bob", verdict: str = "approved", reason: str = "") -> None:
        self.means().decide(REQUEST, verdict, reason)  # type: ignore[arg-type]
        self.commit(who)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "repository")


def test_an_approval_counts_once_it_is_committed_and_names_who_committed_it(desk: Desk) -> None:
    assert desk.means().read(REQUEST).note == f"there is no {FILE}"
    given = desk.means().decide(REQUEST, "approved", "")
    assert given.note == f"commit {FILE} and push it to main"
    found = desk.means().read(REQUEST)
    assert found.state is ApprovalState.NONE and "is not committed" in found.note
    desk.commit("Bob")
    (desk.root / "other.txt").write_text("later", encoding="utf-8")
    desk.commit("Mallory")
    found = desk.means().read(REQUEST)
    assert found.is_given and found.by == "Bob <bob@example.com>"
    assert found.fingerprint == REQUEST.fingerprint and found.made == REQUEST.made
    assert found.link.startswith(f"{FILE}@") and found.at.endswith("Z")


def test_what_the_file_says_of_who_approved_is_only_a_claim(desk: Desk) -> None:
    desk.approve("Mallory")
    text = (desk.root / FILE).read_text(encoding="utf-8")
    (desk.root / FILE).write_text(text.replace('approved_by: "', 'approved_by: "boss'), "utf-8")
    desk.commit("Mallory")
    assert desk.means().read(REQUEST).by == "Mallory <mallory@example.com>"


def test_for_the_emulator_the_file_counts_as_it_lies_there(desk: Desk) -> None:
    desk.means(is_local=True).decide(REQUEST, "approved", "")
    assert desk.means(is_local=True).read(REQUEST).is_given
    assert not desk.means().read(REQUEST).is_given


def test_a_rejection_keeps_its_reason(desk: Desk) -> None:
    desk.approve(verdict="rejected", reason='too "slow"\n- x: y')
    found = desk.means().read(REQUEST)
    assert found.state is ApprovalState.REJECTED and found.note == 'too "slow"\n- x: y'


def test_an_approval_that_was_taken_back_counts_no_more(desk: Desk) -> None:
    desk.approve()
    (desk.root / FILE).unlink()
    desk.commit("Bob")
    assert desk.means().read(REQUEST).state is ApprovalState.NONE


def test_a_file_that_was_changed_since_and_not_committed_counts_as_committed(desk: Desk) -> None:
    desk.approve(verdict="rejected")
    desk.means().decide(REQUEST, "approved", "")
    assert desk.means().read(REQUEST).state is ApprovalState.REJECTED


def test_a_shallow_clone_is_refused_as_it_names_the_wrong_author(
    desk: Desk, tmp_path: Path
) -> None:
    desk.approve()
    (desk.root / "other.txt").write_text("later", encoding="utf-8")
    desk.commit("Mallory")
    clone = tmp_path / "clone"
    made = ["git", "clone", "-q", "--depth", "1", desk.root.as_uri(), str(clone)]
    subprocess.run(made, check=True)
    desk.root = clone
    with pytest.raises(Refused, match="shallow") as caught:
        desk.means().read(REQUEST)
    assert "fetch-depth: 0" in caught.value.hint
    assert desk.means(is_local=True).read(REQUEST).is_given


def test_what_is_committed_on_another_branch_does_not_count(desk: Desk) -> None:
    desk.run("switch", "-qc", "feature")
    desk.approve()
    assert not desk.means(checked_out="feature").read(REQUEST).is_given
    desk.run("switch", "-q", "main")
    desk.run("merge", "-q", "feature")
    desk.run("switch", "-q", "feature")
    assert desk.means(checked_out="feature").read(REQUEST).is_given


def test_of_a_commit_that_is_on_no_branch_the_branch_of_the_stage_counts(desk: Desk) -> None:
    desk.run("switch", "-q", "--detach")
    desk.approve()
    assert not desk.means(checked_out="").read(REQUEST).is_given
    # a CI system that fetches nothing but the commit knows no branch
    desk.run("branch", "-D", "main")
    assert desk.means(checked_out="").read(REQUEST).is_given


def test_a_branch_that_is_not_here_is_told(desk: Desk) -> None:
    found = desk.means(branch="prd").read(REQUEST)
    assert found.state is ApprovalState.NONE and "git fetch" in found.note


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("", "is no map"),
        ("[1]", "is no map"),
        ("{", "is no YAML"),
        ("stage: prd\n", "does not say fingerprint and decision"),
        (f"stage: prd\nfingerprint: {'f' * 64}\ndecision: maybe\n", "has to be approved or"),
        ("!!python/object/apply:os.system [x]", "is no YAML"),
        (f"{GIVEN}decision: rejected\n", "says decision twice"),
        (f"stage: tst\n{GIVEN}", "says stage twice"),
        (f"{GIVEN}---\ndecision: rejected\n", "holds 2 documents"),
        (f"<<<<<<< HEAD\n{GIVEN}=======\n{GIVEN}>>>>>>> main\n", "is no YAML"),
        (GIVEN.replace("f" * 64, "'  '"), "64 hexadecimal digits"),
        (GIVEN.replace("f" * 64, "f" * 12), "64 hexadecimal digits"),
        (GIVEN.replace("f" * 64, f"[{'f' * 64}]"), "64 hexadecimal digits"),
        (GIVEN.replace("approved", "yes"), "has to be approved or"),
    ],
)
def test_a_file_that_says_nothing_approves_nothing(desk: Desk, text: str, note: str) -> None:
    (desk.root / "approvals").mkdir()
    (desk.root / FILE).write_text(text, encoding="utf-8")
    desk.commit("Bob")
    found = desk.means().read(REQUEST)
    assert found.state is ApprovalState.NONE and note in found.note


def test_the_approval_of_another_stage_is_stale_even_with_the_same_fingerprint(desk: Desk) -> None:
    (desk.root / "approvals").mkdir()
    (desk.root / FILE).write_text(GIVEN.replace("churn/prd", "churn/tst"), encoding="utf-8")
    found = desk.means(is_local=True).read(REQUEST)
    assert found.state is ApprovalState.STALE and "is about the stage churn/tst" in found.note


def test_nothing_is_written_through_a_link_that_leads_out_of_the_project(
    desk: Desk, tmp_path: Path
) -> None:
    for name in ("file", "folder"):
        shutil.rmtree(desk.root / "approvals", ignore_errors=True)
        elsewhere = tmp_path / "elsewhere" / "prd.yaml"
        elsewhere.parent.mkdir(exist_ok=True)
        elsewhere.write_text("theirs", encoding="utf-8")
        if name == "file":
            (desk.root / "approvals").mkdir()
            (desk.root / FILE).symlink_to(elsewhere)
        else:
            (desk.root / "approvals").unlink(missing_ok=True)
            (desk.root / "approvals").symlink_to(elsewhere.parent)
        with pytest.raises(Refused, match="leads out of the project"):
            desk.means().decide(REQUEST, "approved", "")
        assert elsewhere.read_text("utf-8") == "theirs"


@pytest.mark.parametrize("name", ["prd*.yaml", "prd[1-9].yaml", "prd?.yaml", ":(top)prd.yaml"])
def test_a_name_like_a_pattern_is_that_of_one_file(desk: Desk, name: str) -> None:
    def means() -> FileApprovals:
        around = Surroundings(desk.root, {}, desk.run, branch="main", checked_out="main")
        return connect(FileApproval(name), around)

    means().decide(REQUEST, "approved", "")
    desk.commit("Bob")
    (desk.root / "prd1.yaml").write_text(GIVEN, encoding="utf-8")
    desk.commit("Mallory")
    found = means().read(REQUEST)
    assert found.is_given and found.by == "Bob <bob@example.com>"


@pytest.mark.parametrize("text", ["platform: aicore\n", "words\n", "[1]", "stage: prd\n", "{"])
def test_what_is_no_approval_is_never_written_over(desk: Desk, text: str) -> None:
    (desk.root / "approvals").mkdir()
    (desk.root / FILE).write_text(text, encoding="utf-8")
    with pytest.raises(Refused, match="something else than an approval"):
        desk.means().decide(REQUEST, "approved", "")
    assert (desk.root / FILE).read_text("utf-8") == text


def test_an_approval_that_a_merge_has_broken_is_written_anew(desk: Desk) -> None:
    desk.approve()
    text = (desk.root / FILE).read_text("utf-8")
    text = f"<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> b\n"
    (desk.root / FILE).write_text(text, encoding="utf-8")
    desk.means().decide(REQUEST, "approved", "")
    assert desk.means(is_local=True).read(REQUEST).is_given


def test_a_file_with_windows_line_endings_and_by_hand_is_read(desk: Desk) -> None:
    (desk.root / "approvals").mkdir()
    text = f"stage: churn/prd\r\nfingerprint: {'F' * 64}\r\ndecision: Approved\r\n"
    text += "approved_by: jürgen@example.com\r\nat: 2026-11-30T10:00:00Z\r\n"
    (desk.root / FILE).write_bytes(b"\xef\xbb\xbf" + text.encode())
    found = desk.means(is_local=True).read(REQUEST)
    assert found.is_given and found.fingerprint == REQUEST.fingerprint
    assert (found.by, found.at) == ("jürgen@example.com", "2026-11-30T10:00:00Z")


def test_where_signers_are_named_an_unsigned_commit_does_not_count(
    desk: Desk, tmp_path: Path
) -> None:
    desk.approve()
    signers = tmp_path / "signers"
    signers.write_text("", encoding="utf-8")
    desk.environ["CICD_ALLOWED_SIGNERS"] = str(signers)
    found = desk.means().read(REQUEST)
    assert found.state is ApprovalState.NONE and "not signed" in found.note


def test_a_file_that_cannot_be_written_is_told(desk: Desk) -> None:
    (desk.root / "approvals").write_text("a file", encoding="utf-8")
    with pytest.raises(CicdError, match="cannot be written"):
        desk.means().decide(REQUEST, "approved", "")


OWNED: Mapping[str, tuple[str, ...]] = {
    "* @all\n/approvals/ @org/ml-approvers\n": ("@org/ml-approvers",),
    "* @all\n": ("@all",),
    "approvals @a @b # who\n": ("@a", "@b"),
    "/approvals/ @a\n/approvals/prd.yaml @b\n": ("@b",),
    "# approvals @a\n": (),
    "*.py @a\n": (),
    "": (),
}


@pytest.mark.parametrize("text", OWNED)
def test_owners_of_the_file_are_those_of_the_last_line_that_fits(text: str) -> None:
    assert owners_of(FILE, text) == OWNED[text]


def test_who_may_approve_is_told_by_codeowners(desk: Desk) -> None:
    assert desk.means().read(REQUEST).approvers == f"whoever may push {FILE} to main"
    (desk.root / "CODEOWNERS").write_text("/approvals/ @org/ml\n", encoding="utf-8")
    desk.commit("Alice")
    assert desk.means().read(REQUEST).approvers == "@org/ml"
