// Every method of every API class of @sap-ai-sdk/ai-api, called as its documentation says.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import * as sdk from '@sap-ai-sdk/ai-api';

const called = new Set();
const methods = Object.entries(sdk).filter(([name]) => name.endsWith('Api')).flatMap(([, api]) =>
  Object.entries(api).filter(([, value]) => typeof value === 'function')
);

// api.artifactGet(id, …) sends the request and gives the answer
const api = Object.fromEntries(
  methods.map(([name, method]) => [
    name,
    async (...parameters) => {
      called.add(name);
      return method(...parameters).execute();
    }
  ])
);

async function until(look, isDone) {
  for (let i = 0; i < 600; i++) {
    const seen = await look();
    if (isDone(seen)) return seen;
    await sleep(50);
  }
  throw new Error('never done');
}

const group = { 'AI-Resource-Group': process.env.AICORE_RESOURCE_GROUP };
const none = {};
const ids = list => list.resources.map(item => item.id);

async function configure(name, executableId, key, value, artifactId) {
  const body = {
    name,
    scenarioId: 'churn',
    executableId,
    parameterBindings: [{ key, value }],
    inputArtifactBindings: artifactId ? [{ key: 'data', artifactId }] : []
  };
  return (await api.configurationCreate(body, group)).id;
}

async function artifactsAndConfigurations() {
  const labels = [{ key: 'ext.ai.sap.com/js', value: 'yes' }];
  const body = { name: 'js', kind: 'dataset', url: 'ai://default/data', scenarioId: 'churn', labels };
  const { id } = await api.artifactCreate(body, group);
  const query = { artifactLabelSelector: ['ext.ai.sap.com/js=yes'], kind: 'dataset' };
  assert.deepEqual(ids(await api.artifactQuery({ ...query, $expand: 'scenario' }, group)), [id]);
  assert.equal(await api.artifactCount(query, group), 1);
  assert.equal((await api.artifactGet(id, { $expand: 'scenario' }, group)).scenario.name, 'Churn');

  const train = await configure('surface', 'train', 'mode', 'slow', id);
  const search = { executableIds: ['train', 'serve'], $search: 'surface' };
  assert.deepEqual(ids(await api.configurationQuery(search, group)), [train]);
  assert.equal(await api.configurationCount(search, group), 1);
  assert.equal((await api.configurationGet(train, none, group)).name, 'surface');
  return train;
}

async function executions(configurationId) {
  const run = async () => (await api.executionCreate({ configurationId }, group)).id;
  const [first, second] = [await run(), await run()];
  const is = (id, status) =>
    until(() => api.executionGet(id, { $select: 'status' }, group), seen => seen.status === status);
  await is(first, 'RUNNING');
  assert.equal(await api.executionCount({ configurationId }, group), 2);
  assert.equal((await api.executionQuery({ configurationId, $top: 1 }, group)).count, 1);
  await api.kubesubmitV4ExecutionsGetLogs(first, { $top: 1, $order: 'desc' }, group);

  const metric = { name: 'loss', value: 0.5, timestamp: new Date().toISOString(), step: 1 };
  await api.metricsPatch({ executionId: first, metrics: [metric] }, group);
  const found = await api.metricsFind({ executionIds: [first], $select: ['metrics'] }, group);
  assert.equal(found.resources[0].metrics[0].value, 0.5);
  assert.equal((await api.metricsDelete({ executionId: first }, group)).id, first);

  await is(second, 'RUNNING');
  const stop = { executions: [{ id: second, targetStatus: 'STOPPED' }] };
  assert.deepEqual((await api.executionBatchModify(stop, group)).executions.map(e => e.id), [second]);
  await api.executionModify(first, { targetStatus: 'STOPPED' }, group);
  await is(first, 'STOPPED');
  assert.equal((await api.executionDelete(first, group)).id, first);
}

async function deployments() {
  const [before, after] = [
    await configure('js before', 'serve', 'greeting', 'a'),
    await configure('js after', 'serve', 'greeting', 'b')
  ];
  const { id } = await api.deploymentCreate({ configurationId: before, ttl: '1d' }, group);
  const is = status =>
    until(() => api.deploymentGet(id, none, group), seen => seen.status === status);
  await is('RUNNING');
  assert.equal(await api.deploymentCount({ scenarioId: 'churn', status: 'RUNNING' }, group), 1);
  assert.deepEqual(ids(await api.deploymentQuery({ executableIds: ['serve'] }, group)), [id]);
  await api.kubesubmitV4DeploymentsGetLogs(id, none, group);
  await api.deploymentModify(id, { configurationId: after }, group);
  await until(
    () => api.deploymentGet(id, none, group),
    seen => seen.latestRunningConfigurationId === after
  );
  const stop = { deployments: [{ id, targetStatus: 'STOPPED' }] };
  assert.deepEqual((await api.deploymentBatchModify(stop, group)).deployments.map(d => d.id), [id]);
  await is('STOPPED');
  assert.equal((await api.deploymentDelete(id, group)).id, id);
}

async function schedules(configurationId) {
  const body = { name: 'js', cron: '0 0 * * 0', configurationId };
  const { id } = await api.executionScheduleCreate(body, group);
  assert.equal((await api.executionScheduleGet(id, group)).status, 'ACTIVE');
  assert.deepEqual(ids(await api.executionScheduleQuery({ configurationId }, group)), [id]);
  await api.executionScheduleModify(id, { status: 'INACTIVE' }, group);
  assert.equal(await api.executionScheduleCount({ status: 'INACTIVE' }, group), 1);
  assert.equal((await api.executionScheduleDelete(id, group)).id, id);
}

async function scenarios() {
  assert.ok(ids(await api.scenarioQuery(group)).includes('churn'));
  assert.equal((await api.scenarioGet('churn', group)).name, 'Churn');
  assert.deepEqual(ids(await api.scenarioQueryVersions('churn', none, group)), ['1.0']);
  assert.ok((await api.scenarioQueryModels('foundation-models', group)).count > 0);
  assert.equal((await api.executableQuery('churn', { versionId: '1.0' }, group)).count, 2);
  assert.equal((await api.executableGet('churn', 'serve', group)).deployable, true);
}

async function files() {
  // anything but a Blob would be sent as JSON
  await api.fileUpload('default/js.csv', new Blob(['a,b\n']), { overwrite: true }, group);
  assert.equal(await api.fileDownload('default/js.csv', group), 'a,b\n');
  await api.fileDelete('default/js.csv', group);
}

async function git() {
  const [repository] = (await api.kubesubmitV4RepositoriesGetAll(none, none)).resources;
  const other = { name: 'js-other', url: `file://${repository.url}`, username: '', password: '' };
  await api.kubesubmitV4RepositoriesCreate(other, none);
  assert.equal((await api.kubesubmitV4RepositoriesGet('js-other', none)).url, other.url);
  await api.kubesubmitV4RepositoriesUpdate('js-other', { username: '', password: '' }, none);

  const place = { path: 'templates', revision: 'main' };
  const named = { applicationName: 'js-app', repositoryName: 'js-other', ...place };
  await api.kubesubmitV4ApplicationsCreate(named, none);
  assert.equal((await api.kubesubmitV4ApplicationsGet('js-app', none)).repositoryUrl, other.url);
  assert.equal((await api.kubesubmitV4ApplicationsGetAll({ $count: true }, none)).count, 2);
  const moved = { repositoryUrl: other.url, ...place, path: 'none' };
  await api.kubesubmitV4ApplicationsUpdate('js-app', moved, none);
  await api.kubesubmitV4ApplicationsRefresh('js-app', none);
  await api.kubesubmitV4ApplicationsGetStatus('js-app', none);
  await api.kubesubmitV4ApplicationsDelete('js-app', none);
  await api.kubesubmitV4RepositoriesDelete('js-other', none);
}

async function secrets() {
  const data = { AWS_ACCESS_KEY_ID: 'k', AWS_SECRET_ACCESS_KEY: 's' };
  const store = { name: 'js-store', type: 'S3', bucket: 'b', data };
  await api.kubesubmitV4ObjectStoreSecretsCreate(store, group);
  assert.equal((await api.kubesubmitV4ObjectStoreSecretsQuery({ $top: 1 }, group)).count, 1);
  await api.kubesubmitV4ObjectStoreSecretsGet('js-store', group);
  await api.kubesubmitV4ObjectStoreSecretsPatch('js-store', store, group);
  await api.kubesubmitV4ObjectStoreSecretsDelete('js-store', group);

  const docker = { name: 'js-docker', data: { '.dockerconfigjson': '{"auths":{}}' } };
  await api.kubesubmitV4DockerRegistrySecretsCreate(docker, none);
  assert.equal((await api.kubesubmitV4DockerRegistrySecretsQuery(none, none)).count, 1);
  await api.kubesubmitV4DockerRegistrySecretsGet('js-docker', none);
  await api.kubesubmitV4DockerRegistrySecretsPatch('js-docker', { data: docker.data }, none);
  await api.kubesubmitV4DockerRegistrySecretsDelete('js-docker', none);

  const generic = { name: 'js-secret', data: { 'my-key': 'dmFsdWU=' } };
  for (const headers of [group, { 'AI-Tenant-Scope': true, 'AI-Resource-Group': '*' }]) {
    await api.kubesubmitV4GenericSecretsCreate(generic, headers);
    assert.equal((await api.kubesubmitV4GenericSecretsGetAll(none, headers)).count, 1);
    await api.kubesubmitV4GenericSecretsGet('js-secret', headers);
    await api.kubesubmitV4GenericSecretsUpdate('js-secret', generic, headers);
    await api.kubesubmitV4GenericSecretsDelete('js-secret', headers);
  }
}

async function tenant() {
  const labels = [{ key: 'ext.ai.sap.com/js', value: 'yes' }];
  const name = 'js-group';
  await api.kubesubmitV4ResourcegroupsCreate({ resourceGroupId: name, labels }, none);
  await until(
    () => api.kubesubmitV4ResourcegroupsGet(name, none),
    seen => seen.status === 'PROVISIONED'
  );
  const query = { labelSelector: ['ext.ai.sap.com/js=yes'] };
  assert.equal((await api.kubesubmitV4ResourcegroupsGetAll(query, none)).count, 1);
  await api.kubesubmitV4ResourcegroupsPatch(name, { labels: [] }, none);
  await api.kubesubmitV4ResourcegroupsDelete(name, none);

  await api.kubesubmitV4ResourcesPatch({ resourcePlans: [{ name: 'infer.s', request: 1 }] }, none);
  assert.equal((await api.kubesubmitV4ResourcesGet(none)).resourcePlans['infer.s'].requested, 1);
  assert.ok((await api.kubesubmitV4InstanceTypesGet(none)).instanceTypes);
  for (const [quota] of methods.filter(([method]) => method.includes('ResourceQuota')))
    assert.ok((await api[quota]({ quotaOnly: false }, none)).usage);
  assert.equal((await api.kubesubmitV4AiservicesGetAll(none)).count, 0);
  await assert.rejects(api.kubesubmitV4AiservicesGet('nothing', none));
  assert.equal((await api.tenantInfoGet()).status, 'PROVISIONED');
  assert.equal((await api.metaGet()).runtimeIdentifier, 'aicore');
  const kpis = await api.kpiGet({ $select: ['ResourceGroup', 'Executions'] });
  assert.deepEqual(kpis.header, ['ResourceGroup', 'Executions']);
}

export async function callEveryMethod() {
  const train = await artifactsAndConfigurations();
  await Promise.all([
    executions(train),
    deployments(),
    schedules(train),
    scenarios(),
    files(),
    git(),
    secrets(),
    tenant()
  ]);
  assert.deepEqual(methods.map(([name]) => name).filter(name => !called.has(name)), []);
}
