// A script as one writes it for AWS: knows nothing but the variables of `cicd emulator env`.
import assert from 'node:assert/strict';
import {
  CloudWatchLogsClient,
  DescribeLogStreamsCommand,
  GetLogEventsCommand
} from '@aws-sdk/client-cloudwatch-logs';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import * as sagemaker from '@aws-sdk/client-sagemaker';
import {
  InvokeEndpointAsyncCommand,
  InvokeEndpointCommand,
  InvokeEndpointWithResponseStreamCommand,
  SageMakerRuntimeClient
} from '@aws-sdk/client-sagemaker-runtime';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';

const client = new sagemaker.SageMakerClient({});
const runtime = new SageMakerRuntimeClient({});
const s3 = new S3Client({});
const logs = new CloudWatchLogsClient({});
const send = (name, input) => client.send(new sagemaker[`${name}Command`](input));
const waiting = { client, maxWaitTime: 90, minDelay: 0.1, maxDelay: 0.2 };
const RoleArn = 'arn:aws:iam::123456789012:role/trainer';

const identity = await new STSClient({}).send(new GetCallerIdentityCommand({}));
assert.equal(identity.Account, '123456789012');

// a program of this machine stands in for the image, which needs no entry then
await s3.send(new CreateBucketCommand({ Bucket: 'js-data' }));
await s3.send(new PutObjectCommand({ Bucket: 'js-data', Key: 'in/a.csv', Body: '1\n2\n' }));
const code = `
import pathlib
rows = pathlib.Path("/opt/ml/input/data/train/a.csv").read_text().split()
print("rows", len(rows), "loss=0.25;", flush=True)
folder = pathlib.Path("/opt/ml/model/code")
folder.mkdir()
(folder / "inference.py").write_text("def model_fn(f): return 2\\ndef predict_fn(d, m): return d * m")
`;
await s3.send(new PutObjectCommand({ Bucket: 'js-data', Key: 'in/code.py', Body: code }));
const source = S3Uri => ({ S3DataSource: { S3DataType: 'S3Prefix', S3Uri } });
const TrainingJobName = 'js-train';
await send('CreateTrainingJob', {
  TrainingJobName,
  RoleArn,
  AlgorithmSpecification: {
    TrainingImage: 'python:3.12',
    TrainingInputMode: 'File',
    ContainerEntrypoint: ['python3', '/opt/ml/input/data/train/code.py'],
    MetricDefinitions: [{ Name: 'loss', Regex: 'loss=([0-9.]+);' }]
  },
  InputDataConfig: [{ ChannelName: 'train', DataSource: source('s3://js-data/in/') }],
  OutputDataConfig: { S3OutputPath: 's3://js-data/out/' },
  ResourceConfig: { InstanceType: 'ml.m5.large', InstanceCount: 1, VolumeSizeInGB: 1 },
  StoppingCondition: { MaxRuntimeInSeconds: 60 }
});
await sagemaker.waitUntilTrainingJobCompletedOrStopped(waiting, { TrainingJobName });
const job = await send('DescribeTrainingJob', { TrainingJobName });
assert.equal(job.TrainingJobStatus, 'Completed', job.FailureReason);
assert.equal(job.FinalMetricDataList[0].Value, 0.25);
assert.ok(job.CreationTime instanceof Date);
const url = job.ModelArtifacts.S3ModelArtifacts;
const key = url.slice('s3://js-data/'.length);
const model = await s3.send(new GetObjectCommand({ Bucket: 'js-data', Key: key }));
assert.ok((await model.Body.transformToByteArray()).length > 0);

const logGroupName = '/aws/sagemaker/TrainingJobs';
const streams = await logs.send(
  new DescribeLogStreamsCommand({ logGroupName, logStreamNamePrefix: `${TrainingJobName}/` })
);
const { logStreamName } = streams.logStreams[0];
const found = await logs.send(
  new GetLogEventsCommand({ logGroupName, logStreamName, startFromHead: true })
);
assert.ok(found.events.some(event => event.message === 'rows 2 loss=0.25;'));

await send('CreateModel', {
  ModelName: 'js',
  ExecutionRoleArn: RoleArn,
  PrimaryContainer: { Image: 'python:3.12', ModelDataUrl: url }
});
await send('CreateModel', {
  ModelName: 'js-2',
  ExecutionRoleArn: RoleArn,
  PrimaryContainer: { Image: 'python:3.12', ModelDataUrl: url }
});
await send('CreateEndpointConfig', {
  EndpointConfigName: 'js',
  ProductionVariants: [
    { VariantName: 'All', ModelName: 'js', InstanceType: 'ml.m5.large', InitialInstanceCount: 1 }
  ]
});
await send('CreateEndpoint', { EndpointName: 'js', EndpointConfigName: 'js' });
await sagemaker.waitUntilEndpointInService(waiting, { EndpointName: 'js' });
const answer = await runtime.send(
  new InvokeEndpointCommand({ EndpointName: 'js', ContentType: 'application/json', Body: '21' })
);
assert.equal(answer.Body.transformToString(), '42');
assert.equal(answer.InvokedProductionVariant, 'All');
await assert.rejects(
  () => runtime.send(new InvokeEndpointCommand({ EndpointName: 'js', Body: 'no json' })),
  error => error.name === 'ModelError' && error.OriginalStatusCode === 415
);

// errors by their names, and lists page by page
await assert.rejects(
  () => send('DescribeModel', { ModelName: 'none' }),
  error => error.name === 'ValidationException' && error.message.startsWith('Could not find model')
);
await assert.rejects(
  () => send('CreateModel', { ModelName: 'bad_name', PrimaryContainer: { Image: 'x' } }),
  error => error.message.includes("Value 'bad_name' at 'modelName' failed to satisfy constraint")
);
const names = [];
for await (const page of sagemaker.paginateListModels({ client, pageSize: 1 }, {})) {
  assert.ok(page.Models.length <= 1);
  names.push(...page.Models.map(one => one.ModelName));
}
assert.deepEqual(names.sort(), ['js', 'js-2']);

// the other sorts of jobs
const place = { InstanceType: 'ml.m5.large', InstanceCount: 1 };
const ProcessingJobName = 'js-process';
const local = '/opt/ml/processing';
await send('CreateProcessingJob', {
  ProcessingJobName,
  RoleArn,
  ProcessingResources: { ClusterConfig: { ...place, VolumeSizeInGB: 1 } },
  AppSpecification: {
    ImageUri: 'python:3.12',
    ContainerEntrypoint: ['sh', '-c', `sort -r ${local}/in/a.csv > ${local}/out/b.csv`]
  },
  ProcessingInputs: [
    {
      InputName: 'in',
      S3Input: {
        S3Uri: 's3://js-data/in/a.csv',
        LocalPath: `${local}/in`,
        S3DataType: 'S3Prefix',
        S3InputMode: 'File'
      }
    }
  ],
  ProcessingOutputConfig: {
    Outputs: [
      {
        OutputName: 'out',
        S3Output: {
          S3Uri: 's3://js-data/processed',
          LocalPath: `${local}/out`,
          S3UploadMode: 'EndOfJob'
        }
      }
    ]
  }
});
await sagemaker.waitUntilProcessingJobCompletedOrStopped(waiting, { ProcessingJobName });
const processed = await send('DescribeProcessingJob', { ProcessingJobName });
assert.equal(processed.ProcessingJobStatus, 'Completed', processed.FailureReason);
const text = async Key => {
  const found = await s3.send(new GetObjectCommand({ Bucket: 'js-data', Key }));
  return found.Body.transformToString();
};
assert.equal(await text('processed/b.csv'), '2\n1\n');

await s3.send(new PutObjectCommand({ Bucket: 'js-data', Key: 'asked/a.json', Body: '4' }));
const TransformJobName = 'js-transform';
await send('CreateTransformJob', {
  TransformJobName,
  ModelName: 'js',
  TransformInput: { DataSource: source('s3://js-data/asked/'), ContentType: 'application/json' },
  TransformOutput: { S3OutputPath: 's3://js-data/answered' },
  TransformResources: place
});
await sagemaker.waitUntilTransformJobCompletedOrStopped(waiting, { TransformJobName });
const transformed = await send('DescribeTransformJob', { TransformJobName });
assert.equal(transformed.TransformJobStatus, 'Completed', transformed.FailureReason);
assert.equal(await text('answered/a.json.out'), '8');

const jobs = [];
for (const [kind, listed] of [
  ['Training', 'TrainingJobSummaries'],
  ['Processing', 'ProcessingJobSummaries'],
  ['Transform', 'TransformJobSummaries']
]) {
  const paginate = sagemaker[`paginateList${kind}Jobs`];
  for await (const page of paginate({ client, pageSize: 1 }, { NameContains: 'js-' }))
    jobs.push(...page[listed].map(one => one[`${kind}JobName`]));
}
assert.deepEqual(jobs, [TrainingJobName, ProcessingJobName, TransformJobName]);

// two variants whose weights move
const weights = async (...all) => {
  const DesiredWeightsAndCapacities = ['All', 'Other'].map((VariantName, n) => ({
    VariantName,
    DesiredWeight: all[n]
  }));
  const EndpointName = 'js-2';
  await send('UpdateEndpointWeightsAndCapacities', { EndpointName, DesiredWeightsAndCapacities });
  await sagemaker.waitUntilEndpointInService(waiting, { EndpointName });
  const { ProductionVariants } = await send('DescribeEndpoint', { EndpointName });
  assert.deepEqual(
    ProductionVariants.map(one => one.CurrentWeight),
    all
  );
  const asked = { EndpointName, ContentType: 'application/json', Body: '3' };
  const found = await runtime.send(new InvokeEndpointCommand(asked));
  assert.equal(found.Body.transformToString(), '6');
  return found.InvokedProductionVariant;
};
const variant = (VariantName, ModelName) => ({
  VariantName,
  ModelName,
  InstanceType: 'ml.m5.large',
  InitialInstanceCount: 1
});
const serve = async (name, config) => {
  await send('CreateEndpointConfig', { EndpointConfigName: name, ...config });
  await send('CreateEndpoint', { EndpointName: name, EndpointConfigName: name });
  await sagemaker.waitUntilEndpointInService(waiting, { EndpointName: name });
};
await serve('js-2', { ProductionVariants: [variant('All', 'js'), variant('Other', 'js-2')] });
assert.equal(await weights(0, 1), 'Other');
assert.equal(await weights(1, 0), 'All');

// answers that nobody waits for
await serve('js-later', {
  ProductionVariants: [variant('All', 'js')],
  AsyncInferenceConfig: { OutputConfig: { S3OutputPath: 's3://js-data/later' } }
});
const later = await runtime.send(
  new InvokeEndpointAsyncCommand({
    EndpointName: 'js-later',
    ContentType: 'application/json',
    InputLocation: 's3://js-data/asked/a.json'
  })
);
const kept = later.OutputLocation.slice('s3://js-data/'.length);
for (let tries = 0; ; tries++) {
  try {
    assert.equal(await text(kept), '8');
    break;
  } catch (error) {
    if (error.name !== 'NoSuchKey' || tries > 300) throw error;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}
const streamed = await runtime.send(
  new InvokeEndpointWithResponseStreamCommand({
    EndpointName: 'js',
    ContentType: 'application/json',
    Body: '5'
  })
);
let whole = '';
for await (const { PayloadPart } of streamed.Body) whole += Buffer.from(PayloadPart.Bytes);
assert.equal(whole, '10');

// what belongs to whom
const { ModelArn } = await send('DescribeModel', { ModelName: 'js-2' });
const Tags = [
  { Key: 'team', Value: 'grüße' },
  { Key: 'stage', Value: 'dev' }
];
await send('AddTags', { ResourceArn: ModelArn, Tags });
await send('DeleteTags', { ResourceArn: ModelArn, TagKeys: ['stage'] });
const tags = [];
for await (const page of sagemaker.paginateListTags({ client }, { ResourceArn: ModelArn }))
  tags.push(...page.Tags);
assert.deepEqual(tags, Tags.slice(0, 1));
const results = [];
const SearchExpression = {
  Filters: [{ Name: 'Tags.team', Operator: 'Equals', Value: 'grüße' }]
};
for await (const page of sagemaker.paginateSearch(
  { client, pageSize: 1 },
  { Resource: 'Model', SearchExpression }
))
  results.push(...page.Results.map(one => one.Model.Model.ModelName));
assert.deepEqual(results, ['js-2']);

for (const name of ['js-2', 'js-later']) {
  await send('DeleteEndpoint', { EndpointName: name });
  await sagemaker.waitUntilEndpointDeleted(waiting, { EndpointName: name });
  await send('DeleteEndpointConfig', { EndpointConfigName: name });
}
await send('DeleteModel', { ModelName: 'js-2' });
await send('DeleteProcessingJob', { ProcessingJobName });
await send('DeleteTrainingJob', { TrainingJobName });

await send('DeleteEndpoint', { EndpointName: 'js' });
await sagemaker.waitUntilEndpointDeleted(waiting, { EndpointName: 'js' });
await send('DeleteEndpointConfig', { EndpointConfigName: 'js' });
await send('DeleteModel', { ModelName: 'js' });
console.log('ok');
