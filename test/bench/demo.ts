import { makeSandbox } from '../helpers/sandbox.ts';
import { Screen } from './demo/screen.ts';
import { tellStory } from './demo/story.ts';

// npm run demo [-- <url or path>]: see README. Exit status 1 when a check fails, 130 when interrupted.

const sandbox = makeSandbox();
const screen = new Screen(process.stdout);
let stopped = false;

async function interrupted(): Promise<void> {
  if (stopped) return;
  stopped = true;
  screen.clear();
  screen.print('', 'interrupted; cleaning up');
  await sandbox.close();
  process.exit(130);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void interrupted());
// A reader that goes away (`| head`) must not leave the servers and the folder behind.
process.stdout.on('error', () => void interrupted());

try {
  process.exitCode = (await tellStory(sandbox, screen, process.argv[2])) ? 0 : 1;
} catch (error) {
  screen.clear();
  // The commands that an interrupt ends fail, which nobody wants to read.
  if (!stopped) console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
if (!stopped) await sandbox.close();
