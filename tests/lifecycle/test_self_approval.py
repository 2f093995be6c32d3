"""An approval in Git of somebody who has not written what it is about: real repositories."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cicd.errors import Refused
from cicd.lifecycle.approvals import Request, Surroundings
from cicd.lifecycle.file import FileApprovals, connect
from cicd.model import ApprovalState, FileApproval

FILE = "approvals/prd.yaml"
MAIL = {"Bob": "bob@example.com", "Alice": "alice@example.com", "Carol": "carol@example.com"}


class Desk:
    """A project in a repository. ``plan``: the number of what is to be approved now."""

    def __init__(self, root: Path, folder: str = "") -> None:
        self.root, self.project, self.plan = root, root / folder, 1
        self.project.mkdir(parents=True)
        subprocess.run(["git", "init", "-q", "-b", "main", str(root)], check=True)

    def run(self, *words: str) -> str | None:
        done = subprocess.run(
            ["git", *words], cwd=self.project, capture_output=True, text=True, check=False
        )
        return None if done.returncode else done.stdout.strip()

    def commit(self, who: str, message: str = "change", mail: str = "") -> None:
        me = ("-c", f"user.name={who}", "-c", f"user.email={mail or MAIL[who]}")
        assert self.run("add", "-A", ":/") is not None
        assert self.run(*me, "commit", "-qm", message) is not None

    def change(self, who: str, text: str = "", name: str = "train.py", **how: str) -> None:
        """Somebody changes what is to serve: it is another plan then."""
        (self.root / name).write_text(text or f"turns = {self.plan}", encoding="utf-8")
        self.plan += 1
        self.commit(who, **how)

    @property
    def request(self) -> Request:
        head = self.run("rev-parse", "HEAD") or ""
        return Request("churn/prd", "churn", f"{self.plan:064x}", "Approve", commit=head)

    def means(self, **around: object) -> FileApprovals:
        plain = Surroundings(self.project, {}, self.run, branch="main", checked_out="main")
        settings = FileApproval(FILE, prevent_self_approval=True)
        return connect(settings, replace(plain, **around))  # type: ignore[arg-type]

    def approve(self, who: str, mail: str = "") -> None:
        self.means().decide(self.request, "approved", "")
        self.commit(who, mail=mail)

    def state(self) -> str:
        found = self.means().read(self.request)
        assert found.is_given or found.state is ApprovalState.STALE or "somebody else" in found.note
        return found.state.value


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "repository")


def of_another(desk: Desk) -> None:
    desk.change("Alice")
    desk.approve("Bob")


def of_ones_own(desk: Desk) -> None:
    desk.change("Bob")
    desk.approve("Bob")


def of_both(desk: Desk) -> None:
    desk.change("Bob")
    desk.change("Alice")
    desk.approve("Bob")


def of_what_another_has_approved_before(desk: Desk) -> None:
    desk.change("Bob")
    desk.approve("Alice")
    desk.change("Alice")
    desk.approve("Bob")


def twice_of_ones_own(desk: Desk) -> None:
    of_ones_own(desk)
    desk.means().decide(desk.request, "approved", "once more")
    desk.commit("Bob")


def after_one_of_an_older_plan(desk: Desk) -> None:
    """Somebody approves what was planned before, and it lands later."""
    desk.change("Carol")
    desk.means().decide(desk.request, "approved", "")
    text = (desk.root / FILE).read_text("utf-8")
    (desk.root / FILE).unlink()
    desk.change("Bob")
    (desk.root / FILE).write_text(text, "utf-8")
    desk.commit("Alice")
    desk.approve("Bob")


def before_ones_own_change(desk: Desk) -> None:
    """The fingerprint of what is only going to be pushed."""
    desk.change("Alice")
    desk.plan += 1
    desk.approve("Bob")
    desk.plan -= 1
    desk.change("Bob")


def together_with_the_change(desk: Desk) -> None:
    desk.change("Alice")
    desk.means().decide(desk.request, "approved", "")
    (desk.root / "train.py").write_text("turns = 99", "utf-8")
    desk.commit("Bob")


def as_a_co_author(desk: Desk) -> None:
    desk.change("Alice", message="squashed\n\nCo-authored-by: Robert <BOB@example.com>")
    desk.approve("Bob")


def with_another_mail(desk: Desk) -> None:
    desk.change("Bob", mail="1+bob@users.noreply.example.com")
    desk.approve("Bob")


def with_another_name_and_mail_of_the_mailmap(desk: Desk) -> None:
    desk.change("Alice", "Bob <bob@example.com> <b@home.example>\n", ".mailmap")
    desk.change("Robert", mail="b@home.example")
    desk.approve("Bob")


def who_merged_the_change_of_another(desk: Desk) -> None:
    desk.change("Alice")
    desk.run("switch", "-qc", "feature")
    desk.change("Alice", "a file", "new.py")
    desk.run("switch", "-q", "main")
    desk.change("Carol", "another", "other.py")
    me = ("-c", "user.name=Bob", "-c", "user.email=bob@example.com")
    assert desk.run(*me, "merge", "-q", "--no-ff", "-m", "merged", "feature") is not None
    desk.approve("Bob")


def who_put_a_change_into_the_merge(desk: Desk) -> None:
    desk.change("Alice")
    desk.run("switch", "-qc", "feature")
    desk.change("Alice", "a file", "new.py")
    desk.run("switch", "-q", "main")
    desk.change("Carol", "another", "other.py")
    desk.run("merge", "-q", "--no-ff", "--no-commit", "feature")
    desk.change("Bob", "of my own", "hidden.py", message="merged")
    desk.approve("Bob")


@pytest.mark.parametrize(
    ("happens", "state"),
    [
        (of_another, "approved"),
        (of_ones_own, "none"),
        (of_both, "none"),
        (of_what_another_has_approved_before, "approved"),
        (twice_of_ones_own, "none"),
        (after_one_of_an_older_plan, "none"),
        (before_ones_own_change, "none"),
        (together_with_the_change, "none"),
        (as_a_co_author, "none"),
        (with_another_mail, "none"),
        (with_another_name_and_mail_of_the_mailmap, "none"),
        (who_merged_the_change_of_another, "approved"),
        (who_put_a_change_into_the_merge, "none"),
    ],
)
def test_nobody_approves_what_they_have_written(
    desk: Desk, happens: Callable[[Desk], None], state: str
) -> None:
    happens(desk)
    assert desk.state() == state


def test_the_commit_and_who_it_is_of_are_told(desk: Desk) -> None:
    of_ones_own(desk)
    own = desk.run("rev-parse", "HEAD~1") or ""
    told = desk.means().read(desk.request).note
    assert told == f"Bob <bob@example.com> has changed it in {own[:12]}: somebody else approves it"


def test_what_lies_outside_of_the_project_counts_too(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "repository", "models/churn")
    desk.change("Bob", name="base.yaml")
    desk.approve("Bob")
    assert desk.state() == "none"
    desk.means().decide(desk.request, "approved", "by another")
    desk.commit("Alice")
    assert desk.state() == "approved"


def test_anybody_rejects_also_what_is_their_own(desk: Desk) -> None:
    desk.change("Bob")
    desk.means().decide(desk.request, "rejected", "a slip")
    desk.commit("Bob")
    assert desk.means().read(desk.request).state is ApprovalState.REJECTED


def test_a_shallow_history_is_refused_with_the_cure(desk: Desk, tmp_path: Path) -> None:
    of_another(desk)
    clone = tmp_path / "clone"
    made = ["git", "clone", "-q", "--depth", "1", desk.root.as_uri(), str(clone)]
    subprocess.run(made, check=True)
    request, desk.project = desk.request, clone
    with pytest.raises(Refused, match="shallow") as caught:
        desk.means().read(request)
    assert "fetch-depth: 0" in caught.value.hint


def test_a_history_that_git_does_not_tell_is_refused_with_the_cure(desk: Desk) -> None:
    of_another(desk)

    def half(*words: str) -> str | None:
        return None if "--name-only" in words else desk.run(*words)

    with pytest.raises(Refused, match="does not tell") as caught:
        desk.means(git=half).read(desk.request)
    assert "git fetch --unshallow" in caught.value.hint


def test_for_the_emulator_it_counts_as_it_lies_there(desk: Desk) -> None:
    desk.change("Bob")
    desk.means(is_local=True).decide(desk.request, "approved", "")
    assert desk.means(is_local=True).read(desk.request).is_given
