"""The database's shape, as named steps that only ever grow; PRAGMA user_version counts them."""

from __future__ import annotations

FIRST = """
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE resource_groups (
  id TEXT PRIMARY KEY, status TEXT NOT NULL, labels TEXT NOT NULL, created_at TEXT NOT NULL
);
CREATE TABLE stand_ins (resource_group TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE repositories (
  name TEXT PRIMARY KEY, url TEXT NOT NULL, username TEXT NOT NULL, password TEXT NOT NULL
);
CREATE TABLE applications (
  name TEXT PRIMARY KEY, repository_url TEXT NOT NULL, path TEXT NOT NULL, revision TEXT NOT NULL,
  generation INTEGER NOT NULL, sync TEXT NOT NULL
);
CREATE TABLE executables (
  id TEXT PRIMARY KEY, application TEXT NOT NULL, file TEXT NOT NULL, scenario_id TEXT NOT NULL,
  version_id TEXT NOT NULL, kind TEXT NOT NULL, digest TEXT NOT NULL, summary TEXT NOT NULL,
  document TEXT NOT NULL, created_at TEXT NOT NULL, modified_at TEXT NOT NULL
);
CREATE INDEX executables_by_scenario ON executables (scenario_id);
CREATE TABLE artifacts (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, resource_group TEXT NOT NULL,
  name TEXT NOT NULL, kind TEXT NOT NULL, url TEXT NOT NULL, scenario_id TEXT NOT NULL,
  description TEXT, labels TEXT NOT NULL, execution_id TEXT, configuration_id TEXT,
  global_name TEXT, created_at TEXT NOT NULL, UNIQUE (execution_id, global_name)
);
CREATE INDEX artifacts_by_group ON artifacts (resource_group, number);
CREATE TABLE configurations (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, resource_group TEXT NOT NULL,
  name TEXT NOT NULL, scenario_id TEXT NOT NULL, executable_id TEXT NOT NULL,
  parameters TEXT NOT NULL, inputs TEXT NOT NULL, created_at TEXT NOT NULL
);
CREATE INDEX configurations_by_group ON configurations (resource_group, number);
CREATE TABLE runs (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
  resource_group TEXT NOT NULL, configuration_id TEXT NOT NULL, configuration_name TEXT NOT NULL,
  scenario_id TEXT NOT NULL, executable_id TEXT NOT NULL, status TEXT NOT NULL,
  target_status TEXT NOT NULL, message TEXT NOT NULL DEFAULT '',
  details TEXT NOT NULL DEFAULT '{}', created_at TEXT NOT NULL, modified_at TEXT NOT NULL,
  submitted_at TEXT, started_at TEXT, completed_at TEXT, token TEXT NOT NULL UNIQUE,
  job TEXT NOT NULL, revision INTEGER NOT NULL DEFAULT 1,
  last_operation TEXT NOT NULL DEFAULT 'CREATE', running_configuration_id TEXT,
  ttl TEXT, expires_at TEXT
);
CREATE INDEX runs_by_group ON runs (resource_group, kind, number);
CREATE TABLE revisions (
  deployment_id TEXT NOT NULL, revision INTEGER NOT NULL, configuration_id TEXT NOT NULL,
  PRIMARY KEY (deployment_id, revision)
);
CREATE TABLE nodes (
  run_id TEXT NOT NULL, node_id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (run_id, node_id)
);
CREATE TABLE logs (
  run_id TEXT NOT NULL, time INTEGER NOT NULL, text TEXT NOT NULL, container TEXT NOT NULL,
  pod TEXT NOT NULL, stream TEXT NOT NULL
);
CREATE INDEX logs_by_time ON logs (run_id, time);
CREATE TABLE tracked (
  execution_id TEXT PRIMARY KEY, resource_group TEXT NOT NULL, created_at TEXT NOT NULL,
  modified_at TEXT NOT NULL
);
CREATE TABLE metrics (
  number INTEGER PRIMARY KEY, execution_id TEXT NOT NULL, name TEXT NOT NULL,
  step INTEGER NOT NULL,
  labels TEXT NOT NULL, timestamp TEXT NOT NULL, value REAL NOT NULL,
  UNIQUE (execution_id, name, step, labels, timestamp)
);
CREATE TABLE remarks (
  number INTEGER PRIMARY KEY, execution_id TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
  value TEXT NOT NULL, UNIQUE (execution_id, kind, name)
);
CREATE TABLE secrets (
  kind TEXT NOT NULL, scope TEXT NOT NULL, name TEXT NOT NULL, data TEXT NOT NULL,
  labels TEXT NOT NULL, created_at TEXT NOT NULL, PRIMARY KEY (kind, scope, name)
);
CREATE TABLE destinations (
  level TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (level, name)
);
"""

SCHEDULES = """
CREATE TABLE schedules (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, resource_group TEXT NOT NULL,
  name TEXT NOT NULL, configuration_id TEXT NOT NULL, cron TEXT NOT NULL, starts_at TEXT NOT NULL,
  ends_at TEXT, status TEXT NOT NULL, created_at TEXT NOT NULL, modified_at TEXT NOT NULL
);
ALTER TABLE runs ADD COLUMN schedule_id TEXT;
"""
RESERVATIONS = """
CREATE TABLE reservations (
  plan TEXT PRIMARY KEY, requested INTEGER NOT NULL, provisioned INTEGER NOT NULL
);
ALTER TABLE secrets ADD COLUMN written INTEGER NOT NULL DEFAULT 0;
"""
OBJECTS = """
CREATE TABLE objects (
  bucket TEXT NOT NULL, key TEXT NOT NULL, file TEXT NOT NULL, size INTEGER NOT NULL,
  etag TEXT NOT NULL, modified_at TEXT NOT NULL, headers TEXT NOT NULL, PRIMARY KEY (bucket, key)
);
"""
FRONT_DOORS = """
CREATE TABLE buckets (name TEXT PRIMARY KEY);
ALTER TABLE runs ADD COLUMN own_name TEXT;
CREATE UNIQUE INDEX runs_by_own_name ON runs (resource_group, own_name);
"""
"""``own_name``: what a client calls a run, where the API lets it choose."""
THINGS = """
CREATE TABLE things (
  number INTEGER PRIMARY KEY, door TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
  body TEXT NOT NULL, UNIQUE (door, kind, name)
);
"""
BUCKETS = """
ALTER TABLE buckets ADD COLUMN made_at TEXT NOT NULL DEFAULT '';
UPDATE buckets SET made_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now');
"""

MIGRATIONS: tuple[tuple[str, str], ...] = (
    ("first tables", FIRST),
    ("execution schedules", SCHEDULES),
    ("node reservations, order of secrets", RESERVATIONS),
    ("objects of the emulator's own S3", OBJECTS),
    ("buckets that were made, names of runs that clients chose", FRONT_DOORS),
    ("what clients of further front doors have made", THINGS),
    ("when buckets were made", BUCKETS),
)
