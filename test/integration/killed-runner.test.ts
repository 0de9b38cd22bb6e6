import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { untilNothing } from '../helpers/bystanders.ts';
import { makeSandbox, type Sandbox } from '../helpers/sandbox.ts';

// What broke: a gam serve of a test whose runner was killed went on listening for hours, one for each such run.

const HELPER = pathToFileURL(fileURLToPath(new URL('../helpers/child.ts', import.meta.url))).href;

const RUNNER = `
import { startChild } from ${JSON.stringify(HELPER)};
const options = { cwd: '.', env: process.env };
await startChild('true', [], options).ended;
startChild('sleep', ['600'], options);
startChild('sleep', ['601'], options);
console.log('started');
`;

let sandbox: Sandbox;

beforeAll(() => {
  sandbox = makeSandbox();
});

afterAll(() => sandbox.close());

test.runIf(process.platform === 'linux')('nothing that a runner has started outlives it', async () => {
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  const runner = sandbox.start('node', ['--import', 'tsx', '--input-type=module', '-e', RUNNER], { cwd });
  await runner.saw('stdout', /started/);
  const sleeping = () => sandbox.living().filter(({ command }) => command.startsWith('sleep '));
  expect(await untilNothing(() => (sleeping().length === 2 ? [] : [sleeping()]))).toEqual([]);
  runner.child.kill('SIGKILL');
  await runner.ended;
  expect(await untilNothing(sleeping)).toEqual([]);
});
