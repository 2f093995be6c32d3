"""The environment as stage files read it: what is taken from it is never shown from then on.

What says where stages go is read past it (``Surroundings.places``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cicd.masking import Mask, may_be_secret, parts, without_logins

_FACTS = (
    *("GITHUB_", "CI_", "GITLAB_USER_", "BUILD_", "SYSTEM_", "RUNNER_"),
    *("BRANCH_NAME", "TAG_NAME", "JOB_NAME", "CHANGE_", "GIT_BRANCH", "GIT_COMMIT", "GIT_URL"),
)
"""How the names of what a CI system tells about its run begin: branches, commits, numbers."""


class Environment(Mapping[str, str]):
    """``environ`` over what stands in for unset variables; ``mask`` learns what is read."""

    def __init__(
        self,
        environ: Mapping[str, str],
        mask: Mask,
        stand_ins: Mapping[str, str] | None = None,
    ) -> None:
        self._own = environ
        self._environ = {**(stand_ins or {}), **environ}
        self._mask = mask

    def __getitem__(self, name: str) -> str:
        value = self._environ[name]
        is_fact = name.startswith(_FACTS) and not may_be_secret(name)
        # GitLab's CI_REPOSITORY_URL has the token of the job in it
        is_fact = is_fact and without_logins(value) == value
        # Facts of a CI run are no secrets, and to hide each word that is also the name of a branch
        # would make messages useless.
        if name in self._own and not is_fact:
            self._mask.add(_made_of(value))
        return value

    def __contains__(self, name: object) -> bool:
        """Whether it is set: who asks that takes nothing from it."""
        return name in self._environ

    def __iter__(self) -> Iterator[str]:
        return iter(self._environ)

    def __len__(self) -> int:
        return len(self._environ)


def _made_of(value: str) -> Iterator[str]:
    """A value, what of it may be repeated by itself, and the names that things get after it."""
    from cicd.config.formats import slug
    from cicd.config.remotes import repository_name

    yield value
    yield from parts(value)
    yield slug(value)
    if "://" in value:
        yield repository_name(value)
