// A script as one writes it for AWS: knows nothing but the variables of `cicd emulator env`.
import assert from 'node:assert/strict';
import {
  CloudWatchLogsClient,
  DescribeLogStreamsCommand,
  GetLogEventsCommand
} from '@aws-sdk/client-cloudwatch-logs';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import * as sagemaker from '@aws-sdk/client-sagemaker';
import { InvokeEndpointCommand, SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
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
for await (const page of sagemaker.paginateListModels({ client, pageSize: 1 }, {}))
  names.push(...page.Models.map(one => one.ModelName));
assert.deepEqual(names, ['js']);

await send('DeleteEndpoint', { EndpointName: 'js' });
await sagemaker.waitUntilEndpointDeleted(waiting, { EndpointName: 'js' });
await send('DeleteEndpointConfig', { EndpointConfigName: 'js' });
await send('DeleteModel', { ModelName: 'js' });
console.log('ok');
