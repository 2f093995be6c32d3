"""Images of a repository that names none: the Dockerfile that stands in, and what if none does."""

from __future__ import annotations

import json

import pytest

from tests.acceptance.conftest import Project

SERVE = """\
    apiVersion: ai.sap.com/v1alpha1
    kind: ServingTemplate
    metadata:
      name: plain-serve
      labels: {{scenarios.ai.sap.com/id: plain, ai.sap.com/version: "1.0"}}
      annotations: {{scenarios.ai.sap.com/name: Plain, executables.ai.sap.com/name: Plain}}
    spec:
      inputs: {{parameters: [{{name: greeting, type: string, default: hi}}]}}
      template:
        apiVersion: serving.kserve.io/v1beta1
        spec: |
          predictor:
            containers:
              - name: kserve-container
                image: {image}
                ports: [{{containerPort: 8080, protocol: TCP}}]
                {more}
    """
STAGE = """\
    branch: main
    aicore: {resource_group: plain-dev}
    git: {application: plain, path: templates, revision: main}
    deployments:
      - key: serve
        configuration: {name: plain-serving, scenario_id: plain, executable_id: plain-serve}
        smoke_test: {path: /v1/answer, expect: {contains: "as the image says"}}
        timeout: 60s
    """
SERVER = """\
    import http.server, os, pathlib, sys

    pathlib.Path("state").mkdir()


    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f"as {os.environ['WHO']} says {pathlib.Path.cwd()}".encode())


    http.server.ThreadingHTTPServer(("", int(sys.argv[1])), Handler).serve_forever()
    """
APPLY = ("apply", "dev", "--local", "--auto-approve")


@pytest.fixture
def project(small: Project) -> Project:
    """Only a serving template without a command, and a server in a folder."""
    for name in ("train.yaml", "serve.yaml"):
        (small.root / "templates" / name).unlink()
    small.write("templates/plain.yaml", SERVE.format(image="docker.io/acme/web:2", more=""))
    small.write("stages/dev.yaml", STAGE)
    return small


@pytest.mark.parametrize(
    ("place", "dockerfile"),
    [
        (
            "Dockerfile",
            'FROM python:3.12\nENV WHO "the image"\nWORKDIR /srv\nCOPY . .\n'
            'CMD ["python", "web/server.py", "8080"]\n',
        ),
        (
            "web/Dockerfile",
            "FROM python:3.12 AS base\nARG WHO=image\nENV WHO=the\\ ${WHO}\n"
            "FROM base\nWORKDIR /usr/src/app\nCOPY server.py ./\n# said below\n"
            "ENTRYPOINT exec python \\\n  server.py 8080\n",
        ),
        (
            "web.Dockerfile",
            "FROM python:3.12 AS build\nCOPY web /build\nFROM python:3.12-slim\r\n"
            "ENV WHO='the image' PORT=8080\r\nCOPY --from=build /build /opt/web/\r\n"
            "WORKDIR /opt/web\r\n"
            'ENTRYPOINT ["python", "server.py"]\r\nCMD ["8080"]\r\n',
        ),
    ],
)
def test_the_dockerfile_that_stands_in_says_what_runs(
    project: Project, place: str, dockerfile: str
) -> None:
    project.write("web/server.py", SERVER)
    (project.root / place).write_text(dockerfile, encoding="utf-8", newline="")
    before = sorted(project.root.glob("web/*"))
    result = project.cicd(*APPLY)
    assert result.returncode == 0, result.stdout + result.stderr
    assert sorted(project.root.glob("web/*")) == before and not (project.root / "state").exists()


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ("", "nothing stands in for image docker.io/acme/web:2 on this machine"),
        ("command: [sh]\n                envFrom: [{secretRef: {name: gone}}]", "secret gone does"),
    ],
)
def test_a_deployment_that_dies_before_it_starts_says_so_in_its_log(
    project: Project, more: str, why: str
) -> None:
    image = "alpine:3" if more else "docker.io/acme/web:2"
    project.write("templates/plain.yaml", SERVE.format(image=image, more=more))
    result = project.cicd(*APPLY)
    assert result.returncode == 1, result.stdout + result.stderr
    assert why in result.stdout + result.stderr
    [dead] = project.api("/lm/deployments", "plain-dev")["resources"]
    lines = project.api(f"/lm/deployments/{dead['id']}/logs", "plain-dev")["data"]["result"]
    assert any(why in line["msg"] for line in lines), json.dumps(lines)
