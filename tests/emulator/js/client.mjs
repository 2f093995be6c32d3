// A script as one writes it for AI Core: knows nothing but the variables of `cicd emulator env`.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ArtifactApi,
  ConfigurationApi,
  DeploymentApi,
  ExecutionApi,
  ScenarioApi
} from '@sap-ai-sdk/ai-api';
import { callEveryMethod } from './surface.mjs';

const group = { 'AI-Resource-Group': process.env.AICORE_RESOURCE_GROUP };

async function until(look, ...statuses) {
  for (let i = 0; i < 600; i++) {
    const seen = await look();
    if (statuses.includes(seen.status)) return seen;
    await sleep(50);
  }
  throw new Error(`never ${statuses}`);
}

const scenarios = await ScenarioApi.scenarioQuery(group).execute();
assert.ok(scenarios.resources.some(s => s.id === 'churn'));

const artifact = await ArtifactApi.artifactCreate(
  { name: 'data', kind: 'dataset', url: 'ai://default/data', scenarioId: 'churn' },
  group
).execute();

const configuration = async (name, executableId, parameters, inputs) =>
  (
    await ConfigurationApi.configurationCreate(
      {
        name,
        scenarioId: 'churn',
        executableId,
        parameterBindings: Object.entries(parameters).map(([key, value]) => ({ key, value })),
        inputArtifactBindings: Object.entries(inputs).map(([key, artifactId]) => ({ key, artifactId }))
      },
      group
    ).execute()
  ).id;

// train
const train = await configuration('js', 'train', { mode: 'quick' }, { data: artifact.id });
const started = await ExecutionApi.executionCreate({ configurationId: train }, group).execute();
assert.equal(started.status, 'UNKNOWN');
const getExecution = id => () => ExecutionApi.executionGet(id, {}, group).execute();
const done = await until(getExecution(started.id), 'COMPLETED', 'DEAD');
assert.equal(done.status, 'COMPLETED', JSON.stringify(done));
assert.equal(done.outputArtifacts[0].url, `ai://default/${started.id}/model`);

const logs = await ExecutionApi.kubesubmitV4ExecutionsGetLogs(started.id, {}, group).execute();
assert.ok(logs.data.result.some(item => item.msg.includes('mode quick')), JSON.stringify(logs));

// stop and delete
const slow = await configuration('js slow', 'train', { mode: 'slow' }, { data: artifact.id });
const hanging = await ExecutionApi.executionCreate({ configurationId: slow }, group).execute();
await until(getExecution(hanging.id), 'RUNNING');
await ExecutionApi.executionModify(hanging.id, { targetStatus: 'STOPPED' }, group).execute();
await until(getExecution(hanging.id), 'STOPPED');
await ExecutionApi.executionDelete(hanging.id, group).execute();

// the list, and an error in AI Core's form
const listed = await ExecutionApi.executionQuery({ status: 'COMPLETED' }, group).execute();
assert.deepEqual(listed.resources.map(e => e.id), [started.id]);
await assert.rejects(
  () => DeploymentApi.deploymentGet('d000', {}, group).execute(),
  error => error.cause?.response?.status === 404
);

await callEveryMethod();
console.log('ok');
