"""``cicd init``: a new project that works at once. What it writes lies in ``cicd/scaffold``,
in a folder for each platform.

Files of the scaffold are copied as they are, but for markers such as ``@NAME@`` (see ``markers``)
and the ending ``.in``, which keeps programs of the project from being taken for ours.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import click

from cicd.automation.files import write_file
from cicd.automation.git import find_top, origin_url
from cicd.cli.console import is_interactive, print_result
from cicd.cli.help import examples
from cicd.scaffold.workflows import FOLDER as WORKFLOWS
from cicd.scaffold.workflows import in_folder, slug_of
from cicd.cli.options import consent_option
from cicd.config.formats import slug
from cicd.config.remotes import https_url
from cicd.errors import CicdError, Refused, Usage
from cicd.platforms.aicore.dialect import formats
from cicd.version import __version__
from cicd.words import count

BRANCHES = {"dev": "main", "tst": "tst", "prd": "prd"}
STAGES = tuple(BRANCHES)
NAME = "house-prices"
REPOSITORY = "https://github.com/your-org/your-repo"
T = TypeVar("T")
GO_ON = "is it a folder, writable, with space left? Run it again then: it goes on where it ended"

# as a scenario id 4 at least; as an application, with the stage behind it, 50 at most
_NAME = re.compile(r"[a-z][a-z0-9-]{2,48}[a-z0-9]")
_WORDS_OF_YAML = {"true", "false", "null"}
_REPOSITORY = re.compile(r"https?://[A-Za-z0-9.:-]+/[A-Za-z0-9._~/%-]*[A-Za-z0-9_/-]")
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*/[A-Za-z0-9._:@/-]*[A-Za-z0-9]")
_NOT_IN_TITLES = set('{}<>$@"\\`')


@dataclass(frozen=True)
class Answers:
    """All that a new project is made from. ``group``: its resource groups are GROUP-STAGE;
    ``project``: its folder in the repository that it becomes a part of, empty for the top."""

    title: str
    name: str
    repository: str
    image: str
    group: str
    stages: tuple[str, ...]
    project: str = ""


@click.command(
    "init",
    epilog=examples("cicd init", "cicd init churn --repository https://github.com/org/churn --yes"),
)
@click.argument(
    "folder", metavar="[DIR]", default=".", type=click.Path(file_okay=False, path_type=Path)
)
@click.option(
    "--name",
    help=f"Name of the project and its scenario.  [default: {NAME}, in a repository its folder's]",
)
@click.option("--repository", metavar="URL", help="Git repository that AI Core syncs from.")
@click.option("--image", help="Container image.  [default: docker.io/your-org/NAME:1.0]")
@click.option("--resource-group", metavar="PREFIX", help="Before -dev and so on.  [default: NAME]")
@click.option("--stages", metavar="LIST", help=f"Some of {', '.join(STAGES)}.  [default: all]")
@consent_option(help="Ask nothing; what is not given has its default.")
@click.option("--keep", is_flag=True, help="Leave files that differ as they are, write the rest.")
@click.option("--force", is_flag=True, help="Overwrite files that differ.")
def command(
    folder: Path,
    name: str | None,
    repository: str | None,
    image: str | None,
    resource_group: str | None,
    stages: str | None,
    yes: bool,
    keep: bool,
    force: bool,
) -> None:
    """Write a project into DIR: stages, templates, workflows, a README.

    Asks on a terminal; Enter takes the default. Ends with 5, and writes nothing, when a file is
    already there and differs.
    """
    if keep and force:
        raise Usage("--keep and --force exclude each other", hint="give one of them")
    ask = _asked if is_interactive() and not yes else _taken
    project = _project(folder)
    title, slug = ask("Name of the project", name, _default_name(project), check_name)
    answers = Answers(
        title=title,
        name=slug,
        repository=ask("Git repository", repository, _remote(folder), check_repository),
        image=_taken("", image, f"docker.io/your-org/{slug}:1.0", check_image),
        group=ask("Resource groups start with", resource_group, slug, check_group),
        stages=ask("Stages", stages, " ".join(STAGES), check_stages),
        project=project,
    )
    root, texts = folder, project_files(answers)
    if answers.project:
        root, texts = _repository_around(folder) or folder, in_folder(texts, answers.project)
    written = write_project(root, texts, keep=keep, force=force)
    print_result(told(written, root, answers.project))
    if written and name is None and ask is _taken:
        place = "" if folder.resolve() == Path.cwd() else f" {shlex.quote(str(folder))}"
        print_result(f"its name is {slug}; another one: cicd init{place} --name NAME --force")
    print_result(next_steps(folder, answers.stages[0]))


def _taken(question: str, given: str | None, default: str, check: Callable[[str], T]) -> T:
    """The option, else the default. Raises Usage."""
    return check(default if given is None else given)


def _asked(question: str, given: str | None, default: str, check: Callable[[str], T]) -> T:
    """The option, else what is typed; asks again until it will do."""

    def checked(text: str) -> T:
        try:
            return check(text)
        except Usage as error:
            raise click.UsageError(str(error)) from error

    if given is not None:
        return check(given)
    answer: T = click.prompt(question, default=default, value_proc=checked)
    return answer


def check_name(text: str) -> tuple[str, str]:
    """The title and the name (ids on AI Core are made from it) of a project. Raises Usage.

    A title in another script has a name all the same: one made from its letters, else its digest.
    """
    title = " ".join(text.split())
    if not title or len(title) > 200 or not title.isprintable() or _NOT_IN_TITLES & set(title):
        signs = " ".join(sorted(_NOT_IN_TITLES))
        raise Usage(
            f"the name {text[:50]!r} cannot be used",
            hint=f"up to 200 printable characters, none of {signs}",
        )
    name = slug(title)
    if not title.isascii() and not _NAME.fullmatch(name):
        name = f"project-{hashlib.sha256(title.encode()).hexdigest()[:8]}"
    if not _NAME.fullmatch(name) or name in _WORDS_OF_YAML:
        raise Usage(
            f'"{name}", made from the name {text[:50]!r}, cannot be a scenario id',
            hint="4 to 50 letters, digits and hyphens, a letter first; not a word such as true",
        )
    return (name.replace("-", " ").capitalize() if title == name else title), name


def check_repository(text: str) -> str:
    """A Git URL as AI Core takes it; one for SSH becomes the one for HTTPS. Raises Usage."""
    text = https_url(text.strip())
    if "@" in urlsplit(text).netloc:
        raise Usage(
            "the repository URL holds a credential",
            hint="leave it out; git.username and git.password in stages/base.yaml take ${env.NAME}",
        )
    if not _REPOSITORY.fullmatch(text) or len(text) > 1024:
        raise Usage(
            f"{text[:80]!r} is not the URL of a Git repository",
            hint="like https://github.com/org/repo",
        )
    return text


def check_image(text: str) -> str:
    """A container image with its registry. Raises Usage."""
    if not _IMAGE.fullmatch(text) or len(text) > 300:
        raise Usage(f"{text[:80]!r} is not an image", hint="like docker.io/your-org/name:1.0")
    return text


def check_group(text: str) -> str:
    """What resource groups start with. Raises Usage."""
    longest = max(STAGES, key=len)
    if not re.fullmatch(formats.RESOURCE_GROUP, f"{text}-{longest}"):
        raise Usage(
            f"{text[:50]!r} cannot start the name of a resource group",
            hint="letters, digits, dots and hyphens, a letter or digit first, up to 249",
        )
    return text


def check_stages(text: str) -> tuple[str, ...]:
    """Names of stages, in their own order. Raises Usage."""
    names = set(re.split(r"[\s,]+", text.strip(" ,")))
    if not names <= set(STAGES):
        raise Usage(
            f"{text[:50]!r} are not stages to begin with",
            hint=f"some of {' '.join(STAGES)}; a stage of another name is a copy of its file",
        )
    return tuple(stage for stage in STAGES if stage in names)


def _remote(folder: Path) -> str:
    """The repository that ``folder`` is a clone of, without any login, else an example."""
    existing = next(path for path in _around(folder) if path.is_dir())
    try:
        return check_repository(origin_url(existing, os.environ))
    except CicdError:
        return REPOSITORY


def project_files(answers: Answers) -> dict[str, str]:
    """Path -> text of every file of a new project."""
    from cicd.config.json_schema import schema_of
    from cicd.platforms.registry import DIALECTS

    platform = next(iter(DIALECTS))  # that of stage files which name none
    skipped = {f"stages/{stage}.yaml" for stage in STAGES if stage not in answers.stages}
    values = markers(answers)
    texts = {
        path.removesuffix(".in"): render(text, values)
        for path, text in _texts(files("cicd") / "scaffold" / platform, "")
        if path not in skipped
    }
    schema = json.dumps(schema_of(DIALECTS), indent=2, ensure_ascii=False)
    return {**texts, "config.schema.json": f"{schema}\n"}


def _texts(folder: Traversable, path: str) -> Iterator[tuple[str, str]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _texts(entry, f"{path}{entry.name}/")
        else:
            yield f"{path}{entry.name}", entry.read_text(encoding="utf-8")


def markers(answers: Answers) -> dict[str, str]:
    """What stands for ``@MARKER@`` in the scaffold."""
    is_plain = re.fullmatch(r"[A-Za-z]\w*( \w+)+", answers.title, re.ASCII)
    title = answers.title if is_plain else json.dumps(answers.title, ensure_ascii=False)
    return {
        "NAME": answers.name,
        "TITLE": answers.title,
        "YAML_TITLE": title,
        # names of artifacts are ASCII
        "WORDS": answers.name.replace("-", " ").capitalize(),
        "DESTINATION": answers.name.replace("-", "_").upper(),
        "REPOSITORY": answers.repository,
        "IMAGE": answers.image,
        "IMAGE_NAME": re.sub(r":[^/:]*$", "", answers.image.partition("@")[0]),
        "GROUP": answers.group,
        "STAGE": answers.stages[0],
        "ENVIRONMENT": f"{slug_of(answers.project)}-{answers.stages[0]}".lstrip("-"),
        "STAGES": ", ".join(f"`{stage}`" for stage in answers.stages),
        "BRANCHES": ", ".join(f"`{BRANCHES[stage]}` is {stage}" for stage in answers.stages),
        "VERSION": __version__,
    }


def render(text: str, values: Mapping[str, str]) -> str:
    """``text`` with its markers replaced; any other ``@WORD@`` stays."""
    return re.sub(r"@([A-Z_]+)@", lambda found: values.get(found[1], found[0]), text)


def told(written: Sequence[str], root: Path, project: str) -> str:
    """How many files were written, and where: of a project in a subfolder some are at the top."""
    above = sum(path.startswith(f"{WORKFLOWS}/") for path in written) if project else 0
    parts = [(len(written) - above, root / project), (above, root / WORKFLOWS)]
    places = [f"{count(n, 'file')} to {os.path.relpath(place)}" for n, place in parts if n]
    return f"wrote {' and '.join(places)}" if places else "nothing to do"


def write_project(
    root: Path, texts: Mapping[str, str], *, keep: bool, force: bool
) -> Sequence[str]:
    """Write what is missing; the paths of these files. Raises Refused before the first is written.

    Every file is written whole or not at all, so a run that ends halfway can be repeated.
    """
    states = {path: _state(root / path, text) for path, text in texts.items()}
    differing = [path for path, state in states.items() if state == "differs"]
    if differing and not keep and not force:
        raise Refused(
            f"already there and different: {', '.join(differing)}",
            hint="nothing was written; --keep leaves them as they are, --force overwrites them",
        )
    wanted = {"missing", "differs"} if force else {"missing"}
    chosen = [path for path, state in states.items() if state in wanted]
    for path in chosen:
        _write(root / path, texts[path])
    return chosen


def _state(file: Path, text: str) -> str:
    """``missing``, ``equal`` or ``differs``; a folder or a dead link in its place differs."""
    try:
        return "equal" if file.read_text(encoding="utf-8") == text else "differs"
    except (FileNotFoundError, NotADirectoryError):
        return "differs" if file.is_symlink() else "missing"
    except (OSError, UnicodeDecodeError):
        return "differs"


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_file(file, text)
    except OSError as error:
        raise CicdError(f"cannot make {file.parent}: {error.strerror}", hint=GO_ON) from error
    except CicdError as error:
        raise CicdError(error.message, hint=GO_ON) from error


def next_steps(folder: Path, stage: str) -> str:
    """The commands to go on with, ready to be pasted."""
    steps = [] if folder.resolve() == Path.cwd() else [f"cd {shlex.quote(str(folder))}"]
    top = _repository_around(folder)
    if top is None:
        steps.append("git init -b main")
    elif top != folder.resolve():
        steps.append(f"# a part of {top}: its workflows are there, in .github/workflows")
        steps.append("# a repository of its own? Then git init -b main, and init again")
    steps += [
        f"cicd apply {stage} --local    # try it here, no account needed",
        f"cicd plan {stage}             # on SAP AI Core: README.md says how to log in",
    ]
    return "\n".join(["", "Next:", *(f"  {step}" for step in steps)])


def _repository_around(folder: Path) -> Path | None:
    return find_top(next(path for path in _around(folder) if path.is_dir()))


def _around(folder: Path) -> tuple[Path, ...]:
    here = folder.resolve()
    return (here, *here.parents)


def _default_name(project: str) -> str:
    """A name that no project in another folder gets: what it is for makes things on AI Core."""
    if not project:
        return NAME
    name = slug(project)
    digest = hashlib.sha256(project.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    is_good = _NAME.fullmatch(name) and name not in _WORDS_OF_YAML
    return name if is_good else f"project-{digest}"


def _project(folder: Path) -> str:
    """The folder as its repository knows it; empty for its top, and where there is none."""
    top, here = _repository_around(folder), folder.resolve()
    return "" if top in {None, here} else here.relative_to(top or here).as_posix()
